"""Which inference and stage own each CUDA call and each piece of GPU work: the one place that decides it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Flags, Integers, integers
from tracer.captures.inference_ranges import InferenceRanges
from tracer.captures.row_bounds import InferenceRows, StageRows, covering_rows
from tracer.captures.units import Units, units_of
from tracer.profiles.launches import launches
from tracer.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Attribution:
    """
    What each row of ``gpu_work`` and of ``api_calls`` belongs to.

    A call belongs to the inference and the stage during which it began, in the process of the inferences and on
    whatever thread; GPU work to those of the call that launched it. That is sound as the inferences of a lane do not
    overlap (``Units.lanes_of`` for lanes that do).

    Args:
        ours: of each work, whether it is of the process that ran the inferences; nothing else is attributed.
        launch: row of the launching call in ``api_calls``; ``NO_ROW`` where the capture has none.
        place: of each work, which inference, counted from 0 in ``InferenceRanges``; ``NO_ROW`` outside every one.
        inference: its number; ``NO_ROW`` outside every one.
        stage: place of the stage in ``InferenceRanges.stages``; ``NO_ROW`` between stages and outside inferences.
        launch_delay_ns: from the start of the launching call to the start of the work; 0 where there is no call.
        lane: of each work, the lane of its launching call, of a work without one that of its process where it has
            one; ``NO_ROW`` where that is not known.
        our_calls, call_place, call_lane: as ``ours``, ``place`` and ``lane``, of each call.
        several: of each call, whether it may be of several units that were open.
    """

    ours: Flags
    launch: Integers
    place: Integers
    inference: Integers
    stage: Integers
    launch_delay_ns: Integers
    lane: Integers
    our_calls: Flags
    call_place: Integers
    call_lane: Integers
    several: Flags


def owning_rows(
    called_ns: Integers, inferences: InferenceRows | InferenceRanges | Units, stages: StageRows
) -> tuple[Integers, Integers]:
    """The rule: of each moment at which a call began, the inference and the stage row in it, or ``NO_ROW``."""
    inference = covering_rows(called_ns, inferences.start_ns, inferences.end_ns)
    stage = covering_rows(called_ns, stages.start_ns, stages.end_ns)
    return inference, np.where(inference == NO_ROW, NO_ROW, stage)


def of_process(table: pa.Table, process: int | None) -> Flags:
    """Rows of the process that ran the inferences; none where none did."""
    return np.asarray(integers(table, "process") == (NO_ROW if process is None else process))


def of_launch(of_calls: Integers, launch: Integers) -> Integers:
    """Of each work what its launching call has; ``NO_ROW`` where that is not known."""
    return np.append(of_calls, NO_ROW)[launch]


def attribute(profile: Profile, ranges: InferenceRanges | Units) -> Attribution:
    """
    Lay the capture's calls and GPU work under its inferences, or under other units.

    Both come from the one clock of the capture (``stage_ranges`` of the same profile): nothing is converted.
    """
    units = units_of(ranges)
    work, calls = profile.gpu_work, profile.api_calls
    ours, our_calls = units.of_processes(work), units.of_processes(calls)
    launch = np.where(ours, launches(profile), NO_ROW)
    called = integers(calls, "start_ns")
    call_lane, several = units.lanes_of(calls)
    call_place, stage_row = owning_rows(called + units.shifts(call_lane), units, units.rows)
    call_place, stage_row = (np.where(call_lane == NO_ROW, NO_ROW, one) for one in (call_place, stage_row))
    place = of_launch(call_place, launch)
    start = integers(work, "start_ns")
    lane = of_launch(call_lane, launch)
    for number, one in enumerate(units.lanes):
        if one.thread is None:
            lane[(launch == NO_ROW) & (integers(work, "process") == one.process)] = number
    return Attribution(
        ours=ours,
        launch=launch,
        place=place,
        inference=np.append(units.numbers, NO_ROW)[place],
        stage=np.append(units.rows.stage, NO_ROW)[of_launch(stage_row, launch)],
        launch_delay_ns=np.where(launch == NO_ROW, 0, start - np.append(called, 0)[launch]),
        lane=lane,
        our_calls=our_calls,
        call_place=call_place,
        call_lane=call_lane,
        several=several,
    )
