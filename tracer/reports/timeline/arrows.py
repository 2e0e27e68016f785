"""Which call launched which work, on lanes: found by range, by call and by work; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrow_arrays import Integers
from tracer.captures.timeline import Timeline
from tracer.reports.timeline.lanes import Lane


@dataclass(frozen=True, slots=True)
class Arrows:
    """
    Launches by the start of their calls: columns of one length.

    Args:
        call_lane, call_row, call_ns: the call, a row of a lane, and when it began.
        work_lane, work_row, work_ns: what it launched.
        reached_ns: the latest of both starts so far.
    """

    call_lane: Integers
    call_row: Integers
    call_ns: Integers
    work_lane: Integers
    work_row: Integers
    work_ns: Integers
    reached_ns: Integers

    def __len__(self) -> int:
        return len(self.call_ns)

    def between(self, start_ns: int, end_ns: int) -> Integers:
        """Places of those of which a part lies in the range."""
        last = int(np.searchsorted(self.call_ns, end_ns, side="left"))
        first = int(np.searchsorted(self.reached_ns[:last], start_ns, side="left"))
        inside = (self.work_ns[first:last] >= start_ns) | (self.call_ns[first:last] >= start_ns)
        found: Integers = first + np.flatnonzero(inside)
        return found

    def of_call(self, lane: int, row: int) -> Integers:
        """Places of what one call launched."""
        return np.flatnonzero((self.call_lane == lane) & (self.call_row == row))

    def of_work(self, lane: int, row: int) -> Integers:
        """Places, one or none, of what launched one work."""
        return np.flatnonzero((self.work_lane == lane) & (self.work_row == row))


def arrows_of(timeline: Timeline, lanes: Sequence[Lane]) -> Arrows:
    """The launches of a timeline, on the lanes that ``lanes_of`` made of it."""
    launches = timeline.launches
    call = _placed(timeline, lanes, launches.call_track, launches.call_row)
    work = _placed(timeline, lanes, launches.work_track, launches.work_row)
    order = np.argsort(call[2], kind="stable")
    call_lane, call_row, call_ns, work_lane, work_row, work_ns = (column[order] for column in (*call, *work))
    reached = np.maximum.accumulate(np.maximum(work_ns, call_ns))
    return Arrows(call_lane, call_row, call_ns, work_lane, work_row, work_ns, reached)


def _placed(
    timeline: Timeline, lanes: Sequence[Lane], tracks: Integers, rows: Integers
) -> tuple[Integers, Integers, Integers]:
    """Lane, row there and start of rows that are given by their track and their place in it."""
    lane_of, row_of, start = (np.zeros(len(rows), np.int64) for _ in range(3))
    for place, lane in enumerate(lanes):
        here = np.flatnonzero(tracks == lane.track)
        here = here[timeline.tracks[lane.track].rows.depth[rows[here]] == lane.depth]
        lane_of[here] = place
        row_of[here] = np.searchsorted(lane.source, rows[here])
        start[here] = lane.start_ns[row_of[here]]
    return lane_of, row_of, start
