"""The Timeline and the Kernels page over runs of every kind: no exception, the range asked for, what is lacking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dashboard_runs import KINDS, every_kind
from tracer.command_line import command_line
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run

SCRIPT = """
from pathlib import Path
from dashboard.pages.{page} import show
show(Path({traces!r}))
"""


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    every_kind(folder)
    return folder


def opened(traces: Path, page: str, **asked: str) -> Any:
    testing = pytest.importorskip("streamlit.testing.v1")
    found = testing.AppTest.from_string(SCRIPT.format(page=page, traces=str(traces)), default_timeout=60)
    for key, value in asked.items():
        found.query_params[key] = value
    found.run()
    assert not found.exception
    return found


def captions(page: Any) -> str:
    return "\n".join(one.value for one in page.caption)


@pytest.mark.parametrize("kind", [*KINDS, "damaged"])
def test_both_pages_show_a_run_of_any_kind_or_say_what_it_lacks(traces: Path, kind: str) -> None:
    timeline = opened(traces, "timeline", run=kind)
    drawn = "is drawn" in captions(timeline)
    assert drawn == (kind not in ("damaged", "damaged-spans"))
    kernels = opened(traces, "kernels", run=kind)
    told = [one.value for one in (*kernels.info, *kernels.error, *kernels.warning)]
    assert bool(told) == (kind not in ("gpu", "cpu", "ops"))
    if kind in ("plain", "recovered"):
        assert any(command_line("ingest", kind, "PROFILE", traces=traces) in one for one in told)


def test_the_kernels_page_shows_the_reports_figures(traces: Path) -> None:
    page = opened(traces, "kernels", run="gpu")
    report = build_report(stored_run("gpu", traces))
    metrics = {one.label: one.value for one in page.metric}
    assert float(metrics["Kernels an inference"]) == sum(one["per_inference"] for one in report["kernels"])
    assert metrics["Launch to start, median"] == "9.00 us"
    shown = page.dataframe[0].value
    assert shown["whole_name"].tolist() == [one["name"] for one in report["kernels"]]
    page.text_input(key="search").set_value("cudnn").run()
    assert not page.exception
    assert len(page.dataframe[0].value) == 1


def test_the_address_names_an_inference_or_a_range(traces: Path) -> None:
    page = opened(traces, "timeline", run="gpu", inference="7")
    assert (page.number_input[0].value, page.number_input[1].value) == (7, 7)
    page = opened(traces, "timeline", run="gpu", **{"from": "0", "to": "2000000"})
    assert (page.number_input[2].value, page.number_input[3].value) == (0.0, 2.0)
    assert "from 0 ns" in captions(page)


@pytest.mark.parametrize(
    "asked",
    [
        {"inference": "99999999"},
        {"inference": "-1"},
        {"from": "5", "to": "1"},
        {"from": "999999999999999999", "to": "999999999999999999"},
        {"from": "../..", "to": "<b>"},
        {"run": "../../etc"},
    ],
)
def test_an_address_that_asks_for_what_is_not_there_shows_something_else(traces: Path, asked: dict[str, str]) -> None:
    page = opened(traces, "timeline", **{"run": "gpu", **asked})
    assert "this range" in captions(page)


@pytest.mark.slow
def test_moving_the_range_keeps_it_within_the_run_and_in_the_address(traces: Path) -> None:
    page = opened(traces, "timeline", run="gpu", inference="7")
    before = [page.number_input[place].value for place in (2, 3)]
    for label in ("Wider", "Later", "Earlier", "Closer"):
        next(one for one in page.button if one.label == label).click().run()
        assert not page.exception
        assert "from" in page.query_params
        assert "inference" not in page.query_params
    after = [page.number_input[place].value for place in (2, 3)]
    assert after == pytest.approx(before, abs=1e-4)
    next(one for one in page.button if one.label == "Whole run").click().run()
    assert page.number_input[2].value == 0.0
    for _ in range(3):
        next(one for one in page.button if one.label == "Wider").click().run()
    assert page.number_input[2].value == 0.0
    page.number_input(key="timeline_first").set_value(12).run()
    page.number_input(key="timeline_last").set_value(14).run()
    assert not page.exception
    assert [page.number_input[place].value for place in (0, 1)] == [12, 14]
