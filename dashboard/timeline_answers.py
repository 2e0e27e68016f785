"""What the timeline's component is answered: numbers, words and columns of marks; pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.timeline_questions import Asked, Kept, Range, Shown
from tracer.arrow_arrays import NO_ROW
from tracer.captures.timeline import Timeline
from tracer.figure_text import count_text, counted, share_text, time_text
from tracer.palette import BY_MEANING, EDGE, LETTERS, PAPER, timeline_colours
from tracer.reports.timeline.lanes import Lane, lines_of, shown_name
from tracer.reports.timeline.levels import RARE, Marks, marks_between, sentence
from tracer.reports.timeline.selection import exact, slice_facts, sums_by_name

WHOLE_BINS, WHOLE_MARKS = 1500, 12_000
"""Of the whole run, which the component keeps to have something of every range at once."""

ARROWS = 1500
"""Beyond, lines from launch to kernel hide what they join."""

NAMES_SUMMED = 40
"""Rows of the table of a measured range."""

SENSOR_BINS = 200
LONGEST_NAME = 600
"""Letters of a name that are sent; a C++ one may be thousands long."""


def answer(kept: Kept, asked: Asked | None, shown: Shown, led: str) -> dict[str, Any]:
    """
    The component's arguments: JSON, and bytes of columns.

    Args:
        kept: of the run.
        asked: None at first, when everything is sent.
        shown: what is to be shown.
        led: names what leads the component to ``shown``; it goes there once. Empty: it is there already.
    """
    start, end = shown.bounds
    found: dict[str, Any] = {
        "mark": kept.mark,
        "turn": asked.turn if asked else 0,
        "led": led,
        "view": [start, end],
        "selected": shown.selected,
        "measured": shown.measured,
        "find": shown.find,
        "facts": slice_facts(kept.timeline, kept.lanes, kept.arrows, *shown.selected) if shown.selected else None,
        "sums": _sums(kept, shown.measured) if shown.measured else None,
        "hits": _hits(kept, shown),
        **kept.once("run", lambda: _of_the_run(kept)),
    }
    if asked is None or asked.whole:
        bounds = (0, max(kept.timeline.end_ns, 1))
        marks, merged = marks_between(kept.lanes, *bounds, WHOLE_BINS, WHOLE_MARKS)
        found["whole"], found["whole_marks"] = _columns(kept, marks, merged, bounds)
    if asked is None or asked.marks or led:
        found |= _near(kept, shown.bounds, asked.pixels if asked else 1200)
    return found


def _near(kept: Kept, view: Range, pixels: int) -> dict[str, Any]:
    """What is in view and as much again on both sides, with its detail."""
    start, end = view
    wide = end - start
    bounds = (max(start - wide, 0), min(end + wide, max(kept.timeline.end_ns, 1)))
    bins = max(int(pixels * (bounds[1] - bounds[0]) / max(wide, 1)), 1)
    marks, merged = marks_between(kept.lanes, *bounds, bins)
    head, columns = _columns(kept, marks, merged, bounds)
    head |= {"wide": wide, "arrows": _arrows(kept, bounds), "sensors": _sensors(kept.timeline, bounds)}
    return {"near": head, "near_marks": columns, "says": sentence(kept.lanes, merged, start, end)}


def _of_the_run(kept: Kept) -> dict[str, Any]:
    """What no question changes."""
    lines: dict[str, str] = lines_of(kept.lanes)
    places = {label: place for place, label in enumerate(lines)}
    return {
        "end": kept.timeline.end_ns,
        "lines": list(lines.values()),
        "lanes": [_lane(lane, places[lane.label]) for lane in kept.lanes],
        "paper": PAPER,
        "letters": LETTERS,
        "edge": EDGE,
        "categories": [*kept.categories, "several"],
        "colours": [*timeline_colours(kept.categories), BY_MEANING["several"]],
        "inferences": kept.timeline.inferences,
        "slowest": _slowest(kept.timeline),
    }


def _lane(lane: Lane, line: int) -> dict[str, Any]:
    return {"label": lane.label, "kind": lane.kind, "nested": lane.nested, "line": line}


def _columns(kept: Kept, marks: Marks, merged: tuple[int, ...], bounds: Range) -> tuple[dict[str, Any], bytes]:
    """What a layer of marks is, and its columns in the order of ``marks.js``; each name is sent once."""
    names = np.full(len(marks), -1, np.int32)
    numbers = np.full(len(marks), NO_ROW, np.int32)
    told: dict[tuple[str, str], list[str | int]] = {}
    places = {category: place for place, category in enumerate([*kept.categories, "several"])}
    for place in np.unique(marks.lane).tolist():
        lane, here = kept.lanes[place], np.flatnonzero(marks.lane == place)
        for code in np.unique(marks.code[here]).tolist():
            name, category = ("rare names", "several") if code == RARE else (lane.names[code], lane.categories[code])
            short = name if code == RARE else shown_name(lane, code)
            told.setdefault((name, category), [len(told), short, name[:LONGEST_NAME], places[category]])
            names[here[marks.code[here] == code]] = told[name, category][0]
        single = here[marks.row[here] != NO_ROW]
        numbers[single] = kept.timeline.tracks[lane.track].rows.inference[lane.source[marks.row[single]]]
    columns = (
        marks.start_ns.astype("<f8"),
        marks.end_ns.astype("<f8"),
        marks.busy.astype("<f4"),
        *(one.astype("<i4") for one in (marks.lane, names, marks.row, marks.count, numbers)),
    )
    head = {
        "marks": len(marks),
        "start": bounds[0],
        "end": bounds[1],
        "names": [row[1:] for row in told.values()],
        "merged": list(merged),
    }
    return head, b"".join(column.tobytes() for column in columns)


def _arrows(kept: Kept, bounds: Range) -> dict[str, Any]:
    arrows, places = kept.arrows, kept.arrows.between(*bounds)
    if len(places) > ARROWS:
        said = f"Arrows from a call to the work that it launched are drawn for up to {count_text(ARROWS)} launches."
        return {"rows": [], "says": said}
    columns = (arrows.call_lane, arrows.call_row, arrows.call_ns, arrows.work_lane, arrows.work_row, arrows.work_ns)
    return {"rows": np.stack([column[places] for column in columns], axis=1).tolist(), "says": ""}


def _sensors(timeline: Timeline, bounds: Range) -> list[dict[str, Any]]:
    found = []
    for line in timeline.sensors:
        thin = line.thinned(*bounds, SENSOR_BINS)
        low, high = int(line.values.min()), int(line.values.max())
        texts = [thin.text(value) for value in thin.values.tolist()]
        sensor = {"label": line.label, "low": low, "high": high, "texts": texts, "values": thin.values.tolist()}
        found.append({**sensor, "range": f"{line.text(low)} to {line.text(high)}", "at": thin.at_ns.tolist()})
    return found


def _sums(kept: Kept, measured: Range) -> dict[str, Any]:
    length = measured[1] - measured[0]
    rows = sums_by_name(kept.lanes, *measured)
    shown = [
        [one.name, one.lane, count_text(one.count), time_text(one.total_ns), share_text(one.total_ns / length)]
        for one in rows[:NAMES_SUMMED]
    ]
    left = len(rows) - len(shown)
    more = f"{counted(left, 'name')} more, of shorter totals" if left > 0 else ""
    count = counted(sum(one.count for one in rows), "span, call or piece of GPU work", "spans, calls and works")
    return {"title": f"{exact(length)} measured: {count}", "rows": shown, "more": more}


def _hits(kept: Kept, shown: Shown) -> str:
    if not shown.find:
        return ""
    hits = kept.hits(shown.find)
    place = hits.place(*shown.selected) if shown.selected else None
    if not len(hits):
        return "not found"
    return counted(len(hits), "hit") if place is None else f"{count_text(place)} of {count_text(len(hits))}"


def _slowest(timeline: Timeline) -> dict[str, Any] | None:
    """The slowest inference, whether it was profiled, and the nearest that was."""
    found = timeline.slowest()
    if found is None:
        return None
    number, length = found
    nearest = timeline.nearest_captured(number)
    if nearest is None:
        said = "not profiled, as no inference of this run"
    elif nearest == number:
        said = "it was profiled"
    else:
        said = "it was not profiled; the nearest that was:"
    told = {"number": number, "text": count_text(number), "lasts": time_text(length), "says": said}
    return {**told, "nearest": nearest if nearest != number else None, "nearest_text": count_text(nearest)}
