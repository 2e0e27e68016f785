"""Kernel tables: what is counted where, and that a table's figures are those of its rows."""

from __future__ import annotations

import io
import statistics
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.profiles import EXECUTOR, MAIN, call, copy, inference, kernel, nvtx, profile
from tests.projected_ranges import project_ranges
from tracer.errors import ProfileError
from tracer.kernels.grouped_figures import group_figures
from tracer.kernels.kernel_listing import By, list_kernels
from tracer.kernels.kernel_tables import calls_by_name, copies_by_name, kernels_by_name
from tracer.kernels.range_tables import work_by_range
from tracer.profiles.profile import Profile, ProfileSummary, SummaryRow

STAGES = [("host_to_device", 10), ("session_run", 100), ("readback", 20)]


def test_kernels_come_by_their_total_and_copies_apart() -> None:
    work = [kernel("a", 0, 10, 1), kernel("b", 10, 50, 2), kernel("a", 60, 80, 3), copy("Host-to-Device", 90, 95, 4)]
    capture = profile(work)
    rows = kernels_by_name(capture).to_pylist()
    assert [(row["name"], row["count"], row["total_ns"]) for row in rows] == [("b", 1, 40), ("a", 2, 30)]
    assert rows[1] == {
        "name": "a",
        "kind": "kernel",
        "count": 2,
        "total_ns": 30,
        "mean_ns": 15.0,
        "median_ns": 15.0,
        "min_ns": 10,
        "max_ns": 20,
        "share": pytest.approx(30 / 70),
    }
    (moved,) = copies_by_name(capture).to_pylist()
    assert (moved["name"], moved["bytes"], moved["total_ns"]) == ("[CUDA memcpy Host-to-Device]", 490, 5)
    assert moved["bytes_per_s"] == pytest.approx(490 / 5e-9)


def test_work_of_one_name_and_two_kinds_is_two_rows() -> None:
    work = [copy("x", 0, 5, 1), {**copy("x", 10, 30, 2), "kind": "memset"}]
    name = copies_by_name(profile(work)).to_pylist()[0]["name"]
    rows = copies_by_name(profile([{**one, "name": name} for one in work])).to_pylist()
    assert [(row["kind"], row["name"], row["total_ns"]) for row in rows] == [
        ("memset", name, 20),
        ("memcpy", name, 5),
    ]


NAME = "void a::b::k<int>(float)"


@pytest.fixture
def two_launches() -> Profile:
    """Two kernels launched in ``session_run``, a copy whose call nobody saw, and a call that launches nothing."""
    work = [kernel(NAME, 20, 30, 1), kernel(NAME, 40, 70, 2), copy("Host-to-Device", 0, 5, None)]
    calls = [call("cudaLaunchKernel", 15, 18, 1), call("cudaLaunchKernel", 31, 36, 2), call("cudaFree", 50, 52, None)]
    return profile(work, calls, inference(1, 0, STAGES))


TABLES = {
    "kernel": """\
Kernels
  share total count  mean median name
100.0 % 40 ns     2 20 ns  20 ns b::k
Copies and sets (share of their own time)
  share total count mean      rate name
100.0 %  5 ns     1 5 ns 98.0 GB/s [CUDA memcpy Host-to-Device]""",
    "range": """\
Kernels by range that launched them (in every range around them)
 share total count  mean range                 kernel
88.9 % 40 ns     2 20 ns kws-trace:inference   b::k
88.9 % 40 ns     2 20 ns kws-trace:session_run b::k
11.1 %  5 ns     1  5 ns (no range)            [CUDA memcpy Host-to-Device]
Note: 1 piece of GPU work has no CUDA call in the capture and so no range""",
    "api": """\
CUDA calls
 share total count launched GPU time delay name
80.0 %  8 ns     2        2    40 ns  7 ns cudaLaunchKernel
20.0 %  2 ns     1        0        -     - cudaFree""",
}


@pytest.mark.parametrize("by", ["kernel", "range", "api"])
def test_a_table_on_a_terminal(two_launches: Profile, by: By) -> None:
    out = io.StringIO()
    listing = list_kernels(two_launches, by, copies=by == "range")
    listing.render(Console(file=out, width=100), full_names=False)
    assert [line.rstrip() for line in out.getvalue().splitlines()] == TABLES[by].split("\n")


def test_a_range_without_a_name_says_so_and_one_that_is_repeated_is_dim() -> None:
    work = [kernel("a", 20, 30, 1), kernel("b", 30, 50, 2)]
    calls = [call("cudaLaunchKernel", at, at + 1, at) for at in (1, 2)]
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system="standard", no_color=False)
    list_kernels(profile(work, calls, [nvtx(None, 0, 9)]), "range").render(console, full_names=False)
    first, second = (line for line in out.getvalue().splitlines() if "(unnamed)" in line)
    assert ("\x1b[2m" in first, "\x1b[2m(unnamed)\x1b[0m" in second) == (False, True)


