"""
Questions that an engineer brings to the dashboard: each takes at most one click from a run's start page, and no
scrolling on 1280 x 800. `KWS_TRACE_TASKS=FILE` keeps the clicks and seconds as a table.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import dashboard_runs as runs
from tests.children import served_dashboard
from tests.needs import chromium
from tests.test_dashboard_browser import Visit
from tracer.figure_text import official_rate_text, share_text
from tracer.report_types.report import Report
from tracer.reports.advised_gains import gain_rows
from tracer.reports.overview_rows import lead_sentence
from tracer.reports.profiled_parts import busy_and_overhead
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 1280, 800


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    runs.gpu_run(folder, "before", runs.windows_of(slower=1.2, seed=3))
    runs.gpu_run(folder, "gpu")
    return folder


@pytest.fixture(scope="module")
def address(traces: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("streamlit")
    with served_dashboard(traces, tmp_path_factory.mktemp("server") / "log") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    rows: list[str] = []
    yield rows
    if "KWS_TRACE_TASKS" in os.environ:
        head = ["| question | clicks | seconds |", "|---|---|---|"]
        Path(os.environ["KWS_TRACE_TASKS"]).write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")


class Task:
    """A start page of a run, and what is done from it."""

    def __init__(self, visit: Visit, traces: Path) -> None:
        self.visit, self.page, self.traces, self.clicks = visit, visit.page, traces, 0

    def report(self) -> Report:
        return build_report(stored_run("gpu", self.traces))

    def shown(self, text: str) -> Any:
        """The element of the answer within the page's own part: the innermost with the text."""
        found = self.page.locator("[data-testid=stMain]").get_by_text(text).first
        found.wait_for()
        return found


def is_valid_and_rate(task: Task) -> list[Any]:
    rate = official_rate_text(task.report()["median_rate_hz"])
    return [task.shown(rate), task.shown("Not rule-valid")]


def gpu_share_and_kind(task: Task) -> list[Any]:
    report = task.report()
    shown = busy_and_overhead(report["gpu"])
    assert shown is not None
    sentence = lead_sentence(report)
    assert sentence is not None
    assert share_text(shown.busy_share) in sentence
    return [task.shown(sentence)]


def what_to_attack(task: Task) -> list[Any]:
    row = gain_rows(task.report())[0]
    return [task.shown(row["title"]), task.shown(row["rate"].removesuffix(" inf/s"))]


TASKS: dict[str, Callable[[Task], list[Any]]] = {
    "Is the result valid, and what is it?": is_valid_and_rate,
    "GPU share and kind of overhead": gpu_share_and_kind,
    "What to attack, and what it gives": what_to_attack,
}


@pytest.mark.parametrize("question", TASKS)
def test_a_question_takes_at_most_one_click_and_no_scrolling(
    browser: Any, address: str, traces: Path, table: list[str], question: str
) -> None:
    visit = Visit(browser, address)
    visit.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    try:
        visit.open("?run=gpu")
        task, start = Task(visit, traces), time.perf_counter()
        answers = TASKS[question](task)
        took = time.perf_counter() - start
        assert task.clicks <= 1
        assert answers
        for one in answers:
            box = one.bounding_box()
            assert box is not None, question
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= HEIGHT, (question, box)
            assert box["x"] + box["width"] <= WIDTH, (question, box)
        table.append(f"| {question} | {task.clicks} | {took:.1f} |")
    finally:
        visit.leave()
