"""What tracing and splitting cost, at several moments of a run: every group is kept, the ratio is its times'."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from runner.inference import run_costs
from runner.inference.pipeline import Pipeline
from runner.inference.run_costs import PAIRS, WINDOWS, RunCosts
from tests.test_dut import FakeBackend
from tracer.quantization import Quantization
from tracer.reports.overhead_ledger import PairTimes


def pair_times(inferences: int, pairs: int, subject_ns: float, base_ns: float) -> PairTimes:
    """Every pair alike; nanoseconds an inference."""
    wall = np.tile(np.array([subject_ns, base_ns]) * inferences, (pairs, 1)).astype(np.int64)
    return PairTimes(inferences, wall, wall)


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many times the fused inference the split one takes, of each group in turn; recording adds 1.5 us."""
    ratios: list[float] = []

    def measured(subject: Any, base: Any, inferences: int, pairs: int) -> PairTimes:
        if inferences == run_costs.COST_INFERENCES:
            return pair_times(inferences, pairs, 2_000, 500)
        ratio = ratios.pop(0)
        return pair_times(inferences, pairs, ratio * 1e6, 1e6)

    monkeypatch.setattr(run_costs, "measure_pairs", measured)
    monkeypatch.setattr(run_costs, "inferences_in", lambda *_: 4)
    return ratios


def costs(*, split: bool = True) -> RunCosts:
    pipeline = Pipeline(FakeBackend(), Quantization(0.5, 2), "reference", "split" if split else "fused")
    pipeline.load(bytes(490))
    return RunCosts(pipeline, nvtx=False, split=split)


def test_the_ratio_is_that_of_the_times_printed_beside_it(speeds: list[float]) -> None:
    speeds += [1.05, 1.10, 1.02]
    found = costs()
    for _ in range(3):
        found.measure()
    splitting = found.facts["splitting_cost"]
    assert splitting["ratio"] == pytest.approx(splitting["split_ns"] / splitting["fused_ns"], rel=1e-5)
    assert splitting["ratio"] == pytest.approx((1.05 * 1.10 * 1.02) ** (1 / 3))
    assert splitting["spread"]["low"] < splitting["ratio"] < splitting["spread"]["high"]


def test_the_interval_goes_by_the_groups_and_not_by_their_pairs(speeds: list[float]) -> None:
    speeds += [1.0, 1.2, 1.0, 1.2]
    found = costs()
    for _ in range(4):
        found.measure()
    spread = found.facts["splitting_cost"]["spread"]
    assert (spread["kind"], spread["unit"], spread["count"]) == ("interval", "group", 4)
    middle = math.log(1.2) / 2
    half = 3.182 * middle * math.sqrt(4 / 3) / math.sqrt(4)
    ends = math.exp(middle - half), math.exp(middle + half)
    assert (spread["low"], spread["high"]) == pytest.approx(ends, rel=1e-3)


def test_one_moment_or_two_give_no_interval(speeds: list[float]) -> None:
    speeds += [1.05, 1.10]
    found = costs()
    found.measure()
    assert found.facts["splitting_cost"]["spread"]["kind"] != "interval"
    found.measure()
    spread = found.facts["splitting_cost"]["spread"]
    assert spread["kind"] == "range"
    assert (spread["low"], spread["high"]) == pytest.approx((1.05, 1.10))


def test_a_group_follows_each_of_the_first_windows_and_keeps_its_moment(speeds: list[float]) -> None:
    speeds += [1.05] * (WINDOWS + 1)
    found = costs()
    found.measure()
    assert [found.after_window() for _ in range(WINDOWS + 2)] == [True] * WINDOWS + [False] * 2
    for kind in ("splitting_cost", "recorder_cost"):
        groups = found.facts[kind]["groups"]
        assert len(groups) == WINDOWS + 1
        times = [time for group in groups for time in (group["start_ns"], group["end_ns"])]
        assert times == sorted(times)
        assert all({"cpu_ns", "load_start", "load_end", "inferences"} <= group.keys() for group in groups)
    assert len(groups[0]["without_nvtx_ns"]) == PAIRS
    assert groups[0]["with_nvtx_ns"] is None


def test_what_recording_adds_is_the_mean_of_its_groups(speeds: list[float]) -> None:
    found = costs(split=False)
    found.measure()
    assert speeds == []
    assert found.facts["splitting_cost"] is None
    recorder = found.facts["recorder_cost"]
    assert recorder["ns_per_inference"] == recorder["ns_per_inference_without_nvtx"] == 1_500
