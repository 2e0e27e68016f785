"""Attribution against a slow, obvious reference: every call is held against every range, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles import PROCESS, Row, call, inference, kernel, profile
from tracer.captures.attribution import attribute
from tracer.captures.counted_work import counted_work
from tracer.captures.inference_ranges import stage_ranges
from tracer.profiles.profile import Profile

OTHER = PROCESS + 1
NAMES = ("dequantize", "session_run", "readback")


@st.composite
def captures(draw: st.DrawFn) -> Profile:
    """Some inferences with gaps, calls of two processes at any time, works with and without a call."""
    ranges: list[Row] = []
    now = 10
    for number in range(draw(st.integers(0, 3))):
        lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
        rows = inference(number + 4, now, list(zip(NAMES, lengths, strict=False)), gap=draw(st.integers(0, 2)))
        ranges += rows
        now = rows[0]["end_ns"] + draw(st.integers(0, 4))
    moments, processes = st.integers(0, now + 5), st.sampled_from([PROCESS, OTHER])
    calls = [
        call("cudaLaunchKernel", at, at + 1, row, process=process)
        for row, (at, process) in enumerate(draw(st.lists(st.tuples(moments, processes), max_size=8)))
    ]
    ids = st.one_of(st.none(), st.integers(0, 9))
    works = draw(st.lists(st.tuples(moments, ids, processes), max_size=8))
    return profile([kernel("k", at, at + 3, one, process=process) for at, one, process in works], calls, ranges)


def owner(capture: Profile, call_row: dict[str, Any] | None) -> tuple[int | None, str | None]:
    """Number of the inference and name of the stage during which a call of the inferences' process began."""
    number = stage = None
    if call_row is not None and call_row["process"] == PROCESS:
        for one in capture.nvtx_ranges.to_pylist():
            if one["start_ns"] <= call_row["start_ns"] < one["end_ns"]:
                number = one["payload"] if one["name"] == "inference" else number
                stage = stage if one["name"] == "inference" else one["name"]
    return number, stage


def launching(capture: Profile, work: dict[str, Any]) -> dict[str, Any] | None:
    calls = capture.api_calls.to_pylist()
    same = [
        one for one in calls if (one["process"], one["correlation_id"]) == (work["process"], work["correlation_id"])
    ]
    return same[0] if same and work["process"] == PROCESS else None


@settings(max_examples=200, deadline=None)
@given(captures())
def test_every_work_and_call_has_the_owner_that_a_search_of_all_ranges_finds(capture: Profile) -> None:
    ranges = stage_ranges(capture)
    found = attribute(capture, ranges)
    stages = [*ranges.stages, None]
    numbers = [*ranges.numbers.tolist(), None]
    works, calls = capture.gpu_work.to_pylist(), capture.api_calls.to_pylist()
    expected = [owner(capture, launching(capture, work)) for work in works]
    given_owners = [(numbers[place], stages[stage]) for place, stage in zip(found.place, found.stage, strict=True)]
    assert given_owners == expected
    assert [None if one < 0 else one for one in found.inference.tolist()] == [number for number, _ in expected]
    # Without an inference no process is the profiled one.
    known = [owner(capture, one)[0] for one in calls]
    assert [numbers[place] for place in found.call_place] == known


@settings(max_examples=200, deadline=None)
@given(captures(), st.data())
def test_the_breakdown_sees_the_owners_of_the_attribution(capture: Profile, data: st.DataObject) -> None:
    ranges = stage_ranges(capture)
    found = attribute(capture, ranges)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(ranges), max_size=len(ranges))), bool)
    work = counted_work(capture, ranges, found, keep)
    rows = np.flatnonzero(found.ours & np.append(keep, True)[found.place])
    numbers = np.append(ranges.numbers[keep], -1)
    stages = np.append(work.stages.stage, -1)
    assert numbers[work.gpu_inference].tolist() == found.inference[rows].tolist()
    assert stages[work.gpu_stage].tolist() == found.stage[rows].tolist()
    calls = np.flatnonzero(found.our_calls & np.append(keep, True)[found.call_place])
    assert numbers[work.call_inference].tolist() == np.append(ranges.numbers, -1)[found.call_place[calls]].tolist()
