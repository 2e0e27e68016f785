"""``kws-trace runtimes``: the same weights on every runtime, timed in turn."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from runner.bench.runtimes import measure, onnx_candidates
from runner.bench.runtimes.candidate import REFERENCE, Candidate
from runner.bench.runtimes.comparison import compare_runtimes
from runner.bench.runtimes.litert_candidates import litert_candidates
from runner.bench.runtimes.measure import answers_to, measure_rounds
from runner.cli import app
from runner.dataset import Dataset, shipped_dataset
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE
from tests.fake_onnxruntime import FakeOnnxRuntime
from tests.test_onnx_backend import onnx_model
from tracer.errors import ModelError
from tracer.quantization import Quantization
from tracer.reports.machine_report import load_lines
from tracer.reports.runtime_table import RuntimeTimes, build_runtimes, render_runtimes
from tracer.trust.checks import check_load


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def working(self, ns: int) -> Callable[[], None]:
        def work() -> None:
            self.now += ns

        return work


def candidate(name: str, infer: Callable[[], object], answer: int = 0) -> Candidate:
    vector = np.eye(12, dtype=np.float32)[answer]
    return Candidate(name, "1", "float32", "CPU", lambda _: None, infer, lambda: vector, lambda: None)


def row(name: str, rounds_ns: list[float], top1: float = 0.9) -> RuntimeTimes:
    return RuntimeTimes(name, "1", "float32", "CPU", top1, 500, np.array(rounds_ns, np.float64))


def test_each_candidate_is_timed_an_inference_in_every_round() -> None:
    clock = Clock()
    pair = [candidate("a", clock.working(1_000_000)), candidate("b", clock.working(250_000))]
    times = measure_rounds(pair, 0.05, clock=clock)
    assert times.shape == (measure.LEAST_ROUNDS, 2)
    assert (times == [1_000_000, 250_000]).all()


def test_the_order_of_turns_changes_and_the_first_milliseconds_of_a_turn_are_not_timed() -> None:
    clock, turns = Clock(), []

    def slow_first(name: str) -> Callable[[], None]:
        def work() -> None:
            cold = name not in turns[-3:] or len(set(turns[-3:])) > 1
            turns.append(name)
            clock.now += 3_000_000 if cold else 1_000_000

        return work

    pair = [candidate("a", slow_first("a")), candidate("b", slow_first("b"))]
    times = measure_rounds(pair, 0.05, clock=clock)
    assert (times == 1_000_000).all()
    # Of one candidate after the other: five that are not timed, and five that are.
    orders = {"".join(turns[i : i + 20]) for i in range(len(turns) - 200, len(turns), 20)}
    assert orders == {"a" * 10 + "b" * 10, "b" * 10 + "a" * 10}


def test_progress_adds_up_to_the_whole() -> None:
    clock, shares = Clock(), []
    measure_rounds([candidate("a", clock.working(10_000))], 0.1, shares.append, clock)
    assert sum(shares) == pytest.approx(1)


def test_an_interruption_of_one_inference_does_not_move_a_turns_figure() -> None:
    clock = Clock()
    calls = iter(range(10**6))

    def work() -> None:
        clock.now += 9_000_000 if next(calls) % 20 == 19 else 100_000

    assert (measure_rounds([candidate("a", work)], 0.05, clock=clock) == 100_000).all()


def test_every_input_is_answered_in_order() -> None:
    data = Dataset(["a", "b"], np.array([3, 0]), array=np.array([[3] * 490, [7] * 490], np.int8))
    given: list[bytes] = []
    asked = replace(candidate("a", lambda: None), load=given.append, probabilities=lambda: np.eye(12)[given[-1][0]])
    assert answers_to(asked, data).argmax(axis=1).tolist() == [3, 7]


def test_a_gain_is_of_the_same_rounds_and_the_fastest_comes_first() -> None:
    # The machine is twice as slow in the second half: the ratio does not see it.
    figures = build_runtimes([row(REFERENCE, [400, 400, 800]), row("thin", [100, 100, 200])], [], REFERENCE)
    thin, base = figures["runtimes"]
    assert (thin["name"], base["name"]) == ("thin", REFERENCE)
    assert thin["speedup"] == pytest.approx(4)
    assert thin["speedup_spread"]["low"] == pytest.approx(thin["speedup_spread"]["high"])
    assert thin["speedup"] == pytest.approx(base["time_ns"] / thin["time_ns"])
    assert thin["gain_ns"] == pytest.approx(base["time_ns"] - thin["time_ns"])
    assert thin["gain_hz"] == pytest.approx(thin["rate_hz"] - base["rate_hz"])
    assert base["gain_ns"] is None


@settings(deadline=None)
@example([(1.0, 2.0), (4.0, 122.0), (5.0, 1.0)])
@given(st.lists(st.tuples(st.floats(1, 1e9), st.floats(1, 1e9)), min_size=2, max_size=20))
def test_a_time_lies_in_its_spread_and_a_rate_is_its_inverse(pairs: list[tuple[float, float]]) -> None:
    base, other = (list(column) for column in zip(*pairs, strict=True))
    for one in build_runtimes([row(REFERENCE, base), row("other", other)], [], REFERENCE)["runtimes"]:
        low, high = one["spread"]["low"], one["spread"]["high"]
        if one["spread"]["kind"] == "none":
            # One round is left where the others were interrupted.
            assert one["spread"]["count"] == 1
            continue
        assert low <= one["time_ns"] * (1 + 1e-9)
        assert one["time_ns"] <= high * (1 + 1e-9)
        assert one["rate_hz"] * one["time_ns"] == pytest.approx(1e9)


def test_without_the_reference_there_are_no_gains() -> None:
    figures = build_runtimes([row("alone", [1, 2, 3])], [], REFERENCE)
    assert figures["reference"] is None
    assert figures["runtimes"][0]["speedup"] is None


def test_the_text_fits_80_columns_and_names_what_is_missing() -> None:
    rows = [row(REFERENCE, [2_764_000.0] * 3), row("TensorFlow frozen with XLA", [99_666_000.0] * 3)]
    absent = [{"name": "ONNX Runtime", "reason": "onnxruntime is not installed", "remedy": "pip install it"}]
    figures = build_runtimes(rows, absent, REFERENCE)
    figures |= {"model": {"name": "kws"}, "threads": 1, "load": {"before": 3.0, "cpus": 2}}
    said = io.StringIO()
    render_runtimes(figures, Console(file=said, width=80))
    text = said.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    for part in ("99,666", "-96,902", "Top-1 over 500", "onnxruntime is not installed; pip", "the load was 3.0"):
        assert part in text, part
    assert "…" not in text


def test_the_text_of_two_ways_is_their_times_and_what_one_gains() -> None:
    rows = [row(REFERENCE, [4_000, 4_400, 3_600]), row("thin", [1_000, 1_100, 900])]
    figures = build_runtimes(rows, [], REFERENCE)
    figures |= {"model": {"name": "kws"}, "threads": 1, "load": {"before": 0.0, "cpus": 2}}
    said = io.StringIO()
    render_runtimes(figures, Console(file=said, width=120))
    lines = [" ".join(line.split()) for line in said.getvalue().splitlines()]
    # The third root of 1,000 x 1,100 x 900 is 996.66 ns, a fourth of the other's in every round.
    assert [line for line in lines if line.strip("\u2500")] == [
        "kws: 1 thread, Top-1 over 500 inputs",
        "way on Top-1 us 95 % inf/s",
        "thin CPU 90.0 % 0.997 [0.900 to 1.10] 1,003,356",
        "TensorFlow Session.run CPU 90.0 % 3.99 [3.60 to 4.40] 250,839",
        "Gained against TensorFlow Session.run, in the same rounds:",
        "way us 95 % inf/s times 95 %",
        "thin 2.99 [2.99 to 2.99] +752,517 4.00 [4.00 to 4.00]",
        "Times are geometric means over the rounds, and a rate is 1 over its time",
        "[ ] is a range, no interval: the rounds may count as fewer than 20 independent ones",
    ]


def test_a_quiet_machine_needs_no_warning() -> None:
    assert load_lines({"before": 0.2, "cpus": 2}) == []


def test_the_same_load_is_warned_of_before_a_measurement_and_doubted_in_a_run() -> None:
    for load in (0.9, 1.0, 1.1):
        doubted = check_load(load, load, 0.0, 2)["state"] == "doubtful"
        assert bool(load_lines({"before": load, "cpus": 2})) == doubted == (load > 1.0)


def test_a_model_of_the_wrong_kind_is_refused_before_anything_loads() -> None:
    with pytest.raises(ModelError):
        compare_runtimes(model=SHIPPED_TFLITE)
    with pytest.raises(ModelError):
        compare_runtimes(tflite=[SHIPPED_SAVED_MODEL])


def test_two_files_of_one_kind_get_names_of_their_own() -> None:
    found = litert_candidates([SHIPPED_TFLITE, SHIPPED_TFLITE], Quantization(1.0, 0), 1)
    assert len({one.name for one in found.candidates}) == 2
    found.close()


def test_a_provider_that_falls_back_or_fails_is_listed_and_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeOnnxRuntime(falls_back="CUDAExecutionProvider", fails="TensorrtExecutionProvider")
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    serialized = onnx_model(tmp_path / "made.onnx", [1, 490]).read_bytes()
    monkeypatch.setattr(onnx_candidates, "converted", lambda *_: serialized)
    found = onnx_candidates.onnx_candidates(SHIPPED_SAVED_MODEL, tmp_path, Quantization(1.0, 0), 1)
    (cpu,) = found.candidates
    assert (cpu.name, cpu.probabilities().argmax()) == ("ONNX Runtime CPU", 5)
    reasons = {one.name: one.reason for one in found.absent}
    assert "CPUExecutionProvider took its place" in reasons["ONNX Runtime CUDA"]
    assert reasons["ONNX Runtime TensorRT"].endswith("does not run the model: no engine")


def test_without_tensorflow_litert_is_measured_and_the_rest_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find(name))
    said = CliRunner().invoke(app, ["runtimes", "--seconds", "0.01", "--json"], catch_exceptions=False)
    figures = json.loads(said.stdout)
    (int8,) = figures["runtimes"]
    assert int8["name"] == "LiteRT int8"
    assert int8["top1"] > 0.85
    assert all("kws-trace[tensorflow]" in one["remedy"] for one in figures["absent"])
    assert REFERENCE in [one["name"] for one in figures["absent"]]


@pytest.mark.slow
def test_the_same_weights_answer_alike_on_every_runtime(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    whole = shipped_dataset()
    assert whole.array is not None
    few = tmp_path / "few.npz"
    np.savez(few, inputs=whole.array[:60], labels=whole.labels[:60], names=np.array(whole.names[:60]))
    figures = compare_runtimes(dataset=few, seconds=0.01)
    found = {one["name"]: one for one in figures["runtimes"]}
    floats = {name: one["top1"] for name, one in found.items() if one["input_type"] == "float32"}
    assert {REFERENCE, "TensorFlow make_callable", "TensorFlow inline callable", "TensorFlow frozen, inline"} <= set(
        floats
    )
    assert len(set(floats.values())) == 1, floats
    assert min(floats.values()) > 0.85
    listed = set(found) | {one["name"] for one in figures["absent"]}
    assert {"LiteRT float, converted", "TensorFlow saved_model.load", "TensorFlow frozen with XLA"} <= listed
    if all(map(importlib.util.find_spec, ("onnxruntime", "tf2onnx", "onnx"))):
        assert "ONNX Runtime CPU" in found
