"""Units of a program, as inferences are of ours: of which process and thread each is, and its stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Flags, Integers, arrow, integers
from tracer.captures.row_bounds import StageRows, covering_rows, stage_rows
from tracer.kernels.range_index import Points, enclosing_ranges

if TYPE_CHECKING:
    from tracer.captures.inference_ranges import InferenceRanges


@dataclass(frozen=True, slots=True)
class Lane:
    """
    Units that follow one another: of a process, whose calls on every thread are theirs, or of one thread of it.

    ``thread`` is None for a whole process. ``shift_ns`` puts what the lane has behind the lanes before it, on a line
    where no two units overlap; 0 of a single lane.
    """

    process: int
    thread: int | None
    shift_ns: int = 0


@dataclass(frozen=True, slots=True)
class Units:
    """
    Units in the order of their lanes, and of their starts within each; times are on the line of ``Lane.shift_ns``.

    Args:
        numbers: of each unit; shape (n,).
        thread: that each is of.
        start_ns, end_ns: of each.
        stages: names of the stages; none where units have none.
        rows: the stage ranges, ascending; ``stage`` is a place in ``stages``. A unit may have several of a name.
        lanes: what follows one another.
        lane: of each unit, a place in ``lanes``.
    """

    numbers: Integers
    thread: Integers
    start_ns: Integers
    end_ns: Integers
    stages: tuple[str, ...]
    rows: StageRows
    lanes: tuple[Lane, ...]
    lane: Integers

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def processes(self) -> tuple[int, ...]:
        """Those that have units."""
        return tuple(dict.fromkeys(one.process for one in self.lanes))

    def shifts(self, lane: Integers) -> Integers:
        """Of places of lanes their shift; 0 of ``NO_ROW``."""
        return np.array([*(one.shift_ns for one in self.lanes), 0], np.int64)[lane]

    def of_processes(self, table: pa.Table) -> Flags:
        """Rows of a table that are of a process with units."""
        return np.asarray(np.isin(integers(table, "process"), self.processes))

    def lanes_of(self, table: pa.Table) -> tuple[Integers, Flags]:
        """
        The lane of each row of a table with ``process``, ``thread`` and ``start_ns``, and which may be of several.

        What a whole process has is its lane's. Where its threads have units of their own that overlap, a row is of
        the unit that its thread has open; made by a thread without one, of the only unit that is open; where several
        are, of none, which the second array marks (``enclosing_ranges``).
        """
        process = integers(table, "process")
        found = np.full(len(process), NO_ROW)
        several = np.zeros(len(process), np.bool_)
        threads = [place for place, one in enumerate(self.lanes) if one.thread is not None]
        for place, one in enumerate(self.lanes):
            if one.thread is None:
                found[process == one.process] = place
        if not threads:
            return found, several
        rows = np.flatnonzero(np.isin(process, [self.lanes[place].process for place in threads]))
        thread, start = integers(table, "thread")[rows], integers(table, "start_ns")[rows]
        around = enclosing_ranges(self._as_table(), Points(process[rows], thread, start, start))
        lane = np.append(self.lane, NO_ROW)[around.innermost]
        for place in threads:
            one = self.lanes[place]
            lane[(lane == NO_ROW) & (thread == one.thread) & (process[rows] == one.process)] = place
        several[rows] = around.ambiguous & (lane == NO_ROW)
        found[rows] = lane
        return found, several

    def only(self, keep: Flags) -> Units:
        """Those that are marked, with their stages."""
        unit = covering_rows(self.rows.start_ns, self.start_ns, self.end_ns)
        kept = np.append(keep, True)[unit]
        rows = self.rows
        return Units(
            self.numbers[keep],
            self.thread[keep],
            self.start_ns[keep],
            self.end_ns[keep],
            self.stages,
            StageRows(rows.stage[kept], rows.start_ns[kept], rows.end_ns[kept]),
            self.lanes,
            self.lane[keep],
        )

    def _as_table(self) -> pa.Table:
        """The units as NVTX ranges, where they lie in the capture."""
        shift = self.shifts(self.lane)
        process = np.array([one.process for one in self.lanes], np.int64)[self.lane]
        columns = {"process": process, "thread": self.thread, "start_ns": self.start_ns - shift}
        columns["end_ns"] = self.end_ns - shift
        table = {name: arrow(column) for name, column in columns.items()}
        return pa.table({**table, "domain": pa.nulls(len(self), pa.string())})


def units_of(ranges: InferenceRanges | Units) -> Units:
    """Our inferences as units: one lane, that of their process."""
    if isinstance(ranges, Units):
        return ranges
    return Units(
        ranges.numbers,
        ranges.thread,
        ranges.start_ns,
        ranges.end_ns,
        ranges.stages,
        stage_rows(ranges.stage_start_ns, ranges.stage_end_ns),
        (Lane(NO_ROW if ranges.process is None else ranges.process, None),),
        np.zeros(len(ranges), np.int64),
    )
