"""The ladder: predictions on the disk before they are measured, rounds in turn, verdicts, and what is missing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.cli import app
from runner.dataset import shipped_dataset
from runner.inference.models import SHIPPED_SAVED_MODEL
from runner.ladder import climb, found
from runner.ladder.climb import Climb, LadderJob
from runner.ladder.found import FoundRungs, LadderModels, chosen_keys, find_rungs
from tests.recorded import info, window
from tests.sessions import EnergyrunnerLog, accuracy_plan
from tools.report_schema import build_schema
from tracer.errors import ProcessError, RunError, UsageError, WriteError
from tracer.ladder.build import Climbed, Launch, ladder_notes, measured_gain, rung_figures, step_figures
from tracer.ladder.predictions import Captured, judged_step, predicted_steps
from tracer.ladder.read import captured_of, launch_of
from tracer.ladder.rungs import RUNGS
from tracer.ladder.store import ONNX, list_ladders, new_ladder, read_ladder, write_ladder, write_predictions
from tracer.report_types.gpu import Gain
from tracer.report_types.ladder import LadderReport, PredictedStep
from tracer.reports.ladder_table import render_ladder
from tracer.reports.report import build_report
from tracer.runs.launch_set import launch_set
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter
from tracer.statistics.intervals import Estimate
from tracer.trust.judgement import judgement

NOW = "2026-01-31T12:00:00.000+00:00"


def gain(name: str, ns: float, *, bound: bool = False) -> Gain:
    return {
        "name": name,
        "group": "bound" if bound else "change",
        "gain_ns": ns,
        "interval_ns": [ns - 1_000, ns + 1_000],
        "rate_hz": None,
        "rate_interval_hz": [None, None],
        "bound": "at most" if bound else None,
        "reason": "no change to a program gives more" if bound else "",
    }


def climbed(key: str, times_us: dict[int, float], device: str = "GPU:0", busy_ns: float | None = None) -> Climbed:
    trust = judgement([], rule_valid=True, why_not=None)
    launches = [
        Launch(f"{key}-{number}", number, NOW, 1e6 / time_us, "tensorflow", device, 0.9, 100, 1e-6, trust)
        for number, time_us in times_us.items()
    ]
    return Climbed(key, launches, None if busy_ns is None else Captured(f"{key}-profiled", busy_ns, []))


def test_each_step_takes_the_removal_that_it_tests_from_the_rung_above() -> None:
    there = ["session", "callable", "inline", "frozen", "xla", "onnx-cuda", "onnx-cuda-graph", "litert"]
    gains = [gain("one graph", 5e5), gain("hand-offs", 3e5, bound=True)]
    steps = {
        one["rung"]: one
        for one in predicted_steps(there, {key: Captured(f"{key}-run", 1e5, [], gains) for key in there}, NOW)
    }
    told = {key: (one["above"], one["removal"], one["gain_ns"], one["bound"]) for key, one in steps.items()}
    assert told == {
        "callable": ("session", None, None, None),
        "inline": ("callable", "hand-offs", 3e5, "at most"),
        "frozen": ("inline", None, None, None),
        "xla": ("frozen", "one graph", 5e5, None),
        "onnx-cuda": ("xla", None, None, None),
        "onnx-cuda-graph": ("onnx-cuda", "one graph", 5e5, None),
        "litert": ("onnx-cuda-graph", None, None, None),
    }
    assert steps["frozen"]["reason"] == "part of framework: no removal claims it"
    assert steps["xla"]["reason"] == "it assumes the same kernels, launched as one graph"
    gains.append(gain("hand-offs and one graph", 7e5))
    (step,) = predicted_steps(["frozen", "xla"], {"frozen": Captured("run", 1e5, [], gains)}, NOW)
    assert (step["removal"], step["gain_ns"]) == ("hand-offs and one graph", 7e5)


def test_what_a_removal_assumes_is_said_where_the_gain_has_no_reason_of_its_own() -> None:
    there = ["callable", "inline", "onnx-tensorrt", "onnx-tensorrt-graph", "tensorrt", "tensorrt-graph"]
    gains = [gain("one graph", 5e5), gain("hand-offs", 3e5)]
    steps = predicted_steps(there, {key: Captured(f"{key}-run", 1e5, [], gains) for key in there}, NOW)
    told = {one["rung"]: (one["removal"], one["reason"]) for one in steps}
    assert told["inline"] == ("hand-offs", "it assumes the same calls, made by one thread")
    for key in ("onnx-tensorrt-graph", "tensorrt-graph"):
        assert told[key][0] == "one graph"
        kernels = "the same kernels as one graph, and of the runtime's own work around them none to all gone"
        assert told[key][1] == f"it assumes {kernels}"
    (step,) = predicted_steps(["session", "capi"], {}, NOW)
    assert step["reason"] == "Python's part of framework: no removal claims it"


def test_the_rungs_of_the_cpu_are_two_and_each_rung_is_named_on_its_page() -> None:
    assert [one.key for one in RUNGS if one.cpu] == ["onnx-cpu", "litert"]
    page = (Path(__file__).parent.parent / "docs/commands/ladder.md").read_text()
    assert [one.key for one in RUNGS if f"`{one.key}`" not in page] == []
    assert " | ".join(one.name for one in RUNGS) == (
        "TensorFlow Session.run | TensorFlow make_callable | TensorFlow inline | TensorFlow frozen | "
        "TensorFlow XLA | TensorFlow C library | ONNX Runtime CUDA | ONNX Runtime CUDA graph | "
        "ONNX Runtime TensorRT | ONNX R. TensorRT graph | TensorRT | TensorRT CUDA graph | ONNX Runtime CPU | LiteRT"
    )


def test_what_a_runtime_s_graph_gives_lies_between_its_launches_and_all_that_the_runtime_does() -> None:
    gains = [gain("one graph", 2e5, bound=True), gain("one graph, no framework", 3e5, bound=True)]
    (step,) = predicted_steps(["onnx-cuda", "onnx-cuda-graph"], {"onnx-cuda": Captured("run", 1e5, [], gains)}, NOW)
    assert (step["removal"], step["gain_ns"], step["interval_ns"]) == ("one graph", 2e5, [199_000, 301_000])
    assert not step["bound"]
    below = Estimate(1e5, 9e4, 1.1e5, "interval", "round", 3)
    assert judged_step(step, below, "")[0] == "not covered"


def test_without_a_capture_nothing_is_predicted_and_what_a_capture_has_not_gives_nothing() -> None:
    (step,) = predicted_steps(["callable", "inline"], {}, NOW)
    assert (step["gain_ns"], step["reason"]) == (None, "no GPU timeline of callable: --nsys takes one")
    (step,) = predicted_steps(["callable", "inline"], {"callable": Captured("run", None, [])}, NOW)
    assert (step["gain_ns"], step["reason"]) == (None, "the capture of callable has no GPU work")
    (step,) = predicted_steps(
        ["callable", "inline"], {"callable": Captured("run", 1e5, [], [gain("one graph", 5e5)])}, NOW
    )
    assert (step["gain_ns"], step["interval_ns"], step["bound"]) == (0.0, [0.0, 0.0], "at most")
    assert step["reason"] == "the capture of callable has none to remove"


def predicted(low: float, high: float, *, bound: bool = False) -> PredictedStep:
    step: PredictedStep = predicted_steps(["frozen", "xla"], {}, NOW)[0]
    return {**step, "gain_ns": (low + high) / 2, "interval_ns": [low, high], "bound": "at most" if bound else None}


@pytest.mark.parametrize(
    ("step", "seen", "verdict"),
    [
        (predicted(100, 200), (120, 180), "covered"),
        (predicted(100, 200), (100, 200), "covered"),
        (predicted(100, 200), (90, 180), "not resolved"),
        (predicted(100, 200), (10, 100), "not resolved"),
        (predicted(100, 200), (200, 300), "not resolved"),
        (predicted(100, 200), (210, 230), "not covered"),
        (predicted(100, 200), (10, 90), "not covered"),
        (predicted(100, 200, bound=True), (10, 90), "covered"),
        (predicted(100, 200, bound=True), (150, 250), "not resolved"),
        (predicted(100, 200, bound=True), (210, 230), "not covered"),
    ],
)
def test_a_prediction_is_covered_where_the_whole_measured_interval_lies_in_it(
    step: PredictedStep, seen: tuple[float, float], verdict: str
) -> None:
    measured = Estimate(sum(seen) / 2, *seen, "interval", "round", 3)
    assert judged_step(step, measured, "")[0] == verdict
    two = Estimate(sum(seen) / 2, *seen, "range", "round", 2, "two rounds only")
    assert judged_step(step, two, "")[0] == "not resolved"


def test_a_prediction_that_failed_says_which_assumption_broke() -> None:
    above, below = (
        climbed("frozen", {1: 664, 2: 660, 3: 668}, busy_ns=150e3),
        climbed("xla", {1: 363, 2: 361, 3: 365}),
    )
    step = predicted(50e3, 60e3)
    told = step_figures(step, {"frozen": above, "xla": below})
    assert told["verdict"] == "not covered"
    assert "the same kernels, launched as one graph" in told["sentence"]
    below.captured = Captured("xla-profiled", 60e3, [])
    told = step_figures(step, {"frozen": above, "xla": below})
    assert "from 150.00 us to 60.00 us, so the kernels changed" in told["sentence"]
    below.captured = Captured("xla-profiled", None, [])
    told = step_figures(step, {"frozen": above, "xla": below})
    assert "TensorFlow XLA did nothing on the GPU" in told["sentence"]
    # Nothing was taken out, so nothing of it can be left.
    below.captured = Captured("xla-profiled", 151e3, [])
    told = step_figures({**step, "gain_ns": 0.0}, {"frozen": above, "xla": below})
    assert "either the assumption (the same kernels, launched as one graph) does not hold" in told["sentence"]
    step["removal"] = "hand-offs"
    below.captured = Captured("xla-profiled", 151e3, [], [{**gain("hand-offs", 0), "gain_ns": None}])
    told = step_figures({**step, "gain_ns": 0.0}, {"frozen": above, "xla": below})
    assert "still has" not in told["sentence"]
    # A tenth of the predicted 55 us may be left.
    below.captured = Captured("xla-profiled", 151e3, [], [gain("hand-offs", 5_500)])
    told = step_figures(step, {"frozen": above, "xla": below})
    assert "still has" not in told["sentence"]
    below.captured = Captured("xla-profiled", 151e3, [], [gain("hand-offs", 40e3)])
    told = step_figures(step, {"frozen": above, "xla": below})
    assert "by its own capture TensorFlow XLA still has 40.00 us of hand-offs to remove" in told["sentence"]


def test_a_gain_without_an_interval_is_no_prediction() -> None:
    step: PredictedStep = {**predicted(50e3, 60e3), "interval_ns": None, "reason": "one inference"}
    assert judged_step(step, Estimate(5e4, 4e4, 6e4, "interval", "round", 3), "") == (
        "no prediction",
        "one inference",
    )


def test_a_launch_has_the_rate_the_runtime_and_the_accuracy_that_its_run_recorded(tmp_path: Path) -> None:
    from tests import dashboard_runs as runs

    answers = {"known_answers": {"inputs": 3, "largest_difference": 1e-6, "allowed": 1e-3}}
    backend = {"name": "tensorflow", "version": "2.21", "way": "session", "device": "/device:GPU:0", **answers}
    runs.gpu_run(tmp_path, "gpu", backend=backend)
    run = stored_run("gpu", tmp_path)
    report = build_report(run)
    facts = ("tensorflow 2.21 session", "/device:GPU:0", None, None, 1e-6, report["trust"])
    rate_hz = report["median_rate_hz"]
    assert launch_of(run, 2) == Launch("gpu", 2, run.info.created, rate_hz, *facts)
    gpu = report["gpu"]
    assert gpu is not None
    assert captured_of(run) == Captured("gpu", gpu["busy_ns"]["mean"], report["kernels_by_stage"], report["gains"])
    folder = runs.plain_run(tmp_path, "plain") / "session"
    folder.mkdir()
    (folder / "log.txt").write_text("\n".join(EnergyrunnerLog(accuracy_plan()).write()) + "\n")
    plain = launch_of(stored_run("plain", tmp_path), 1)
    assert (plain.top1, plain.inputs) == (pytest.approx(34 / 36), 36)
    assert captured_of(stored_run("plain", tmp_path)) == Captured("plain", None, [], [])


def test_a_gain_is_of_the_rounds_that_both_rungs_have() -> None:
    above, below = (
        climbed("session", {1: 1000, 2: 2000, 3: 1000, 4: 1e6}),
        climbed("callable", {1: 500, 2: 1000, 3: 500}),
    )
    found_gain = measured_gain(above, below)
    assert found_gain is not None
    assert (found_gain.kind, found_gain.unit, found_gain.count) == ("interval", "round", 3)
    # The machine was at half its speed in the second round, and each round's ratio is the same.
    assert found_gain.low == pytest.approx(found_gain.high)
    assert found_gain.value == pytest.approx(0.5 * 1e3 * 2e9 ** (1 / 3))
    assert measured_gain(above, climbed("callable", {})) is None


def test_that_the_cpu_wins_is_said_where_a_gpu_was_measured_and_nowhere_else() -> None:
    gpu, cpu = rung_figures(climbed("xla", {1: 168})), rung_figures(climbed("litert", {1: 66}, "CPU"))
    slower = rung_figures(climbed("frozen", {1: 300}))
    assert gpu["rate_hz"] == pytest.approx(1e6 / 168, rel=1e-12)
    (note,) = ladder_notes([slower, gpu, cpu])
    assert note.startswith("At batch 1 of this model the CPU wins: LiteRT takes 66.00 us against 168.00 us")
    assert ladder_notes([cpu]) == ladder_notes([gpu, rung_figures(climbed("litert", {1: 500}, "CPU"))]) == []


def test_a_name_that_is_no_rung_is_refused_and_the_order_is_the_ladders() -> None:
    assert chosen_keys("litert, session") == ["session", "litert"]
    with pytest.raises(UsageError, match="no rung is called sesion; give some of session,callable"):
        chosen_keys("sesion")


def test_a_rung_that_is_not_here_is_told_with_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found.importlib.util, "find_spec", lambda name: name == "ai_edge_litert" or None)
    rungs = find_rungs(["session", "capi", "onnx-cuda", "litert"], LadderModels(), tmp_path / "model.onnx")
    assert list(rungs.options) == ["litert"]
    told = {one["rung"]: one["remedy"] for one in rungs.absent}
    assert "kws-trace[tensorflow]" in told["session"]
    assert "--library" in told["capi"]
    assert "kws-trace[onnx]" in told["onnx-cuda"]


def job(tmp_path: Path, rounds: int = 2) -> LadderJob:
    name, folder = new_ladder("one", tmp_path)
    rungs = FoundRungs({key: ["--runtime", key] for key in ("session", "callable", "litert")})
    data = shipped_dataset()
    return LadderJob(
        rungs, SHIPPED_SAVED_MODEL, name, tmp_path, folder, data, None, 1.0, rounds, "fused", 1, profiler_pairs=None
    )


def recording(made: list[str], tmp_path: Path, fault: Callable[[str], None]) -> Callable[..., None]:
    """In place of a device that is driven: a run of five windows, after what ``fault`` does of its name."""

    def drive(_options: Any, traces: Path, name: str, *_rest: Any) -> None:
        steps = json.loads((tmp_path / "one.ladder" / "predictions.json").read_text())
        assert [one["rung"] for one in steps] == ["callable", "litert"]
        made.append(name)
        fault(name)
        launch = json.loads(_rest[-1][climb.launch_environment("", 0, 0).popitem()[0]])
        writer = RunWriter.create(
            traces,
            name,
            replace(info(name), launch_set=launch, backend={"name": "fake", "version": "1", "way": "way"}),
            lambda _: None,
        )
        for number in range(5):
            writer.append(window(number))
        writer.close()

    return drive


def test_the_rounds_go_over_all_rungs_in_turn_after_the_predictions_and_a_failure_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def fault(name: str) -> None:
        if name == "one-callable-1":
            raise ProcessError("the DUT", "its answers differ")

    monkeypatch.setattr(climb, "drive_dut", recording(made, tmp_path, fault))
    report = Climb(job(tmp_path), lambda _: None).make()
    assert made == ["one-session-1", "one-callable-1", "one-litert-1", "one-session-2", "one-litert-2"]
    assert [one["failure"] for one in report["rungs"]] == [None, "the DUT: its answers differ", None]
    assert [(one["rung"], one["verdict"]) for one in report["steps"]] == [
        ("callable", "not measured"),
        ("litert", "not measured"),
    ]
    assert all(one["prediction"]["written"] <= (one["measured_from"] or "9") for one in report["steps"])
    assert [run.name for run in launch_set("one-litert", tmp_path)] == ["one-litert-1", "one-litert-2"]
    check_report(report)
    assert {path.name for path in (tmp_path / "one.ladder").iterdir()} == {"predictions.json", "ladder.json"}
    assert {one["runtime"] for one in report["rungs"]} == {"fake 1 way", None}
    assert read_ladder("one", tmp_path) == json.loads(json.dumps(report))
    with pytest.raises(RunError, match="exists"):
        new_ladder("one", tmp_path)
    listed = CliRunner().invoke(app, ["runs", "--traces", str(tmp_path)]).stdout
    assert "ladder one  complete  3 rungs  fastest" in listed


def test_a_rung_that_dies_in_the_middle_keeps_its_launches_and_the_others_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(name: str) -> None:
        if name == "one-callable-2":
            raise ProcessError("the DUT", "it ended")

    monkeypatch.setattr(climb, "drive_dut", recording([], tmp_path, fault))
    report = Climb(job(tmp_path, 3), lambda _: None).make()
    assert [(len(one["launches"]), one["failure"]) for one in report["rungs"]] == [
        (3, None),
        (1, "the DUT: it ended"),
        (3, None),
    ]
    # The step is still told, of the one round that both have.
    assert [one["spread"] and one["spread"]["count"] for one in report["steps"]] == [1, 1]


def test_ctrl_c_keeps_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(name: str) -> None:
        if name == "one-callable-1":
            raise KeyboardInterrupt

    monkeypatch.setattr(climb, "drive_dut", recording([], tmp_path, fault))
    report = Climb(job(tmp_path), lambda _: None).make()
    assert report["stopped"]
    assert [one["launches"] for one in report["rungs"]] == [["one-session-1"], [], []]
    assert [one["complete"] for one in list_ladders(tmp_path)] == [False]


def check_report(report: LadderReport) -> None:
    """As the schema says, and within 80 columns."""
    jsonschema.validate(json.loads(json.dumps(report)), build_schema(LadderReport))
    out = io.StringIO()
    render_ladder(report, Console(file=out, width=80))
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert "one-session" not in out.getvalue()
    assert "failed: TensorFlow make_callable: the DUT: its answers differ" in " ".join(out.getvalue().split())


def test_the_longest_step_stands_in_one_line_of_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climb, "drive_dut", recording([], tmp_path, lambda _: None))
    report = Climb(job(tmp_path, 1), lambda _: None).make()
    above = climbed("onnx-tensorrt", {1: 11_110, 2: 11_220, 3: 11_070})
    below = climbed("onnx-tensorrt-graph", {1: 4_664, 2: 4_360, 3: 4_468})
    step = {**predicted(1.1e6, 1.2e6), "rung": "onnx-tensorrt-graph", "above": "onnx-tensorrt"}
    told = step_figures(step, {"onnx-tensorrt": above, "onnx-tensorrt-graph": below})  # type: ignore[arg-type]
    out = io.StringIO()
    render_ladder({**report, "steps": [told]}, Console(file=out, width=80))
    (line,) = [one for one in out.getvalue().splitlines() if one.startswith(" onnx-tensorrt-graph")]
    assert "1,100 to 1,200" in line
    assert line.endswith("not covered ")


@pytest.mark.slow
def test_a_real_device_is_driven_and_the_ladder_is_printed_again(tmp_path: Path) -> None:
    words = ["ladder", "--traces", str(tmp_path)]
    made = CliRunner().invoke(
        app, [*words, "--rungs", "litert", "--seconds", "0.1", "--rounds", "1", "--name", "l", "--json"]
    )
    assert made.exit_code == 0, made.output
    report = json.loads(made.stdout[made.stdout.index("{") :])
    (rung,) = report["rungs"]
    assert (rung["launches"], rung["failure"]) == (["l-litert-1"], None)
    assert rung["top1"] > 0.9
    again = CliRunner().invoke(app, [*words, "--show", "l", "--json"])
    assert json.loads(again.stdout) == report


def test_a_ladder_that_is_there_or_damaged_is_refused_and_the_list_has_the_fastest_rung(tmp_path: Path) -> None:
    name, folder = new_ladder("mine", tmp_path)
    assert (name, folder.name) == ("mine", "mine.ladder")
    write_predictions(folder, [])
    with pytest.raises(
        RunError, match=r"a ladder of that name exists, or runs of it; give another --name, or remove"
    ):
        new_ladder("mine", tmp_path)
    damaged = r"it cannot be read as a ladder's figures; climb it again under another --name"
    for text in ("{", '{"rungs": [], "steps": 1}', '{"rungs": 1, "steps": []}', "[]"):
        (folder / "ladder.json").write_text(text)
        with pytest.raises(RunError, match=damaged):
            read_ladder("mine", tmp_path)
    none: dict[str, Any] = {"rungs": [], "fastest": None, "rate_hz": None}
    assert list_ladders(tmp_path) == [{"name": "mine", "complete": False, **none}]
    files = (Path(__file__).parent.parent / "docs/run-format.md").read_text()
    assert f"of a [ladder](commands/ladder.md): `predictions.json`, `ladder.json` and the converted `{ONNX}`" in files
    assert [folder / "predictions.json", folder / "ladder.json"] == sorted(folder.iterdir(), reverse=True)
    write_predictions(tmp_path / "new" / "deep", [])
    (tmp_path / "file").touch()
    with pytest.raises(
        WriteError, match=r"it cannot be written \(.*\); give --traces a folder that you may write to$"
    ):
        write_predictions(tmp_path / "file" / "deep", [])
    rungs = [rung_figures(climbed("session", {1: 1000})), rung_figures(climbed("litert", {1: 500}, "CPU"))]
    report: Any = {"rungs": rungs, "steps": [], "fastest": "litert", "stopped": None}
    write_ladder(folder, report)
    known = {"rungs": ["session", "litert"], "fastest": "LiteRT", "rate_hz": pytest.approx(2000)}
    assert list_ladders(tmp_path) == [{"name": "mine", "complete": True, **known}]
    write_ladder(folder, {**report, "stopped": "Ctrl-C", "fastest": None})
    assert list_ladders(tmp_path) == [{"name": "mine", "complete": False, **known, "fastest": None, "rate_hz": None}]
