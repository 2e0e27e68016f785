"""From captures to what the breakdown takes: several as one, without the inferences that do not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.captures.inference_ranges import InferenceRanges, inference_at
from tracer.captures.inference_work import CapturedWork, InferenceRows
from tracer.captures.profile_rows import captured_work, stage_rows
from tracer.profiles.arrow_arrays import NO_ROW, Flags, Integers, integers
from tracer.profiles.launches import launches
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


def kept_work(profile: Profile, ranges: InferenceRanges, keep: Flags) -> CapturedWork:
    """
    The work of the profiled process, without what the inferences that are not kept called and launched.

    Args:
        profile: with the ranges.
        ranges: as ``stage_ranges`` finds them in it.
        keep: of each inference whether figures are made of it; warm-ups are not.

    Raises:
        MalformedTraceError: as ``CapturedWork``.
    """
    launch = launches(profile)
    called = integers(profile.api_calls, "start_ns")
    stays = ~_left_out(ranges, keep, called)
    # Without a known launch a kernel is listed as outside, so it stays.
    launched = np.r_[stays, True][launch]
    place = np.r_[np.where(stays, np.cumsum(stays) - 1, NO_ROW), NO_ROW]
    rest = replace(
        profile,
        api_calls=profile.api_calls.filter(pa.array(stays)),
        gpu_work=profile.gpu_work.filter(pa.array(launched)),
    )
    rows = InferenceRows(
        number=ranges.numbers[keep],
        thread=ranges.thread[keep],
        start_ns=ranges.start_ns[keep],
        end_ns=ranges.end_ns[keep],
    )
    starts, ends = ranges.stage_start_ns[keep], ranges.stage_end_ns[keep]
    if not ranges.stages:
        starts, ends = rows.start_ns[:, None], rows.end_ns[:, None]
    process = NO_ROW if ranges.process is None else ranges.process
    names = ranges.stages or (INFERENCE,)
    return captured_work(rest, process, rows, names, stage_rows(starts, ends), place[launch[launched]])


def _left_out(ranges: InferenceRanges, keep: Flags, times: Integers) -> Flags:
    """Which of ``times`` lie in an inference of which no figures are made."""
    place = inference_at(ranges, times)
    found: Flags = (place != NO_ROW) & ~np.r_[keep, True][place]
    return found
