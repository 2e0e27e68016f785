"""What a ladder says of rungs and steps, whole: the worst accuracy, what a prediction is of, why there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import dashboard_runs as runs
from tests.sessions import EnergyrunnerLog, Plan, accuracy_plan
from tracer.command_line import command_line
from tracer.errors import RunError
from tracer.ladder.build import Captured, Climbed, Launch, rung_figures
from tracer.ladder.predictions import judged_step, predicted_steps
from tracer.ladder.read import launch_of
from tracer.ladder.rungs import RUNGS
from tracer.ladder.store import new_ladder, read_ladder
from tracer.report_types.gpu import Gain
from tracer.report_types.ladder import PredictedStep
from tracer.runs.run_store import stored_run
from tracer.statistics.intervals import Estimate
from tracer.trust.judgement import judgement

NOW = "2026-01-31T12:00:00.000+00:00"
GAIN: Gain = {
    "name": "hand-offs",
    "group": "change",
    "gain_ns": 3e5,
    "interval_ns": [2e5, 4e5],
    "rate_hz": None,
    "rate_interval_hz": [None, None],
    "bound": None,
    "reason": "",
}


def launch(number: int, top1: float | None, inputs: int | None) -> Launch:
    trust = judgement([], rule_valid=True, why_not=None)
    return Launch(f"xla-{number}", number, NOW, 1000.0, "tensorflow", "GPU:0", top1, inputs, None, trust)


def inline(captures: dict[str, Captured]) -> PredictedStep:
    (step,) = predicted_steps(["callable", "inline"], captures, NOW)
    return step


def test_a_rung_is_held_against_one_that_stands_above_it() -> None:
    keys = [one.key for one in RUNGS]
    for place, one in enumerate(RUNGS):
        assert one.above is None or one.above in keys[:place], one.key


def test_why_a_step_has_no_prediction_is_said_of_each_that_has_none() -> None:
    there = [one.key for one in RUNGS]
    told = {one["rung"]: one["reason"] for one in predicted_steps(there, {}, NOW) if one["removal"] is None}
    other = "another runtime: nothing is predicted"
    assert told == {
        "callable": "nothing is claimed",
        "frozen": "part of framework: no removal claims it",
        "capi": "Python's part of framework: no removal claims it",
        "onnx-cuda": other,
        "onnx-tensorrt": "other kernels: nothing is predicted",
        "tensorrt": "ONNX Runtime's part of framework: no removal claims it",
        "onnx-cpu": other,
        "litert": other,
    }


def test_a_prediction_says_what_it_removes_and_of_which_run_it_is() -> None:
    step = inline({"callable": Captured("callable-profiled", 1e5, [], [GAIN])})
    assert step == {
        "rung": "inline",
        "above": "callable",
        "removal": "hand-offs",
        "written": NOW,
        "captured": "callable-profiled",
        "gain_ns": 3e5,
        "interval_ns": [2e5, 4e5],
        "bound": None,
        "reason": "it assumes the same calls, made by one thread",
    }
    none: PredictedStep = {**step, "gain_ns": None, "interval_ns": None}
    assert inline({}) == {**none, "captured": None, "reason": "no GPU timeline of callable: --nsys takes one"}
    idle = {"callable": Captured("callable-profiled", None, [])}
    assert inline(idle) == {**none, "reason": "the capture of callable has no GPU work"}


def test_a_verdict_names_what_was_measured_and_what_was_predicted() -> None:
    step = inline({"callable": Captured("run", 1e5, [], [GAIN])})
    bound: PredictedStep = {**step, "bound": "at most"}
    seen = Estimate(3e5, 2.5e5, 3.5e5, "interval", "round", 3)
    measured = "measured 250.00 to 350.00 us, predicted"
    assert judged_step(step, seen, "") == ("covered", f"{measured} 200.00 to 400.00 us")
    assert judged_step(bound, seen, "") == ("covered", f"{measured} up to 400.00 us")
    assert judged_step(step, None, "") == ("not measured", "one of the two rungs was not measured")


@pytest.mark.parametrize(
    ("scores", "worst"),
    [
        ([(0.95, 100), (None, None), (0.9, 50)], (0.9, 50)),
        ([(0.95, 100), (0.0, 36)], (0.0, 36)),
        ([(0.8, 10), (0.9, 20)], (0.8, 10)),
        ([(None, None)], (None, None)),
    ],
)
def test_a_rung_has_its_worst_launch_s_accuracy(
    scores: list[tuple[float | None, int | None]], worst: tuple[float | None, int | None]
) -> None:
    figures = rung_figures(Climbed("xla", [launch(place, *one) for place, one in enumerate(scores)]))
    assert (figures["top1"], figures["inputs"]) == worst


def test_a_launch_has_the_accuracy_of_its_last_pass_whatever_sessions_came_after(tmp_path: Path) -> None:
    folder = runs.plain_run(tmp_path, "plain")
    before = launch_of(stored_run("plain", tmp_path), 1)
    assert (before.top1, before.inputs) == (None, None)
    logs = {"session": accuracy_plan(), "session-2": Plan(seconds=(11.0,), counts=(2400,))}
    for name, plan in logs.items():
        (folder / name).mkdir()
        (folder / name / "log.txt").write_text("\n".join(EnergyrunnerLog(plan).write()) + "\n")
    (folder / "session-3").mkdir()
    (folder / "session-3" / "log.txt").write_text("of something else\n")
    after = launch_of(stored_run("plain", tmp_path), 1)
    assert (after.top1, after.inputs) == (pytest.approx(34 / 36), 36)
    assert replace(after, top1=None, inputs=None, trust=before.trust) == before


def test_a_ladder_that_is_not_there_or_there_already_is_told_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(RunError) as raised:
        read_ladder("mine", tmp_path)
    assert str(raised.value) == (
        f"{tmp_path}/mine.ladder: there is no such ladder, or it did not end; "
        f"`{command_line('runs', traces=tmp_path)}` lists them"
    )
    (tmp_path / "mine.ladder").mkdir()
    with pytest.raises(RunError) as raised:
        new_ladder("mine", tmp_path)
    assert str(raised.value) == (
        f"{tmp_path}/mine.ladder: a ladder of that name exists, or runs of it; give another --name, or remove it"
    )
