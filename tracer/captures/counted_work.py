"""From a profile and its attribution to the plain columns of the breakdown, of the inferences that count."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tracer.captures.attribution import Attribution, of_process
from tracer.captures.cuda_calls import call_kinds
from tracer.captures.inference_ranges import InferenceRanges
from tracer.captures.inference_work import SYNC_KINDS, CallRows, GpuRows, InferenceWork, OpRows, SyncRows
from tracer.captures.row_bounds import InferenceRows, stage_rows
from tracer.profiles.arrow_arrays import NO_ROW, Flags, arrow_flags, encode, integers
from tracer.profiles.profile import Profile
from tracer.stages import INFERENCE


def counted_work(profile: Profile, ranges: InferenceRanges, attribution: Attribution, keep: Flags) -> InferenceWork:
    """
    The work of the profiled process, without what the inferences that do not count called and launched.

    Operations of the host are taken only where the process did no GPU work: elsewhere, running one on the host means
    launching it. Work without a known launch is listed as outside, so it stays.

    ``keep`` tells of each inference whether figures are made of it; warm-ups are not.

    Raises:
        MalformedTraceError: as ``InferenceWork``.
    """
    calls, gpu = profile.api_calls, profile.gpu_work
    counts = np.append(keep, True)  # the last, which NO_ROW finds: outside every inference
    my_calls = attribution.our_calls & counts[attribution.call_place]
    my_gpu = attribution.ours & counts[attribution.place]
    row_of_call = np.full(len(calls) + 1, NO_ROW)
    row_of_call[np.flatnonzero(my_calls)] = np.arange(int(my_calls.sum()))
    inferences = InferenceRows(
        *(column[keep] for column in (ranges.numbers, ranges.thread, ranges.start_ns, ranges.end_ns))
    )
    starts, ends = ranges.stage_start_ns[keep], ranges.stage_end_ns[keep]
    if not ranges.stages:
        starts, ends = inferences.start_ns[:, None], inferences.end_ns[:, None]
    names = encode(calls, "name")
    kinds = call_kinds(names.values.to_pylist())[names.codes] if len(calls) else np.empty(0, np.int8)
    return InferenceWork(
        inferences=inferences,
        stage_names=ranges.stages or (INFERENCE,),
        stages=stage_rows(starts, ends),
        gpu=GpuRows(
            kernel=_of_kinds(gpu, "kernel", "graph")[my_gpu],
            device=integers(gpu, "device")[my_gpu],
            stream=integers(gpu, "stream")[my_gpu],
            start_ns=integers(gpu, "start_ns")[my_gpu],
            end_ns=integers(gpu, "end_ns")[my_gpu],
            call=row_of_call[attribution.launch[my_gpu]],
        ),
        calls=CallRows(
            kinds[my_calls], *(integers(calls, column)[my_calls] for column in ("thread", "start_ns", "end_ns"))
        ),
        ops=OpRows() if my_gpu.any() else _operations(profile, ranges.process),
        syncs=_syncs(calls, my_calls),
    )


def _syncs(calls: pa.Table, mine: Flags) -> SyncRows:
    kind = encode(calls.filter(arrow_flags(mine)), "sync_kind")
    place = {name: at for at, name in enumerate(SYNC_KINDS)}
    known = np.array([place.get(name, NO_ROW) for name in kind.values.to_pylist()] + [NO_ROW])[kind.codes]
    rows = np.flatnonzero(known != NO_ROW)
    columns = (integers(calls, name, NO_ROW)[mine][rows] for name in ("sync_stream", "sync_event"))
    return SyncRows(rows, known[rows], *columns)


def _operations(profile: Profile, process: int | None) -> OpRows:
    ops = profile.host_ops
    mine = _of_kinds(ops, "op") & of_process(ops, process)
    return OpRows(*(integers(ops, column)[mine] for column in ("thread", "start_ns", "end_ns")))


def _of_kinds(table: pa.Table, *kinds: str) -> Flags:
    kind = encode(table, "kind")
    return np.asarray(np.isin(kind.codes, [kind.code_of(one) for one in kinds]))
