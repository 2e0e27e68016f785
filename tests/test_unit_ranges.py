"""Which ranges of a capture are its units, of what lanes and stages: whole values, by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.profiles import EXECUTOR, MAIN, PROCESS, call, inference, kernel, nvtx, profile
from tracer.arrow_arrays import NO_ROW
from tracer.captures.chosen_units import ChosenUnits, chosen_units
from tracer.captures.ended_ranges import ended_ranges
from tracer.captures.inference_ranges import stage_ranges
from tracer.captures.units import Lane, Units, units_of
from tracer.errors import ProfileError, UsageError
from tracer.profiles.profile import Profile

LAUNCH = "cudaLaunchKernel"


def laid_out(units: Units) -> dict[str, Any]:
    """All of some units: each with its number, thread, times and lane, and their stages."""
    columns = (units.numbers, units.thread, units.start_ns, units.end_ns, units.lane)
    rows = (units.rows.stage, units.rows.start_ns, units.rows.end_ns)
    return {
        "units": list(zip(*(one.tolist() for one in columns), strict=True)),
        "stages": units.stages,
        "rows": list(zip(*(one.tolist() for one in rows), strict=True)),
        "lanes": units.lanes,
    }


def told(chosen: ChosenUnits) -> tuple[Any, ...]:
    """All of a choice but its units."""
    return chosen.name, chosen.how, chosen.sentence, chosen.counted.tolist(), chosen.window_ns, chosen.ours


def steps(*starts: int, name: str = "step {}", **other: Any) -> list[dict[str, Any]]:
    """Steps of 100 ns, whose children take the first 95 of them."""
    return [
        row
        for number, at in enumerate(starts)
        for row in (
            nvtx(name.format(number), at, at + 100, **other),
            nvtx("forward", at, at + 60, **other),
            nvtx("backward", at + 60, at + 95, **other),
        )
    ]


def test_steps_that_differ_in_their_numbers_are_units_whose_children_are_stages() -> None:
    chosen = chosen_units(profile(ranges=[nvtx("run", 0, 1_000), *steps(0, 100, 300)]))
    sentence = "A unit is an instance of the outermost NVTX range that repeats step *"
    assert told(chosen) == ("step *", "outermost range that repeats", sentence, [True] * 3, None, False)
    assert laid_out(chosen.units) == {
        "units": [(0, MAIN, 0, 100, 0), (1, MAIN, 100, 200, 0), (2, MAIN, 300, 400, 0)],
        "stages": ("forward", "backward", "between stages"),
        "rows": [
            row for at in (0, 100, 300) for row in ((0, at, at + 60), (1, at + 60, at + 95), (2, at + 95, at + 100))
        ],
        "lanes": (Lane(PROCESS, None),),
    }


@pytest.mark.parametrize(
    ("names", "pattern", "stage"),
    [
        (("step 1", "step 20"), "step*", "step *"),
        (("step", "step"), "step", "step"),
        (("a", "b"), "?", "unit"),
        (("", ""), "d:", "unit"),
    ],
)
def test_units_without_stages_are_one_stage_of_their_name(names: tuple[str, str], pattern: str, stage: str) -> None:
    ranges = [nvtx(name, 10 * at, 10 * at + 5, domain="d") for at, name in enumerate(names)]
    units = laid_out(chosen_units(profile(ranges=ranges), pattern).units)
    assert (units["stages"], units["rows"]) == ((stage,), [(0, 0, 5), (0, 10, 15)])


def test_a_range_in_which_calls_begin_is_chosen_before_a_longer_one() -> None:
    waits = [nvtx("wait", at, at + 150, thread=EXECUTOR) for at in (0, 200)]
    ranges = [*waits, nvtx("train", 0, 100), nvtx("train", 150, 250)]
    for calls, name in (([call(LAUNCH, 100, 101, 1)], "wait"), ([call(LAUNCH, 160, 300, 1)], "train")):
        # At 100 ns the first training step has ended, and the waiting goes on.
        assert chosen_units(profile(calls=calls, ranges=ranges)).name == name
    assert chosen_units(profile(ranges=ranges)).name == "wait"


def test_a_range_that_comes_once_outermost_is_not_chosen_for_the_calls_in_it() -> None:
    """It encloses another of its name, so a thread has two of it."""
    recursive = [nvtx("call", 0, 900), nvtx("call", 100, 800)]
    waits = [nvtx("wait", at, at + 50, thread=EXECUTOR) for at in (0, 1_000)]
    chosen = chosen_units(
        profile(
            calls=[call(LAUNCH, 500, 510, 1)],
            ranges=[*recursive, *waits[:1], nvtx("wait", 950, 980, thread=EXECUTOR)],
        )
    )
    assert (chosen.name, len(chosen.units)) == ("wait", 2)


def test_units_of_two_threads_that_overlap_have_a_lane_each_behind_one_another() -> None:
    ranges = [*(nvtx("step", at, at + 50) for at in (10, 100)), nvtx("step", 30, 80, thread=EXECUTOR)]
    units = chosen_units(profile([kernel("k", 120, 209, None)], ranges=ranges), "step").units
    # The capture lasts from 10 to 209 ns.
    assert laid_out(units) == {
        "units": [(0, MAIN, 10, 60, 0), (1, MAIN, 100, 150, 0), (2, EXECUTOR, 230, 280, 1)],
        "stages": ("step",),
        "rows": [(0, 10, 60), (0, 100, 150), (0, 230, 280)],
        "lanes": (Lane(PROCESS, MAIN, 0), Lane(PROCESS, EXECUTOR, 200)),
    }
    apart = chosen_units(profile(ranges=[nvtx("step", 0, 50), nvtx("step", 50, 80, thread=EXECUTOR)]), "step").units
    assert apart.lanes == (Lane(PROCESS, None),)
    other = [nvtx("step", at, at + 50, process=200) for at in (30, 130)]
    two = chosen_units(profile(ranges=[*ranges[:2], *other]))
    assert two.units.lanes == (Lane(PROCESS, None, 0), Lane(200, None, 171))
    assert two.units.start_ns.tolist() == [10, 100, 201, 301]


def test_a_call_on_any_thread_is_of_the_lane_of_its_process_where_that_has_one() -> None:
    crossing = [nvtx("step", 10, 60), nvtx("step", 30, 80, thread=EXECUTOR)]
    ranges = [*crossing, *(nvtx("step", at, at + 50, process=200) for at in (10, 100))]
    made = [call(LAUNCH, 5, 6, None, thread=9, process=process) for process in (200, 300, PROCESS)]
    found = profile(calls=[*made, call(LAUNCH, 40, 41, None)], ranges=ranges)
    units = chosen_units(found, "step").units
    assert units.lanes == (Lane(PROCESS, MAIN, 0), Lane(PROCESS, EXECUTOR, 146), Lane(200, None, 292))
    lane, several = units.lanes_of(found.api_calls)
    assert (lane.tolist(), several.any()) == ([2, NO_ROW, NO_ROW, 0], False)
    alone = chosen_units(profile(ranges=ranges[2:]), "step").units
    assert alone.lanes_of(found.api_calls)[0].tolist() == [0, NO_ROW, NO_ROW, NO_ROW]


def test_stages_of_a_lane_are_moved_with_their_units() -> None:
    units = chosen_units(profile(ranges=[*steps(0, 100), *steps(50, thread=EXECUTOR)]), "step *").units
    assert laid_out(units)["units"][-1] == (2, EXECUTOR, 251, 351, 1)
    assert laid_out(units)["rows"][-3:] == [(0, 251, 311), (1, 311, 346), (2, 346, 351)]


@pytest.mark.parametrize(
    ("parts", "stages"),
    [
        (("load 7", "load 8"), ("load *",)),
        (("load 7", "load 7"), ("load 7",)),
        (("load 1", "load 1", "load 2", "load 2", "load 3"), ("load *",)),
        (("load 1", "load 1", "load 2", "load 2"), ("load 1", "load 2")),
    ],
)
def test_children_that_few_units_have_are_one_stage_by_their_name_without_numbers(
    parts: tuple[str, ...], stages: tuple[str, ...]
) -> None:
    ranges = [
        row
        for at, part in enumerate(parts)
        for row in (nvtx("step", 10 * at, 10 * at + 9), nvtx(part, 10 * at, 10 * at + 9))
    ]
    assert chosen_units(profile(ranges=ranges), "step").units.stages == stages


def test_a_call_is_of_the_unit_its_thread_has_open_or_of_the_only_one_that_is() -> None:
    ranges = [*(nvtx("step", at, at + 50) for at in (10, 100)), nvtx("step", 30, 80, thread=EXECUTOR)]
    made = {
        (MAIN, 5): (0, False),
        (MAIN, 40): (0, False),
        (EXECUTOR, 40): (1, False),
        (EXECUTOR, 120): (0, False),
        (EXECUTOR, 200): (1, False),
        (102, 20): (0, False),
        (102, 40): (NO_ROW, True),
        (102, 70): (1, False),
        (102, 200): (NO_ROW, False),
    }
    calls = [call(LAUNCH, at, at + 1, None, thread=thread) for thread, at in made]
    found = profile(calls=[*calls, call(LAUNCH, 40, 41, None, process=200)], ranges=ranges)
    lane, several = chosen_units(found, "step").units.lanes_of(found.api_calls)
    assert list(zip(lane.tolist(), several.tolist(), strict=True)) == [*made.values(), (NO_ROW, False)]


def test_the_first_units_of_each_lane_are_left_out() -> None:
    found = profile(ranges=[*steps(0, 100, 300), *steps(50, 150, process=200)])
    assert chosen_units(found, "step *", skip=1).counted.tolist() == [False, True, True, False, True]
    assert chosen_units(found, "step *", skip=2).counted.tolist() == [False, False, True, False, False]
    for skip, problem in (
        (3, "--skip: 3 units are left out, and there are no more; leave out fewer"),
        (-1, "--skip: -1 units cannot be left out; give 0 or more"),
    ):
        with pytest.raises(UsageError) as refused:
            chosen_units(found, "step *", skip=skip)
        assert str(refused.value) == problem


def test_our_inferences_keep_their_numbers_and_their_stages_in_their_order() -> None:
    stages = [("session_run", 60), ("readback", 10)]
    ranges = [*inference(7, 0, stages), *inference(9, 100, [("host_to_device", 5), *stages])]
    chosen = chosen_units(profile(ranges=ranges))
    sentence = "A unit is an instance of the outermost NVTX range that repeats kws-trace:inference"
    name = "kws-trace:inference"
    assert told(chosen) == (name, "outermost range that repeats", sentence, [True] * 2, None, True)
    expected = {
        "units": [(7, MAIN, 0, 76, 0), (9, MAIN, 100, 183, 0)],
        "stages": ("host_to_device", "session_run", "readback"),
        "rows": [(1, 2, 62), (2, 64, 74), (0, 102, 107), (1, 109, 169), (2, 171, 181)],
        "lanes": (Lane(PROCESS, None),),
    }
    assert laid_out(chosen.units) == expected
    assert laid_out(units_of(stage_ranges(profile(ranges=ranges)))) == expected
    for numbers in ((7, 7), (None, 7)):
        rows = [row for at, number in enumerate(numbers) for row in inference(number, 100 * at, stages)]
        assert chosen_units(profile(ranges=rows)).units.numbers.tolist() == [0, 1]
    nothing = units_of(stage_ranges(profile()))
    assert (len(nothing), nothing.lanes) == (0, (Lane(NO_ROW, None),))


def test_stages_that_are_named_stand_in_the_order_given_and_one_that_is_not_there_is_refused() -> None:
    found = profile(ranges=steps(0, 100))
    units = chosen_units(found, "step *", ["backward", "forw*"]).units
    assert units.stages == ("backward", "forw*", "between stages")
    assert laid_out(units)["rows"][:3] == [(1, 0, 60), (0, 60, 95), (2, 95, 100)]
    with pytest.raises(UsageError) as refused:
        chosen_units(found, "step *", ["backward", "sideways", "up"])
    assert str(refused.value) == (
        "--stages: no unit has a range sideways, up outside the other stages; give some of forward, backward"
    )
    with pytest.raises(UsageError) as refused:
        chosen_units(profile(ranges=[nvtx("step", 0, 9), nvtx("step", 9, 12)]), "step", ["forward"])
    assert str(refused.value) == (
        "--stages: no unit has a range forward outside the other stages; leave it out: no unit has ranges"
    )
    with pytest.raises(UsageError) as refused:
        chosen_units(profile([kernel("k", 1, 2, None)]), stages=["forward"])
    assert str(refused.value) == (
        "--stages: no NVTX range repeats in this profile, and stages are ranges in units; leave it out"
    )


@pytest.mark.parametrize(("count", "more"), [(12, ""), (13, " and 1 name more"), (15, " and 3 names more")])
def test_a_range_that_is_not_there_is_named_with_the_most_frequent_ones(count: int, more: str) -> None:
    ranges = [nvtx(f"r{number:02}", 10 * number, 10 * number + 5) for number in range(count)]
    ranges.append(nvtx("r05", 500, 505, domain="torch"))
    ranges.append(nvtx("r07", 600, 605))
    named = ["r07 (2)", *(f"r{number:02} (1)" for number in range(12) if number != 7)]
    with pytest.raises(ProfileError) as refused:
        chosen_units(profile(ranges=[one for one in ranges if one["domain"] is None]), "step")
    assert str(refused.value) == f"made-up.sqlite: no NVTX range is named step; give one of {', '.join(named)}{more}"
    with pytest.raises(ProfileError) as refused:
        chosen_units(profile(ranges=ranges[-2:]), "step")
    assert str(refused.value) == "made-up.sqlite: no NVTX range is named step; give one of r07 (1), torch:r05 (1)"


def test_a_capture_without_ranges_or_without_anything_says_so() -> None:
    with pytest.raises(ProfileError) as refused:
        chosen_units(profile(), "step")
    assert str(refused.value) == (
        "made-up.sqlite: it has no NVTX range; leave out --range, or record with `nsys profile --trace cuda,nvtx`"
    )
    with pytest.raises(ProfileError) as refused:
        chosen_units(profile(ranges=[nvtx("once", 0, 9)]))
    assert str(refused.value) == (
        "made-up.sqlite: it has no GPU work, no CUDA call and no range that repeats; record with --trace cuda,nvtx"
    )


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (profile([kernel("k", 5, 20, None)]), "Without NVTX ranges"),
        (profile(calls=[call(LAUNCH, 5, 20, 1)]), "Without NVTX ranges"),
        (
            profile([kernel("k", 5, 20, None)], ranges=[nvtx("once", 0, 9)]),
            "No NVTX range repeats outside the others of its name",
        ),
    ],
)
def test_what_is_too_little_to_divide_is_one_unit(found: Profile, why: str) -> None:
    chosen = chosen_units(found)
    sentence = f"{why}, and too little happens to divide: the unit is the whole capture"
    assert told(chosen) == ("whole capture", "whole capture", sentence, [True], None, False)
    units = laid_out(chosen.units)
    assert ([unit[2:] for unit in units["units"]], units["stages"], units["rows"]) == (
        [(5, 20, 0)],
        ("unit",),
        [(0, 5, 20)],
    )


def test_windows_are_of_a_round_length_and_the_last_ends_with_the_capture() -> None:
    work = [kernel("k", 30 * number, 30 * number + 10, None) for number in range(200)]
    chosen = chosen_units(profile(work, [call("cudaMalloc", 5_980, 6_050, 1, thread=EXECUTOR)]))
    # 6,050 ns hold twenty windows of 302 ns, of which 200 ns is the next round length below.
    sentence = "Without NVTX ranges, and synchronising calls do not divide it: a unit is a window of 200 ns"
    assert told(chosen) == ("windows of 200 ns", "windows", sentence, [True] * 31, 200, False)
    units = laid_out(chosen.units)["units"]
    assert units[0] == (0, EXECUTOR, 0, 200, 0)
    assert units[-1] == (30, EXECUTOR, 6_000, 6_050, 0)
    few = chosen_units(profile(work[:-1], [call("cudaMalloc", 5_980, 6_050, 1, thread=EXECUTOR)]))
    assert few.how == "whole capture"


def test_units_between_synchronisations_begin_with_the_first_launch() -> None:
    calls = [
        row
        for at in (0, 100, 200, 300)
        for row in (call(LAUNCH, at + 10, at + 12, at), call("cudaStreamSynchronize", at + 20, at + 80, at + 1))
    ]
    # What launched nothing is part of the next unit; a second thread that waits less does not divide.
    calls[2:2] = [call("cudaDeviceSynchronize", 85, 95, 7), call("cudaStreamSynchronize", 1, 2, 8, thread=EXECUTOR)]
    chosen = chosen_units(profile(calls=calls))
    sentence = "Without NVTX ranges: a unit is from the end of one synchronising CUDA call to that of the next"
    assert told(chosen) == ("between synchronisations", "synchronisations", sentence, [True] * 4, None, False)
    edges = [10, 80, 180, 280, 380]
    bounds = list(pairwise(edges))
    assert laid_out(chosen.units) == {
        "units": [(number, MAIN, *both, 0) for number, both in enumerate(bounds)],
        "stages": ("unit",),
        "rows": [(0, *both) for both in bounds],
        "lanes": (Lane(PROCESS, None),),
    }


def test_ranges_come_by_start_the_longer_first_and_those_that_take_no_time_not() -> None:
    rows = [
        nvtx("b", 5, 9),
        nvtx("b", 5, 20, domain="d"),
        nvtx("open", 1, None),
        nvtx("none", 3, 3),
        nvtx(None, 1, 4, thread=EXECUTOR),
        nvtx("b", 30, 31),
    ]
    found = ended_ranges(profile(ranges=rows))
    assert found.rows.tolist() == [4, 1, 0, 5]
    assert [found.texts[one] for one in found.code.tolist()] == [("", ""), ("d", "b"), ("", "b"), ("", "b")]
    columns = (found.start, found.end, found.process, found.thread)
    assert [one.tolist() for one in columns] == [
        [1, 5, 5, 30],
        [4, 20, 9, 31],
        [PROCESS] * 4,
        [EXECUTOR, MAIN, MAIN, MAIN],
    ]
    assert found.lane.tolist() == [1, 0, 0, 0]
