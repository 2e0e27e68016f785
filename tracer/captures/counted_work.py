"""From a profile and its attribution to the plain columns of the breakdown, of the inferences that count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Flags, Integers, arrow_flags, encode, integers
from tracer.captures.attribution import Attribution
from tracer.captures.cuda_calls import call_kinds
from tracer.captures.inference_ranges import InferenceRanges
from tracer.captures.inference_work import SYNC_KINDS, CallRows, GpuRows, InferenceWork, OpRows, SyncRows
from tracer.captures.row_bounds import InferenceRows, stage_rows
from tracer.captures.units import Units, units_of
from tracer.profiles.profile import Profile
from tracer.stages import INFERENCE

LANE_STREAMS = 1 << 40
"""Numbers of streams and events of one lane: those of two lanes are never one."""


def counted_work(
    profile: Profile, ranges: InferenceRanges | Units, attribution: Attribution, keep: Flags
) -> InferenceWork:
    """
    The work of the profiled process, without what the inferences that do not count called and launched.

    Operations of the host are taken only where the process did no GPU work: elsewhere, running one on the host means
    launching it. Work without a known launch is listed as outside, so it stays. Units of several lanes come one lane
    behind the other (``Lane.shift_ns``), each with what is its own.

    ``keep`` tells of each inference whether figures are made of it; warm-ups are not.

    Raises:
        MalformedTraceError: as ``InferenceWork``.
    """
    units, counts = units_of(ranges), np.append(keep, True)  # the last, which NO_ROW finds: outside every inference
    calls, gpu = profile.api_calls, profile.gpu_work
    my_calls = (attribution.call_lane != NO_ROW) & counts[attribution.call_place]
    my_gpu = (attribution.lane != NO_ROW) & counts[attribution.place]
    row_of_call = np.full(len(calls) + 1, NO_ROW)
    row_of_call[np.flatnonzero(my_calls)] = np.arange(int(my_calls.sum()))
    kept = units.only(keep)
    inferences = InferenceRows(kept.numbers, kept.thread, kept.start_ns, kept.end_ns)
    rows = kept.rows if kept.stages else stage_rows(kept.start_ns[:, None], kept.end_ns[:, None])
    names = encode(calls, "name")
    kinds = call_kinds(names.values.to_pylist())[names.codes] if len(calls) else np.empty(0, np.int8)
    lane, call_lane = attribution.lane[my_gpu], attribution.call_lane[my_calls]
    shift, call_shift = units.shifts(lane), units.shifts(call_lane)
    return InferenceWork(
        inferences=inferences,
        stage_names=kept.stages or (INFERENCE,),
        stages=rows,
        gpu=GpuRows(
            kernel=_of_kinds(gpu, "kernel", "graph")[my_gpu],
            device=integers(gpu, "device")[my_gpu],
            stream=integers(gpu, "stream")[my_gpu] + lane * LANE_STREAMS,
            start_ns=integers(gpu, "start_ns")[my_gpu] + shift,
            end_ns=integers(gpu, "end_ns")[my_gpu] + shift,
            call=row_of_call[attribution.launch[my_gpu]],
        ),
        calls=CallRows(
            kinds[my_calls],
            integers(calls, "thread")[my_calls],
            integers(calls, "start_ns")[my_calls] + call_shift,
            integers(calls, "end_ns")[my_calls] + call_shift,
        ),
        ops=OpRows() if my_gpu.any() else _operations(profile, units),
        syncs=_syncs(calls, my_calls, call_lane),
    )


def near_inferences(work: InferenceWork) -> InferenceWork:
    """
    The same without what a replay of its inferences does not see: work that ran and was launched outside all of them.

    Calls outside stay where they launched work that stays, or order streams or wait.
    """
    gpu, calls, inferences, syncs = work.gpu, work.calls, work.inferences, work.syncs
    row = np.searchsorted(inferences.start_ns, gpu.end_ns, side="right") - 1
    runs_in = (row >= 0) & (gpu.start_ns < np.append(inferences.end_ns, 0)[row])
    works = np.flatnonzero((work.gpu_inference >= 0) | runs_in)
    if len(works) == len(gpu):
        return work
    kept = work.call_inference >= 0
    kept[gpu.call[works][gpu.call[works] >= 0]] = True
    kept[syncs.call] = True
    place = np.append(np.where(kept, np.cumsum(kept) - 1, NO_ROW), NO_ROW)
    return replace(
        work,
        gpu=GpuRows(
            kernel=gpu.kernel[works],
            device=gpu.device[works],
            stream=gpu.stream[works],
            start_ns=gpu.start_ns[works],
            end_ns=gpu.end_ns[works],
            call=place[gpu.call[works]],
        ),
        calls=CallRows(*(getattr(calls, name)[kept] for name in ("kind", "thread", "start_ns", "end_ns"))),
        syncs=replace(syncs, call=place[syncs.call]),
    )


def _syncs(calls: pa.Table, mine: Flags, lane: Integers) -> SyncRows:
    kind = encode(calls.filter(arrow_flags(mine)), "sync_kind")
    place = {name: at for at, name in enumerate(SYNC_KINDS)}
    known = np.array([place.get(name, NO_ROW) for name in kind.values.to_pylist()] + [NO_ROW])[kind.codes]
    rows = np.flatnonzero(known != NO_ROW)
    columns = [integers(calls, name, NO_ROW)[mine][rows] for name in ("sync_stream", "sync_event")]
    own = [np.where(one == NO_ROW, NO_ROW, one + lane[rows] * LANE_STREAMS) for one in columns]
    return SyncRows(rows, known[rows], *own)


def _operations(profile: Profile, units: Units) -> OpRows:
    ops = profile.host_ops
    lane, _ = units.lanes_of(ops)
    mine = _of_kinds(ops, "op") & (lane != NO_ROW)
    shift = units.shifts(lane[mine])
    start, end = (integers(ops, column)[mine] + shift for column in ("start_ns", "end_ns"))
    return OpRows(integers(ops, "thread")[mine], start, end)


def _of_kinds(table: pa.Table, *kinds: str) -> Flags:
    kind = encode(table, "kind")
    return np.asarray(np.isin(kind.codes, [kind.code_of(one) for one in kinds]))
