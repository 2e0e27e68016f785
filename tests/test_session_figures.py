"""Figures and findings of real sessions, from their raw lines, to the printed digit."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from runner.cli import app
from tests.sessions import Plan, accuracy_plan, energyrunner_lines, write_log
from tracer.accuracy.confusion import auc_of
from tracer.errors import SessionError
from tracer.runs.windows import RunWindow
from tracer.sessions.accuracy_figures import auc, class_of
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.clock_audit import audit_window
from tracer.sessions.join import join_session
from tracer.sessions.open_session import build_session
from tracer.sessions.session import HostLength, SessionWindow


def judge(path: Path) -> SessionAudit:
    return audit_session(build_session(path))


def by_rule(judged: SessionAudit) -> dict[str, tuple[int, ...]]:
    return {finding.rule: finding.windows for finding in judged.findings}


def test_the_2021_session_stamped_cpu_time(shared_data: Path) -> None:
    judged = judge(shared_data / "energyrunner-sessions" / "20210823155208")
    (window,) = judged.windows
    assert window.elapsed_us == 10_540_477
    assert window.host is not None
    assert window.host.point_s == pytest.approx(10.037)
    assert judged.figures.median_rate_hz == pytest.approx(227.694, abs=0.0005)
    assert judged.true_median is not None
    assert judged.true_median.point_hz == pytest.approx(239.115, abs=0.001)
    assert judged.true_median.low_hz < 239.115 < judged.true_median.high_hz
    assert judged.valid is False
    clock = judged.findings[0]
    assert (clock.rule, clock.severity) == ("clock-rate", "error")
    assert "too low by 4.8 %" in clock.text
    assert "CPU time" in clock.text
    assert [line.line for line in clock.evidence] == [44, 45]
    assert set(by_rule(judged)) == {"clock-rate", "window-count"}


def test_the_2021_accuracy_pass_is_recomputed_to_the_printed_digits(shared_data: Path) -> None:
    judged = judge(shared_data / "energyrunner-sessions" / "20210823155940")
    assert judged.figures.vectors == 1000
    assert f"{100 * (judged.figures.top1 or 0):.1f}" == "8.6"
    assert f"{judged.figures.auc or 0:.2f}" == "0.50"
    assert set(by_rule(judged)) == {"clock-idle"}
    assert "19.233 s in 41.167 s" in judged.findings[0].text


def test_the_raspberry_pi_log_has_three_short_windows_and_two_slow_ones_by_both_clocks(shared_data: Path) -> None:
    judged = judge(shared_data / "mlperf-tiny-results" / "v0.5-latentai-raspberry_pi_4")
    assert by_rule(judged) == {"window-short": (1, 2, 3), "window-rate": (4, 5)}
    texts = {finding.rule: finding.text for finding in judged.findings}
    assert "by both clocks" in texts["window-short"]
    assert "40.0 %, 47.3 % of their rate" in texts["window-rate"]


@pytest.mark.parametrize("name", ["v0.5-reference-Nucleo-L4R5ZI", "v1.3-STMicroelectronics-NUCLEO_L4R5ZI-P"])
def test_published_sessions_give_no_finding(shared_data: Path, name: str) -> None:
    judged = judge(shared_data / "mlperf-tiny-results" / name)
    assert judged.findings == ()
    assert judged.valid is True


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_exact_auc_is_the_share_of_pairs_that_are_in_order(seed: int) -> None:
    plan = accuracy_plan(36, seed)
    labels, vectors = np.array(plan.labels), np.array(plan.vectors)
    shares = []
    for one in range(12):
        inside, outside = vectors[labels == one, one], vectors[labels != one, one]
        difference = inside[:, None] - outside[None, :]
        shares.append(np.mean((difference > 0) + 0.5 * (difference == 0)))
    assert auc_of(vectors, labels) == pytest.approx(np.mean(shares))


def test_the_auc_at_thresholds_does_not_see_what_lies_below_the_first() -> None:
    # Scores that rank perfectly, all under 0.01: the curve at thresholds knows only its corner.
    labels = np.arange(24) % 12
    vectors = np.eye(12)[labels] * 0.005
    assert auc_of(vectors, labels) == 1.0
    assert auc(labels, vectors, "thresholds") == 0.5


def test_an_auc_is_not_defined_where_a_class_lacks_an_input() -> None:
    labels = np.arange(20) % 11
    vectors = np.eye(12)[labels]
    assert auc(labels, vectors, "thresholds") is None
    assert auc_of(vectors, labels) == 1.0


@given(st.integers(0, 1000), st.sampled_from([2, 3]))
@settings(max_examples=10, deadline=None)
def test_the_auc_at_thresholds_is_the_area_that_the_definition_gives(seed: int, decimals: int) -> None:
    plan = accuracy_plan(24, seed)
    labels, vectors = np.array(plan.labels), np.round(np.array(plan.vectors), decimals)
    areas = []
    for one in range(12):
        rates = [(1.0, 1.0)]
        for threshold in np.arange(0.0, 1.01, 0.01)[1:]:
            above = vectors[:, one] > threshold
            rates.append((float(np.mean(above[labels == one])), float(np.mean(above[labels != one]))))
        areas.append(sum((t0 + t1) / 2 * (f0 - f1) for (t0, f0), (t1, f1) in pairwise(rates)))
    assert auc(labels, vectors, "thresholds") == pytest.approx(np.mean(areas))


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_normalised_auc_is_that_of_scikit_learn(seed: int) -> None:
    plan = accuracy_plan(24, seed)
    labels, vectors = np.array(plan.labels), np.array(plan.vectors)
    scaled = vectors / vectors.sum(axis=1, keepdims=True)
    expected = roc_auc_score(labels, scaled, multi_class="ovr")
    assert auc(labels, vectors, "normalised") == pytest.approx(expected)
    assert auc(labels, 0 * vectors, "normalised") is None


def test_outputs_that_are_no_number_have_no_auc() -> None:
    vectors = np.eye(12)[np.arange(24) % 12]
    vectors[3, 4] = np.nan
    assert auc(np.arange(24) % 12, vectors, "thresholds") is None


@pytest.mark.parametrize(
    ("name", "number"), [("tst_000000_Stop_7.bin", 7), ("tst_000046_Unknown_11.bin", 11), ("emu_s_000123.bin", None)]
)
def test_the_class_is_in_the_name_of_an_input(name: str, number: int | None) -> None:
    assert class_of(name) == number


def test_a_window_is_judged_by_its_two_lengths_and_without_the_hosts_by_one() -> None:
    first = audit_window(SessionWindow(1, None, 2400, runtime_us=10.54e6, host=HostLength(10.037, 10.017, 10.057)))
    second = audit_window(SessionWindow(2, None, 2400, runtime_us=11e6))
    assert (first.clocks_differ, first.short) == (True, False)
    assert (second.clocks_differ, second.short) == (None, False)


def windows(judged: SessionAudit, shift: int = 0) -> list[RunWindow]:
    """Those of a run of ours that the session drove; its laps are ``shift`` microseconds later."""
    made = []
    for number, window in enumerate(judged.session.windows):
        laps = [lap + shift for lap in window.lap_us or (0, 0)]
        counts = (window.inferences or 0, window.warmups or 0)
        made.append(
            RunWindow(number, "performance", "complete", *counts, *laps, 0, 11_000_000_000, 9, 0, ordinal=number + 1)
        )
    return made


def test_a_session_is_joined_to_a_run_by_its_laps_else_by_the_order_of_equal_commands(tmp_path: Path) -> None:
    judged = judge(write_log(tmp_path, energyrunner_lines(Plan())))
    assert [
        (one.session_window, one.run_window, one.run_ordinal, one.by)
        for one in join_session(judged, windows(judged), "r")
    ] == [(number + 1, number, number + 1, "laps") for number in range(5)]
    assert {one.by for one in join_session(judged, windows(judged, shift=7), "r")} == {"order"}
    with pytest.raises(SessionError, match="no window of it is one of run r"):
        join_session(judged, windows(judged, shift=7)[:4], "r")


def test_the_command_prints_findings_with_their_lines_and_exits_with_0(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    write_log(folder, energyrunner_lines(Plan(ratio=1.05)))
    result = CliRunner().invoke(app, ["session", str(folder)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    assert "NOT RULE-VALID: clock-rate" in result.output
    assert "log.txt:" in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 80


def test_the_command_gives_json_and_a_table_of_several(tmp_path: Path) -> None:
    for name, ratio in (("a", 1.0), ("b", 1.1)):
        write_log(tmp_path / name, energyrunner_lines(Plan(ratio=ratio)))
    result = CliRunner().invoke(app, ["session", str(tmp_path), "--json"])
    sessions = json.loads(result.output)["sessions"]
    assert [session["valid"] for session in sessions] == [True, False]
    assert sessions[1]["findings"][0]["rule"] == "clock-rate"
    assert sessions[1]["findings"][0]["evidence"][0]["line"] > 0
    table = CliRunner().invoke(app, ["session", str(tmp_path)], env={"COLUMNS": "80"})
    assert table.exit_code == 0
    assert max(len(line) for line in table.output.splitlines()) <= 80


def test_the_command_refuses_what_is_no_session() -> None:
    result = CliRunner().invoke(app, ["session", "/nowhere"])
    assert result.exit_code != 0
    assert "no such file" in str(result.exception)


def test_a_list_names_each_session_by_its_folder_whatever_its_log_is_called(tmp_path: Path) -> None:
    for board, kind in (("a", "performance"), ("b", "performance"), ("b", "energy")):
        write_log(tmp_path / board / kind, energyrunner_lines(Plan())).rename(tmp_path / board / kind / "kws_log.txt")
    table = CliRunner().invoke(app, ["session", str(tmp_path)], env={"COLUMNS": "140"}).output
    assert all(name in table for name in ("a/performance", "b/performance", "b/energy"))
    assert "kws_log.txt" not in table.split("trust")[1].split("└")[0]
