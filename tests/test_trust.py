"""Whether a rate can be believed: each check at both sides of its thresholds, and one judgement everywhere."""

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
from tracer.report_types.trust import TrustCheck
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.report import build_report
from tracer.reports.report_text import mean_line, rate_line
from tracer.reports.run_list import list_runs
from tracer.reports.run_trust import stored_trust
from tracer.runs.run_store import stored_run
from tracer.sessions.audit import audit_session
from tracer.sessions.open_session import build_session
from tracer.sessions.session_trust import session_trust
from tracer.statistics.dependence import TwoSpeeds
from tracer.trust.checks import (
    REFERENCE_MODELS,
    check,
    check_accuracy,
    check_clock,
    check_cpu_share,
    check_frequencies,
    check_length,
    check_load,
    check_log,
    check_mode,
    check_model,
    check_quantization,
    check_steadiness,
    check_windows,
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


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (check_steadiness([100.0, 102.0], None, None), "fine"),
        (check_steadiness([100.0, 102.1], None, None), "doubtful"),
        (check_steadiness([95.0, 100.0, 105.0], None, None), "doubtful"),
        (check_steadiness([95.0, 100.0, 105.1], None, None), "bad"),
        (check_steadiness([100.0], None, None), "unknown"),
        (check_steadiness([], None, None), "unknown"),
        (check_cpu_share([0.90, 1.0]), "fine"),
        (check_cpu_share([0.899, 1.0]), "doubtful"),
        (check_cpu_share([0.60]), "doubtful"),
        (check_cpu_share([0.39, 0.19]), "bad"),
        (check_cpu_share([0.0, 0.0]), "unknown"),
        (check_cpu_share([]), "unknown"),
        (check_frequencies([{"gpu": 9e8}] * 5, [], []), "fine"),
        (check_frequencies([{"gpu": 9e8}] * 5, ["gpu"], []), "doubtful"),
        (check_frequencies([{"gpu": 9e8}] * 5, ["gpu"], ["throttle:oc3"]), "bad"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{"gpu": 8.8e8}], [], []), "doubtful"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{"gpu": 8.85e8}], [], []), "fine"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{}], [], []), "unknown"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{"cpu": 1e9}], [], []), "unknown"),
        (check_frequencies([{}] * 5, [], []), "unknown"),
        (check_frequencies([], [], []), "unknown"),
        (check_clock(0.01, 0.02), "fine"),
        (check_clock(0.0101, 0.02), "doubtful"),
        (check_clock(0.03, 0.02), "doubtful"),
        (check_clock(0.0301, 0.02), "bad"),
        (check_clock(0.0, 0.03), "fine"),
        (check_clock(0.0, 0.031), "unknown"),
        (check_clock(None, None), "unknown"),
        (check_clock(None, None, ["stand still"]), "bad"),
        (check_accuracy(0.90, 0.99, 1000), "fine"),
        (check_accuracy(0.899, 0.99, 1000), "bad"),
        (check_accuracy(0.898, 0.99, 500), "doubtful"),
        (check_accuracy(0.87, 0.99, 500), "bad"),
        (check_accuracy(0.95, None, 1000), "unknown"),
        (check_accuracy(1.0, 1.0, 19), "unknown"),
        (check_accuracy(None, None, 0), "unknown"),
        (check_accuracy(None, None, 0, "all answered alike"), "bad"),
        (check_accuracy(0.95, 0.99, 1000, "results do not sum to 1"), "fine"),
        (check_quantization(BENCHMARK_QUANTIZATION), "fine"),
        (check_quantization(replace(BENCHMARK_QUANTIZATION, zero_point=82)), "doubtful"),
        (check_quantization(SHIPPED_SCALE), "doubtful"),
        (check_quantization(None), "unknown"),
        (check_model(REFERENCE, "kws_ref_model"), "fine"),
        (check_model("0" * 64, "kws_ref_model"), "doubtful"),
        (check_model("", "kws_ref_model"), "unknown"),
        (check_mode("reference", None), "fine"),
        (check_mode("end-to-end", None), "doubtful"),
        (check_mode("reference", "nsys"), "doubtful"),
        (check_load(1.0, 2.0, 1.0, 2), "fine"),
        (check_load(1.1, 1.0, 1.0, 2), "doubtful"),
        (check_load(1.1, 1.0, 1.0, None), "doubtful"),
        (check_load(0.0, 2.1, 1.0, 2), "doubtful"),
        (check_load(2.2, 2.1, 1.0, 16), "fine"),
        (check_load(8.1, 2.1, 1.0, 16), "doubtful"),
        (check_load(None, 1.0, 1.0, 2), "unknown"),
        (check_log([]), "fine"),
        (check_log(["line-lost"]), "doubtful"),
        (check_windows(5), "fine"),
        (check_windows(4), "doubtful"),
        (check_windows(0), "unknown"),
        (check_length([10.0, 11.0]), "fine"),
        (check_length([9.999, 11.0]), "doubtful"),
        (check_length([1.0, 11.0]), "doubtful"),
        (check_length([0.999, 11.0]), "bad"),
        (check_length([]), "unknown"),
    ],
)
def test_a_check_has_its_state_on_both_sides_of_a_threshold(found: TrustCheck, state: str) -> None:
    assert found["state"] == state
    assert found["evidence"]
    assert (found["remedy"] is None) == (state == "fine")


