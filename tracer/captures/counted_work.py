"""From a profile and its attribution to the plain columns of the breakdown, of the inferences that count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Flags, Integers, encode, integers, small
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
    behind the other (``Lane.shift_ns``), each with what is its own, in the order of ``lane_rows``.

    ``keep`` tells of each inference whether figures are made of it; warm-ups are not.

    Raises:
        MalformedTraceError: as ``InferenceWork``.
    """
    units, counts = units_of(ranges), np.append(keep, True)  # the last, which NO_ROW finds: outside every inference
    my_calls = lane_rows(attribution.call_lane, counts[attribution.call_place])
    my_gpu = lane_rows(attribution.lane, counts[attribution.place])
    row_of_call = np.full(len(profile.api_calls) + 1, NO_ROW)
    row_of_call[my_calls] = np.arange(len(my_calls))
    kept = units.only(keep)
    rows = kept.rows if kept.stages else stage_rows(kept.start_ns[:, None], kept.end_ns[:, None])
    return InferenceWork(
        inferences=InferenceRows(kept.numbers, kept.thread, kept.start_ns, kept.end_ns),
        stage_names=kept.stages or (INFERENCE,),
        stages=rows,
        gpu=_gpu(profile.gpu_work, my_gpu, units, attribution, row_of_call),
        calls=_calls(profile.api_calls, my_calls, units, attribution.call_lane[my_calls]),
        ops=OpRows() if len(my_gpu) else _operations(profile, units),
        syncs=_syncs(profile.api_calls, my_calls, attribution.call_lane[my_calls]),
    )


def lane_rows(lane: Integers, counts: Flags) -> Integers:
    """Rows that count and have a lane, one lane behind the other: what was in the order of time is so on its line."""
    rows = np.flatnonzero(counts & (lane != NO_ROW))
    mine = lane[rows]
    return rows if len(rows) < 2 or (mine[1:] >= mine[:-1]).all() else rows[np.argsort(small(mine), kind="stable")]


def _gpu(work: pa.Table, rows: Integers, units: Units, attribution: Attribution, row_of_call: Integers) -> GpuRows:
    lane = attribution.lane[rows]
    shift = units.shifts(lane)
    return GpuRows(
        kernel=_of_kinds(work, "kernel", "graph")[rows],
        device=integers(work, "device")[rows],
        stream=integers(work, "stream")[rows] + lane * LANE_STREAMS,
        start_ns=integers(work, "start_ns")[rows] + shift,
        end_ns=integers(work, "end_ns")[rows] + shift,
        call=row_of_call[attribution.launch[rows]],
    )


def _calls(calls: pa.Table, rows: Integers, units: Units, lane: Integers) -> CallRows:
    names, shift = encode(calls, "name"), units.shifts(lane)
    return CallRows(
        call_kinds(names.values.to_pylist())[names.codes[rows]] if len(rows) else np.empty(0, np.int8),
        integers(calls, "thread")[rows],
        integers(calls, "start_ns")[rows] + shift,
        integers(calls, "end_ns")[rows] + shift,
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


def _syncs(calls: pa.Table, mine: Integers, lane: Integers) -> SyncRows:
    if calls["sync_kind"].null_count == len(calls):
        return SyncRows()
    kind = encode(calls, "sync_kind")
    place = {name: at for at, name in enumerate(SYNC_KINDS)}
    known = np.array([place.get(name, NO_ROW) for name in kind.values.to_pylist()] + [NO_ROW])[kind.codes[mine]]
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
