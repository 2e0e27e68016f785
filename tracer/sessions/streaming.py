"""Streaming wakeword (``sww``): a recording is played to the DUT, which tells its detections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from tracer.sessions.session import Evidence, Streaming, StreamingCounts

MODEL = "sww01"

GRACE_S = 2.0
"""A detection counts for a word until so long after its end, twice the runner's delay of 1 s, as it adds it."""

DEBOUNCE_MS = 1000
"""A false positive hides those that follow it so closely."""

_COUNTS = re.compile(r"Accuracy: (\d+) True positives, (\d+) False negatives, (\d+) False positives$")
_LISTS = re.compile(r"False (negatives|positives): \[([^\]]*)\]$")
_FIGURES = {
    "duty_cycle": re.compile(r"Average duty cycle: (\d+\.\d+)$"),
    "period_s": re.compile(r"Average period: (\d+\.\d+) s$"),
    "rate_hz": re.compile(r"Estimated throughput: (\d+\.\d+) inf\./sec\.$"),
}


class StreamingLines:
    """Takes line after line of the MLCommons runner, gives what it printed of a streaming session."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._figures: dict[str, float] = {}
        self._evidence: list[Evidence] = []

    def take(self, text: str, evidence: Evidence) -> bool:
        """Whether the line tells something new of such a session."""
        known = len(self._counts) + len(self._figures)
        if counts := _COUNTS.match(text):
            names = ("true_positives", "false_negatives", "false_positives")
            self._counts.update(zip(names, map(int, counts.groups()), strict=True))
        elif listed := _LISTS.match(text):
            self._counts[f"listed_{listed[1]}"] = len(re.findall(r"\d+(?:\.\d+)?", listed[2]))
        else:
            self._figures.update(
                {name: float(row[1]) for name, form in _FIGURES.items() if (row := form.match(text))}
            )
        found = len(self._counts) + len(self._figures) > known
        if found:
            self._evidence.append(evidence)
        return found

    def streaming(self, model: str | None) -> Streaming | None:
        """What was printed; None for a session of another benchmark."""
        if not self._evidence and model != MODEL:
            return None
        told, figures = self._counts.get, self._figures.get
        return Streaming(
            told("true_positives"),
            told("false_negatives"),
            told("false_positives"),
            told("listed_negatives"),
            told("listed_positives"),
            figures("duty_cycle"),
            figures("period_s"),
            figures("rate_hz"),
            tuple(self._evidence),
        )


def counts_of(entries: Iterable[Mapping[str, Any]], energy_uj: float | None) -> StreamingCounts | None:
    """What the one entry of a streaming session's ``results.json`` gives; None where there is none."""
    entry = next((one for one in entries if isinstance(one.get("infer"), dict)), None)
    if entry is None:
        return None
    true, missed, false = _detected(entry["infer"].get("detections"), entry["infer"].get("detection_windows"))
    pulses = entry.get("dutycycle")
    duty_cycle, period_s, processing_s = _timed(pulses if isinstance(pulses, dict) else {})
    return StreamingCounts(true, missed, false, duty_cycle, period_s, processing_s, energy_uj)


def _detected(detections: object, words: object) -> tuple[int, int, int] | tuple[None, None, None]:
    """
    True positives, false negatives and false positives of times in ms, the first of which is the recording's start.

    Rule of the runner (``calc_detection_stats`` of ``streaming_ww_utils.py``): a word is found where a detection
    falls between its begin and ``GRACE_S`` after its end, and takes each such detection with it; of those that are
    left, one that follows another within ``DEBOUNCE_MS`` does not count.
    """
    times, spans = _numbers(detections), [_numbers(one) for one in words] if isinstance(words, list) else []
    if not times or not spans or any(one is None or len(one) != 2 for one in spans):
        return None, None, None
    left = [one - times[0] for one in times[1:]]
    found = 0
    for begin_s, end_s in (one for one in spans if one is not None):
        others = [one for one in left if not begin_s <= one / 1000 <= end_s + GRACE_S]
        found += len(others) < len(left)
        left = others
    false: list[float] = []
    for one in left:
        if not false or not false[-1] < one <= false[-1] + DEBOUNCE_MS:
            false.append(one)
    return found, len(spans) - found, len(false)


def _timed(pulses: Mapping[str, Any]) -> tuple[float, float, float] | tuple[None, None, None]:
    """Duty cycle, period and length of an inference (s), by when the DUT began to compute and ended."""
    starts, stops = _numbers(pulses.get("start_times_s")), _numbers(pulses.get("stop_times_s"))
    if not starts or not stops or len(starts) != len(stops) or len(starts) < 2 or starts[-1] <= starts[0]:
        return None, None, None
    period_s = (starts[-1] - starts[0]) / (len(starts) - 1)
    busy_s = fmean(stop - start for start, stop in zip(starts, stops, strict=True))
    return busy_s / period_s, period_s, busy_s


def _numbers(told: object) -> list[float] | None:
    known = isinstance(told, list) and all(type(one) in (int, float) and abs(one) < 1e12 for one in told)
    return told if known else None  # type: ignore[return-value]