COOL = "cool it, or set a lower, fixed frequency (nvpmodel and jetson_clocks; of a PC's GPU nvidia-smi -lgc)"
STEADY = "look for other programs, the governor and heat; then measure again"
CORE = "end what runs beside the DUT, or give it a core of its own (taskset)"
CLOCK = "stamp laps by a clock of wall time (CLOCK_MONOTONIC), not CPU time"
REFERENCE_MODEL = "for the benchmark take its reference model: --model"
TWO_SPEEDS = TwoSpeeds(1e6, 1.5e6, 0.25, 0.9)
SPEEDS_TOLD = "two speeds, 1.00 ms and 1.50 ms an inference, 25.0 % of them at the slower"
DRIFT = Drift(1.046, beyond=True)
DRIFT_TOLD = "drift: the last tenth of the inferences +4.6 % against the first"


@pytest.mark.parametrize(
    ("found", "evidence", "remedy"),
    [
        # 2.1 inf/s of a median of 101.05.
        (
            check_steadiness([100.0, 102.1], None, None),
            "steadiness: windows 100.0 to 102.1 inf/s, 2.1 % apart",
            STEADY,
        ),
        (
            check_steadiness([100.0, 102.0], TWO_SPEEDS, DRIFT),
            f"steadiness: windows 100.0 to 102.0 inf/s, 2.0 % apart; {SPEEDS_TOLD}; {DRIFT_TOLD}",
            STEADY,
        ),
        (
            check_steadiness([100.0], None, DRIFT),
            f"steadiness: {DRIFT_TOLD}; 1 window does not tell how far windows differ",
            STEADY,
        ),
        (check_steadiness([], None, None), "steadiness: no window", STEADY),
        (check_cpu_share([]), "cpu share: CPU time not recorded", "record the run with `kws-trace run`"),
        (check_cpu_share([0.1]), "cpu share: the DUT had 10.0 % of a CPU", CORE),
        (check_cpu_share([0.39, 0.19]), "cpu share: the DUT had 19.0 to 39.0 % of a CPU", CORE),
        (
            check_frequencies([{"gpu": 9e8}] * 5, ["cpu", "gpu"], ["oc3", "tj"]),
            "frequencies: throttled: oc3, tj",
            COOL,
        ),
        (
            check_frequencies([{"gpu": 8.8e8, "cpu": 1e9}, {"gpu": 9e8, "cpu": 2e9}], ["cpu"], []),
            "frequencies: changed: cpu, gpu from 880 MHz to 900 MHz between windows",
            COOL,
        ),
        (check_frequencies([{"gpu": 9e8}], [], []), "frequencies: one frequency throughout 1 window", None),
        (
            check_frequencies([{"gpu": 9e8}] * 4 + [{"cpu": 1e9}], [], []),
            "frequencies: not every frequency recorded in 5 windows",
            "`kws-trace doctor` names what is missing",
        ),
        (check_frequencies([{}], [], []), "frequencies: not recorded", "`kws-trace doctor` names what is missing"),
        (check_clock(None, None, ["go back", "stand still"]), "clock: the laps: go back, stand still", CLOCK),
        (
            check_clock(0.0, None),
            "clock: no times of a host beside the laps",
            "drive the run with `kws-trace host`, or join the host's log: `kws-trace session LOG --run RUN`",
        ),
        (check_clock(0.05, 0.02), "clock: the laps are 5.0 % outside the host's time", CLOCK),
        (
            check_clock(0.0, 0.031),
            "clock: the host's times leave 3.1 % open",
            "use a host that stamps each line, in milliseconds",
        ),
        (check_clock(0.0, 0.0012), "clock: the laps agree with the host's clock, which leaves 0.12 % open", None),
        (
            check_accuracy(0.5, 0.99, 1000),
            "accuracy: Top-1 50.0 % of 1,000 inputs, AUC 0.9900: under 90 %",
            "`kws-trace accuracy` says from which mistake",
        ),
        (
            check_accuracy(0.5, None, 1000, "all answered alike"),
            "accuracy: Top-1 50.0 %; all answered alike",
            "`kws-trace accuracy` says from which mistake",
        ),
        (
            check_accuracy(None, None, 0, "all answered alike"),
            "accuracy: all answered alike",
            "`kws-trace accuracy` says from which mistake",
        ),
        (
            check_accuracy(0.95, None, 1000),
            "accuracy: Top-1 95.0 % of 1,000 inputs, AUC -",
            "an AUC needs every class",
        ),
        (
            check_accuracy(None, None, 0),
            "accuracy: no accuracy pass with labels",
            "drive one: `kws-trace host accuracy`",
        ),
        (check_quantization(BENCHMARK_QUANTIZATION), "quantization: the benchmark's input scale", None),
        (
            check_quantization(replace(BENCHMARK_QUANTIZATION, zero_point=82)),
            (
                "quantization: input scale 0.5847, zero point 82, the benchmark's 0.5847 and 83; "
                "its hosts' inputs are misread"
            ),
            REFERENCE_MODEL,
        ),
        (check_quantization(None), "quantization: the input's scale was not recorded", "name it: --input-scale"),
        (check_model("", None), "model: no hash of the model", "record the run with `kws-trace run`"),
        (check_model(REFERENCE, "mine"), "model: the reference model (kws_ref_model, SavedModel)", None),
        (check_model("0" * 64, "mine"), "model: mine is not the benchmark's reference", REFERENCE_MODEL),
        (check_model("0" * 64, None), "model: the model is not the benchmark's reference", REFERENCE_MODEL),
        (check_mode("reference", None), "mode: timed as the reference is", None),
        (
            check_mode("end-to-end", "nsys"),
            "mode: timed end-to-end, nsys attached by hand",
            "measure with --timed reference and no profiler around the run",
        ),
        (
            check_load(8.1, 2.1, 1.0, 16),
            "load: load 8.1 before, 2.1 after, on 16 processors",
            "end what runs beside the DUT; then measure again",
        ),
        (check_load(0.5, 2.0, 1.0, None), "load: load 0.5 before, 2.0 after", None),
        (check_load(1.0, None, 1.0, 2), "load: load not recorded", "record the run with a newer `kws-trace run`"),
        (check_log(["line-lost", "no-end"]), "log: line-lost, no-end", "keep the host's whole log"),
        (check_log([]), "log: whole", None),
        (check_windows(4), "windows: 4 performance windows", "an official rate is the median of 5 windows"),
        (check_windows(0), "windows: no performance window", "an official rate is the median of 5 windows"),
        (
            check_length([11.0, 1.0]),
            "length: the shortest window lasts 1.000 s",
            "windows of 10 s: `kws-trace host performance --seconds 16`",
        ),
        (check_length([]), "length: no window with a length", "drive a performance pass"),
    ],
)
def test_a_check_says_what_it_saw_and_what_would_make_it_fine(
    found: TrustCheck, evidence: str, remedy: str | None
) -> None:
    assert (f"{found['key']}: {found['evidence']}", found["remedy"]) == (evidence, remedy)


def test_a_window_that_breaks_the_rules_is_told_by_them_and_the_headline_names_what_else_is_wrong() -> None:
    rows = [check(key, "doubtful", f"{key} is short", "longer") for key in ("windows", "length", "load")]  # type: ignore[arg-type]
    assert (
        worst_text(judgement(rows, rule_valid=False, why_not="short"))
        == "doubtful: load is short, and 2 more doubtful"
    )
    assert (
        worst_text(judgement(rows[:2], rule_valid=False, why_not="short"))
        == "doubtful: windows is short, and 1 more doubtful"
    )


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
