"""Windows of a long log that are told in the same lines as the one before, found many at once."""

from __future__ import annotations

import re
from itertools import pairwise

from tracer.sessions.line_forms import CHATTER, STAMP, UNLIKE, LineForm

_BEHIND = len(STAMP)


class RepeatedWindows:
    """
    The lines since the last window ended, and the form of a window that may be passed over where it comes again.

    A window may be where it changed nothing that is kept and the next can change no more: the same kinds of lines in
    the same order (what a firmware says besides may vary), one command with the same numbers, one result, no time
    that goes back, no line that stands twice. ``results`` is the code of its result's line.
    """

    def __init__(self) -> None:
        self.results = ""
        self._since: list[LineForm] = []
        self._counts: set[str] = set()
        self._counting = ""
        self._codes: str = ""
        self._windows: re.Pattern[str] | None = None

    def add(self, form: LineForm, text: str) -> None:
        """A line that was read by itself."""
        if form.code != CHATTER:
            self._since.append(form)
            if _counts(form):
                self._counts.add(text[_BEHIND:])

    def window(self, *, may_repeat: bool) -> None:
        """A window ended with the last line; ``may_repeat`` is false while more than its count is kept."""
        lines, counts = self._since, self._counts
        self._since, self._counts = [], set()
        if not may_repeat or not _is_plain(lines):
            self._windows = None
            return
        codes = "".join(form.code for form in lines)
        if self._windows is None or codes != self._codes:
            self._windows = re.compile(f"(?:{''.join(f'{CHATTER}*{code}' for code in codes)})+")
        self._codes, self._told = codes, counts
        self.results = next(form.code for form in lines if form.reply == "results")
        self._counting = "".join({form.code for form in lines if _counts(form)})

    def end(self, texts: list[str], codes: str, at: int, after_s: float | None) -> int:
        """Where the windows end that begin at a line and may be passed over: ``at`` where none does."""
        if self._windows is None or self._since:
            return at
        found = self._windows.match(codes, at)
        if found is None:
            return at
        stamps = [text[:_BEHIND] for text in texts[at : found.end()]]
        if stamps != sorted(stamps) or after_s is None or float(stamps[0]) < after_s:
            return at
        lines, counting = zip(texts[at : found.end()], found[0], strict=True), self._counting
        counts = {text[_BEHIND:] for text, code in lines if code in counting}
        return found.end() if counts == self._told else at


def _counts(form: LineForm) -> bool:
    """Whether a line says how many inferences its window has."""
    return form.command == "infer" or form.reply in ("infer-start", "warmup-start")


def _is_plain(lines: list[LineForm]) -> bool:
    """Whether the lines are one window: its input, its command, its replies, and each once but for the laps."""
    replies = [form.reply for form in lines if form.reply]
    commands = [number for number, form in enumerate(lines) if form.command == "infer"]
    if UNLIKE in {form.code for form in lines} or len(commands) != 1 or replies.count("results") != 1:
        return False
    before, behind = lines[: commands[0]], lines[commands[0] :]
    in_order = not any(form.reply for form in before) and not any(form.loads for form in behind)
    return (
        in_order
        and replies[-1:] == ["ready"]
        and replies.count("ready") == 1
        and all(one.code != other.code or one.reply == "lap-us" for one, other in pairwise(lines))
    )
