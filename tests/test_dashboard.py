"""Every page over every kind of run: no exception, and the figures of the report."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from dashboard.compare_view import number_sentence
from dashboard.looks import LOOKS
from dashboard.markdown_text import plain
from runner.commands.dashboard import launch
from tests import dashboard_runs as runs
from tests.conftest import ROOT
from tracer.command_line import command_line
from tracer.figure_text import official_rate_text, time_text
from tracer.fleet.baselines import set_baseline
from tracer.reports.breakdown_rows import part_text
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.compare_words import change_of
from tracer.reports.latency_map import joined_time
from tracer.reports.overview_rows import lead_sentence
from tracer.reports.report import build_report
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.timed_inferences import timed_inferences

pytest.importorskip("streamlit")
testing = pytest.importorskip("streamlit.testing.v1")

SCRIPT = """
from pathlib import Path
from dashboard.pages.{page} import show
show(Path({traces!r}))
"""


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    runs.every_kind(folder)
    return folder


@pytest.fixture
def on_this_machine() -> Iterator[None]:
    from streamlit import config

    config.set_option("server.address", "127.0.0.1")
    yield
    config.set_option("server.address", None)


def opened(page: str, traces: Path, **params: Any) -> Any:
    shown = testing.AppTest.from_string(SCRIPT.format(page=page, traces=str(traces)), default_timeout=60)
    for name, value in params.items():
        shown.query_params[name] = value
    return shown.run()


def words(shown: Any) -> str:
    kinds = ("title", "header", "subheader", "text", "markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(str(one.value) for kind in kinds for one in getattr(shown, kind))


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        *(("stages", kind) for kind in (*runs.KINDS, "damaged")),
        *(("compare", kind) for kind in ("ops", "damaged-capture", "damaged-spans", "damaged")),
    ],
)
def test_no_kind_of_run_is_an_exception(traces: Path, page: str, kind: str) -> None:
    shown = opened(page, traces, run=kind, **({"with": ["plain", "gpu"]} if page == "compare" else {}))
    assert not shown.exception
    assert "Traceback" not in words(shown)


@pytest.mark.parametrize("page", ["stages", "compare"])
def test_a_page_that_was_shown_before_is_the_same_and_reads_no_span(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for kind in ("gpu", "plain"):
        runs.KINDS[kind](tmp_path / "traces", kind)
    for path in (tmp_path / "traces").rglob("*"):
        os.utime(path, ns=(10**18, 10**18))  # what changed just now is not kept

    def shown() -> tuple[str, list[Any], list[Any]]:
        # Another server has nothing in memory.
        monkeypatch.setattr(LOOKS, "_kept", OrderedDict())
        found = opened(page, tmp_path / "traces", run="gpu", **({"with": ["plain"]} if page == "compare" else {}))
        assert not found.exception
        charts = [json.loads(one.proto.spec) for one in found.get("vega_lite_chart")]
        charts += [one.proto.body for one in found.get("html") if 'class="kp"' in one.proto.body]
        return words(found), [one.value.to_dict("list") for one in found.dataframe], charts

    first = shown()
    assert all(first)
    monkeypatch.setattr(StoredRun, "spans", lambda _: pytest.fail("the spans are read again"))
    assert shown() == first


@pytest.mark.parametrize("kind", runs.KINDS)
def test_the_overview_shows_the_figures_of_the_report(traces: Path, kind: str) -> None:
    run = stored_run(kind, traces)
    if kind == "damaged-capture":
        run.info.captures.clear()
    report = build_report(run)
    shown = opened("overview", traces, run=kind)
    metrics = {one.label: one.value for one in shown.metric}
    if report["inference"]["count"]:
        assert metrics["Median of 5 windows"] == official_rate_text(report["median_rate_hz"])
        assert metrics["median"] == time_text(report["inference"]["median_ns"])
        assert metrics["p99"] == time_text(report["inference"]["p99_ns"])
        assert metrics["timed"] == f"{report['inference']['count']:,}"
    assert all(one["key"] in words(shown).lower() for one in report["trust"]["checks"])
    if report["gpu"] is None and kind != "damaged-capture":
        assert command_line("ingest", kind, "PROFILE", traces=traces) in words(shown)
    if kind == "gpu":
        assert report["gpu"]["verdict"]["sentence"] in words(shown)
        assert plain(lead_sentence(report)) in words(shown).replace("\N{NO-BREAK SPACE}", " ")
        assert metrics["without framework"].startswith(f"{report['median_rate_hz']:,.1f} → ")


def test_a_baseline_of_the_address_stands_beside_the_rate_and_the_gains(traces: Path) -> None:
    sides = [launches_of([stored_run(name, traces)]) for name in ("recovered", "gpu")]
    row = compare_sides(sides, baseline="recovered")["comparisons"][0]
    shown = opened("overview", traces, run="gpu", baseline="recovered")
    assert plain(change_of(row["rate"], of_rate=True)) in {one.delta for one in shown.metric}
    assert row["sentence"] in words(shown)
    assert shown.selectbox(key="head_baseline").value == "recovered"
    shown.selectbox(key="head_baseline").set_value(None).run()
    assert "baseline" not in shown.query_params
    assert row["sentence"] not in words(shown)
    assert "not in the traces folder" in opened("overview", traces, run="gpu", baseline="../x").warning[0].value


@pytest.mark.parametrize("page", ["overview", "stages", "kernels", "limits"])
def test_a_baseline_that_cannot_be_opened_is_told_once(tmp_path: Path, page: str) -> None:
    for name in ("kept", "run"):
        runs.gpu_run(tmp_path, name)
    set_baseline(tmp_path, "gold", {stored_run("kept", tmp_path).info.run_id: "kept"})
    shutil.rmtree(tmp_path / "kept")
    shown = opened(page, tmp_path, run="run", baseline="gold")
    assert not shown.exception
    assert [one.value for one in shown.warning if "baseline" in one.value.lower()] == [
        "The baseline cannot be opened."
    ]


def test_compare_holds_the_run_against_the_baseline_of_the_head(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        runs.gpu_run(tmp_path, name)
    held = [stored_run(name, tmp_path) for name in ("one", "two")]
    set_baseline(tmp_path, "gold", {run.info.run_id: run.name for run in held})
    for chosen, launches in (("two", ["two", "three"]), ("gold", ["one", "two", "three"])):
        shown = testing.AppTest.from_string(SCRIPT.format(page="compare", traces=str(tmp_path)), default_timeout=60)
        # What a page's head was given, and this page's address does not name.
        shown.session_state["baseline_kept"] = chosen
        shown.query_params["run"] = "three"
        shown.run()
        assert not shown.exception
        assert f"three against {chosen} (the baseline)" in words(shown)
        assert shown.dataframe[0].value["run"].tolist() == launches
        assert [one.value for one in shown.multiselect] == [[chosen]]
    shown.selectbox(key="baseline_widget").set_value("three").run()
    assert "gold against three (the baseline)" in words(shown)


def test_stages_follows_the_address_and_links_to_the_inference(traces: Path) -> None:
    shown = opened("stages", traces, run="gpu", stage="session_run", window="2")
    assert shown.selectbox(key="stage_widget").value == "session_run"
    assert shown.selectbox(key="window_widget").value == "2"
    shown = opened("stages", traces, run="gpu", stage="../x", window="99")
    assert not shown.exception
    assert shown.selectbox(key="stage_widget").value == "inference"
    links = [frame.value for frame in shown.dataframe if "timeline" in frame.value.columns]
    assert links[0]["timeline"][0] == f"/timeline?run=gpu&inference={links[0]['inference'][0]}"
    shown.toggle(key="warmups_widget").set_value(True).run()
    assert "215 values" in words(shown)


def test_the_brush_of_the_address_filters_what_stands_below_the_map(traces: Path) -> None:
    timed = timed_inferences(stored_run("gpu", traces))
    begun, _ = joined_time(timed).place_ns(timed.start_ns)
    marked = timed.wall_ns[(begun >= 10_000_000) & (begun <= 30_000_000)]
    shown = opened("stages", traces, run="gpu", baseline="plain", **{"from": "10", "to": "30"})
    assert not shown.exception
    assert f"{len(marked)} values" in words(shown)
    percentiles = shown.dataframe[0].value.set_index("percentile")["time"]
    assert percentiles["median"] == time_text(float(np.median(marked)))
    assert "the baseline plain" in words(shown)
    # Of another window this part says nothing.
    shown.selectbox(key="window_widget").set_value("2").run()
    assert "40 values" in words(shown)
    assert "from" not in shown.query_params


def test_the_kernels_page_shows_the_reports_figures_beside_the_baselines(traces: Path) -> None:
    report = build_report(stored_run("gpu", traces))
    shown = opened("kernels", traces, run="gpu", baseline="recovered")
    frame = shown.dataframe[0].value
    assert frame["whole_name"].tolist() == [one["name"] for one in report["kernels"]]
    assert frame["us_per_inference"].tolist() == pytest.approx(
        [one["ns_per_inference"] / 1000 for one in report["kernels"]]
    )
    assert "against_us" not in frame.columns
    again = opened("kernels", traces, run="ops", baseline="gpu")
    assert "own time" in words(again)


def test_a_choice_of_the_list_goes_into_the_address(traces: Path) -> None:
    shown = opened("overview", traces, run="gpu")
    shown.sidebar.selectbox[0].set_value("ops").run()
    assert shown.query_params["run"] in ("ops", ["ops"])
    assert not shown.error


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("overview", "../../etc"),
        ("overview", "a\0b"),
        ("overview", "x" * 5000),
        ("stages", ".."),
        ("compare", "/etc"),
    ],
)
def test_a_strange_name_opens_nothing(traces: Path, page: str, name: str) -> None:
    shown = opened(page, traces, run=name)
    assert not shown.exception
    assert "not in the traces folder" in shown.error[0].value


@pytest.mark.parametrize("page", ["overview", "stages", "compare", "runs"])
def test_an_empty_folder_says_how_to_make_a_run(tmp_path: Path, page: str) -> None:
    folder = tmp_path / "absent" if page == "overview" else tmp_path
    shown = opened(page, folder)
    assert not shown.exception
    assert f"`{command_line('demo', traces=folder)}`" in shown.info[0].value


def test_a_run_without_a_window_and_one_being_recorded_are_shown(tmp_path: Path) -> None:
    runs.plain_run(tmp_path, "empty", [])
    assert "kws-trace run" in words(opened("overview", tmp_path, run="empty"))
    writer = runs.recording_run(tmp_path, "now")
    for page in ("overview", "stages"):
        shown = opened(page, tmp_path, run="now")
        assert not shown.exception
        assert "being recorded" in shown.sidebar.caption[0].value
    writer.close()


def test_damage_is_told_with_what_is_left(traces: Path) -> None:
    assert "gpu_work" in words(opened("overview", traces, run="damaged-capture"))
    assert "spans/part" in words(opened("overview", traces, run="damaged-spans"))
    assert "did not end by itself" in words(opened("overview", traces, run="recovered"))
    shown = opened("overview", traces, run="damaged")
    assert "run.json" in words(shown)
    assert shown.dataframe[0].value["table"].tolist() == ["results", "spans", "windows"]


def test_a_session_that_is_none_is_told_on_the_overview(tmp_path: Path) -> None:
    folder = runs.plain_run(tmp_path, "run")
    (folder / "session").mkdir()
    (folder / "session" / "log.txt").write_text("nonsense\n", encoding="utf-8")
    shown = opened("overview", tmp_path)
    assert not shown.exception
    frames = [frame.value for frame in shown.dataframe if "session" in frame.value.columns]
    assert "log.txt" in frames[0]["why"][0]


def test_untrusted_names_are_shown_as_they_are(tmp_path: Path) -> None:
    name = runs.HOSTILE.replace("/", "")
    runs.gpu_run(tmp_path, name, model={"name": runs.HOSTILE}, backend={"name": runs.HOSTILE, "device": runs.HOSTILE})
    runs.plain_run(tmp_path, "other")
    for page in ("overview", "stages", "compare", "runs"):
        shown = opened(page, tmp_path, run=name, **{"with": ["other"]})
        assert not shown.exception
        interpreted = [
            one.value
            for kind in ("markdown", "caption", "subheader", "error", "info", "warning", "success")
            for one in getattr(shown, kind)
        ]
        # In a code span nothing is taken for markup; it ends at as many backticks as it began with.
        outside = [re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text) for text in interpreted]
        assert not any("onerror" in text and "\\<" not in text for text in outside)


def test_compare_shows_what_the_command_prints(traces: Path) -> None:
    figures = compare_sides([launches_of([stored_run(name, traces)]) for name in ("gpu", "plain")])
    shown = opened("compare", traces, run="gpu", **{"with": ["plain"]})
    assert figures["comparisons"][0]["sentence"] in words(shown)
    assert plain(number_sentence(figures["comparisons"][0], figures["baseline"])) in words(shown)
    assert shown.dataframe[0].value["run"].tolist() == [one["name"] for one in figures["runs"]]
    assert json.loads(json.dumps(figures)) == figures


def test_every_figure_of_compare_is_that_of_the_commands(traces: Path) -> None:
    from runner.cli import app

    def told(*asked: str) -> Any:
        return json.loads(CliRunner().invoke(app, [*asked, "--json", "--traces", str(traces)]).stdout)

    compared, reports = told("compare", "cpu", "gpu"), {name: told("report", name) for name in ("cpu", "gpu")}
    shown = opened("compare", traces, run="gpu", **{"with": ["cpu"]})
    order = [one["name"] for one in compared["runs"]]
    frames = {frame.value.columns[0]: frame.value for frame in shown.dataframe}
    row = compared["comparisons"][0]
    assert frames["run"]["official inf/s"].tolist() == [f"{reports[name]['median_rate_hz']:,.1f}" for name in order]
    assert frames["run"]["p99"].tolist() == [time_text(reports[name]["inference"]["p99_ns"]) for name in order]
    assert frames["run"]["median against it"].tolist() == ["the baseline", change_of(row["median"])]
    for name in order:
        medians = [*(one["median_ns"] for one in reports[name]["stages"]), reports[name]["inference"]["median_ns"]]
        assert frames["stage"][f"{name}, median"].tolist() == [time_text(one) for one in medians]
        parts = compared["runs"][order.index(name)]["parts"]
        cells = dict(zip(frames["part"]["part"], frames["part"][name], strict=True))
        assert all(time_text(one["median_ns"]) in cells[part_text(part)] for part, one in parts.items())


def test_runs_are_renamed_and_deleted_after_a_confirmation(tmp_path: Path, on_this_machine: None) -> None:
    runs.plain_run(tmp_path, "one")
    runs.plain_run(tmp_path, "two")
    script = """
