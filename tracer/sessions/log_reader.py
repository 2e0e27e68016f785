"""What the readers of both runners' logs share: one pass over the lines, windows kept up to a limit, half a line."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from tracer.sessions.line_pattern import LinePattern
from tracer.sessions.log_lines import Line
from tracer.sessions.session import Evidence, Session, SessionWindow
from tracer.sessions.summary_lines import SummaryLines

_VECTOR = re.compile(r"m-results\s*[-:]\s*\[[^\]]*\]$")


class LogReader(ABC):
    """
    Reads a log line by line.

    Args:
        path: of the log; its name stands in the evidence.
        keep: windows that are kept; those beyond are counted.
        window_step: what the runner adds to a window's number from one printed window to the next.
        standard: the kinds of lines that a window has by the protocol, and how often.
    """

    def __init__(self, path: Path, keep: int, *, window_step: int, standard: dict[str, int]) -> None:
        self._path, self._keep, self._file = path, keep, path.name
        self._windows: list[SessionWindow] = []
        self._summary = SummaryLines(window_step=window_step, keep=4 * keep)
        self._pattern = LinePattern(standard)
        self._total = 0
        self._cut: Line | None = None

    def read(self, lines: Iterable[Line]) -> Session:
        """The session that the lines tell."""
        for line in lines:
            # A number at the end of the file may have been cut and be one still; a vector has its bracket.
            if line.whole and (line.ended or _VECTOR.search(line.text)):
                self._take(line)
            elif not line.ended:
                self._cut = line
        return self._finish()

    @abstractmethod
    def _take(self, line: Line) -> None:
        """A whole line."""

    @abstractmethod
    def _finish(self) -> Session:
        """The session, after the last line."""

    @property
    def _has_room(self) -> bool:
        """Whether the window that is being told, the next to be kept, is one of the first ``keep``."""
        return self._total < self._keep

    def _keep_window(self, window: SessionWindow) -> None:
        """Keep a window whose number is the count of windows so far."""
        if len(self._windows) < self._keep:
            self._windows.append(window)

    def _evidence(self, line: Line) -> Evidence:
        return Evidence(self._file, line.number, line.text[:200])

    def _cut_note(self) -> list[str]:
        """That the last line was cut; none where it was not."""
        if self._cut is None:
            return []
        return [f"line {self._cut.number} has no end and is not used: {self._cut.text[:60]!r}"]

    def _errors(self) -> list[str]:
        """What the runner itself called an error."""
        return [f"the runner says: {error.text}" for error in self._summary.errors]


def vector(text: str) -> tuple[float, ...] | None:
    """The numbers of a result, or None where they are none."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        return None
