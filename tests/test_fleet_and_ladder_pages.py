"""The Fleet page has the answers of `fleet`, the Ladder page those of `ladder --json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.fleet_view import board_frame, launch_rows
from dashboard.ladder_view import MEASURED, PREDICTED, predicted_text, step_rows
from runner.cli import app
from tests.fleet_runs import fleet_run
from tests.saved_ladders import PREDICTED_NS, saved_ladder
from tests.test_dashboard import opened, words
from tracer.figure_text import rate_text, time_text
from tracer.fleet.baselines import set_baseline
from tracer.fleet.fleet import read_fleet
from tracer.runs.run_store import stored_run
from tracer.runs.windows import official_rate_hz

BOARDS = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five boards, of which the last is slow; a run of a second configuration; one baseline."""
    folder = tmp_path_factory.mktemp("fleet")
    for number in range(10):
        board = BOARDS[number % 5]
        slower = 1.5 if board == "e" else 1 + number / 1000
        fleet_run(folder, f"run-{number}", number, board=board, slower=slower, seed=number)
    fleet_run(folder, "other", 20, configuration=1, board="a")
    held = [stored_run(f"run-{number}", folder) for number in range(3)]
    set_baseline(folder, "gold", {run.info.run_id: run.name for run in held})
    return folder


def test_each_launch_is_a_point_of_its_configuration_and_the_baseline_is_marked(fleet: Path) -> None:
    rows = read_fleet([fleet]).rows
    points = launch_rows(rows, {row["run_id"] for row in rows if row["name"] in ("run-0", "run-1")})
    assert [one["run"] for one in points] == [*(f"run-{number}" for number in range(10)), "other"]
    assert {one["configuration"] for one in points} == {
        f"device-0 · {0:012x}",
        f"device-1 · {'0' * 12}",
    }
    assert [one["run"] for one in points if one["baseline"]] == ["run-0", "run-1"]
    rate = official_rate_hz(stored_run("run-3", fleet).each_window)
    assert points[3]["rate"] == rate


def test_the_fleet_page_has_the_answers_of_the_command(fleet: Path) -> None:
    pytest.importorskip("ibis.backends.duckdb")
    shown = opened("fleet", fleet, baseline="gold")
    assert not shown.exception
    assert shown.selectbox(key="fleet_baseline").value == "gold"
    boards = shown.dataframe[0].value
    slow = boards[boards["board"] == "e"]
    assert slow["among boards"].tolist() == ["not as the others"]
    assert slow["newest run"].tolist() == ["run-9"]
    answers = CliRunner().invoke(app, ["fleet", "rates", "--root", str(fleet), "--json"])
    rates = json.loads(answers.stdout)["rows"]
    shown_rates = shown.dataframe[1].value
    for name in ("launches", "boards"):
        assert [int(one) for one in shown_rates[name]] == [one[name] for one in rates]
    for name in ("rate", "low", "high", "mean"):
        assert shown_rates[name].tolist() == [f"{one[f'{name}_hz']:,.1f}" for one in rates]


def test_without_its_extra_the_fleet_page_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet_run(tmp_path, "run")
    monkeypatch.setitem(sys.modules, "ibis", None)
    shown = opened("fleet", tmp_path)
    assert not shown.exception
    assert "kws-trace[fleet]" in words(shown)


def test_the_board_table_counts_by_board_and_configuration(fleet: Path) -> None:
    rows = read_fleet([fleet]).rows
    frame = board_frame(rows, [])
    assert len(frame) == 6
    assert frame["launches"].tolist() == ["2", "1", "2", "2", "2", "2"]


def test_the_ladder_page_has_the_figures_of_the_command(tmp_path: Path) -> None:
    report = saved_ladder(tmp_path, "one")
    told = CliRunner().invoke(app, ["ladder", "--show", "one", "--traces", str(tmp_path), "--json"])
    assert json.loads(told.stdout) == report
    shown = opened("ladder", tmp_path)
    assert not shown.exception
    rungs, steps = (one.value for one in shown.dataframe)
    assert rungs["rung"].tolist() == ["inline", "frozen", "xla"]
    assert rungs["rate"].tolist() == [rate_text(one["rate_hz"]) for one in report["rungs"]]
    assert steps["verdict"].tolist() == ["covered", "not covered"]
    assert steps["predicted"].tolist() == [predicted_text(one["prediction"]) for one in report["steps"]]
    assert all(
        time_text(one["gain_ns"]) in text for one, text in zip(report["steps"], steps["measured (95 %)"], strict=True)
    )
    assert "1 of 2 predictions covered" in words(shown)
    assert "xla is the fastest rung" in words(shown)


def test_each_step_draws_what_was_predicted_beside_what_was_measured(tmp_path: Path) -> None:
    rows = step_rows(saved_ladder(tmp_path, "one"))
    assert [one["what"] for one in rows] == [PREDICTED, MEASURED] * 2
    low, high = PREDICTED_NS["frozen"]
    assert (rows[0]["low"], rows[0]["high"]) == (low / 1e3, high / 1e3)
    assert rows[0]["low"] <= rows[1]["low"] <= rows[1]["gain"] <= rows[1]["high"] <= rows[0]["high"]
    assert rows[3]["low"] > rows[2]["high"]


def test_a_ladder_without_figures_and_a_strange_name_are_told(tmp_path: Path) -> None:
    assert "ladder" in words(opened("ladder", tmp_path))
    saved_ladder(tmp_path, "one")
    (tmp_path / "one.ladder" / "ladder.json").write_text("{", encoding="utf-8")
    assert "no figures" in words(opened("ladder", tmp_path))
    saved_ladder(tmp_path, "one")
    assert "not in the traces folder" in opened("ladder", tmp_path, ladder="../x").error[0].value