from pathlib import Path
from dashboard.pages import runs
row = next(one for one in runs.list_runs(Path({traces!r})).rows if one["name"] == {name!r})
runs._actions(Path({traces!r}), row)
"""

    def actions(name: str) -> Any:
        return testing.AppTest.from_string(script.format(traces=str(tmp_path), name=name), default_timeout=60).run()

    def press(shown: Any, label: str) -> Any:
        return next(one for one in shown.button if one.label == label).click().run()

    shown = actions("one")
    shown.text_input[0].set_value("two")
    press(shown, "Rename")
    assert "taken" in words(shown)
    shown = actions("one")
    press(shown, "Delete")
    assert "Tick the box" in words(shown)
    assert (tmp_path / "one").is_dir()
    shown = actions("one")
    shown.checkbox[0].check()
    press(shown, "Delete")
    assert not (tmp_path / "one").exists()
    assert (tmp_path / "two").is_dir()


def test_a_published_dashboard_without_sign_in_deletes_nothing(tmp_path: Path) -> None:
    from streamlit import config

    runs.damaged_run(tmp_path, "one")
    config.set_option("server.address", "0.0.0.0")
    shown = opened("runs", tmp_path)
    config.set_option("server.address", None)
    assert "without sign-in" in words(shown)
    assert not shown.button


def test_the_app_asks_who_is_there_where_that_is_configured(traces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["script.py", str(traces)])
    script = str(ROOT / "dashboard" / "start" / "script.py")
    shown = testing.AppTest.from_file(script, default_timeout=60).run()
    assert not shown.exception
    assert shown.title[0].value == "Overview"
    shown = testing.AppTest.from_file(script, default_timeout=60)
    shown.secrets["auth"] = {"redirect_uri": "x", "cookie_secret": "y"}
    shown.run()
    assert not shown.exception
    assert [one.label for one in shown.button] == ["Sign in"]
    assert not shown.subheader


def test_the_dashboard_is_of_this_machine_unless_told_otherwise_and_then_it_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    start = subprocess.Popen
    monkeypatch.setattr("subprocess.Popen", lambda command: started.append(command) or start(["true"]))
    said: list[str] = []
    assert launch(tmp_path, 8501, warn=said.append) == 0
    assert not said
    assert {
        "--server.address=127.0.0.1",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=none",
    } <= set(started[0])
    assert launch(tmp_path, 8501, "192.0.2.7", said.append) == 0
    assert "--server.address=192.0.2.7" in started[1]
    assert "every machine that reaches 192.0.2.7" in said[0]


def test_an_unreadable_secrets_file_lets_nobody_in(
    traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit import config

    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\n", encoding="utf-8")
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(broken)])
    script = f"from pathlib import Path; from dashboard.app import show; show(Path({str(traces)!r}))"
    shown = testing.AppTest.from_string(script, default_timeout=60).run()
    config.set_option("secrets.files", before)
    assert "nobody is let in" in shown.error[0].value
    assert not shown.metric


def test_streamlit_lives_in_the_app_and_its_pages_alone() -> None:
    allowed = {"app.py", "serve.py"}
    for path in (ROOT / "dashboard").rglob("*.py"):
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert "streamlit" not in names or path.parent.name == "pages" or path.name in allowed, path
    assert not (ROOT / "dashboard" / "start" / "pages").exists()


@pytest.mark.parametrize("page", ["overview", "timeline"])
def test_a_page_of_a_run_offers_its_report_as_a_file(traces: Path, page: str) -> None:
    assert [one.proto.label for one in opened(page, traces, run="gpu").get("download_button")] == ["Export"]
