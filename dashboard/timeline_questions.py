"""What a timeline shows, and what its component asks, as a browser or an address says it: untrusted; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tracer.captures.timeline import Timeline
from tracer.reports.timeline.arrows import Arrows, arrows_of
from tracer.reports.timeline.lanes import Lane, categories_of, lanes_of
from tracer.reports.timeline.selection import Hits

Range = tuple[int, int]

WIDEST_PX = 8000
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What a timeline shows: a link holds this.

    Args:
        bounds: start and end, nanoseconds since the run's first span.
        selected: a lane and a row of it.
        measured: start and end of the measured range.
        find: what is searched.
    """

    bounds: Range
    selected: tuple[int, int] | None = None
    measured: Range | None = None
    find: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What a component asks.

    Args:
        turn: number of the question, which its answer bears.
        shown: what it shows.
        pixels: how wide it is.
        marks, whole: whether it lacks the marks around what it shows, and those of the whole run.
        step: 1 leads to the next hit of the search, -1 to the one before.
        inference: number of one to go to.
    """

    turn: int
    shown: Shown
    pixels: int
    marks: bool
    whole: bool
    step: int
    inference: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is made of a run once; ``mark`` tells one run's state from another's."""

    mark: str
    timeline: Timeline
    lanes: list[Lane]
    arrows: Arrows
    categories: list[str]
    dropped: tuple[str, ...]
    found: dict[str, Hits] = field(default_factory=dict)

    def hits(self, text: str) -> Hits:
        """The hits of the last search: steps through them do not search again."""
        if text not in self.found:
            self.found.clear()
            self.found[text] = Hits(self.lanes, text)
        return self.found[text]


def kept_of(mark: str, timeline: Timeline, dropped: tuple[str, ...]) -> Kept:
    """What answers need of a timeline."""
    lanes = lanes_of(timeline)
    return Kept(mark, timeline, lanes, arrows_of(timeline, lanes), categories_of(lanes), dropped)


def read_asked(value: Any, kept: Kept) -> Asked | None:
    """A question as it came from a browser, brought within the run; None for what is none."""
    if not isinstance(value, dict) or value.get("mark") != kept.mark:
        return None
    turn, pixels, step = (_integer(value.get(key)) for key in ("turn", "pixels", "step"))
    bounds = _pair(value.get("view"))
    if turn is None or bounds is None:
        return None
    find = value.get("find")
    shown = Shown(
        bounds,
        _pair(value.get("selected")),
        _pair(value.get("measured")),
        find[:LONGEST_SEARCH] if isinstance(find, str) and find.isprintable() else "",
    )
    wide = min(max(pixels or 0, 100), WIDEST_PX)
    steps = 0 if not step else 1 if step > 0 else -1
    inference = _integer(value.get("inference"))
    return Asked(
        turn, within(kept, shown), wide, bool(value.get("marks")), bool(value.get("whole")), steps, inference
    )


def within(kept: Kept, shown: Shown) -> Shown:
    """What is there of what an address or a browser asks to be shown."""
    selected = shown.selected
    if selected is not None and not (
        0 <= selected[0] < len(kept.lanes) and 0 <= selected[1] < len(kept.lanes[selected[0]])
    ):
        selected = None
    measured = None if shown.measured is None else _inside(shown.measured, kept.timeline.end_ns)
    return Shown(_inside(shown.bounds, kept.timeline.end_ns), selected, measured, shown.find)


def around(timeline: Timeline, first: int, last: int) -> Range | None:
    """From a little before one inference to a little after another, so that they are seen to begin and end."""
    span = timeline.inference_span(first, last)
    if span is None:
        return None
    margin = max((span[1] - span[0]) // 20, 1)
    return _inside((span[0] - margin, span[1] + margin), timeline.end_ns)


def moved(kept: Kept, asked: Asked) -> Shown:
    """What is shown after a question that leads elsewhere; what was shown where it does not."""
    shown = asked.shown
    if asked.inference is not None:
        return replace(shown, bounds=around(kept.timeline, asked.inference, asked.inference) or shown.bounds)
    if not asked.step or not shown.find:
        return shown
    lane, row = shown.selected or (0, -1)
    start = kept.lanes[lane].start_ns[row] if shown.selected else shown.bounds[0]
    hit = kept.hits(shown.find).beside(int(start), lane, row, backwards=asked.step < 0)
    if hit is None:
        return shown
    begin, end = (int(column[hit.row]) for column in (kept.lanes[hit.lane].start_ns, kept.lanes[hit.lane].end_ns))
    # As wide as before, unless the hit would be narrower than a name is, or wider than the view.
    length = max(end - begin, 1)
    wide = min(max(shown.bounds[1] - shown.bounds[0], length * 2), length * 40)
    first = (begin + end - wide) // 2
    return replace(shown, bounds=_inside((first, first + wide), kept.timeline.end_ns), selected=(hit.lane, hit.row))


def _inside(bounds: Range, run_end_ns: int) -> Range:
    end = max(min(bounds[1], run_end_ns), 1)
    start = min(max(bounds[0], 0), end - 1)
    return start, end


def _pair(value: Any) -> tuple[int, int] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    first, second = _integer(value[0]), _integer(value[1])
    return None if first is None or second is None else (first, second)


def _integer(value: Any) -> int | None:
    """Of a number as JSON has it; None for another thing, or one beyond what columns hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 60:
        return None
    return round(value)
