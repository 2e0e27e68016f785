"""``kws-trace runtimes --batch``: several inputs at a time, and whether CPU or GPU wins from where."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.bench.runtimes import batches, measure, onnx_candidates
from runner.bench.runtimes.batches import batches_of, measure_batch
from runner.bench.runtimes.candidate import Candidate, Found
from runner.bench.runtimes.candidates import Models
from runner.bench.runtimes.measure import answers_to
from runner.cli import app
from runner.dataset import Dataset, shipped_dataset
from runner.inference.backends.backend import checked_ends
from runner.inference.backends.litert import LiteRtBackend
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE
from tests.fake_onnxruntime import FakeOnnxRuntime
from tests.test_onnx_backend import onnx_model
from tracer.errors import ModelError, UsageError
from tracer.quantization import Quantization
from tracer.reports.batch_table import BatchTimes, MeasuredBatch, build_batches, render_batches

NO_MODELS = Models(Path(), [], Path(), Quantization(1.0, 0), 1)
INPUTS = Dataset(["a", "b"], np.array([0, 1]), array=np.array([[0] * 490, [1] * 490], np.int8))
SINGLES = np.eye(12, dtype=np.float32)[:2]


def measured(batch: int, **times_us: float) -> MeasuredBatch:
    """Of runtimes named by side and number: 40 rounds a per cent apart, the same for all."""
    mood = 1 + 0.01 * np.random.default_rng(1).random((40, len(times_us)))
    rows = [
        BatchTimes(name, "GPU:0" if name.startswith("gpu") else "CPU", 1e3 * us * mood[:, place], 0.0)
        for place, (name, us) in enumerate(times_us.items())
    ]
    return MeasuredBatch(batch, rows, [])


def candidate(name: str, answers: np.ndarray, device: str = "CPU", input_type: str = "float32") -> Candidate:
    return Candidate(
        name, "1", input_type, device, lambda _: None, lambda: None, lambda: answers.astype(np.float32), lambda: None
    )


def measured_with(monkeypatch: pytest.MonkeyPatch, *candidates: Candidate, batch: int = 3) -> MeasuredBatch:
    @contextmanager
    def found(*_: object) -> Iterator[Found]:
        yield Found(list(candidates), [])

    monkeypatch.setattr(batches, "found_candidates", found)
    monkeypatch.setattr(batches, "measure_rounds", lambda held, *_: np.full((30, len(held)), 6e5))
    known = {one.name: SINGLES for one in candidates}
    return measure_batch(NO_MODELS, batch, INPUTS, known, 0.01, lambda *_: None)


def test_the_side_that_wins_at_1_and_the_batch_from_which_the_other_does_are_said_outright() -> None:
    figures = build_batches(
        [
            measured(1, cpu_a=66, gpu_a=168, gpu_b=300),
            measured(8, cpu_a=60, gpu_a=50, gpu_b=55),
            measured(64, cpu_a=58, gpu_a=9, gpu_b=7),
        ]
    )
    assert (figures["wins_first"], figures["other_wins_from"]) == ("CPU", 8)
    first, then = figures["said"]
    assert first.startswith("At batch 1 the CPU wins: cpu_a (66")
    assert "against gpu_a (169 us an input" in first
    assert then.startswith("From batch 8 on the GPU wins: gpu_a (50")
    assert figures["measured"][2]["gpu"] == "gpu_b"


@pytest.mark.parametrize(
    ("at_8", "at_64", "since", "said"),
    [
        ((60, 70), (58, 80), None, "At none of the larger batches measured the GPU wins."),
        ((60, 60), (58, 20), 64, "From batch 64 on the GPU wins"),
        ((60, 20), (58, 80), None, "The GPU wins at batch 8, and not at every larger one measured."),
        ((60, 20), (58, 58), None, "The GPU wins at batch 8, and not at every larger one measured."),
    ],
)
def test_a_side_wins_from_a_batch_only_where_it_wins_every_larger_one(
    at_8: tuple[float, float], at_64: tuple[float, float], since: int | None, said: str
) -> None:
    larger = [measured(size, cpu=cpu, gpu=gpu) for size, (cpu, gpu) in ((8, at_8), (64, at_64))]
    figures = build_batches([measured(1, cpu=66, gpu=168), *larger])
    assert figures["other_wins_from"] == since
    assert any(one.startswith(said) for one in figures["said"]), figures["said"]


def test_where_the_interval_of_the_ratio_holds_1_it_cannot_be_told() -> None:
    figures = build_batches([measured(1, cpu=60, gpu=60), measured(8, cpu=60, gpu=20)])
    assert figures["measured"][0]["wins"] is None
    assert (figures["wins_first"], figures["other_wins_from"]) == (None, None)
    assert figures["said"][0].startswith("At batch 1 it cannot be told whether CPU or GPU wins")
    assert figures["said"][1].startswith("From batch 8 on the GPU wins")


def test_a_batch_that_no_gpu_ran_is_no_win_of_the_cpu() -> None:
    figures = build_batches([measured(1, cpu=60, gpu=20), measured(512, cpu=40)])
    assert (figures["wins_first"], figures["other_wins_from"]) == ("GPU", None)
    assert figures["said"][-1].startswith("At batch 512 no GPU was measured.")


def test_without_a_gpu_the_fastest_at_each_batch_is_said_with_what_is_not_told_apart_from_it() -> None:
    figures = build_batches([measured(1, a=60, b=90), measured(8, a=50, b=50), MeasuredBatch(64, [], [])])
    none, first, second, third = figures["said"]
    assert none == "No GPU was measured."
    assert first.startswith("The fastest at batch 1 is a (60")
    assert "told apart" not in first
    assert "not told apart from it: " in second
    assert third == "No runtime was measured at batch 64."


def test_the_table_has_a_column_a_batch_and_what_did_not_run_is_told_once() -> None:
    fixed = {"name": "LiteRT int8", "reason": "its batch is fixed at 1", "remedy": "export it"}
    sizes = [1, 2, 4, 8, 16, 32, 4096]
    columns = [measured(size, **{"TensorFlow saved_model.load": 98_765.4, "gpu": 2}) for size in sizes]
    columns = [MeasuredBatch(one.batch, one.rows, [fixed] if one.batch > 16 else []) for one in columns]
    said = io.StringIO()
    render_batches(build_batches(columns), Console(file=said, width=80))
    text = said.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "not at batch 32, 4,096: LiteRT int8: its batch is fixed at 1; export it" in text
    assert text.count("TensorFlow saved_model.load  CPU") == 2
    assert "…" not in text


@pytest.mark.parametrize("given", ["0", "x", "1000000", "1,,8", "-1", "1;8", "", "8.0", "9" * 30])
def test_what_is_no_size_of_a_batch_is_told_before_anything_loads(given: str) -> None:
    with pytest.raises(UsageError, match="from 1 to 4,096"):
        batches_of(given)
    said = CliRunner().invoke(app, ["runtimes", f"--batch={given}"]).exception
    assert isinstance(said, UsageError)
    assert said.exit_code == 2


def test_sizes_come_in_order_once_each_with_1_among_them() -> None:
    assert batches_of(" 64,8, 8") == (1, 8, 64)
    assert batches_of(None) == ()


def test_a_time_is_of_one_input_and_the_inputs_repeat_to_fill_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured_with(monkeypatch, candidate("a", SINGLES[[0, 1, 0]]))
    assert whole.rows[0].rounds_ns.tolist() == [2e5] * 30
    assert whole.rows[0].largest_difference == 0


@pytest.mark.parametrize(
    ("device", "input_type", "moved", "held"),
    [
        ("CPU", "float32", 1e-3, False),
        ("CPU", "float32", 1e-6, True),
        ("GPU:0", "float32", 1e-3, True),
        ("GPU:0", "float32", 0.02, False),
        ("CPU", "int8", 1 / 256, True),
        ("CPU", "int8", 2 / 256, False),
        ("CPU", "float32", np.nan, False),
    ],
)
def test_a_runtime_whose_batch_answers_otherwise_than_its_single_inputs_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, device: str, input_type: str, moved: float, *, held: bool
) -> None:
    answers = SINGLES[[0, 1, 0]].copy()
    answers[1, 5] += moved
    whole = measured_with(monkeypatch, candidate("one", answers, device, input_type))
    assert [row.name for row in whole.rows] == (["one"] if held else [])
    assert [(one["name"], "differ from the single ones" in one["reason"]) for one in whole.absent] == (
        [] if held else [("one", True)]
    )


def test_one_answer_for_a_whole_batch_and_a_batch_of_seconds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured_with(monkeypatch, candidate("short", SINGLES[0]))
    assert "differ from the single ones" in whole.absent[0]["reason"]
    monkeypatch.setattr(batches, "_seconds", lambda _: 4.5)
    whole = measured_with(monkeypatch, candidate("slow", SINGLES[[0, 1, 0]]))
    assert whole.absent[0]["reason"].startswith("a batch takes 4.500 s")


def test_a_model_whose_batch_is_fixed_is_told_as_that_and_not_as_of_another_task() -> None:
    assert checked_ends(Path("m"), ["N", 490], [-1, 12], 8) == ((8, 490), (8, 12))
    with pytest.raises(ModelError, match="its batch is fixed at 1"):
        checked_ends(Path("m"), [1, 490], [1, 12], 8)
    with pytest.raises(ModelError, match="are not the keyword-spotting model's"):
        checked_ends(Path("m"), [-1, 491], [-1, 12], 8)


def test_the_shipped_int8_model_answers_a_batch_as_it_does_its_inputs_alone() -> None:
    data = shipped_dataset()
    quantization = Quantization(1.0, 0)
    single, batch = (Candidate.of("int8", LiteRtBackend(SHIPPED_TFLITE, 1, size), quantization) for size in (1, 8))
    few = Dataset(data.names[:8], data.labels[:8], array=np.array(data.array)[:8])
    batch.load(b"".join(data.input(place) for place in range(8)))
    assert np.abs(batch.probabilities() - answers_to(single, few)).max() <= batches.INT8_STEP


def test_each_provider_takes_the_batch_and_a_cuda_graph_is_a_runtime_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeOnnxRuntime(fails="TensorrtExecutionProvider"))
    model = onnx_model(tmp_path / "made.onnx", ["N", 490]).read_bytes()
    monkeypatch.setattr(onnx_candidates, "converted", lambda *_: model)
    monkeypatch.setattr(onnx_candidates, "with_batch", lambda serialized, _: serialized)
    found = onnx_candidates.onnx_candidates(
        SHIPPED_SAVED_MODEL, tmp_path, Quantization(1.0, 0), 1, batch=4, graphs=True
    )
    assert [one.name for one in found.candidates] == [
        "ONNX Runtime CPU",
        "ONNX Runtime CUDA",
        "ONNX Runtime CUDA, CUDA graph",
    ]
    assert [one.name for one in found.absent] == ["ONNX Runtime TensorRT"]
    for one in found.candidates:
        one.load(bytes(4 * 490))
        assert one.probabilities().argmax(axis=1).tolist() == [5] * 4


def five_inputs(folder: Path) -> Path:
    whole, few = shipped_dataset(), folder / "few.npz"
    np.savez(few, inputs=np.array(whole.array)[:5], labels=whole.labels[:5], names=np.array(whole.names[:5]))
    return few


def test_the_json_gains_batches_and_nothing_else_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = str(five_inputs(tmp_path))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorflow" else find(name))

    def told(*more: str) -> dict[str, Any]:
        given = ["runtimes", "--seconds", "0.01", "--json", "--dataset", data, *more]
        said = CliRunner().invoke(app, given, catch_exceptions=False)
        figures: dict[str, Any] = json.loads(said.stdout)
        return figures

    plain, whole = told(), told("--batch", "4")
    assert set(whole) - set(plain) == {"batches"}
    assert whole["absent"] == plain["absent"]
    assert [set(one) for one in whole["runtimes"]] == [set(one) for one in plain["runtimes"]]
    one, four = whole["batches"]["measured"]
    assert (one["batch"], four["batch"]) == (1, 4)
    assert [row["name"] for row in four["runtimes"]] == ["LiteRT int8"]
    assert one["runtimes"][0]["time_ns"] == pytest.approx(whole["runtimes"][0]["time_ns"])


@pytest.mark.slow
def test_every_runtime_of_the_saved_model_answers_a_batch_as_it_does_its_inputs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow")
    monkeypatch.setattr(measure, "LEAST_ROUNDS", 2)
    from runner.bench.runtimes.comparison import compare_runtimes

    figures = compare_runtimes(dataset=five_inputs(tmp_path), seconds=0.01, batches=(1, 8))
    one, eight = figures["batches"]["measured"]
    assert {row["name"] for row in one["runtimes"]} == {row["name"] for row in eight["runtimes"]}
    assert len(eight["runtimes"]) >= 8
