"""The stages of units: ranges within them that are named, or the children that tile them; and what lies between."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tracer.arrow_arrays import NO_ROW, Flags, Integers
from tracer.captures.ended_ranges import EndedRanges, by_thread, outermost
from tracer.captures.row_bounds import StageRows, covering_rows
from tracer.errors import UsageError
from tracer.stages import INFERENCE_STAGES

TILED = 0.9
"""Share of the units' time from which the ranges within them are taken for their stages."""

MOST_STAGES = 24
"""Names: more are a program's functions, and no stages."""

DIGITS = re.compile(r"\d+")
"""What tells ranges of one kind apart that carry their number in their name."""


def stages_of(
    found: EndedRanges, rows: Integers, shift_ns: Integers, named: Sequence[str] | None, *, ours: bool
) -> tuple[tuple[str, ...], StageRows]:
    """
    The stages of the units, those of a unit's own thread.

    Args:
        found: the ranges of the capture.
        rows: places of the units.
        shift_ns: of each unit, what its times and its stages' are moved by.
        named: names of stages, globs too; None for the outermost ranges within the units where they tile them, those
            of the units' domain before those of all.
        ours: the units are our inferences, whose stages are known to be that.

    Raises:
        UsageError: if a named stage is in no unit.
    """
    owner = _owner(found, rows)
    inside = np.flatnonzero(owner != NO_ROW)
    told = _tiling(found, rows, inside, ours=ours) if named is None else _named(found, inside, named)
    if told is None:
        return (), StageRows(*(np.empty(0, np.int64) for _ in range(3)))
    chosen, column, names = told
    unit = owner[chosen]
    offset = found.start[chosen] - found.start[rows[unit]]
    begins = [int(offset[column == place].min()) for place in range(len(names))]
    known = {name: place for place, name in enumerate(INFERENCE_STAGES)} if ours else {}
    order = sorted(range(len(names)), key=lambda at: (known.get(names[at], len(known)), begins[at]))
    if named is not None:
        order = list(range(len(names)))
    rank = np.argsort(np.array(order, np.int64))
    start = found.start[chosen] + shift_ns[unit]
    end = np.minimum(found.end[chosen], found.end[rows[unit]]) + shift_ns[unit]
    by_time = np.lexsort((end, start))
    return tuple(names[at] for at in order), StageRows(rank[column][by_time], start[by_time], end[by_time])


def with_rest(stages: StageRows, rest: int, start_ns: Integers, end_ns: Integers) -> StageRows:
    """The stages, and what of the units lies in none of them as further ranges of the stage numbered ``rest``."""
    # Each gap ends before the next begins: sorted starts and ends of gaps pair up.
    begin = np.sort(np.concatenate([start_ns, stages.end_ns]))
    end = np.sort(np.concatenate([end_ns, stages.start_ns]))
    there = end > begin
    stage = np.concatenate([stages.stage, np.full(int(there.sum()), rest)])
    first = np.concatenate([stages.start_ns, begin[there]])
    last = np.concatenate([stages.end_ns, end[there]])
    order = np.lexsort((last, first))
    return StageRows(stage[order], first[order], last[order])


def _owner(found: EndedRanges, rows: Integers) -> Integers:
    """Of each range the place in ``rows`` of the unit of its thread in which it begins; ``NO_ROW`` of others."""
    units: Flags = np.zeros(len(found.start), np.bool_)
    units[rows] = True
    at = np.zeros(len(found.start), np.int64)
    at[rows] = np.arange(len(rows))
    owner = np.full(len(found.start), NO_ROW)
    for lane in by_thread(found, np.arange(len(found.start))):
        outer, inner = lane[units[lane]], lane[~units[lane]]
        place = covering_rows(found.start[inner], found.start[outer], found.end[outer])
        # What begins with a unit and lasts longer is around it, and comes before it.
        there = (place != NO_ROW) & (inner > np.append(outer, len(found.start))[place])
        owner[inner[there]] = at[outer[place[there]]]
    return owner


def _named(found: EndedRanges, inside: Integers, named: Sequence[str]) -> tuple[Integers, Integers, list[str]]:
    """The outermost ranges of these names, the place of the name of each, and the names."""
    stage_of = np.full(len(found.texts) + 1, NO_ROW)
    for place, pattern in enumerate(named):
        stage_of[:-1][(stage_of[:-1] == NO_ROW) & found.meant(pattern)] = place
    chosen = inside[stage_of[found.code[inside]] != NO_ROW]
    chosen = chosen[outermost(found, chosen)]
    column = stage_of[found.code[chosen]]
    missing = [name for place, name in enumerate(named) if not (column == place).any()]
    if missing:
        there = list(dict.fromkeys(found.texts[one][1] for one in np.unique(found.code[inside]).tolist()))
        remedy = f"give some of {', '.join(there[:MOST_STAGES])}" if there else "leave it out: no unit has ranges"
        raise UsageError("--stages", f"no unit has a range {', '.join(missing)} outside the other stages", remedy)
    return chosen, column, list(named)


def _tiling(
    found: EndedRanges, rows: Integers, inside: Integers, *, ours: bool
) -> tuple[Integers, Integers, list[str]] | None:
    """The outermost ranges ``inside`` the units ``rows``, where they tile them, as ``_named`` gives them."""
    domains = {found.texts[one][0] for one in np.unique(found.code[rows]).tolist()}
    mine = np.array([*(domain in domains for domain, _ in found.texts), False])[found.code[inside]]
    wall = int((found.end[rows] - found.start[rows]).sum())
    for candidates in (inside[mine], inside):
        chosen = candidates[outermost(found, candidates)]
        column, names = _by_name(found, chosen, len(rows))
        whole = int((found.end[chosen] - found.start[chosen]).sum())
        if len(names) and (ours or (whole >= TILED * wall and len(names) <= MOST_STAGES)):
            return chosen, column, names
    return None


def _by_name(found: EndedRanges, chosen: Integers, units: int) -> tuple[Integers, list[str]]:
    """The place of the name of each, and the names; numbers in those that few units have are ``*``."""
    codes, column, counts = np.unique(found.code[chosen], return_inverse=True, return_counts=True)
    texts = [found.texts[one][1] for one in codes.tolist()]
    rare = (counts == 1) & (units > 1) | (2 * counts < units)
    texts = [DIGITS.sub("*", text) if few else text for text, few in zip(texts, rare.tolist(), strict=True)]
    names = list(dict.fromkeys(texts))
    place = {name: at for at, name in enumerate(names)}
    return np.array([place[one] for one in texts], np.int64)[column], names
