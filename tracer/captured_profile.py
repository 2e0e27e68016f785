"""From what readers give to what the breakdown takes: several captures as one, and a profile's rows as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.captured_work import CallRows, CapturedWork, GpuRows, InferenceRows, OpRows, StageRows
from tracer.cuda_calls import call_kinds
from tracer.inference_ranges import InferenceRanges, inference_at
from tracer.launches import launches
from tracer.profile_columns import NO_ROW, Flags, Integers, encode, integers
from tracer.profiles.profile import PROFILE_TABLES, Profile
from tracer.stages import INFERENCE

APART_NS = 1_000_000_000
"""Between captures laid behind one another."""


def joined(captures: Sequence[Profile]) -> Profile:
    """
    Several captures of one run as one profile.

    Each has a clock and correlation ids of its own: the later ones are laid behind the earlier. No figure crosses
    from one to another.

    Args:
        captures: at least one, of one profiler.
    """
    first = captures[0]
    if len(captures) == 1:
        return first
    tables: dict[str, list[pa.Table]] = {name: [] for name in PROFILE_TABLES}
    end, ids = 0, 0
    for capture in captures:
        shift = end + APART_NS - _edge(capture, min, "start_ns", 0)
        for name, parts in tables.items():
            parts.append(_shifted(getattr(capture, name), shift, ids))
        end = max(end, shift + _edge(capture, max, "end_ns", 0))
        ids += 1 + _edge(capture, max, "correlation_id", -1)
    whole = {name: pa.concat_tables(parts).unify_dictionaries() for name, parts in tables.items()}
    traced = frozenset.intersection(*(capture.traced for capture in captures))
    notes = tuple(dict.fromkeys(note for capture in captures for note in capture.notes))
    experimental = any(capture.experimental for capture in captures)
    return replace(first, traced=traced, notes=notes, experimental=experimental, **whole)


def _edge(capture: Profile, choose: object, column: str, default: int) -> int:
    found = [
        (pc.min if choose is min else pc.max)(getattr(capture, name)[column]).as_py()
        for name, schema in PROFILE_TABLES.items()
        if column in schema.names
    ]
    known = [value for value in found if value is not None]
    return (min(known) if choose is min else max(known)) if known else default


def _shifted(table: pa.Table, shift: int, ids: int) -> pa.Table:
    for name, step in (("start_ns", shift), ("end_ns", shift), ("correlation_id", ids)):
        if name in table.schema.names:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(name), pc.add(table[name], step))
    return table


def captured_work(profile: Profile, ranges: InferenceRanges, keep: Flags) -> CapturedWork:
    """
    The rows of the profiled process, without what the inferences that are not kept launched and called.

    Operations of the host are given only where the GPU did nothing: elsewhere running one means launching it.

    Args:
        profile: with the ranges.
        ranges: as ``stage_ranges`` finds them in it.
        keep: of each inference whether figures are made of it; warm-ups are not.

    Raises:
        MalformedTraceError: as ``CapturedWork``.
    """
    calls, kept_calls = _calls(profile, ranges, keep)
    gpu = _gpu_rows(profile, ranges, kept_calls)
    return CapturedWork(
        inferences=InferenceRows(
            number=ranges.numbers[keep],
            thread=ranges.thread[keep],
            start_ns=ranges.start_ns[keep],
            end_ns=ranges.end_ns[keep],
        ),
        stage_names=ranges.stages or (INFERENCE,),
        stages=_stage_rows(ranges, keep),
        gpu=gpu,
        calls=calls,
        ops=OpRows() if len(gpu) else _op_rows(profile, ranges.process),
    )


def _stage_rows(ranges: InferenceRanges, keep: Flags) -> StageRows:
    if not ranges.stages:
        start, end = ranges.start_ns[keep], ranges.end_ns[keep]
        return StageRows(np.zeros(len(start), np.int64), start, end)
    starts, ends = ranges.stage_start_ns[keep], ranges.stage_end_ns[keep]
    there = starts != NO_ROW
    start, end = starts[there], ends[there]
    stage = np.broadcast_to(np.arange(len(ranges.stages)), starts.shape)[there]
    order = np.argsort(start, kind="stable")
    return StageRows(stage[order], start[order], end[order])


def _left_out(ranges: InferenceRanges, keep: Flags, times: Integers) -> Flags:
    """Which of ``times`` lie in an inference of which no figures are made."""
    place = inference_at(ranges, times)
    found: Flags = (place != NO_ROW) & ~keep[place]
    return found


def _calls(profile: Profile, ranges: InferenceRanges, keep: Flags) -> tuple[CallRows, Integers]:
    """The calls, and the row of each of the profile's among them; ``NO_ROW`` of one that is left out."""
    table = profile.api_calls
    start = integers(table, "start_ns")
    kept = (integers(table, "process") == ranges.process) & ~_left_out(ranges, keep, start)
    names = encode(table, "name")
    kinds = call_kinds([str(name) for name in names.values.to_pylist()])
    rows = np.full(len(table), NO_ROW, np.int64)
    rows[kept] = np.arange(int(kept.sum()))
    columns = CallRows(
        kind=kinds[names.codes[kept]] if len(kinds) else np.empty(0, np.int8),
        thread=integers(table, "thread")[kept],
        start_ns=start[kept],
        end_ns=integers(table, "end_ns")[kept],
    )
    return columns, rows


def _gpu_rows(profile: Profile, ranges: InferenceRanges, kept_calls: Integers) -> GpuRows:
    table = profile.gpu_work
    launch = launches(profile)
    call = np.where(launch == NO_ROW, NO_ROW, kept_calls[launch] if len(kept_calls) else NO_ROW)
    dropped = (launch != NO_ROW) & (call == NO_ROW)
    kept = (integers(table, "process") == ranges.process) & ~dropped
    kinds = encode(table, "kind")
    computes = np.isin(kinds.codes, [kinds.code_of("kernel"), kinds.code_of("graph")])
    return GpuRows(
        kernel=computes[kept],
        device=integers(table, "device")[kept],
        stream=integers(table, "stream")[kept],
        start_ns=integers(table, "start_ns")[kept],
        end_ns=integers(table, "end_ns")[kept],
        call=call[kept],
    )


def _op_rows(profile: Profile, process: int | None) -> OpRows:
    table = profile.host_ops
    kinds = encode(table, "kind")
    kept = (integers(table, "process") == process) & (kinds.codes == kinds.code_of("op"))
    return OpRows(
        thread=integers(table, "thread")[kept],
        start_ns=integers(table, "start_ns")[kept],
        end_ns=integers(table, "end_ns")[kept],
    )