def test_the_rows_of_a_range_and_those_of_none(two_launches: Profile) -> None:
    found = work_by_range(two_launches, copies=True)
    figures = {"count": 2, "total_ns": 40, "mean_ns": 20.0, "median_ns": 20.0, "min_ns": 10, "max_ns": 30}
    place = {"domain": "kws-trace", "style": "push_pop", "process": MAIN, "thread": MAIN}
    kernels = {"name": NAME, "kind": "kernel", **figures, "share": 40 / 45, "instances": 1, "bytes": None, **place}
    name = "[CUDA memcpy Host-to-Device]"
    alone = {
        "count": 1,
        **dict.fromkeys(("total_ns", "mean_ns", "median_ns", "min_ns", "max_ns"), 5),
        "share": 5 / 45,
    }
    inner = {"innermost_count": 1, "innermost_total_ns": 5, "instances": 0, "bytes": 490}
    assert found.rows.to_pylist() == [
        {"range": "inference", **kernels, "innermost_count": 0, "innermost_total_ns": 0},
        {"range": "session_run", **kernels, "innermost_count": 2, "innermost_total_ns": 40},
        {"range": None, "name": name, "kind": "memcpy", **alone, **inner, **dict.fromkeys(place)},
    ]
    assert (found.unlaunched, found.ambiguous) == (1, 0)


def test_a_call_has_its_own_time_and_that_of_what_it_launched(two_launches: Profile) -> None:
    launch = {"count": 2, "total_ns": 8, "mean_ns": 4.0, "median_ns": 4.0, "min_ns": 3, "max_ns": 5, "share": 0.8}
    free = {"count": 1, **dict.fromkeys(("total_ns", "mean_ns", "median_ns", "min_ns", "max_ns"), 2), "share": 0.2}
    # From a call's start to the work's: 15 to 20 and 31 to 40.
    gave = {"launched": 2, "launched_ns": 40, "median_delay_ns": 7.0}
    none = {"launched": 0, "launched_ns": 0, "median_delay_ns": None}
    assert calls_by_name(two_launches).to_pylist() == [
        {"name": "cudaLaunchKernel", "kind": "api", **launch, **gave},
        {"name": "cudaFree", "kind": "api", **free, **none},
    ]


def test_what_was_not_told_and_not_traced_is_a_note_or_a_refusal_with_its_remedy() -> None:
    ranges = [nvtx("a", 0, 100, thread=1), nvtx("b", 0, 100, thread=2)]
    calls = [call("cudaLaunchKernel", at, at + 1, at, EXECUTOR) for at in (50, 60)]
    capture = profile([kernel("k", 60, 70, 50), kernel("k", 70, 80, 60)], calls, ranges)
    assert list_kernels(capture, "range").notes[-1] == (
        "2 were launched by a thread without a range while several others had one: in no range"
    )
    untraced: tuple[By, ...] = ("kernel", "range", "api")
    for by in untraced:
        with pytest.raises(ProfileError) as told:
            list_kernels(replace(profile(), traced=frozenset()), by)
        assert (
            str(told.value) == "made-up.sqlite: it traced no CUDA work; capture with `nsys profile --trace=cuda,nvtx`"
        )
    with pytest.raises(ProfileError, match="it traced no CUDA calls"):
        list_kernels(replace(profile([kernel("k", 0, 1, 1)]), traced=frozenset()), "api")
    with pytest.raises(ProfileError, match="it traced no NVTX ranges"):
        list_kernels(replace(profile(), traced=frozenset({"cuda"})), "range")


def test_durations_too_long_to_be_packed_with_their_group_are_sorted_none_the_less() -> None:
    long = 1 << 61
    groups, durations = np.array([2, 0, 2, 0, 2, 0]), long + np.array([5, 1, 9, 3, 7, 2])
    figures = group_figures(groups, durations, 3)
    assert [float(figures.median_ns[one]) for one in (0, 2)] == [pytest.approx(long + 2), pytest.approx(long + 7)]
    assert [int(figures.min_ns[one] - long) for one in (0, 2)] == [1, 5]
    assert [int(figures.max_ns[one] - long) for one in (0, 2)] == [3, 9]


def test_a_graph_traced_as_one_block_is_among_the_kernels() -> None:
    rows = kernels_by_name(profile([{**kernel("graph 3", 0, 10, 1), "kind": "graph"}])).to_pylist()
    assert [(row["name"], row["kind"]) for row in rows] == [("graph 3", "graph")]


