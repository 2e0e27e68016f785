"""The breakdown, against counting each nanosecond, for any capture."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.captured import MAIN, Call, Gpu, captured, captures
from tracer.breakdown.breakdown import break_down
from tracer.breakdown.owners import OWNERS
from tracer.captures import work_parts
from tracer.captures.cuda_calls import classify_call
from tracer.captures.inference_work import InferenceWork


def naive_wait(rows: dict[str, Any], call: Call) -> int:
    """When the last work ended that was launched before a call and had ended by its return."""
    ends = [
        work.end
        for work in rows["gpu"]
        if call.start < work.end <= call.end
        and (rows["calls"][work.call].start if work.call >= 0 else work.start) < call.start
    ]
    return max(ends, default=call.start)


def naive_owner(rows: dict[str, Any], inference: tuple[int, int], at: int) -> tuple[str, str | None]:
    """The first owner that applies at one nanosecond, and the stage there."""
    stage = next((name for name, start, end in rows["stages"] if start <= at < end), None)
    running = [work for work in rows["gpu"] if work.start <= at < work.end]
    if running:
        return ("kernel" if any(work.kernel for work in running) else "copy"), stage
    held = set()
    for call in rows["calls"]:
        if inference[0] <= call.start < inference[1] and call.start <= at < call.end:
            kind = classify_call(call.name)
            if kind == "query" and call.thread != MAIN:
                continue
            until = naive_wait(rows, call)
            waits = "order" if until <= call.start else "wait" if at < until else "wake"
            held.add({"launch": "launch", "copy": "copy_call", "synchronise": waits}.get(kind, "other_call"))
    for owner in ("launch", "copy_call", "wait", "wake", "order", "other_call"):
        if owner in held:
            return owner, stage
    if stage == "session_run" and any(start <= at < end for _, start, end in rows["ops"]):
        return "op", stage
    return ("host" if stage else "tracer"), stage


@settings(max_examples=60, deadline=None)
@given(captures())
def test_the_parts_agree_with_counting_each_nanosecond(rows):
    found = break_down(captured(**rows))
    places = {name: place for place, name in enumerate(found.stage_names)}
    counted = np.zeros(found.owned_ns.shape, np.int64)
    for row, inference in enumerate(rows["inferences"]):
        for at in range(*inference):
            owner, stage = naive_owner(rows, inference, at)
            counted[row, OWNERS.index(owner), places.get(stage, len(places))] += 1
    assert found.owned_ns.tolist() == counted.tolist()


@settings(max_examples=25, deadline=None)
@given(captures())
def test_the_whole_time_of_host_code_is_that_of_the_inference_s_own_thread_outside_its_calls(rows):
    found = break_down(captured(**rows))
    between = len(found.stage_names)
    places = {None: between, **{name: place for place, name in enumerate(found.stage_names)}}
    host, tracer = (np.zeros((len(rows["inferences"]), between + 1), np.int64) for _ in range(2))
    for row, (begin, end) in enumerate(rows["inferences"]):
        calls = [one for one in rows["calls"] if one.thread == MAIN and begin <= one.start < end]
        for at in range(begin, end):
            stage = next((name for name, start, stop in rows["stages"] if start <= at < stop), None)
            called = any(one.start <= at < one.end for one in calls)
            host[row, places[stage]] += stage is not None and not called
            tracer[row, between] += stage is None
    assert found.total_ns[:, OWNERS.index("host")].tolist() == host.tolist()
    assert found.total_ns[:, OWNERS.index("tracer")].tolist() == tracer.tolist()


@settings(max_examples=30, deadline=None)
@given(captures())
def test_the_parts_sum_to_the_wall_time_and_none_exceeds_its_whole(rows):
    found = break_down(captured(**rows))
    assert sum(found.parts().values()).tolist() == found.wall_ns.tolist()
    assert (found.busy_ns + found.overhead_ns).tolist() == found.wall_ns.tolist()
    gaps = found.gaps.by_cause(len(found.wall_ns))
    assert (found.busy_ns + gaps.sum(axis=1)).tolist() == found.wall_ns.tolist()
    for owner in ("kernel", "copy", "launch", "copy_call", "wait", "wake", "order", "other_call", "op", "tracer"):
        place = OWNERS.index(owner)
        assert (found.owned_ns[:, place] <= found.total_ns[:, place]).all(), owner


@settings(max_examples=100, deadline=None)
@given(captures())
def test_an_inference_at_a_time_gives_what_all_at_once_give(rows):
    work = captured(**rows)
    whole = break_down(work)
    with mock.patch.object(work_parts, "PART_ROWS", 1):
        assert len(list(work_parts.work_parts(work))) == len(rows["inferences"])
        apart = break_down(work)
    assert facts(apart, rows) == facts(whole, rows)
    for name in ("inference", "cause", "start_ns", "end_ns"):
        assert getattr(apart.gaps, name).tolist() == getattr(whole.gaps, name).tolist()


@settings(max_examples=30, deadline=None)
@given(captures(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows, random):
    order = list(range(len(rows["calls"])))
    random.shuffle(order)
    where = {old: new for new, old in enumerate(order)}
    gpu = [Gpu(one.start, one.end, where.get(one.call, -1), one.kernel, one.stream) for one in rows["gpu"]]
    random.shuffle(gpu)
    shuffled = captured(**{**rows, "calls": [rows["calls"][old] for old in order], "gpu": gpu})
    assert facts(break_down(captured(**rows)), rows) == facts(break_down(shuffled), rows)


@settings(max_examples=30, deadline=None)
@given(captures())
def test_no_gpu_work_is_dropped(rows):
    work: InferenceWork = captured(**rows)
    outside = break_down(work).outside
    inside = np.flatnonzero(work.gpu_inference >= 0)
    assert sorted([*inside.tolist(), *outside.gpu.tolist(), *outside.unlaunched.tolist()]) == list(
        range(len(work.gpu))
    )
    counted = sum(
        len(set(range(start, end)) & set(range(rows["gpu"][row].start, rows["gpu"][row].end)))
        for row in (*outside.gpu.tolist(), *outside.unlaunched.tolist())
        for start, end in rows["inferences"]
    )
    assert outside.inside_ns == counted


def facts(found: Any, rows: dict[str, Any]) -> list[Any]:
    return [
        found.owned_ns.tolist(),
        found.total_ns.tolist(),
        found.gaps.start_ns.tolist(),
        found.gaps.by_cause(len(rows["inferences"])).tolist(),
        found.spill.stage_ns.tolist(),
        found.spill.inference_ns.tolist(),
        found.polling.total_ns.tolist(),
    ]
