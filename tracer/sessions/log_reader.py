"""What the readers of both runners' logs share: one pass over the lines, windows kept up to a limit, half a line."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tracer.sessions.line_pattern import LinePattern
from tracer.sessions.log_lines import Block, Line
from tracer.sessions.session import Evidence, Session, SessionWindow
from tracer.sessions.summary_lines import SummaryLines

_VECTOR = re.compile(r"m-results\s*[-:]\s*\[[^\]]*\]$")


class LogReader(ABC):
    """Reads a log line by line; of its windows ``keep`` are kept, those beyond are counted."""

    def __init__(self, path: Path, keep: int, *, window_step: int, standard: dict[str, int]) -> None:
        self._path, self._keep, self._file_name = path, keep, path.name
        self._windows: list[SessionWindow] = []
        self._summary = SummaryLines(window_step=window_step, keep=4 * keep)
        self._pattern = LinePattern(standard)
        self._total = 0
        self._cut: Line | None = None

    def read(self, blocks: Iterable[Block]) -> Session:
        """The session that the lines tell."""
        for block in blocks:
            # A number at the end of the file may have been cut and be one still; a vector has its bracket.
            if block.whole and (block.ended or _VECTOR.search(block.texts[0])):
                self._take_block(block)
            elif not block.ended:
                self._cut = block.lines[0]
        session = self._finish()
        notes = [] if session.complete else ["the log ends before the session does"]
        if self._cut is not None and "Saved this run to session ID" not in self._cut.text:
            notes.append(cut_note(self._cut))
        errors = (f"the runner says: {error.text}" for error in self._summary.errors)
        return replace(
            session,
            printed=tuple(self._summary.printed),
            verdicts=tuple(self._summary.verdicts),
            irregular=(*session.irregular, *self._summary.irregular, *self._pattern.irregular()),
            dropped_windows=self._total - len(self._windows),
            notes=(*notes, *session.notes, *errors),
            files=(self._path.name,),
        )

    @abstractmethod
    def _take_block(self, block: Block) -> None:
        """Whole lines."""

    @abstractmethod
    def _finish(self) -> Session:
        """The session, after the last line; its notes are the reader's own, what both readers share is added."""

    @property
    def _has_room(self) -> bool:
        """Whether the window that is being told, the next to be kept, is one of the first ``keep``."""
        return self._total < self._keep

    def _keep_window(self, window: SessionWindow) -> None:
        """Keep a window whose number is the count of windows so far."""
        if len(self._windows) < self._keep:
            self._windows.append(window)

    def _evidence(self, line: Line) -> Evidence:
        return evidence_of(self._file_name, line)


def evidence_of(file_name: str, line: Line) -> Evidence:
    """The line, as far as a finding quotes it."""
    return Evidence(file_name, line.number, line.text[:200])


def cut_note(line: Line) -> str:
    """That the last line of a file was cut."""
    return f"line {line.number} has no end and is not used: {line.text[:60]!r}"


def vector(text: str) -> tuple[float, ...] | None:
    """The numbers of a result, or None where they are none."""
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        return None
