"""Which captures are due when: spread over the first windows, and what did not fit there at the end of the run."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.figure_text import counted

GAP_LIMIT_S = 20.0
"""
For captures before one ``m-ready``. The MLCommons runner gives up an ``infer`` after 30 s without a line (its
``device_under_test.py``), energyrunner after 120 s with the settings that ``kws-trace host-config`` writes.
"""


@dataclass(frozen=True, slots=True)
class CaptureChoice:
    """
    How much a profiler is told to collect.

    ``inferences`` of a capture, 0 for none, as where no profiler is; ``windows`` is the number of performance windows
    over which captures are spread. With ``pairs`` there are so many captures, each beside the same inferences without
    the profiler; with 0 one capture a window, which has nothing beside it.
    """

    inferences: int = 0
    windows: int = 5
    pairs: int = 0

    @property
    def captures(self) -> int:
        """How many there will be."""
        return self.pairs or self.windows

    @property
    def sentence(self) -> str:
        """What will be captured, for the announcement of a run."""
        each, windows = counted(self.inferences, "inference"), counted(self.windows, "window")
        if not self.pairs:
            return f"{each} after each of the first {windows}"
        pairs = counted(self.pairs, "pair")
        return f"{pairs} of {each} with and without the profiler, after the first {windows} and at the end"


NO_CAPTURE = CaptureChoice()


class CapturePlan:
    """
    The captures of one run, in order.

    What a window had no time for is made up after the next ones, then at the end.
    """

    def __init__(self, choice: CaptureChoice) -> None:
        self.choice = choice
        self.made = 0
        self.longest_s = 0.0
        self._windows = 0

    def after_window(self) -> int:
        """How many are due after the performance window that has just ended; call it once a window."""
        self._windows = min(self._windows + 1, self.choice.windows)
        share = -(-self.choice.captures * self._windows // self.choice.windows)
        return share - self.made

    @property
    def left(self) -> int:
        """How many are due at the end; none without pairs, or where no window came."""
        return self.choice.pairs - self.made if self.choice.pairs and self._windows else 0

    def has_time(self, spent_s: float) -> bool:
        """Whether one more fits into the gap before an ``m-ready`` of which ``spent_s`` have passed."""
        return spent_s + self.longest_s <= GAP_LIMIT_S

    def sides(self) -> tuple[str, ...]:
        """Kinds of the windows of the next capture, in order: which comes first alternates from pair to pair."""
        if not self.choice.pairs:
            return ("capture",)
        return ("uncaptured", "capture") if self.made % 2 else ("capture", "uncaptured")

    def done(self, took_s: float) -> None:
        """Count the next one as made."""
        self.made += 1
        self.longest_s = max(self.longest_s, took_s)
