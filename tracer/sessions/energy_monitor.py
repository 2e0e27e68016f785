"""What energyrunner's energy monitor left beside a log: when windows began and ended, and the energy of each."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tracer.errors import SessionError
from tracer.figure_text import counted
from tracer.given_json import read_json
from tracer.sessions.energy_samples import read_samples
from tracer.sessions.session import Evidence, Irregularity, Session

_STAMPS, _SAMPLES = "*timestamps.json", "*energy.bin"


def with_monitor(session: Session, folder: Path) -> Session:
    """
    The session with its windows' lengths and energies by the monitor, as the runner takes them.

    Laps that a log has all the same, from a DUT that prints them, stay among the session's marks.

    The DUT marks its start by a pulse on a pin, then the begin and the end of each window: 1 + 2 a window. Where the
    file has another count, which pulse is lost is not known, and no window is made of them. What could not be used,
    and why, stands in ``no_lengths`` and ``no_energy``.
    """
    if session.kind != "energy" or session.host != "energyrunner" or not session.windows:
        return session
    stamps, why = _stamps(folder)
    if stamps is None:
        return _as_printed(replace(session, no_lengths=why, no_energy=why))
    path, times_s = stamps
    named = replace(session, files=(*session.files, path.name))
    if not session.complete:
        # The log was cut, what it tells of are the first windows.
        times_s = times_s[: 1 + 2 * len(session.windows)]
    if len(times_s) != 1 + 2 * len(session.windows):
        return _with_lost_stamps(named, path, times_s)
    pairs = list(zip(times_s[1::2], times_s[2::2], strict=True))
    timed = tuple(
        replace(window, laps=(), runtime_us=float(round(1e6 * (end - begin))))
        for window, (begin, end) in zip(session.windows, pairs, strict=True)
    )
    note = f"windows are as long as the energy monitor's {path.name} says, to 1 ms"
    named = replace(named, windows=timed, notes=(*session.notes, note))
    return _with_energy(named, folder, pairs)


def _with_energy(session: Session, folder: Path, pairs: list[tuple[float, float]]) -> Session:
    path, why = _only(folder, _SAMPLES)
    if path is None:
        return replace(session, no_energy=why)
    try:
        samples = read_samples(path)
    except SessionError as error:
        return replace(session, no_energy=str(error))
    taken = zip(session.windows, samples.between(pairs), strict=True)
    windows = tuple(replace(one, energy_uj=uj, sampled_us=length_us) for one, (uj, length_us) in taken)
    notes = (f"{path.name} ends within a sample, which is not used",) if samples.cut else ()
    beyond = [one.number for one in windows if one.energy_uj is None]
    lacking = f"{path.name} has no samples of {counted(len(beyond), 'window')}" if beyond else None
    files = (*session.files, path.name)
    return replace(session, windows=windows, no_energy=lacking, notes=(*session.notes, *notes), files=files)


def _as_printed(session: Session) -> Session:
    """Windows as long as was printed of them, where each has its length printed."""
    lengths_us = {one.window: 1e6 * float(one.text) for one in session.printed if one.name == "runtime_s"}
    known = all(0 < one < math.inf for one in lengths_us.values())
    if (
        not known
        or set(lengths_us) != {one.number for one in session.windows}
        or any(one.laps for one in session.windows)
    ):
        return session
    timed = tuple(replace(one, runtime_us=lengths_us[one.number], slack_us=500.0) for one in session.windows)
    return replace(session, windows=timed, notes=(*session.notes, "windows are as long as was printed of them"))


def _with_lost_stamps(session: Session, path: Path, times_s: list[float]) -> Session:
    """No lengths: of which window a pulse is lost is not known."""
    wanted = 1 + 2 * len(session.windows)
    told = f"{path.name} has {counted(len(times_s), 'timestamp')} where {wanted} would be those of the windows"
    lost = Irregularity("stamps", told, None, (Evidence(path.name, 1, str(times_s)[:200]),))
    return replace(session, no_lengths=told, no_energy=told, irregular=(*session.irregular, lost))


def _stamps(folder: Path) -> tuple[tuple[Path, list[float]] | None, str]:
    path, why = _only(folder, _STAMPS)
    if path is None:
        return None, why
    try:
        return (path, _read(path)), ""
    except SessionError as error:
        return None, str(error)


def _only(folder: Path, pattern: str) -> tuple[Path | None, str]:
    files = sorted(one for one in folder.glob(pattern) if not one.name.startswith("._"))
    if len(files) == 1:
        return files[0], ""
    return None, f"{len(files) or 'no'} {pattern} {'is' if not files else 'are'} beside the log"


def _read(path: Path) -> list[float]:
    try:
        told: Any = read_json(path)
    except (OSError, ValueError) as error:
        raise SessionError(path, f"it cannot be read ({error})", "leave it out, or copy it anew") from None
    numbers = isinstance(told, list) and all(type(one) in (int, float) for one in told)
    if not numbers or not all(0 <= earlier <= later < 1e9 for earlier, later in pairwise([0, *told])):
        raise SessionError(path, "it is no list of rising times", "leave it out, or copy it anew")
    return [float(one) for one in told]
