"""GPU work is laid under the stage that launched it, by one clock and on any thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.profiles import EXECUTOR, PROCESS, call, copy, inference, kernel, nvtx, profile
from tracer.captures.attribution import attribute, of_process
from tracer.captures.inference_ranges import (
    InferenceRanges,
    stage_ranges,
    verify_ranges,
)
from tracer.captures.stored_capture import joined
from tracer.errors import ProfileError
from tracer.profiles.launches import launches

STAGES = [("host_to_device", 10), ("session_run", 100), ("readback", 20)]
NAMES = tuple(name for name, _ in STAGES)


def two_inferences() -> list[dict[str, Any]]:
    """Inference 5 over [1000, 1138): stages at 1002, 1014 and 1116; inference 6 over [2000, 2138)."""
    return [*inference(5, 1000, STAGES), *inference(6, 2000, STAGES)]


def test_stages_lie_in_their_inferences() -> None:
    found = stage_ranges(profile(ranges=two_inferences()))
    assert found.numbers.tolist() == [5, 6]
    assert found.stages == NAMES
    assert found.stage_start_ns.tolist() == [[1002, 1014, 1116], [2002, 2014, 2116]]
    assert found.stage_end_ns.tolist() == [[1012, 1114, 1136], [2012, 2114, 2136]]
    assert verify_ranges(found, 2, NAMES) == []


def test_a_kernel_belongs_to_the_stage_that_launched_it_on_whatever_thread() -> None:
    calls = [call("cudaLaunchKernel", 1113, 1120, 1, EXECUTOR), call("cudaLaunchKernel", 2020, 2022, 2)]
    work = [kernel("late", 1130, 1180, 1), kernel("prompt", 2030, 2040, 2)]
    capture = profile(work, calls, two_inferences())
    found = attribute(capture, stage_ranges(capture))
    assert found.inference.tolist() == [5, 6]
    assert [NAMES[stage] for stage in found.stage] == ["session_run", "session_run"]
    assert found.launch_delay_ns.tolist() == [17, 10]


def test_an_edge_belongs_to_what_begins_there() -> None:
    edges = [999, 1000, 1001, 1002, 1011, 1012, 1137, 1138]
    calls = [call("cudaMemcpyAsync", at, at + 1, at) for at in edges]
    capture = profile([copy("Host-to-Device", at, at + 1, at) for at in edges], calls, two_inferences())
    found = attribute(capture, stage_ranges(capture))
    assert found.inference.tolist() == [-1, 5, 5, 5, 5, 5, 5, -1]
    assert found.stage.tolist() == [-1, -1, -1, 0, 0, -1, -1, -1]


def test_work_outside_and_of_others_is_listed_not_dropped() -> None:
    calls = [call("cudaLaunchKernel", 500, 501, 1), call("cudaLaunchKernel", 1020, 1021, 2, process=7)]
    work = [kernel("before", 510, 520, 1), kernel("cut", 1020, 1021, 9), kernel("other", 1020, 1030, 2, process=7)]
    work.append(kernel("unknown", 1020, 1021, None))
    capture = profile(work, calls, two_inferences())
    found = attribute(capture, stage_ranges(capture))
    assert (found.ours & (found.place == -1)).tolist() == [True, True, False, True]
    assert (found.ours & (found.launch == -1)).tolist() == [False, True, False, True]
    assert found.call_place.tolist() == [-1, -1]
    assert found.ours.tolist() == [True, True, False, True]


def test_correlation_ids_are_those_of_their_process() -> None:
    calls = [call("cudaLaunchKernel", 10, 11, 1, process=1), call("cudaLaunchKernel", 5, 6, 1, process=2)]
    work = [kernel("a", 20, 21, 1, process=2), kernel("b", 20, 21, 1, process=1), kernel("c", 20, 21, 1, process=3)]
    assert launches(profile(work, calls)).tolist() == [1, 0, -1]


@pytest.mark.parametrize("spread", [1, 10**12])
def test_of_a_runtime_call_and_the_driver_call_within_the_outer_one_launched(spread: int) -> None:
    inner, outer = call("cuLaunchKernel", 12, 15, 3 * spread), call("cudaLaunchKernel", 10, 20, 3 * spread)
    same_start = call("cuLaunchKernelEx", 10, 19, 3 * spread)
    other = call("cudaLaunchKernel", 30, 31, 5 * spread)
    work = [kernel("a", 20, 21, 3 * spread), kernel("b", 40, 41, 5 * spread), kernel("c", 40, 41, 4 * spread)]
    found = launches(profile(work, [inner, same_start, outer, other]))
    assert found.tolist() == [2, 3, -1]


def test_a_graph_launch_launches_all_of_its_kernels() -> None:
    calls = [call("cudaGraphLaunch", 1050, 1055, 1)]
    capture = profile([kernel(f"k{i}", 1060 + i, 1061 + i, 1) for i in range(5)], calls, two_inferences())
    found = attribute(capture, stage_ranges(capture))
    assert found.stage.tolist() == [1] * 5


def test_inferences_that_overlap_are_refused() -> None:
    crossing = inference(6, 1137, STAGES, thread=EXECUTOR)
    rows = [*inference(5, 1000, STAGES), *crossing, *inference(7, 2000, STAGES)]
    with pytest.raises(ProfileError) as refused:
        stage_ranges(profile(ranges=rows))
    assert str(refused.value) == (
        "made-up.sqlite: inferences 5 and 6 overlap; kernels are attributed by time, so capture a run that does one "
        "inference at a time"
    )
    assert len(stage_ranges(profile(ranges=[*rows[:4], *inference(6, 1138, STAGES), *rows[8:]]))) == 3


def test_two_processes_with_inferences_are_told_apart() -> None:
    rows = [*two_inferences(), *inference(0, 3000, STAGES, process=7)]
    with pytest.raises(ProfileError, match="7, 100"):
        stage_ranges(profile(ranges=rows))
    assert stage_ranges(profile(ranges=rows), process=PROCESS).numbers.tolist() == [5, 6]


def test_start_end_ranges_and_other_domains_are_not_ours() -> None:
    rows = [{**row, "style": "start_end"} for row in inference(9, 500, STAGES)]
    rows += [{**row, "domain": "other"} for row in inference(9, 5000, STAGES)]
    found = stage_ranges(profile(ranges=[*rows, *two_inferences()]))
    assert found.numbers.tolist() == [5, 6]
    assert found.stage_start_ns[:, 0].tolist() == [1002, 2002]


def test_a_stage_name_pushed_on_another_thread_is_no_stage_of_the_inference() -> None:
    stray = nvtx("session_run", 1015, 1016, domain="kws-trace", thread=EXECUTOR)
    found = stage_ranges(profile(ranges=[stray, *two_inferences()]))
    assert found.stage_start_ns[0].tolist() == [1002, 1014, 1116]
    assert (found.repeated, found.outside) == (0, 1)


def test_a_fused_inference_has_no_stage() -> None:
    rows = [nvtx("inference", 100 * i, 100 * i + 50, domain="kws-trace", payload=i) for i in range(3)]
    capture = profile([kernel("k", 115, 120, 1)], [call("cudaLaunchKernel", 110, 112, 1)], rows)
    inferences = stage_ranges(capture)
    assert inferences.stages == ()
    assert verify_ranges(inferences, 3, ()) == []
    found = attribute(capture, inferences)
    assert (found.inference.tolist(), found.stage.tolist()) == ([1], [-1])


def test_a_capture_without_ranges_and_without_work_gives_nothing() -> None:
    empty = profile()
    inferences = stage_ranges(empty)
    assert len(inferences) == 0
    assert inferences.process is None
    assert len(attribute(empty, inferences).launch) == 0
    assert "did not arrive" in verify_ranges(inferences)[0]


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        (inference(5, 1000, STAGES), ["1 inference captured, 2 expected"]),
        ([*inference(5, 1000, STAGES), *inference(8, 2000, STAGES)], ["missing: inference 6 to 7"]),
        ([*inference(5, 1000, STAGES), *inference(5, 2000, STAGES)], ["1 inference number repeated"]),
        ([*inference(6, 1000, STAGES), *inference(5, 2000, STAGES)], ["inference numbers fall back, first after 6"]),
        ([*inference(5, 1000, STAGES), *inference(None, 2000, STAGES)], ["1 `inference` range without a number"]),
        (
            [*two_inferences(), nvtx("inference", 3000, None, domain="kws-trace")],
            ["1 range without an end: the capture ended within an inference"],
        ),
        (
            [*two_inferences(), nvtx("readback", 1137, 1138, domain="kws-trace")],
            ["1 stage range repeated within an inference"],
        ),
        (two_inferences()[:-1], ["1 inference without stage readback, first inference 6"]),
        (
            [*two_inferences(), nvtx("extra", 1137, 1138, domain="kws-trace")],
            ["a range extra that is no stage of the run", "1 inference without stage extra, first inference 6"],
        ),
        ([*inference(5, 1000, STAGES[:2]), *inference(6, 2000, STAGES[:2])], ["no range of stage readback"]),
        (
            [{**two_inferences()[0], "end_ns": 1130}, *two_inferences()[1:]],
            ["1 inference ended before a stage within"],
        ),
        (
            [
                {**row, "end_ns": row["start_ns"] + 130} if row["name"] == "inference" else row
                for row in two_inferences()
            ],
            ["2 inferences ended before a stage within"],
        ),
        (
            [row for number in range(0, 10, 2) for row in inference(number, 1000 * number, STAGES)],
            [
                "5 inferences captured, 2 expected",
                "missing: inference 1, 3, 5 and 1 more gap",
            ],
        ),
        ([], ["no `inference` range: the NVTX ranges did not arrive, or the capture began after the last one"]),
    ],
)
def test_a_capture_that_is_not_whole_says_what_is_wrong(rows: list[dict[str, Any]], problems: list[str]) -> None:
    assert verify_ranges(stage_ranges(profile(ranges=rows)), 2, NAMES) == problems


def test_rows_in_any_order_give_the_same() -> None:
    rng = np.random.default_rng(3)
    calls = [call("cudaLaunchKernel", int(at), int(at) + 1, i) for i, at in enumerate(rng.integers(900, 2300, 60))]
    work = [kernel(f"k{i}", 3000 + i, 3001 + i, i) for i in range(60)]
    capture = profile(work, calls, two_inferences())
    straight = attribute(capture, stage_ranges(capture))
    mixed = profile(
        work, rng.permutation(np.array(calls)).tolist(), rng.permutation(np.array(two_inferences())).tolist()
    )
    again = attribute(mixed, stage_ranges(mixed))
    assert np.array_equal(straight.stage, again.stage)
    assert np.array_equal(straight.inference, again.inference)


def test_what_others_call_an_inference_names_no_process_of_ours() -> None:
    others = [nvtx("inference", 5, 9, process=7), nvtx("readback", 5, 9, process=8, domain="kws-trace")]
    found = stage_ranges(profile(ranges=[*others, *two_inferences()]))
    assert (found.process, found.numbers.tolist(), found.outside) == (PROCESS, [5, 6], 0)


def test_bare_inferences_are_whole() -> None:
    one, none = np.array([0]), np.empty((1, 0), np.int64)
    found = InferenceRanges(PROCESS, one, one, one, one + 9, (), none, none)
    assert (verify_ranges(found, 1, []), found.outside) == ([], 0)


def test_rows_of_no_process_are_none_of_any() -> None:
    calls = profile(calls=[call("cudaFree", 0, 1, 1), call("cudaFree", 0, 1, 1, process=7)]).api_calls
    assert [of_process(calls, one).tolist() for one in (7, None)] == [[False, True], [False, False]]


def test_captures_of_one_run_are_laid_behind_one_another_with_ids_of_their_own() -> None:
    first = profile([kernel("k", 30, 40, 5)], [call("cudaLaunchKernel", 10, 20, 5), call("cudaFree", 21, 22, None)])
    first = replace(first, notes=("a", "b"))
    second = replace(first, notes=("b", "c"), traced=frozenset({"cuda"}), experimental=True)
    found = joined([first, second])
    # The first begins a second after 0, the second as long after the first has ended.
    begins = (10**9, 2 * 10**9 + 30)
    assert [tuple(row.values())[3:6] for row in found.api_calls.to_pylist()] == [
        row
        for at, number in zip(begins, (5, 11), strict=True)
        for row in ((at, at + 10, number), (at + 11, at + 12, None))
    ]
    assert [tuple(row.values())[6:] for row in found.gpu_work.to_pylist()] == [
        (at + 20, at + 30, number) for at, number in zip(begins, (5, 11), strict=True)
    ]
    assert (found.notes, found.traced, found.experimental) == (("a", "b", "c"), {"cuda"}, True)
    assert joined([first]) is first
