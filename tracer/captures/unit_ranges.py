"""Units of a profile by its NVTX ranges: instances of one that is named, or of the outermost that repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracer.arrow_arrays import NO_ROW, Flags, Integers, dense_groups, integers
from tracer.captures.ended_ranges import EndedRanges, by_thread, outermost
from tracer.captures.row_bounds import StageRows
from tracer.captures.unit_stages import DIGITS, stages_of, with_rest
from tracer.captures.units import Lane, Units
from tracer.errors import ProfileError
from tracer.figure_text import count_text, counted
from tracer.profiles.profile import Profile
from tracer.recording.nvtx_ranges import DOMAIN
from tracer.stages import INFERENCE

LISTED = 12
"""Names of ranges that a message lists."""

BETWEEN = "between stages"
"""The stage of what lies in a unit and in none of its stages."""


def shown(domain: str, name: str) -> str:
    """A range as ``--range`` takes it."""
    return f"{domain}:{name}" if domain else name


def wanted_ranges(profile: Profile, found: EndedRanges, pattern: str) -> Integers:
    """
    Places of the ranges that ``pattern`` means.

    Raises:
        ProfileError: if there is none; the message names those that there are.
    """
    chosen = found.named(found.meant(pattern))
    if len(chosen):
        return chosen
    if not len(found.rows):
        raise ProfileError(
            profile.path, "it has no NVTX range", "leave out --range, or record with `nsys profile --trace cuda,nvtx`"
        )
    counts = np.bincount(found.code, minlength=len(found.texts))
    order = np.argsort(-counts, kind="stable")[:LISTED]
    names = ", ".join(f"{shown(*found.texts[one])} ({count_text(int(counts[one]))})" for one in order.tolist())
    more = f" and {counted(len(counts) - LISTED, 'name')} more" if len(counts) > LISTED else ""
    raise ProfileError(profile.path, f"no NVTX range is named {pattern}", f"give one of {names}{more}")


def outermost_repeated(profile: Profile, found: EndedRanges) -> tuple[str, Integers] | None:
    """
    The name of the outermost range that comes twice or more, and its places; None where nothing repeats outermost.

    Of the ranges that lie in no other that repeats, the name that holds the most time, among those in which CUDA
    calls began where there are any. A range repeats where a thread has two of it. Names that do not, and differ in
    numbers only, are one (``step 1``, ``step 2``), written with ``*``.
    """
    often = _often(found, found.code)
    texts = [shown(*one) for one in found.texts]
    patterns = [one if own else DIGITS.sub("*", one) for one, own in zip(texts, often.tolist(), strict=True)]
    names = list(dict.fromkeys(patterns))
    place = {one: at for at, one in enumerate(names)}
    codes = np.array([place[one] for one in patterns], np.int64)[found.code]
    repeated = np.flatnonzero(_often(found, codes)[codes])
    if not len(repeated):
        return None
    outer = repeated[outermost(found, repeated)]
    length = np.bincount(codes[outer], (found.end - found.start)[outer], minlength=len(names))
    # A range that encloses itself counts once, and comes once: it repeats only by its outermost.
    often = np.bincount(codes[outer], minlength=len(names)) > 1
    if not often.any():
        return None
    calling = np.bincount(codes[outer], _calls_within(profile, found, outer) > 0, minlength=len(names)) > 0
    chosen = int(np.argmax(np.where(often & calling if (often & calling).any() else often, length, 0)))
    return names[chosen], np.flatnonzero(codes == chosen)


def _often(found: EndedRanges, codes: Integers) -> Flags:
    """Of each code whether a thread has it twice."""
    size = int(codes.max(initial=-1)) + 1
    of_thread, place = dense_groups(found.lane * size + codes)
    often = np.zeros(size, np.bool_)
    often[of_thread[np.bincount(place) > 1] % max(size, 1)] = True
    return often


def _calls_within(profile: Profile, found: EndedRanges, rows: Integers) -> Integers:
    """CUDA calls that began in each range, in its process and on any thread."""
    process, start = integers(profile.api_calls, "process"), integers(profile.api_calls, "start_ns")
    counts = np.zeros(len(rows), np.int64)
    for one in np.unique(found.process[rows]).tolist():
        times, mine = np.sort(start[process == one]), found.process[rows] == one
        edges = (np.searchsorted(times, column[rows[mine]]) for column in (found.start, found.end))
        low, high = edges
        counts[mine] = high - low
    return counts


def range_units(
    profile: Profile, found: EndedRanges, chosen: Integers, stages: Sequence[str] | None
) -> tuple[Units, bool]:
    """
    The chosen ranges as units, outermost ones where they nest; and whether they are the inferences of our DUT.

    Args:
        profile: the capture.
        found: its ranges.
        chosen: places of those that are units.
        stages: names of the ranges within them that are their stages; None for the children that tile them.

    Raises:
        ProfileError: if two of one thread cross.
        UsageError: if a stage that is named is in no unit.
    """
    rows = chosen[outermost(found, chosen)]
    _refuse_crossing(profile, found, chosen, rows)
    lanes, lane, shift = _lay_out(profile, found, rows)
    order = np.lexsort((found.start[rows], lane))
    rows, lane = rows[order], lane[order]
    shift = shift[lane]
    start, end = found.start[rows] + shift, found.end[rows] + shift
    own = {found.texts[one] for one in np.unique(found.code[rows]).tolist()} == {(DOMAIN, INFERENCE)}
    names, kept = stages_of(found, rows, shift, stages, ours=own)
    numbers = np.arange(len(rows))
    if own:
        payload = integers(profile.nvtx_ranges, "payload", NO_ROW)[found.rows[rows]]
        numbers = payload if len(np.unique(payload)) == len(payload) and (payload >= 0).all() else numbers
    if not own and names:
        whole = with_rest(kept, len(names), start, end)
        names = (*names, BETWEEN) if len(whole.stage) > len(kept.stage) else names
        kept = whole
    if not own and not names:
        names, kept = (_unit_name(found, rows),), StageRows(np.zeros(len(rows), np.int64), start, end)
    return Units(numbers, found.thread[rows], start, end, names, kept, lanes, lane), own


def _unit_name(found: EndedRanges, rows: Integers) -> str:
    names = {found.texts[one][1] for one in np.unique(found.code[rows]).tolist()}
    if len(names) == 1:
        return names.pop() or "unit"
    folded = {DIGITS.sub("*", one) for one in names}
    return folded.pop() if len(folded) == 1 else "unit"


def _refuse_crossing(profile: Profile, found: EndedRanges, chosen: Integers, rows: Integers) -> None:
    """Ranges that nest are one unit; those of one thread that cross cannot be told apart."""
    if len(rows) == len(chosen):
        return
    inner = np.setdiff1d(chosen, rows)
    for lane in by_thread(found, rows):
        outer = rows[lane]
        same = (found.thread[inner] == found.thread[outer[0]]) & (found.process[inner] == found.process[outer[0]])
        mine = inner[same]
        # The inner ones begin in a range that began before them; the last such is the latest outer one.
        around = np.searchsorted(found.start[outer], found.start[mine], side="right") - 1
        bad = np.flatnonzero(found.end[mine] > found.end[outer[around]])
        if len(bad):
            name, at = shown(*found.texts[found.code[mine[bad[0]]]]), int(found.start[mine[bad[0]]])
            raise ProfileError(
                profile.path,
                f"units of thread {int(found.thread[mine[0]])} overlap: {name} at {at} ns begins before the one "
                "before it ended, and ends after it",
                "name ranges that follow one another with --range, as those that are pushed and popped",
            )


def _lay_out(profile: Profile, found: EndedRanges, rows: Integers) -> tuple[tuple[Lane, ...], Integers, Integers]:
    """A lane a process whose units follow one another, else one a thread; the lane of each unit, and the shifts."""
    places: list[tuple[int, int | None]] = []
    lane = np.zeros(len(rows), np.int64)
    for process in np.unique(found.process[rows]).tolist():
        mine = np.flatnonzero(found.process[rows] == process)
        start, end = found.start[rows[mine]], np.maximum.accumulate(found.end[rows[mine]])
        if not (start[1:] < end[:-1]).any():
            lane[mine] = len(places)
            places.append((process, None))
            continue
        for thread in np.unique(found.thread[rows[mine]]).tolist():
            lane[mine[found.thread[rows[mine]] == thread]] = len(places)
            places.append((process, thread))
    apart = shift_of_lanes(profile)
    lanes = tuple(Lane(process, thread, place * apart) for place, (process, thread) in enumerate(places))
    return lanes, lane, np.array([one.shift_ns for one in lanes], np.int64)


def shift_of_lanes(profile: Profile) -> int:
    """More than the capture lasts."""
    edges = []
    for table in (profile.gpu_work, profile.api_calls, profile.nvtx_ranges, profile.host_ops):
        if len(table):
            start, end = integers(table, "start_ns"), integers(table, "end_ns")
            edges += [int(start.min()), int(start.max()), int(end.max())]
    return max(edges) - min(edges) + 1 if edges else 1
