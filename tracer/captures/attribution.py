"""Which inference and stage own each CUDA call and each piece of GPU work: the one place that decides it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tracer.captures.inference_ranges import InferenceRanges
from tracer.captures.row_bounds import InferenceRows, StageRows, covering_rows, stage_rows
from tracer.profiles.arrow_arrays import NO_ROW, Flags, Integers, integers
from tracer.profiles.launches import launches
from tracer.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Attribution:
    """
    What each row of ``gpu_work`` and of ``api_calls`` belongs to.

    A call belongs to the inference and the stage during which it began, in the process of the inferences and on
    whatever thread; GPU work to those of the call that launched it. That is sound as inferences do not overlap.

    Args:
        ours: of each work, whether it is of the process that ran the inferences; nothing else is attributed.
        launch: row of the launching call in ``api_calls``; ``NO_ROW`` where the capture has none.
        place: of each work, which inference, counted from 0 in ``InferenceRanges``; ``NO_ROW`` outside every one.
        inference: its number; ``NO_ROW`` outside every one.
        stage: place of the stage in ``InferenceRanges.stages``; ``NO_ROW`` between stages and outside inferences.
        launch_delay_ns: from the start of the launching call to the start of the work; 0 where there is no call.
        our_calls, call_place: as ``ours`` and ``place``, of each call.
    """

    ours: Flags
    launch: Integers
    place: Integers
    inference: Integers
    stage: Integers
    launch_delay_ns: Integers
    our_calls: Flags
    call_place: Integers


def owning_rows(
    called_ns: Integers, inferences: InferenceRows | InferenceRanges, stages: StageRows
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


def attribute(profile: Profile, ranges: InferenceRanges) -> Attribution:
    """
    Lay the capture's calls and GPU work under its inferences.

    Both come from the one clock of the capture (``stage_ranges`` of the same profile): nothing is converted.
    """
    work, calls = profile.gpu_work, profile.api_calls
    ours, our_calls = of_process(work, ranges.process), of_process(calls, ranges.process)
    launch = np.where(ours, launches(profile), NO_ROW)
    called = integers(calls, "start_ns")
    stages = stage_rows(ranges.stage_start_ns, ranges.stage_end_ns)
    call_place, stage_row = owning_rows(called, ranges, stages)
    call_place = np.where(our_calls, call_place, NO_ROW)
    place = of_launch(call_place, launch)
    start = integers(work, "start_ns")
    return Attribution(
        ours=ours,
        launch=launch,
        place=place,
        inference=np.append(ranges.numbers, NO_ROW)[place],
        stage=np.append(stages.stage, NO_ROW)[of_launch(stage_row, launch)],
        launch_delay_ns=np.where(launch == NO_ROW, 0, start - np.append(called, 0)[launch]),
        our_calls=our_calls,
        call_place=call_place,
    )
