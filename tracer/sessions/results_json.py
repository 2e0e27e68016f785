"""The MLCommons runner's ``results.json``: laps and vectors of each window, as far as the file goes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tracer.errors import SessionError, told_unreadable
from tracer.figure_text import counted
from tracer.given_files import read_text_file
from tracer.sessions.session import Evidence, Kind, Lap, SessionWindow

LARGEST = 32 << 20
"""Bytes of a file that is read whole; that of an energy session holds each sample of the current."""

_SAMPLE_S = 1e-3
_UJ_A_JOULE = 1e6

_MODES: dict[str, Kind] = {"p": "performance", "a": "accuracy", "e": "energy"}


def read_entries(path: Path) -> tuple[list[dict[str, Any]], str | None]:
    """
    The entries that stand whole in the file, and a note where that is not all of it.

    Raises:
        SessionError: if the file cannot be read.
    """
    with told_unreadable(SessionError, path, "name a session's folder or its log"):
        if path.stat().st_size > LARGEST:
            return [], f"{path.name} is larger than {LARGEST >> 20} MiB and is not read: no laps from it"
        text = read_text_file(path, errors="replace")
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    at = text.find("[") + 1
    while at and at < len(text):
        while at < len(text) and text[at] in ", \r\n\t":
            at += 1
        if text[at : at + 1] == "]":
            return found, None
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if isinstance(entry, dict):
            found.append(entry)
    return found, f"{path.name} is cut or damaged: {counted(len(found), 'whole entry', 'whole entries')} can be used"


def windows_of(entries: list[dict[str, Any]], name: str, keep: int) -> list[SessionWindow]:
    """Windows of the entries that hold an inference, numbered from 1; an entry of an error holds none."""
    found: list[SessionWindow] = []
    for entry in entries:
        infer = entry.get("infer")
        if isinstance(infer, dict) and len(found) < keep:
            found.append(_window(len(found) + 1, entry, infer, name))
    return found


def kind_of(entries: list[dict[str, Any]]) -> Kind | None:
    """What the entries say that the session was."""
    return next((_MODES[entry["mode"]] for entry in entries if entry.get("mode") in ("p", "a", "e")), None)


def with_laps(windows: tuple[SessionWindow, ...], exact: list[SessionWindow]) -> tuple[SessionWindow, ...]:
    """The log's windows with the laps and vectors that the entry of the same number and input has."""
    by_number = {window.number: window for window in exact}
    joined = []
    for window in windows:
        other = by_number.get(window.number)
        if other is None or (window.input_name and other.input_name != window.input_name):
            joined.append(window)
            continue
        joined.append(
            replace(
                window,
                laps=other.laps,
                energy_uj=other.energy_uj,
                sampled_us=other.sampled_us,
                input_name=window.input_name or other.input_name,
                probabilities=other.probabilities or window.probabilities,
                inferences=other.inferences if window.inferences is None else window.inferences,
                warmups=other.warmups if window.warmups is None else window.warmups,
            )
        )
    return tuple(joined)


def other_session(windows: Sequence[SessionWindow], exact: Sequence[SessionWindow], *, whole: bool) -> str | None:
    """
    How the entries' windows are not the log's, in words; None where they are.

    ``whole`` is whether both are there to their ends. A log's lengths are rounded to 1 ms.
    """
    if whole and len(windows) != len(exact):
        return f"it has {counted(len(exact), 'window')}, the log {len(windows)}"
    for one, other in zip(windows, exact, strict=False):
        lengths = (one.runtime_us, other.elapsed_us)
        far = None not in lengths and abs((lengths[0] or 0.0) - (lengths[1] or 0.0)) > one.slack_us + 100.0
        pairs = (
            ("has another input", one.input_name, other.input_name),
            ("has another number of inferences", one.inferences, other.inferences),
            ("has other results", one.probabilities or None, other.probabilities),
        )
        found = [what for what, mine, theirs in pairs if None not in (mine, theirs) and mine != theirs]
        if found or (far and one.complete):
            return f"window {one.number} {(found or ['lasted another time'])[0]} in it than in the log"
    return None


def marks_of(windows: Iterable[SessionWindow]) -> tuple[Lap, ...]:
    """The laps in their order; the host printed a window's results right after its last lap."""
    marks: list[Lap] = []
    for window in windows:
        *firsts, last = window.laps or (None,)
        marks += [lap for lap in firsts if lap is not None]
        if last is not None:
            marks.append(replace(last, host_s=window.told_s))
    return tuple(marks)


def _window(number: int, entry: dict[str, Any], infer: dict[str, Any], name: str) -> SessionWindow:
    evidence = Evidence(
        name, 1, f"entry {number}: start_time {infer.get('start_time')}, end_time {infer.get('end_time')}"
    )
    laps = [infer[key] for key in ("start_time", "end_time") if isinstance(infer.get(key), int)]
    results = infer.get("results")
    vector = results if isinstance(results, list) and all(isinstance(one, int | float) for one in results) else None
    elapsed = infer.get("elapsed_time")
    energy_uj, length_us = _power(entry.get("power"))
    return SessionWindow(
        number=number,
        input_name=_text(entry.get("file")),
        inferences=_count(infer.get("iterations")),
        warmups=_count(infer.get("warmups")),
        laps=tuple(Lap(us, None, evidence, number) for us in laps),
        runtime_us=float(elapsed) if isinstance(elapsed, int | float) else length_us,
        energy_uj=energy_uj,
        sampled_us=length_us,
        probabilities=tuple(float(one) for one in vector) if vector else None,
        evidence=(evidence,),
    )


def _power(told: object) -> tuple[float | None, float | None]:
    """
    Energy in microjoules and length in microseconds of a window by the monitor: joules a millisecond.

    ``timestamps`` are pairs of a label and the sample before which a pulse came; the window's are the last two,
    as the runner takes them: that of the DUT's start may be before them.
    """
    samples = told.get("samples") if isinstance(told, dict) else None
    stamps = told.get("timestamps") if isinstance(told, dict) else None
    if not isinstance(samples, list) or not isinstance(stamps, list) or len(stamps) < 2:
        return None, None
    ends = [one[1] for one in stamps[-2:] if isinstance(one, list) and len(one) == 2 and type(one[1]) is int]
    if len(ends) != 2 or not 0 <= ends[0] < ends[1] <= len(samples):
        return None, None
    within = samples[ends[0] : ends[1]]
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in within):
        return None, None
    return _UJ_A_JOULE * math.fsum(within), 1e6 * _SAMPLE_S * (ends[1] - ends[0])


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
