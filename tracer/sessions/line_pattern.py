"""Lines that a log lacks or holds twice: each window of a session is told in the same lines."""

from __future__ import annotations

from collections import Counter

from tracer.sessions.session import Evidence, Irregularity

Signature = tuple[tuple[str, int], ...]

_PATTERNS = 64
"""Different patterns that are told apart; a log with more of them has no pattern."""

_KEPT = 100
"""Windows of a pattern that are named."""


class LinePattern:
    """
    Counts the kinds of lines of each window, and compares each window with what most have.

    ``standard`` are the kinds that a window has by the protocol; they are asked for where too few windows show a
    pattern of their own.
    """

    def __init__(self, standard: dict[str, int]) -> None:
        self._standard = standard
        self._kinds: dict[str, int] = {}
        self._windows: list[tuple[int, Signature, Evidence]] = []
        self._seen: Counter[Signature] = Counter()
        self._overflow = False
        self._mark: dict[str, int] | None = None
        self._last: Signature = ()

    def count(self, kind: str) -> None:
        """A line of this kind belongs to the window that is being told."""
        self._kinds[kind] = self._kinds.get(kind, 0) + 1

    def begin(self) -> None:
        """Forget the lines so far: they belong to no window."""
        self._kinds.clear()
        self._mark = None

    def mark(self) -> None:
        """The window's own command comes next; ``back`` forgets what follows, unless the window was ended."""
        if self._mark is None:
            self._mark = dict(self._kinds)

    def back(self) -> None:
        """Forget the lines since the mark."""
        if self._mark is not None:
            self._kinds = self._mark
            self._mark = None

    def end(self, window: int, evidence: Evidence) -> None:
        """The window is told; ``evidence`` is one of its lines."""
        signature = tuple(sorted(self._kinds.items()))
        self.begin()
        if signature not in self._seen and len(self._seen) >= _PATTERNS:
            self._overflow = True
            return
        self._last = signature
        self._seen[signature] += 1
        if self._seen[signature] <= _KEPT:
            self._windows.append((window, signature, evidence))

    @property
    def settled(self) -> bool:
        """Whether more windows like the last would only be counted."""
        return self._seen[self._last] >= _KEPT

    def repeat(self, times: int) -> None:
        """So many more windows were like the last; nothing but their count is kept."""
        self._seen[self._last] += times

    def irregular(self) -> list[Irregularity]:
        """What single windows lack or have twice beside most of them or, of fewer than three, beside the protocol."""
        total = sum(self._seen.values())
        usual, few = self._standard, total < 3
        if not few:
            signature, times = self._seen.most_common(1)[0]
            usual = dict(signature) if times > total / 2 else {}
        if self._overflow or not usual:
            return []
        found = []
        for window, signature, evidence in self._windows:
            kinds = {kind: count for kind, count in signature if not few or kind in self._standard}
            found += _differences(usual, kinds, window, evidence)
        return found


def _differences(usual: dict[str, int], kinds: dict[str, int], window: int, evidence: Evidence) -> list[Irregularity]:
    found = []
    for kind in sorted(usual.keys() | kinds.keys()):
        more = kinds.get(kind, 0) - usual.get(kind, 0)
        if more < 0:
            found.append(Irregularity("lost", f"`{kind}`", window, (evidence,)))
        elif more > 0 and usual.get(kind):
            found.append(Irregularity("duplicated", f"`{kind}`", window, (evidence,)))
    return found
