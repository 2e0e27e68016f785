"""Streaming wakeword (``sww``): a recording is played to the DUT, which tells its detections."""

from __future__ import annotations

import re

from tracer.sessions.session import Evidence, Streaming

MODEL = "sww01"

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