def test_copies_without_bytes_or_without_time_have_no_rate() -> None:
    rows = copies_by_name(profile([copy("a", 0, 5, 1, size=None), copy("b", 9, 9, 2)])).to_pylist()
    assert [(row["bytes"], row["bytes_per_s"]) for row in rows] == [(None, None), (490, None)]


def test_calls_carry_the_work_that_they_launched() -> None:
    calls = [call("cudaLaunchKernel", 0, 5, 1), call("cudaGraphLaunch", 10, 30, 2), call("cudaFree", 40, 41, None)]
    work = [kernel("a", 7, 17, 1), kernel("b", 35, 36, 2), kernel("c", 40, 42, 2), kernel("d", 0, 1, 9)]
    rows = {row["name"]: row for row in calls_by_name(profile(work, calls)).to_pylist()}
    told = {
        name: (row["total_ns"], row["launched"], row["launched_ns"], row["median_delay_ns"])
        for name, row in rows.items()
    }
    assert told == {
        "cudaGraphLaunch": (20, 2, 3, 27.5),
        "cudaLaunchKernel": (5, 1, 10, 7.0),
        "cudaFree": (1, 0, 0, None),
    }


def test_every_kernel_lands_in_its_stage_and_those_of_no_range_have_a_row_of_their_own() -> None:
    calls = [call("cudaLaunchKernel", 1020 + i, 1021 + i, i, EXECUTOR) for i in range(3)]
    calls.append(call("cudaLaunchKernel", 5000, 5001, 3))
    work = [kernel("k", 1030 + 10 * i, 1037 + 10 * i, i) for i in range(3)]
    work += [kernel("k", 5010, 5020, 3), kernel("k", 6000, 6100, 99)]
    found = work_by_range(profile(work, calls, inference(0, 1000, STAGES)))
    rows = [(row["range"], row["count"], row["total_ns"], row["innermost_count"]) for row in found.rows.to_pylist()]
    assert sorted(rows, key=str) == [("inference", 3, 21, 0), ("session_run", 3, 21, 3), (None, 2, 110, 2)]
    assert rows[-1][0] is None
    assert (found.unlaunched, found.ambiguous) == (1, 0)


def test_thread_wise_loses_what_an_executor_launched() -> None:
    calls = [call("cudaLaunchKernel", 1020, 1021, 1, EXECUTOR), call("cudaLaunchKernel", 1030, 1031, 2, MAIN)]
    work = [kernel("k", 1040, 1050, 1), kernel("k", 1050, 1055, 2)]
    capture = profile(work, calls, inference(0, 1000, STAGES))
    ours, theirs = (
        {row["range"]: row["total_ns"] for row in work_by_range(capture, thread_wise=rule).rows.to_pylist()}
        for rule in (False, True)
    )
    assert ours == {"inference": 15, "session_run": 15}
    assert theirs == {"inference": 5, "session_run": 5, None: 10}


def test_what_several_threads_could_have_asked_for_is_counted_as_ambiguous() -> None:
    ranges = [nvtx("a", 0, 100, thread=1), nvtx("b", 0, 100, thread=2)]
    found = work_by_range(profile([kernel("k", 60, 70, 1)], [call("cudaLaunchKernel", 50, 51, 1, EXECUTOR)], ranges))
    assert [row["range"] for row in found.rows.to_pylist()] == [None]
    assert found.ambiguous == 1


def test_one_domain_can_be_asked_for_and_copies_with_their_bytes() -> None:
    ranges = [*inference(0, 1000, STAGES), nvtx("aten::add", 1015, 1100)]
    calls = [call("cudaMemcpyAsync", 1020, 1021, 1), call("cudaLaunchKernel", 1022, 1023, 2)]
    capture = profile([copy("Host-to-Device", 1030, 1035, 1), kernel("k", 1040, 1050, 2)], calls, ranges)
    assert {row["range"] for row in work_by_range(capture, domain="kws-trace").rows.to_pylist()} == {
        "inference",
        "session_run",
    }
    assert work_by_range(capture, domain="absent").rows["range"].to_pylist() == [None]
    rows = work_by_range(capture, copies=True).rows.to_pylist()
    assert {(row["range"], row["kind"], row["bytes"]) for row in rows} == {
        (name, kind, size)
        for name in ("inference", "session_run", "aten::add")
        for kind, size in (("kernel", None), ("memcpy", 490))
    }


