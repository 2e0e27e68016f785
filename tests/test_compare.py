"""Comparing runs: noise between windows is no difference, a real one is, and what cannot be compared is refused."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.cli import app
from tests.coverage.machines import Design, two_speeds_of
from tests.dashboard_runs import gpu_run, plain_run, windows_of
from tests.gpu_runs import recorded_run
from tests.recorded import Sample, samples_table, window
from tracer.device.device_samples import FREQUENCY_HZ
from tracer.errors import UsageError
from tracer.reports.compare import Side, comparability, difference, side_of_times, why_no_claim
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.compare_text import launch_cells, render_comparison
from tracer.reports.compare_words import change_of, kernel_lines
from tracer.reports.report import build_report
from tracer.reports.window_frequencies import window_frequencies
from tracer.runs.run_info import write_run_info
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.timed_inferences import TimedInferences
from tracer.runs.windows import figure_windows, performance_windows


def test_windows_of_an_input_each_are_compared_by_the_tenths_of_their_launch() -> None:
    rng = np.random.default_rng(31)
    walls = (400_000 * rng.lognormal(0, 0.05, 1000)).astype(np.int64)
    walls[::50] *= 20
    window, flags = np.arange(1000) // 2, np.zeros(1000, np.bool_)
    one = TimedInferences(np.arange(1000), window, flags, np.cumsum(walls), ("inference",), walls[:, None])
    rates = 2e9 / walls.reshape(-1, 2).sum(axis=1)
    side = side_of_times([one], [rates])
    (medians,), (rates_hz,) = side.medians_ns, side.rates_hz
    assert (len(medians), len(rates_hz)) == (10, 10)
    # The tenths, not the inputs of which some were interrupted, are what a difference is held against.
    assert medians.max() < 1.05 * medians.min()
    assert 1 / np.mean(1 / rates_hz) == pytest.approx(1e9 / walls.mean())


def inferences(rng: np.random.Generator, windows: int, scatter: float, slower: float = 1.0) -> TimedInferences:
    """Windows of 60 inferences, which scatter by themselves and within."""
    means = 400_000 * slower * rng.lognormal(0, scatter, (windows, 1))
    walls = (means * rng.lognormal(0, 0.05, (windows, 60))).astype(np.int64).ravel()
    count = len(walls)
    window = np.repeat(np.arange(windows), 60)
    flags = np.zeros(count, np.bool_)
    return TimedInferences(np.arange(count), window, flags, np.cumsum(walls), ("inference",), walls[:, None])


def side(*launches: TimedInferences) -> Side:
    """Their rates are the inverse of the mean of each window."""
    rates = [
        np.array([1e9 / one.wall_ns[one.window == window].mean() for window in np.unique(one.window)])
        for one in launches
    ]
    return side_of_times(launches, rates)


def launches(rng: np.random.Generator, count: int, slower: float = 1.0) -> Side:
    """Launches whose means scatter by 1 %, of five windows that scatter by 1 %."""
    return side(*(inferences(rng, 5, 0.01, slower * rng.lognormal(0, 0.01)) for _ in range(count)))


@pytest.mark.parametrize("windows", [3, 5])
def test_windows_that_scatter_are_seldom_a_difference(windows: int) -> None:
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(100):
        found = difference(side(inferences(rng, windows, 0.04)), side(inferences(rng, windows, 0.04)), 0.0)
        assert found is not None
        alarms += found.verdict in ("slower", "faster")
    # Two-sided at 5 %: 12 or more of 100 have a chance under 1 %.
    assert alarms < 12


def test_launches_that_scatter_are_seldom_a_difference() -> None:
    rng = np.random.default_rng(7)
    verdicts = [difference(launches(rng, 5), launches(rng, 5), 0.0).verdict for _ in range(60)]  # type: ignore[union-attr]
    assert sum(one in ("slower", "faster") for one in verdicts) < 9


@pytest.mark.parametrize(
    ("slower", "verdict"),
    [(1.2, "slower"), (1 / 1.2, "faster"), (1.02, "can't be told"), (1.0, "equivalent")],
)
def test_a_verdict_is_where_the_interval_lies_to_the_threshold(slower: float, verdict: str) -> None:
    rng = np.random.default_rng(2)
    found = difference(side(inferences(rng, 5, 0.003)), side(inferences(rng, 5, 0.003, slower)))
    assert found is not None
    assert found.verdict == verdict
    for one in (found.median, found.rate):
        assert one is not None
        assert one.ratio.low < one.ratio.value < one.ratio.high


def test_a_ratio_is_that_of_the_two_figures_beside_it() -> None:
    rng = np.random.default_rng(3)
    found = difference(side(inferences(rng, 4, 0.03)), side(inferences(rng, 5, 0.03, 1.1)))
    assert found is not None
    assert found.rate is not None
    assert found.median.ratio.value == pytest.approx(found.median.other / found.median.first)
    assert found.rate.ratio.value == pytest.approx(found.rate.first / found.rate.other)


def figures_of(medians: list[float], rates: list[float] | None = None) -> Side:
    return Side([np.array(medians)], [np.array(rates or [1e9 / one for one in medians])], "")


def test_a_tenth_faster_with_an_interval_far_from_none_is_detected() -> None:
    # A rank test of three windows against four gives p = 0.057 at best, so it once was "no difference".
    found = difference(figures_of([100.0, 101, 99, 100]), figures_of([90.0, 89, 91]))
    assert found is not None
    assert (found.verdict, found.median.detected, found.median.judgement) == ("faster", "faster", "faster")


def test_a_median_that_moved_while_the_rate_stood_still_is_no_slowdown() -> None:
    rates = [1000.0, 1001, 999, 1002, 998]
    found = difference(
        figures_of([100.0, 101, 99, 100, 100], rates),
        figures_of([128.0, 129, 127, 128, 128], [991 / 1000 * one for one in rates]),
    )
    assert found is not None
    assert found.rate is not None
    assert (found.median.judgement, found.rate.judgement) == ("slower", "equivalent")
    assert found.verdict == "rate and median disagree"


def test_a_difference_within_the_threshold_is_detected_and_equivalent() -> None:
    base = [100.0, 100.1, 99.9, 100, 100]
    found = difference(figures_of(base), figures_of([1.01 * one for one in base]))
    assert found is not None
    assert (found.median.detected, found.verdict) == ("slower", "equivalent")


def test_two_windows_give_a_range_and_one_gives_nothing() -> None:
    found = difference(figures_of([100.0, 101]), figures_of([150.0, 152]))
    assert found is not None
    assert (found.median.ratio.kind, found.verdict) == ("range", "can't be told")
    assert found.median.ratio.low == pytest.approx(150 / 101)
    alone = difference(figures_of([100.0]), figures_of([150.0]))
    assert alone is not None
    assert (alone.median.ratio.kind, alone.verdict) == ("none", "can't be told")
    assert difference(figures_of([100.0]), Side([np.empty(0)], [np.empty(0)], "")) is None


def test_a_launch_at_two_speeds_gives_a_range() -> None:
    times, _ = two_speeds_of(np.random.default_rng(4), 1, Design(1, 5, 2000), dwell_s=4)
    walls = times.astype(np.int64).ravel()
    flags = np.zeros(len(walls), np.bool_)
    window = np.repeat(np.arange(5), 2000)
    run = TimedInferences(np.arange(len(walls)), window, flags, np.cumsum(walls), ("inference",), walls[:, None])
    found = difference(side(run), side(inferences(np.random.default_rng(5), 5, 0.003, 10)))
    assert found is not None
    assert (found.median.ratio.kind, found.verdict) == ("range", "can't be told")
    assert "two speeds" in found.median.ratio.reason


def test_a_claim_takes_five_launches_a_side_in_turn(tmp_path: Path) -> None:
    runs = [stored_run(plain_run(tmp_path, f"run-{number}")) for number in range(10)]
    infos = [replace(run.info, created=f"2026-01-01T00:{number:02d}:00+00:00") for number, run in enumerate(runs)]
    for run, one in zip(runs, infos, strict=True):
        write_run_info(run.folder / "run.json", one)
    runs = [stored_run(run.folder) for run in runs]
    assert why_no_claim(runs[::2], runs[1::2]) is None
    in_a_row = why_no_claim(runs[:5], runs[5:])
    assert in_a_row is not None
    assert "5 launches of one side in a row" in in_a_row
    few = why_no_claim(runs[:1], runs[1:2])
    assert few is not None
    assert few.startswith("1 launch on a side")


def test_the_table_has_the_figures_of_the_reports(tmp_path: Path) -> None:
    runs = [stored_run(gpu_run(tmp_path, name, windows_of(seed=seed))) for seed, name in enumerate("ab")]
    figures = compare_sides([launches_of([run]) for run in runs])
    for run, shown in zip(runs, figures["runs"], strict=True):
        report = build_report(run)
        (launch,) = shown["launches"]
        assert launch["inference"] == report["inference"]
        assert launch["rate_hz"] == report["median_rate_hz"]
        assert shown["parts"]["launch"]["median_ns"] == report["overhead"]["launch"]["median"]


def test_the_oldest_is_the_baseline_unless_one_is_named(tmp_path: Path) -> None:
    for number, name in enumerate(("newest", "oldest", "middle")):
        folder = plain_run(tmp_path, name)
        minute = {"oldest": 0, "middle": 1, "newest": 2}[name]
        found = stored_run(folder)
        write_run_info(folder / "run.json", replace(found.info, created=f"2026-01-01T00:{minute:02d}:00+00:00"))
        assert number < 3
    sides = [launches_of([stored_run(name, tmp_path)]) for name in ("newest", "oldest", "middle")]
    found = compare_sides(sides)
    assert [found["baseline"], *(row["run"] for row in found["comparisons"])] == ["oldest", "middle", "newest"]
    named = compare_sides(sides, baseline="newest")
    assert [named["baseline"], *(row["run"] for row in named["comparisons"])] == ["newest", "oldest", "middle"]
    assert "against newest (the baseline)" in named["comparisons"][0]["sentence"]
    with pytest.raises(UsageError, match="--baseline"):
        compare_sides(sides, baseline="nobody")


def test_kernels_that_only_one_of_them_runs_are_named_whole(tmp_path: Path) -> None:
    one, two = (launches_of([stored_run(gpu_run(tmp_path, name, windows_of()))]) for name in "ab")
    name = one.reports[0]["kernels"][0]["name"]
    two.reports[0]["kernels"][0]["name"] = f"{name}<64>"
    (row,) = compare_sides([one, two])["comparisons"]
    assert {(kernel["run"], kernel["name"]) for kernel in row["kernels"]} == {
        ("a", name),
        ("b", f"{name}<64>"),
    }
    told = kernel_lines(row["kernels"])
    assert any(name in line for line in told)
    assert [line.split(":")[0] for line in told] == ["Kernel of only a", "Kernel of only b"]
    assert kernel_lines(row["kernels"] * 4)[-1] == "and 2 kernels more that only one of them runs"
    console = Console(width=10_000, file=io.StringIO())
    figures = compare_sides([one, two])
    render_comparison(figures, console)
    said = console.file.getvalue()
    assert [line.strip() for line in said.splitlines() if "Kernel of" in line] == told
    cells = launch_cells(figures["runs"][0]["launches"][0])
    tables = [line.split() for line in re.sub("[\u2500-\u257f]", " ", said).splitlines()]
    assert ["run", *["official", "inf/s", "median", "of", "all", "p99", "GPU", "busy"]] in tables
    assert ["a", *" ".join(cells).split()] in tables


def test_what_cannot_be_compared_is_refused_and_what_is_not_known_is_told(tmp_path: Path) -> None:
    known = {"model": {"name": "kws", "sha256": "a" * 64}}
    first = stored_run(plain_run(tmp_path, "first", **known))
    others = {
        "other model": {"model": {"name": "kws", "sha256": "b" * 64}},
        "timed reference against end-to-end": {**known, "timed": "end-to-end"},
        "stages split against fused": {**known, "stages_mode": "fused"},
    }
    for place, (why, facts) in enumerate(others.items()):
        refused = comparability(first, stored_run(plain_run(tmp_path, f"other-{place}", **facts)))
        assert [why in one for one in refused.refusals] == [True]
    same = comparability(first, stored_run(plain_run(tmp_path, "same", **known)))
    assert not same.refusals
    assert any("frequencies not recorded" in one for one in same.warnings)
    nameless = comparability(first, stored_run(plain_run(tmp_path, "nameless", model={})))
    assert any("other model" in one for one in nameless.refusals)


def test_other_frequencies_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [stored_run(plain_run(tmp_path, name)) for name in ("first", "slow", "same")]
    hertz = dict(zip(("first", "slow", "same"), (921_600_000, 614_400_000, 921_500_000), strict=True))

    def samples(run: StoredRun) -> pa.Table:
        at = run.windows()["start_ns"][0].as_py() + 1
        return samples_table([Sample(at, "gpu", FREQUENCY_HZ, hertz[run.name])], run.info.run_id)

    monkeypatch.setattr(StoredRun, "samples", samples)
    assert comparability(runs[0], runs[1]).refusals == ("other frequencies: gpu 921.6 MHz against 614.4 MHz",)
    assert not comparability(runs[0], runs[2]).refusals


def test_what_a_governor_does_between_two_windows_is_no_frequency_of_the_figures(tmp_path: Path) -> None:
    run = stored_run(plain_run(tmp_path, "run"))
    first, second = performance_windows(run.each_window)[:2]
    times = [first.start_ns, first.end_ns, *range(first.end_ns + 1, second.start_ns, 10_000_000)]
    hertz = [918_000_000] * 2 + [114_000_000] * (len(times) - 2)
    sampled = [Sample(at, "gpu", FREQUENCY_HZ, value) for at, value in zip(times, hertz, strict=True)]
    (gpu,) = window_frequencies(samples_table(sampled, "run"), figure_windows(run.each_window))
    assert (gpu.median_hz, gpu.min_hz) == (918_000_000, 918_000_000)


def test_two_accuracy_passes_at_other_frequencies_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [recorded_run(tmp_path, [window(n, 1, 0, first=n) for n in range(4)], name) for name in ("slow", "fast")]
    hertz = {"slow": 306_000_000, "fast": 612_000_000}

    def samples(run: StoredRun) -> pa.Table:
        between = [one.end_ns + 1_000_000 for one in run.each_window[:-1]]
        return samples_table([Sample(at, "gpu", FREQUENCY_HZ, hertz[run.name]) for at in between], run.info.run_id)

    monkeypatch.setattr(StoredRun, "samples", samples)
    assert comparability(*runs).refusals == ("other frequencies: gpu 306 MHz against 612 MHz",)


def said(tmp_path: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["compare", *words, "--traces", str(tmp_path)])


def test_one_launch_a_side_exits_3_and_speaks_of_the_two_launches(tmp_path: Path) -> None:
    plain_run(tmp_path, "a", windows_of(captured=0, inferences=1000))
    plain_run(tmp_path, "slow", windows_of(captured=0, inferences=1000, slower=1.3, seed=1))
    plain_run(tmp_path, "fused", stages_mode="fused")
    slower = said(tmp_path, "slow", "a", "--json")
    figures = json.loads(slower.stdout)
    assert (slower.exit_code, figures["baseline"]) == (3, "a")
    assert figures["comparisons"][0]["verdict"] == "slower"
    assert "these two launches differ" in figures["comparisons"][0]["sentence"]
    text = said(tmp_path, "a", "slow").stdout
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "takes 5 on each" in " ".join(text.split())
    refused = said(tmp_path, "a", "fused")
    assert (refused.exit_code, "other mode" in refused.stdout) == (2, True)
    assert max(len(line) for line in refused.stdout.splitlines()) <= 80
    alone = said(tmp_path, "a").exception
    assert isinstance(alone, UsageError)
    assert (alone.exit_code, "two or more" in str(alone)) == (2, True)


@pytest.mark.parametrize(("slower", "code"), [(1.3, 1), (1.0, 0), (0.7, 0), (1.02, 4)])
def test_sets_of_launches_in_turn_speak_of_configurations(tmp_path: Path, slower: float, code: int) -> None:
    for number in range(10):
        name, own = (("base", 1.0), ("other", slower))[number % 2]
        folder = plain_run(
            tmp_path, f"{name}-{number // 2 + 1}", windows_of(captured=0, inferences=4000, slower=own, seed=number)
        )
        launch = {"id": f"set of {name}", "number": number // 2 + 1, "of": 5}
        at = f"2026-01-01T00:{number:02d}:00+00:00"
        write_run_info(folder / "run.json", replace(stored_run(folder).info, created=at, launch_set=launch))
    found = said(tmp_path, "base", "other", "--json")
    (row,) = json.loads(found.stdout)["comparisons"]
    assert (found.exit_code, row["why_no_claim"]) == (code, None)
    assert row["median"]["spread"]["unit"] == "launch"
    assert "these" not in row["sentence"]


def test_a_change_of_a_rate_is_the_inverse_of_that_of_a_time_and_so_are_its_ends() -> None:
    spread = {"kind": "interval", "unit": "launch", "count": 3, "low": 0.5, "high": 0.8, "reason": None}
    one: Any = {"ratio": 0.625, "spread": spread}
    assert change_of(one) == "-37.5 % (-50.0 to -20.0 %)"
    assert change_of(one, of_rate=True) == "+60.0 % (+25.0 to +100.0 %)"
    assert (
        change_of({**one, "spread": {**spread, "kind": "none", "low": None, "high": None}}, of_rate=True) == "+60.0 %"
    )
    assert change_of(None) == "-"
