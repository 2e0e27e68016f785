"""The Timeline and the Kernels page over runs of every kind: no exception, the range asked for, what is lacking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard_runs import KINDS, every_kind
from tracer.captures.timeline import read_timeline
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


def drawn(page: Any) -> dict[str, Any] | None:
    """What the component was given; None where the page has none."""
    found = [one.proto for one in page.main if one.type == "component_instance"]
    found = [json.loads(one.json_args) for one in found]
    return found[0] if found else None


@pytest.mark.parametrize("kind", [*KINDS, "damaged"])
def test_both_pages_show_a_run_of_any_kind_or_say_what_it_lacks(traces: Path, kind: str) -> None:
    timeline = opened(traces, "timeline", run=kind)
    assert (drawn(timeline) is not None) == (kind not in ("damaged", "damaged-spans"))
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


def test_the_address_names_an_inference_or_a_range_a_slice_a_measure_and_a_search(traces: Path) -> None:
    page = drawn(opened(traces, "timeline", run="gpu", inference="7"))
    assert page is not None
    span = read_timeline(stored_run("gpu", traces)).inference_span(7, 7)
    assert span is not None
    assert page["view"][0] < span[0] < span[1] < page["view"][1]
    asked = {"from": "0", "to": "2000000", "slice": "1-3", "measure": "5-900", "find": "serial"}
    page = drawn(opened(traces, "timeline", run="gpu", **asked))
    assert page is not None
    assert (page["view"], page["selected"], page["measured"]) == ([0, 2_000_000], [1, 3], [5, 900])
    assert (page["find"], page["hits"].split()[1]) == ("serial", "hits")
    assert page["facts"][0][0] == "name"
    assert page["sums"]["title"].startswith("895 ns measured")


@pytest.mark.parametrize(
    "asked",
    [
        {"inference": "99999999"},
        {"inference": "-1"},
        {"from": "5", "to": "1"},
        {"from": "999999999999999999", "to": "999999999999999999"},
        {"from": "../..", "to": "<b>", "slice": "9-99999999", "measure": "0-999999999999999999", "find": "\x00"},
        {"run": "../../etc"},
    ],
)
def test_an_address_that_asks_for_what_is_not_there_shows_something_else(traces: Path, asked: dict[str, str]) -> None:
    page = drawn(opened(traces, "timeline", **{"run": "gpu", **asked}))
    assert page is not None
    assert "in this range" in page["says"]
    assert page["facts"] is None