def test_each_kernel_of_a_range_has_the_number_of_its_instances_that_launched_it() -> None:
    ranges = [nvtx("step", at, at + 50) for at in (0, 100, 200)]
    launches = [(5, "gemm"), (10, "gemm"), (105, "relu"), (205, "gemm"), (210, "relu"), (215, "tanh")]
    calls = [call("cudaLaunchKernel", at, at + 1, at) for at, _ in launches]
    rows = work_by_range(profile([kernel(name, at + 1, at + 2, at) for at, name in launches], calls, ranges)).rows
    assert {row["name"]: (row["count"], row["instances"]) for row in rows.to_pylist()} == {
        "gemm": (3, 2),
        "relu": (2, 2),
        "tanh": (1, 1),
    }


def test_a_range_is_projected_from_its_first_work_to_its_last() -> None:
    calls = [call("cudaLaunchKernel", 1020, 1021, 1), call("cudaMemcpyAsync", 1030, 1031, 2)]
    work = [kernel("k", 1040, 1090, 1), copy("Device-to-Host", 1060, 1070, 2)]
    capture = profile(work, calls, inference(0, 1000, STAGES))
    rows = project_ranges(capture).to_pylist()
    assert rows == [{"range_row": row, "count": 2, "start_ns": 1040, "end_ns": 1090} for row in (0, 2)]


def test_an_empty_capture_has_empty_tables() -> None:
    empty = profile()
    tables = [kernels_by_name(empty), copies_by_name(empty), calls_by_name(empty), project_ranges(empty)]
    assert [len(table) for table in [*tables, work_by_range(empty).rows]] == [0] * 5


def test_a_summary_gives_its_rows_and_no_median() -> None:
    rows = (
        SummaryRow("kernel", "a", 4, 20, 0.1),
        SummaryRow("api", "x", 1, 7, None),
        SummaryRow("kernel", "b", 1, 30, 0.9),
    )
    summary = ProfileSummary(Path("x.txt"), "nvprof", (*rows, SummaryRow("memset", "[CUDA memset]", 2, 3, 0.01)))
    figures = {"median_ns": None, "min_ns": None, "max_ns": None}
    assert kernels_by_name(summary).to_pylist() == [
        {"name": "b", "kind": "kernel", "count": 1, "total_ns": 30, "mean_ns": 30.0, **figures, "share": 0.9},
        {"name": "a", "kind": "kernel", "count": 4, "total_ns": 20, "mean_ns": 5.0, **figures, "share": 0.1},
    ]
    assert [row["name"] for row in copies_by_name(summary).to_pylist()] == ["[CUDA memset]"]
    assert [(row["name"], row["share"]) for row in calls_by_name(summary).to_pylist()] == [("x", None)]


sizes = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 1 << 45)), min_size=1, max_size=30)


@settings(deadline=None)
@given(sizes)
def test_figures_by_group_are_those_of_its_members(rows: list[tuple[int, int]]) -> None:
    members: dict[int, list[int]] = defaultdict(list)
    for group, value in rows:
        members[group].append(value)
    dense = {group: place for place, group in enumerate(sorted(members))}
    groups = np.array([dense[group] for group, _ in rows])
    found = group_figures(groups, np.array([value for _, value in rows]), len(dense))
    for group, place in dense.items():
        values = members[group]
        assert found.count[place] == len(values)
        assert found.total_ns[place] == sum(values)
        assert (found.min_ns[place], found.max_ns[place]) == (min(values), max(values))
        assert found.median_ns[place] == pytest.approx(statistics.median(values))


@st.composite
def captures(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    threads = st.sampled_from((MAIN, EXECUTOR))
    ranges = [
        nvtx(draw(st.sampled_from("xyz")), start, start + draw(st.integers(0, 20)), thread=draw(threads))
        for start in draw(st.lists(st.integers(0, 40), max_size=6))
    ]
    calls = [
        call("cudaLaunchKernel", at, at + 1, i, draw(threads))
        for i, at in enumerate(draw(st.lists(st.integers(0, 60))))
    ]
    ids = draw(st.lists(st.integers(0, len(calls) + 1), max_size=12))
    work = [
        kernel(draw(st.sampled_from("ab")), 100 + i, 101 + i + draw(st.integers(0, 9)), k) for i, k in enumerate(ids)
    ]
    return {"gpu_work": work, "calls": calls, "ranges": ranges}


@settings(max_examples=60, deadline=None)
@given(captures(), st.booleans())
def test_the_innermost_figures_of_all_rows_add_up_to_all_kernels(capture: dict[str, Any], thread_wise: bool) -> None:
    rows = work_by_range(profile(**capture), thread_wise=thread_wise).rows.to_pylist()
    assert sum(row["innermost_count"] for row in rows) == len(capture["gpu_work"])
    assert sum(row["innermost_total_ns"] for row in rows) == sum(
        w["end_ns"] - w["start_ns"] for w in capture["gpu_work"]
    )
    assert all(row["innermost_count"] <= row["count"] for row in rows)
