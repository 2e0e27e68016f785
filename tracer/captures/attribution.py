"""GPU work laid under our inferences and their stages, by the call that launched it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.captures.inference_ranges import InferenceRanges, inference_at
from tracer.profiles.arrow_arrays import NO_ROW, Flags, Integers, integers
from tracer.profiles.launches import launches
from tracer.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Attribution:
    """
    What each row of ``gpu_work`` belongs to: columns of its length.

    A kernel belongs to the stage during which the CUDA call that launched it began, in the same process, on whatever
    thread; which is sound as inferences do not overlap.

    Args:
        ours: the row is of the process that ran the inferences; the columns below hold nothing of other rows.
        launch: row of the launching call in ``api_calls``; ``NO_ROW`` where the capture has none.
        place: which inference, counted from 0 in ``InferenceRanges``; ``NO_ROW`` outside every one.
        inference: its number; ``NO_ROW`` outside every one.
        stage: place of the stage in ``InferenceRanges.stages``; ``NO_ROW`` between stages and outside inferences.
        launch_delay_ns: from the start of the launching call to the start of the work; 0 where there is no call.
        outlasts_stage: the work ended after its stage.
        outlasts_inference: the work ended after its inference.
    """

    ours: Flags
    launch: Integers
    place: Integers
    inference: Integers
    stage: Integers
    launch_delay_ns: Integers
    outlasts_stage: Flags
    outlasts_inference: Flags

    @property
    def outside(self) -> Flags:
        """Work of the profiled process that no inference launched."""
        outside: Flags = self.ours & (self.place == NO_ROW)
        return outside

    @property
    def unlaunched(self) -> Flags:
        """Work of the profiled process whose launching call is not in the capture."""
        unlaunched: Flags = self.ours & (self.launch == NO_ROW)
        return unlaunched


def attribute(profile: Profile, inferences: InferenceRanges) -> Attribution:
    """
    Lay the capture's GPU work under ``inferences``.

    Both come from the one clock of the capture (``stage_ranges`` of the same profile): nothing is converted.
    """
    work = profile.gpu_work
    ours = integers(work, "process") == (NO_ROW if inferences.process is None else inferences.process)
    launch = np.where(ours, launches(profile), NO_ROW)
    launched = launch != NO_ROW
    calls = integers(profile.api_calls, "start_ns")[launch[launched]]
    start, end = integers(work, "start_ns"), integers(work, "end_ns")
    place, delay = np.full(len(work), NO_ROW, dtype=np.int64), np.zeros(len(work), dtype=np.int64)
    place[launched] = inference_at(inferences, calls)
    delay[launched] = start[launched] - calls
    stage = np.full(len(work), NO_ROW, dtype=np.int64)
    stage[launched] = _stage_at(inferences, place[launched], calls)
    return Attribution(
        ours=ours,
        launch=launch,
        place=place,
        inference=_looked_up(inferences.numbers, place, NO_ROW),
        stage=stage,
        launch_delay_ns=delay,
        outlasts_stage=end > _looked_up(inferences.stage_end_ns, (place, stage), np.iinfo(np.int64).max),
        outlasts_inference=end > _looked_up(inferences.end_ns, place, np.iinfo(np.int64).max),
    )


def _stage_at(inferences: InferenceRanges, place: Integers, readings: Integers) -> Integers:
    """Which stage of its inference each reading lies in. The loop is over stages, of which there are four."""
    stage = np.full(len(readings), NO_ROW, dtype=np.int64)
    inside = np.flatnonzero(place != NO_ROW)
    at, of = readings[inside], place[inside]
    for number in range(len(inferences.stages)):
        begins, ends = inferences.stage_start_ns[of, number], inferences.stage_end_ns[of, number]
        stage[inside[(begins != NO_ROW) & (begins <= at) & (at < ends)]] = number
    return stage


def _looked_up(values: Integers, index: Integers | tuple[Integers, ...], missing: int) -> Integers:
    """``values[index]``, and ``missing`` where an index is ``NO_ROW``."""
    parts = index if isinstance(index, tuple) else (index,)
    known = np.logical_and.reduce([part != NO_ROW for part in parts])
    found = np.full(len(known), missing, dtype=np.int64)
    found[known] = values[tuple(part[known] for part in parts)]
    return found
