"""`kws-trace dashboard PROFILE`: the page has what `breakdown --json` prints, and a bad profile starts no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboard.markdown_text import plain
from runner.cli import app
from tests.gpu_runs import capture_window, gpu_export
from tracer.figure_text import share_text, time_text
from tracer.reports.breakdown_rows import part_text
from tracer.reports.overview_rows import STAGE, WALL, lead_sentence, unit_icicle
from tracer.reports.profiled_parts import profiled_parts

testing = pytest.importorskip("streamlit.testing.v1")
SCRIPT = "from pathlib import Path; from dashboard.pages.profile import show; show(Path({!r}))"


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "capture.sqlite"
    return gpu_export(capture_window(0, 0, inferences=20, warmups=0)).write(path)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Every page that a server was started with, which is there only as long as it runs."""
    pages: list[str] = []

    def serve(*given: Any) -> int:
        kept = tmp_path / f"{len(pages)}.json"
        kept.write_bytes(Path(given[-1]).read_bytes())
        pages.append(str(kept))
        return 0

    monkeypatch.setattr("runner.commands.dashboard.launch", serve)
    return pages


def breakdown(profile: Path) -> Any:
    return json.loads(CliRunner().invoke(app, ["breakdown", str(profile), "--json"]).stdout)


def page_of(path: str, **params: str) -> Any:
    shown = testing.AppTest.from_string(SCRIPT.format(path), default_timeout=60)
    for name, value in params.items():
        shown.query_params[name] = value
    return shown.run()


def test_the_page_shows_the_figures_of_breakdown(profile: Path, served: list[str]) -> None:
    done = CliRunner().invoke(app, ["dashboard", str(profile)])
    assert done.exit_code == 0, done.output
    figures, shown = breakdown(profile), page_of(served[0])
    assert not shown.exception
    assert json.loads(Path(served[0]).read_text())["figures"] == figures
    metrics = {one.label: one.value for one in shown.metric}
    assert metrics["median"] == time_text(figures["wall_ns"]["median"])
    assert metrics["p99"] == time_text(figures["wall_ns"]["p99"])
    sentence = lead_sentence(figures)
    assert sentence is not None
    assert f"## {plain(sentence)}" in [one.value for one in shown.markdown]
    assert any(figures["slowest"]["sentence"] in one.value for one in shown.text)
    kinds = shown.dataframe[0].value
    assert dict(zip(kinds["part"], kinds["share"], strict=True)) == {
        part_text(name): share_text(one["share"]) for name, one in profiled_parts(figures).items()
    }


@pytest.mark.parametrize(("table", "column"), [("Kernels", "whole name"), ("Stages", "stage"), ("Slowest", "part")])
def test_each_table_of_the_page_is_in_its_address(profile: Path, served: list[str], table: str, column: str) -> None:
    CliRunner().invoke(app, ["dashboard", str(profile), "--range", "inference"])
    shown = page_of(served[0], table=table)
    assert not shown.exception
    figures = breakdown(profile)
    expected = {
        "Kernels": [one["name"] for one in figures["kernels"]],
        "Stages": [one["stage"] for one in figures["stages"]],
        "Slowest": sorted(map(part_text, figures["slowest"]["parts"])),
    }[table]
    found = shown.dataframe[0].value[column].tolist()
    assert (sorted(found) if table == "Slowest" else found) == expected


def test_the_nested_bars_are_of_the_units(profile: Path) -> None:
    figures = breakdown(profile)
    rows = unit_icicle(figures)
    wall = next(one for one in rows if one["level"] == WALL)
    assert wall["to_ns"] == figures["wall_ns"]["mean"]
    stages = [one["to_ns"] - one["from_ns"] for one in rows if one["level"] == STAGE]
    assert stages == pytest.approx([one["total_ns"] / figures["count"] for one in figures["stages"]])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["absent.sqlite"], "absent.sqlite"),
        (["damaged.sqlite"], "damaged.sqlite"),
        (["--range", "step"], "--range"),
        (["{profile}", "--range", "nothing"], "nothing"),
    ],
)
def test_what_cannot_be_shown_is_told_before_a_server_starts(
    profile: Path, served: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.sqlite").write_bytes(b"SQLite format 3\0" + bytes(200))
    done = CliRunner().invoke(app, ["dashboard", *(word.format(profile=profile) for word in words)])
    assert done.exit_code != 0
    assert told in f"{done.output}{done.exception}"
    assert not served
