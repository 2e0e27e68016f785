"""Whether a rate can be believed: one judgement everywhere."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from dashboard.runs_view import run_list_frame
from runner.cli import app
from runner.dut.run_job import warn_of_input_scale
from runner.inference.models import model_facts
from tests import dashboard_runs as runs
from tests.sessions import EnergyrunnerLog, Plan
from tracer.quantization import BENCHMARK_QUANTIZATION, Quantization
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.report import build_report
from tracer.reports.report_text import mean_line, rate_line
from tracer.reports.run_list import list_runs
from tracer.reports.run_trust import stored_trust
from tracer.runs.run_store import stored_run
from tracer.sessions.audit import audit_session
from tracer.sessions.open_session import build_session
from tracer.sessions.session_trust import session_trust
from tracer.trust.checks import (
    REFERENCE_MODELS,
    check,
    check_load,
    check_steadiness,
)
from tracer.trust.drift import Drift, drift_of, speeds_of
from tracer.trust.judgement import (
    judgement,
    judgement_of_launches,
    trust_lines,
    verdict_text,
    why_no_place,
    worst_text,
)

REFERENCE = next(iter(REFERENCE_MODELS))
SHIPPED_SCALE = Quantization(0.21565359830856323, 2)


def judged(*states: str) -> Any:
    keys = ("steadiness", "clock", "model", "accuracy")
    made = [check(key, state, f"{key} is {state}", "mend it") for key, state in zip(keys, states, strict=False)]  # type: ignore[arg-type]
    return judgement(made, rule_valid=True, why_not=None)


def test_the_worst_state_counts_and_what_is_not_known_is_never_fine() -> None:
    assert [judged(*states)["worst"] for states in (("fine", "bad", "doubtful"), ("doubtful", "unknown"))] == [
        "bad",
        "doubtful",
    ]
    assert judged("fine", "unknown")["worst"] == "unknown"
    assert judged("fine", "unknown")["trusted"]
    assert judged("fine", "fine")["worst"] == "fine"
    assert judged()["worst"] == "unknown"
    assert not judged("doubtful")["trusted"]


def test_a_headline_has_the_worst_and_counts_the_others() -> None:
    assert verdict_text(judged("fine", "fine")) == "rule-valid; trusted"
    assert worst_text(judged("doubtful", "bad", "unknown")) == "bad: clock is bad, and 1 doubtful"
    assert worst_text(judged("fine", "unknown")) == "nothing doubtful, not known: clock"
    assert worst_text(judged(*["unknown"] * 4)) == "nothing doubtful, not known: steadiness, clock, model, accuracy"
    keys = ("steadiness", "clock", "model", "accuracy", "load", "log")
    many = judgement([check(key, "unknown", "?") for key in keys], rule_valid=None, why_not=None)
    assert verdict_text(many) == (
        "rules not judged; nothing doubtful, not known: steadiness, clock, model, accuracy and 2 more"
    )
    assert worst_text(judged("bad", "doubtful", "bad", "doubtful")) == (
        "bad: steadiness is bad, and 1 more bad and 2 doubtful"
    )
    assert trust_lines(judged("doubtful", "bad", "unknown")) == [
        "Bad, clock: clock is bad -> mend it",
        "Doubtful, steadiness: steadiness is doubtful -> mend it",
        "Not known: model (model is unknown)",
    ]
    assert trust_lines(judged("unknown", "fine", "unknown")) == [
        "Not known: steadiness (steadiness is unknown); model (model is unknown)"
    ]


def test_launches_have_each_check_in_its_worst_state_and_say_in_how_many() -> None:
    one = judgement(
        [check("load", "fine", "load 0.1"), check("clock", "bad", "slow", "mend")], rule_valid=True, why_not=None
    )
    two = judgement([check("load", "doubtful", "load 9", "wait")], rule_valid=False, why_not="1 window, not 5")
    three = judgement([check("load", "doubtful", "load 8", "wait")], rule_valid=False, why_not="2 windows, not 5")
    assert judgement_of_launches({"a": one, "b": two, "c": three}) == {
        "rule_valid": False,
        "why_not_rule_valid": "b: 1 window, not 5, and 1 more",
        "trusted": False,
        "worst": "bad",
        "checks": [
            check("load", "doubtful", "load 9 (in 2 of 3 launches, such as b)", "wait"),
            check("clock", "bad", "slow (in a)", "mend"),
        ],
    }
    assert judgement_of_launches({"a": one}) == one
    assert judgement_of_launches({"a": two})["why_not_rule_valid"] == "a: 1 window, not 5"
    assert judgement_of_launches({})["rule_valid"] is None


def test_a_place_is_for_a_rule_valid_trusted_run_of_the_reference_with_its_accuracy() -> None:
    assert why_no_place(judged("fine", "unknown", "fine", "fine")) is None
    assert why_no_place(judged("fine", "doubtful", "fine", "fine")) == "doubtful: clock is doubtful"
    assert why_no_place(judged("fine", "fine", "fine", "unknown")) == "accuracy not known: accuracy is unknown"
    assert why_no_place(judged("fine", "fine")) == "model not known"
    short = {**judged("fine", "fine", "fine", "fine"), "rule_valid": False, "why_not_rule_valid": "1 window, not 5"}
    assert why_no_place(short) == "not rule-valid: 1 window, not 5"  # type: ignore[arg-type]


def inferences(log_speed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One inference of about 1 ms a value, with 2 % of scatter, over two windows."""
    scatter = 0.02 * np.random.default_rng(1).standard_normal(len(log_speed))
    wall = (1e6 * np.exp(log_speed + scatter)).astype(np.int64)
    return wall, np.repeat([0, 1], (len(wall) + 1) // 2)[: len(wall)]


def test_two_speeds_that_alternate_are_seen_and_a_drift_or_one_speed_is_not() -> None:
    count = 20_000
    dwells = np.log(1.5) * ((np.arange(count) // 1500) % 2)
    found = speeds_of(*inferences(dwells))
    assert found is not None
    assert (found.fast, found.slow) == (pytest.approx(1e6, rel=0.02), pytest.approx(1.5e6, rel=0.02))
    assert found.slow_share == pytest.approx(0.5, abs=0.05)
    state = check_steadiness([100.0, 100.1], found, None)
    assert (state["state"], "two speeds, " in state["evidence"]) == ("doubtful", True)
    assert speeds_of(*inferences(np.zeros(count))) is None
    assert speeds_of(*inferences(np.linspace(0, 0.5, count))) is None
    assert speeds_of(*inferences(0.03 * (dwells > 0))) is None, "under 5 % apart is one speed"
    assert speeds_of(*inferences(dwells[:150])) is None, "too few stretches"


def test_a_drift_is_beyond_the_scatter_of_the_tenths() -> None:
    wall, _ = inferences(np.linspace(0, 0.05, 5000))
    drift = drift_of(wall)
    assert drift is not None
    assert drift.beyond
    assert drift.ratio == pytest.approx(1.046, abs=0.005)
    flat = drift_of(inferences(np.zeros(5000))[0])
    assert flat is not None
    assert not flat.beyond
    assert drift_of(wall[:19]) is None
    # Two values a tenth: one step of a tenth is a drift, unless every step is as large.
    assert drift_of(np.repeat([100] * 9 + [110], 2)) == Drift(1.1, beyond=True)
    assert drift_of(np.repeat([100, 110] * 5, 2)) == Drift(1.1, beyond=False)
    assert drift_of(np.repeat([100, 110] * 4 + [100, 120], 2)) == Drift(1.2, beyond=False)
    assert drift_of(np.array([100] * 38 + [120] * 2)) == Drift(1.1, beyond=True), "half of the last tenth"
    # From the first tenth to the last, by more than 2 % of the median; of nothing there is no ratio.
    assert drift_of(np.repeat([80] + [100] * 9, 2)) == Drift(1.25, beyond=True)
    assert drift_of(np.repeat([100] * 9 + [102], 2)) == Drift(1.02, beyond=False)
    assert drift_of(np.repeat([0] + [100] * 9, 2)) == Drift(1.0, beyond=True)
    assert check_steadiness([100.0, 100.1], None, drift)["state"] == "doubtful"
    assert check_steadiness([100.0, 100.1], None, flat)["state"] == "fine"


def test_the_reference_models_are_those_of_the_benchmark(shared_data: Path) -> None:
    folder = shared_data / "mlperf-tiny-kws" / "model"
    names = ("kws_ref_model", "kws_ref_model.tflite", "kws_ref_model_float32.tflite")
    assert [model_facts(folder / name)["sha256"] for name in names] == list(REFERENCE_MODELS)


def recorded_run(traces: Path, name: str = "run", **facts: Any) -> Path:
    """Five rule-valid windows of the reference model, of which the DUT had next to no CPU."""
    scale = {"scale": BENCHMARK_QUANTIZATION.scale, "zero_point": BENCHMARK_QUANTIZATION.zero_point}
    known = {"model": {"name": "kws_ref_model", "sha256": REFERENCE}, "quantization": scale, **facts}
    return runs.plain_run(traces, name, runs.windows_of(captured=0, long=True), **known)


def session_in(folder: Path, plan: Plan) -> Path:
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("\n".join(EnergyrunnerLog(plan).write()) + "\n", encoding="utf-8")
    return folder


def test_every_place_that_shows_a_run_has_the_same_judgement_of_it(tmp_path: Path) -> None:
    from runner.host.session import _trust

    traces = tmp_path / "traces"
    folder = recorded_run(traces)
    session = session_in(folder / "session", Plan(ratio=1.05))
    recorded_run(traces, "other", backend={"name": "fake", "device": "/device:GPU:0"})
    run = stored_run("run", traces)
    report = build_report(run)
    trust = report["trust"]
    assert (trust["rule_valid"], trust["worst"], trust["trusted"]) == (True, "bad", False)
    states = {one["key"]: one["state"] for one in trust["checks"]}
    assert states["quantization"] == "fine"
    assert (states["cpu share"], states["clock"], states["model"], states["load"]) == (
        "bad",
        "bad",
        "fine",
        "unknown",
    )
    shown = [json.loads(CliRunner().invoke(app, [*line, "--json", "--traces", str(traces)]).stdout) for line in LINES]
    assert shown[0]["trust"] == trust
    assert next(one for one in shown[1]["runs"] if one["name"] == "run")["trust"] == trust
    assert shown[2]["runs"][0]["launches"][0]["trust"] == trust
    assert _trust(session) == trust == stored_trust(run)
    sides = [launches_of([one]) for one in (run, stored_run("other", traces))]
    assert compare_sides(sides)["runs"][0]["launches"][0]["trust"] == trust
    rows = list_runs(traces).rows
    frame = run_list_frame(rows).set_index("run")
    assert frame.loc["run", ["rule-valid", "trust"]].tolist() == ["yes", worst_text(trust)]
    told = verdict_text(trust)
    assert told == "rule-valid; bad: the DUT had 0.1 % of a CPU, and 1 more bad"
    for line in LINES:
        said = CliRunner().invoke(app, [*line, "--traces", str(traces)], env={"COLUMNS": "200"}).stdout
        assert told in " ".join(said.split()), line
    assert f"({told})" in rate_line(report)
    assert report["why_no_place"] == worst_text(trust)
    assert report["published"] is None


LINES = (["report", "run"], ["runs"], ["compare", "run", "other"])


def test_the_load_is_that_before_the_first_window_and_after_the_last(tmp_path: Path) -> None:
    loads = [(0.1, 9.0), (9.0, 9.0), (9.0, 0.2)]
    windows = [
        replace(one, load_start=start, load_end=end)
        for one, (start, end) in zip(runs.windows_of(3, captured=0, long=True), loads, strict=True)
    ]
    runs.plain_run(tmp_path, "run", windows)
    run = stored_run("run", tmp_path)
    (found,) = (one for one in stored_trust(run)["checks"] if one["key"] == "load")
    last = run.each_window[-1]
    assert found == check_load(0.1, 0.2, last.cpu_ns / last.wall_ns, run.info.machine.get("processors_allowed"))
    assert found["state"] == "fine"


def test_a_gpu_s_run_needs_no_cpu_and_a_bad_clock_of_its_host_is_its_own(tmp_path: Path) -> None:
    folder = recorded_run(tmp_path, backend={"name": "tensorflow", "device": "/device:GPU:0"})
    before = {one["key"]: one for one in stored_trust(stored_run("run", tmp_path))["checks"]}
    assert "cpu share" not in before
    assert before["clock"]["state"] == "unknown"
    session_in(folder / "session", Plan())
    after = {one["key"]: one for one in stored_trust(stored_run("run", tmp_path))["checks"]}
    assert after["clock"]["state"] == "fine"


def test_a_run_without_a_performance_window_says_so_and_is_not_called_valid(tmp_path: Path) -> None:
    runs.plain_run(tmp_path, "run", runs.windows_of(performance=0, accuracy=30, captured=0))
    report = build_report(stored_run("run", tmp_path))
    assert rate_line(report).startswith("no performance window (not rule-valid: 0 windows, not 5; ")
    states = {one["key"]: one["state"] for one in report["trust"]["checks"]}
    assert (states["steadiness"], states["windows"], states["length"]) == ("unknown", "unknown", "unknown")
    assert report["why_no_place"] is not None


def test_mean_and_median_stand_side_by_side_with_why_they_differ(tmp_path: Path) -> None:
    recorded_run(tmp_path)
    report = build_report(stored_run("run", tmp_path))
    line = mean_line(report)
    assert line is not None
    assert "mean 4" in line
    assert "the official rate is that of the median window" in line
    report["inference"]["count"] = 0
    assert mean_line(report) is None


@pytest.mark.parametrize(
    ("plan", "worst", "valid"),
    [
        (Plan(), "unknown", True),
        (Plan(ratio=1.02), "doubtful", False),
        (Plan(ratio=1.05), "bad", False),
        (Plan(counts=(2400, 2400, 2400, 2400, 2470)), "doubtful", True),
        (Plan(counts=(2400, 2400, 2400, 2400, 3000)), "bad", True),
        (Plan(seconds=(9.9,) * 5), "doubtful", False),
    ],
)
def test_a_session_is_judged_by_its_log(tmp_path: Path, plan: Plan, worst: str, *, valid: bool) -> None:
    trust = session_trust(audit_session(build_session(session_in(tmp_path / "one", plan))))
    assert (trust["worst"], trust["rule_valid"]) == (worst, valid)
    states = {one["key"]: one["state"] for one in trust["checks"]}
    assert [states[key] for key in ("cpu share", "frequencies", "load", "model")] == ["unknown"] * 4


def test_the_sessions_of_2021_are_doubted_for_what_is_wrong_with_them(shared_data: Path) -> None:
    folder = shared_data / "energyrunner-sessions"
    trusts = {path.name: session_trust(audit_session(build_session(path))) for path in sorted(folder.iterdir())}
    assert worst_text(trusts["20210823155208"]) == "bad: the laps are 4.8 % outside the host's time, and 1 doubtful"
    assert worst_text(trusts["20210823155940"]) == "bad: Top-1 8.6 % of 1,000 inputs, AUC 0.5000: under 90 %"


def test_the_h200_run_is_said_to_have_two_speeds(shared_data: Path, tmp_path: Path) -> None:
    shutil.copytree(shared_data / "h200" / "run", tmp_path / "run")
    trust = stored_trust(stored_run("run", tmp_path))
    steadiness = trust["checks"][0]
    assert (steadiness["key"], steadiness["state"]) == ("steadiness", "bad")
    assert "two speeds, 847.37 us and 1.28 ms" in steadiness["evidence"]
    assert verdict_text(trust) == "rule-valid; bad: windows 786.9 to 942.5 inf/s, 17.1 % apart"


class Scaled:
    """A pipeline, for what it knows of its input's scale."""

    def __init__(self, quantization: Quantization) -> None:
        self.quantization = quantization


def test_a_wrong_input_scale_is_told_before_a_host_begins(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_input_scale(Scaled(BENCHMARK_QUANTIZATION))  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
    warn_of_input_scale(Scaled(SHIPPED_SCALE))  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert "input scale 0.2157, zero point 2, the benchmark's 0.5847 and 83; its hosts' inputs are misread" in said
