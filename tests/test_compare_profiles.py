"""Two profiles of a program held against each other, by the units of ``breakdown``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.nsys.reports import read_any_profile
from tests.nsys_export import NsysExport
from tracer.errors import UsageError
from tracer.report_types.report import Compared, ComparedRun, Comparison
from tracer.reports.compare_profiles import compare_profiles, profile_names, profile_side

US = 1_000


def profile(path: Path, step_us: int, kernel: str = "gemm", name: str = "step", seed: int = 0) -> Path:
    """200 steps of about ``step_us`` and a kernel in each."""
    export = NsysExport()
    rng = np.random.default_rng(seed)
    walls = np.rint(step_us * US * rng.normal(1, 0.02, 200)).astype(np.int64)
    ends = np.cumsum(walls + 10 * US)
    starts = ends - walls
    own: dict[str, Any] = {"process": 9, "thread": 1}
    export.ranges(starts.tolist(), ends.tolist(), name, domain=None, **own)
    ids = list(range(1, 201))
    export.calls(starts + 2 * US, starts + 5 * US, "cudaLaunchKernel_v7000", correlation_id=ids, **own)
    export.kernels(starts + 6 * US, starts + 30 * US, kernel, process=9, correlation_id=ids)
    return export.write(path)


def unmarked(path: Path) -> Path:
    """400 kernels, one each 100 us, without a range or a synchronisation."""
    export = NsysExport()
    starts, ids = np.arange(400) * 100 * US, list(range(1, 401))
    own: dict[str, Any] = {"process": 9, "thread": 1}
    export.calls(starts + 2 * US, starts + 5 * US, "cudaLaunchKernel_v7000", correlation_id=ids, **own)
    export.kernels(starts + 6 * US, starts + 30 * US, "k", process=9, correlation_id=ids)
    return export.write(path)


def compared(*words: Any) -> Any:
    return CliRunner().invoke(app, ["compare", *map(str, words)])


def test_the_second_profile_is_held_against_the_first_and_nothing_is_claimed(tmp_path: Path) -> None:
    fast = profile(tmp_path / "fast.sqlite", 100)
    slow = profile(tmp_path / "slow.sqlite", 130, kernel="wmma", seed=1)
    found = compared(fast, slow, "--json")
    figures = json.loads(found.stdout)
    (row,) = figures["comparisons"]
    assert (found.exit_code, figures["unit"], figures["baseline"]) == (3, "unit", "fast.sqlite")
    assert (row["run"], row["verdict"], row["rate"]) == ("slow.sqlite", "slower", None)
    assert row["median"]["ratio"] == pytest.approx(1.3, rel=0.02)
    assert row["median"]["spread"]["kind"] == "interval"
    assert {(one["run"], one["name"]) for one in row["kernels"]} == {("fast.sqlite", "gemm"), ("slow.sqlite", "wmma")}
    assert row["parts"]["kernel"]["change_ns"] == 0
    kinds = {Comparison: figures, Compared: row, ComparedRun: figures["runs"][0]}
    assert all(found.keys() == kind.__annotations__.keys() for kind, found in kinds.items())
    text = compared(fast, slow, "--range", "step").stdout
    assert "Median unit" in text
    assert "wmma, 24.00 us a unit" in " ".join(text.split())
    assert "inference" not in text
    assert json.loads(compared(fast, slow, "--baseline", slow, "--json").stdout)["baseline"] == "slow.sqlite"


def test_equal_programs_are_equivalent_and_other_units_are_refused(tmp_path: Path) -> None:
    one, two = (profile(tmp_path / f"{seed}.sqlite", 100, seed=seed) for seed in (1, 2))
    (row,) = json.loads(compared(one, two, "--json").stdout)["comparisons"]
    assert row["verdict"] == "equivalent"
    refused = compared(one, profile(tmp_path / "other.sqlite", 100, name="batch"))
    assert (refused.exit_code, "other units" in refused.stdout) == (2, True)


def test_a_run_is_not_compared_with_a_profile(tmp_path: Path) -> None:
    error = compared(profile(tmp_path / "a.sqlite", 100), "last", "--traces", tmp_path).exception
    assert isinstance(error, UsageError)
    assert "a run is not compared with a profile" in str(error)
    assert "--range kws-trace:inference" in str(error)


@pytest.mark.parametrize("named", ["b.sqlite", "folder/b"])
def test_a_profile_that_is_not_there_is_not_called_a_run(tmp_path: Path, named: str) -> None:
    error = compared(profile(tmp_path / "a.sqlite", 100), tmp_path / named, "--traces", tmp_path).exception
    assert isinstance(error, UsageError)
    assert f"{named}: no such profile, and no such run in" in str(error)


def test_sides_are_named_by_their_files_and_what_cannot_be_held_together_is_refused(tmp_path: Path) -> None:
    assert profile_names(["a/x.sqlite", "b/y.sqlite"]) == {"a/x.sqlite": "x.sqlite", "b/y.sqlite": "y.sqlite"}
    assert profile_names(["a/x.sqlite", "b/x.sqlite"]) == {"a/x.sqlite": "a/x.sqlite", "b/x.sqlite": "b/x.sqlite"}
    one = replace(profile_side("one", read_any_profile(profile(tmp_path / "one.sqlite", 100))), gpus=("H200",))
    alike, other, unknown = replace(one, name="alike"), replace(one, name="o", gpus=("T4",)), replace(one, gpus=())
    with pytest.raises(UsageError, match=r"^compare: one profile is named; name two or more: the first is the base"):
        compare_profiles([one])
    with pytest.raises(UsageError, match=r"^--baseline: x is not one of those compared; name one of them$"):
        compare_profiles([one, alike], baseline="x")
    rows = compare_profiles([one, alike, other, replace(unknown, name="u")])["comparisons"]
    under = "both times are under a profiler, whose own cost differs with the number of launches"
    told = "the GPU is not told in u: whether both are alike is not known"
    assert [(row["run"], row["verdict"], row["refusals"], row["warnings"]) for row in rows] == [
        ("alike", "equivalent", [], [under]),
        ("o", "refused", ["other GPU: H200 against T4"], [under]),
        ("u", "equivalent", [], [under, told]),
    ]
    # Of 200 units in ten tenths.
    assert one.timed.window.tolist() == [number // 20 for number in range(200)]


def test_units_of_threads_that_overlap_come_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    export = NsysExport()
    for thread, first in ((1, 0), (2, 50)):
        starts = np.arange(first, first + 300, 100) * US
        own: dict[str, Any] = {"process": 9, "thread": thread}
        export.ranges(starts.tolist(), (starts + 90 * US).tolist(), "step", domain=None, **own)
        ids = [10 * thread + at for at in range(3)]
        export.calls(starts + US, starts + 2 * US, "cudaLaunchKernel_v7000", correlation_id=ids, **own)
        export.kernels(starts + 3 * US, starts + 9 * US, "k", process=9, correlation_id=ids)
    side = profile_side("one", read_any_profile(export.write(tmp_path / "one.sqlite")))
    assert side.timed.start_ns.tolist() == [at * US for at in (0, 50, 100, 150, 200, 250)]


def test_windows_of_one_length_tell_no_time_and_a_side_is_one_launch_in_tenths(tmp_path: Path) -> None:
    sides = [profile_side(name, read_any_profile(unmarked(tmp_path / f"{name}.sqlite"))) for name in ("one", "two")]
    (row,) = (found := compare_profiles(sides))["comparisons"]
    assert row["refusals"] == ["units are windows of one length, which tell no time: name a range of both by --range"]
    (launch,) = found["runs"][0]["launches"]
    # 400 kernels of 24 us from 2 us to 39.93 ms, in 40 windows of 1 ms of which the last ends with the work.
    times = {"total_ns": 39_928_000, "median_ns": 1_000_000, "p90_ns": 1_000_000, "p99_ns": 1_000_000}
    always = {"low": 1e6, "high": 1e6, "unit": "window", "count": 10, "reason": "", "speeds": None}
    assert launch == {
        "name": "one",
        "rate_hz": None,
        "trust": None,
        "inference": {
            "stage": "inference",
            "count": 40,
            **times,
            "share": 1.0,
            "spread": {"kind": "interval", **always},
        },
        "busy_share": pytest.approx(400 * 24_000 / 39_928_000),
    }
