"""Comparing runs: noise between windows is no difference, a real one is, and what cannot be compared is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from runner.cli import app
from tests.dashboard_runs import gpu_run, plain_run, windows_of
from tests.gpu_runs import recorded_run
from tests.recorded import Sample, samples_table, window
from tracer.device.device_samples import FREQUENCY_HZ
from tracer.errors import UsageError
from tracer.reports import compare
from tracer.reports.compare import comparability, difference
from tracer.reports.compare_report import compare_runs
from tracer.reports.report import build_report
from tracer.reports.window_frequencies import window_frequencies
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.timed_inferences import TimedInferences, timed_inferences
from tracer.runs.windows import figure_windows, performance_windows


def inferences(rng: np.random.Generator, windows: int, scatter: float, slower: float = 1.0) -> TimedInferences:
    """Windows of 60 inferences, which scatter by themselves and within."""
    means = 400_000 * slower * rng.lognormal(0, scatter, (windows, 1))
    walls = (means * rng.lognormal(0, 0.05, (windows, 60))).astype(np.int64).ravel()
    count = len(walls)
    window = np.repeat(np.arange(windows), 60)
    flags = np.zeros(count, np.bool_)
    return TimedInferences(np.arange(count), window, flags, np.cumsum(walls), ("inference",), walls[:, None])


@pytest.mark.parametrize("windows", [2, 3, 5])
def test_windows_that_scatter_are_not_a_difference(monkeypatch: pytest.MonkeyPatch, windows: int) -> None:
    monkeypatch.setattr(compare, "RESAMPLES", 200)
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(40):
        found = difference(inferences(rng, windows, 0.04), inferences(rng, windows, 0.04))
        assert found is not None
        alarms += found.verdict != "no difference"
    # Two-sided at 5 %: 2 of 40 are expected; 7 or more have a chance under 1 %.
    assert alarms < 7


@pytest.mark.parametrize(("slower", "verdict"), [(1.2, "slower"), (1 / 1.2, "faster"), (1.01, "no difference")])
def test_a_difference_beyond_the_scatter_is_seen(slower: float, verdict: str) -> None:
    rng = np.random.default_rng(2)
    found = difference(inferences(rng, 5, 0.02), inferences(rng, 5, 0.02, slower))
    assert found is not None
    assert found.verdict == verdict
    assert found.interval[0] < found.ratio < found.interval[1]
    assert found.interval[0] < slower < found.interval[1]


def test_a_run_against_itself_is_no_difference_and_one_window_each_gives_no_verdict() -> None:
    rng = np.random.default_rng(3)
    run = inferences(rng, 5, 0.02)
    same = difference(run, run)
    assert same is not None
    assert (same.ratio, same.verdict) == (1.0, "no difference")
    alone = difference(inferences(rng, 1, 0.0), inferences(rng, 1, 0.0, 2.0))
    assert alone is not None
    assert (alone.verdict, alone.p_value) == ("not known", None)
    assert "one window" in alone.notes[0]
    assert difference(run, run.only(np.zeros(len(run), np.bool_))) is None


def test_the_medians_are_those_of_the_report(tmp_path: Path) -> None:
    runs = [stored_run(gpu_run(tmp_path, name, windows_of(seed=seed))) for seed, name in enumerate("ab")]
    figures = compare_runs(runs)
    for run, shown in zip(runs, figures["runs"], strict=True):
        report = build_report(run)
        timed = timed_inferences(run)
        assert shown["inference"] == report["inference"]
        assert shown["rate_hz"] == report["median_rate_hz"]
        assert round(float(np.median(timed.wall_ns))) == report["inference"]["median_ns"]
        assert int(timed.wall_ns.sum()) == report["inference"]["total_ns"]
        for stage in report["stages"]:
            assert round(float(np.median(timed.of_stage(stage["stage"])))) == stage["median_ns"]
        assert shown["parts"]["launch"]["median_ns"] == report["overhead"]["launch"]["median"]


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


def test_the_command_exits_1_on_a_slowdown_and_2_on_a_refusal(tmp_path: Path) -> None:
    plain_run(tmp_path, "a")
    plain_run(tmp_path, "slow", windows_of(captured=0, slower=1.3, seed=1))
    plain_run(tmp_path, "fused", stages_mode="fused")

    def said(*words: str) -> Any:
        return CliRunner().invoke(app, ["compare", *words, "--traces", str(tmp_path)])

    slower = said("a", "slow", "--json")
    figures = json.loads(slower.stdout)
    assert (slower.exit_code, figures["comparisons"][0]["verdict"]) == (1, "slower")
    refused = said("a", "fused")
    assert (refused.exit_code, "other mode" in refused.stdout) == (2, True)
    assert max(len(line) for line in refused.stdout.splitlines()) <= 80
    assert said("slow", "a").exit_code == 0
    alone = said("a").exception
    assert isinstance(alone, UsageError)
    assert (alone.exit_code, "two or more" in str(alone)) == (2, True)
