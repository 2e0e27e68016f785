"""From a profile's tables, its inferences and the launches of its GPU work to the plain columns of the breakdown."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from tracer.captures.cuda_calls import call_kinds
from tracer.captures.inference_work import CallRows, CapturedWork, GpuRows, InferenceRows, OpRows, StageRows
from tracer.captures.row_bounds import Ints
from tracer.profiles.profile import Profile


def stage_rows(start_ns: ArrayLike, end_ns: ArrayLike) -> StageRows:
    """
    Stage ranges of all inferences as ascending rows.

    Args:
        start_ns: int64, shape (n inferences, s stages); negative where an inference lacks the stage.
        end_ns: the same shape.
    """
    start, end = np.asarray(start_ns, np.int64), np.asarray(end_ns, np.int64)
    stage = np.broadcast_to(np.arange(start.shape[1]), start.shape)
    there = start >= 0
    rows = stage[there], start[there], end[there]
    order = np.lexsort((rows[2], rows[1]))
    return StageRows(*(column[order] for column in rows))


def captured_work(
    profile: Profile,
    process: int,
    inferences: InferenceRows,
    stage_names: tuple[str, ...],
    stages: StageRows,
    launch: Ints,
) -> CapturedWork:
    """
    The work of one process of a profile.

    Args:
        profile: the capture.
        process: whose rows count.
        inferences: of that process, on the capture's clock.
        stage_names: names of the stages.
        stages: see ``stage_rows``.
        launch: of each row of ``profile.gpu_work``, the row of its launching call in ``profile.api_calls``, or -1.

    Returns:
        Rows of the process alone. Operations are taken only where the process did no GPU work: elsewhere, running one
        on the host means launching it.

    Raises:
        MalformedTraceError: as ``CapturedWork``.
    """
    calls, gpu = profile.api_calls, profile.gpu_work
    my_calls, my_gpu = _integers(calls, "process") == process, _integers(gpu, "process") == process
    place = np.full(len(calls) + 1, -1)  # the last, which -1 finds, stays -1
    place[np.flatnonzero(my_calls)] = np.arange(int(my_calls.sum()))
    names, name = _names(calls["name"])
    kinds = call_kinds(names)[name]
    names, name = _names(gpu["kind"])
    kernel = np.array([one in {"kernel", "graph"} for one in names], np.bool_)[name]
    return CapturedWork(
        inferences=inferences,
        stage_names=stage_names,
        stages=stages,
        gpu=GpuRows(
            kernel=kernel[my_gpu],
            device=_integers(gpu, "device")[my_gpu],
            stream=_integers(gpu, "stream")[my_gpu],
            start_ns=_integers(gpu, "start_ns")[my_gpu],
            end_ns=_integers(gpu, "end_ns")[my_gpu],
            call=place[np.asarray(launch, np.int64)[my_gpu]],
        ),
        calls=CallRows(
            kinds[my_calls], *(_integers(calls, column)[my_calls] for column in ("thread", "start_ns", "end_ns"))
        ),
        ops=OpRows() if my_gpu.any() else _operations(profile, process),
    )


def _operations(profile: Profile, process: int) -> OpRows:
    ops = profile.host_ops
    names, name = _names(ops["kind"])
    computing = np.array([one == "op" for one in names], np.bool_)[name]
    mine = computing & (_integers(ops, "process") == process)
    return OpRows(*(_integers(ops, column)[mine] for column in ("thread", "start_ns", "end_ns")))


def _integers(table: pa.Table, name: str) -> Ints:
    column: Ints = table[name].to_numpy().astype(np.int64)
    return column


def _names(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """The different names of a dictionary column, and of each row the place of its own."""
    column = column.unify_dictionaries()
    if not column.num_chunks:
        return [], np.empty(0, np.int64)
    places = [chunk.indices.to_numpy() for chunk in column.chunks]
    return column.chunk(0).dictionary.to_pylist(), np.concatenate(places).astype(np.int64)
