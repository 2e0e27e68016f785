"""
Ten questions that an engineer brings to the dashboard: each takes at most one click from a run's start page, and no
scrolling on 1280 x 800. `KWS_TRACE_TASKS=FILE` keeps the clicks and seconds as a table.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests import dashboard_runs as runs
from tests.recorded import Sample, samples_table
from tests.test_dashboard_browser import Visit
from tracer.device.device_samples import FREQUENCY_HZ, THROTTLE_LEVEL
from tracer.figure_text import count_text, official_rate_text, share_text, time_text
from tracer.report_types.report import Report
from tracer.reports.advised_gains import gain_rows
from tracer.reports.overview_rows import lead_sentence
from tracer.reports.profiled_parts import busy_and_overhead
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run
from tracer.runs.timed_inferences import timed_inferences

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 1280, 800


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    runs.gpu_run(folder, "before", runs.windows_of(slower=1.2, seed=3))
    throttled(runs.gpu_run(folder, "gpu"))
    return folder


def throttled(run: Path) -> None:
    """Give a run readings of its GPU's frequency in each window, and of a throttle in the third."""
    run_id, rows = stored_run(run).info.run_id, []
    for window in stored_run(run).each_window:
        at = (window.start_ns + window.end_ns) // 2
        rows.append(Sample(at, "gpu", FREQUENCY_HZ, 900_000_000))
        rows.append(Sample(at, "throttle:oc1", THROTTLE_LEVEL, 2 if window.number == 2 else 0))
    (run / "samples").mkdir()
    pq.write_table(samples_table(rows, run_id), run / "samples" / "part.parquet")


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

    def click(self, what: Any) -> None:
        self.clicks += 1
        what.click()

    def page_link(self, name: str) -> None:
        self.click(self.page.locator("[data-testid=stSidebarNavLink]").filter(has_text=name))
        self.page.locator("h1").filter(has_text=name).wait_for()
        self.visit.settle()

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


def the_slowest_and_why(task: Task) -> list[Any]:
    task.page_link("Stages")
    timed = timed_inferences(stored_run("gpu", task.traces), warmups=False)
    number = int(timed.number[timed.wall_ns.argmax()])
    answer = task.shown(f"Slowest: inference {count_text(number)}, {time_text(timed.wall_ns.max())}")
    assert "of the excess" in answer.inner_text()
    return [answer]


def did_it_help(task: Task) -> list[Any]:
    task.page_link("Compare")
    return [task.shown("gpu measured"), task.shown("faster than before")]


def which_kernels_and_whose(task: Task) -> list[Any]:
    task.page_link("Kernels")
    # The bars by stage, drawn: name, stage and time of each.
    return [task.page.locator(".kp-rows").first]


def a_link(task: Task) -> list[Any]:
    task.click(task.page.get_by_role("button", name="Copy link"))
    copied = task.page.get_by_role("button", name="Copied")
    copied.wait_for()
    assert task.page.evaluate("navigator.clipboard.readText()") == task.page.url
    assert "run=gpu" in task.page.url
    return [copied]


def in_my_report(task: Task) -> list[Any]:
    button = task.page.get_by_role("button", name="Export")
    with task.page.expect_download() as download:
        task.click(button)
    document = Path(download.value.path()).read_text(encoding="utf-8")
    assert f">{time_text(task.report()['inference']['median_ns'])}</td>" in document
    return [button]


def where_it_throttled(task: Task) -> list[Any]:
    return [task.shown("changed or throttled in window 3")]


def watch_it_run(task: Task) -> list[Any]:
    task.click(task.page.get_by_role("button", name="Watch the run being recorded"))
    return [task.shown("Window 3 of 5 is being recorded"), task.shown("the last took")]


TASKS: dict[str, Callable[[Task], list[Any]]] = {
    "Is the result valid, and what is it?": is_valid_and_rate,
    "GPU share and kind of overhead": gpu_share_and_kind,
    "What to attack, and what it gives": what_to_attack,
    "The slowest inference, and why": the_slowest_and_why,
    "Did my change help?": did_it_help,
    "Which kernels, and whose?": which_kernels_and_whose,
    "A link to this very view": a_link,
    "This table in my report": in_my_report,
    "Where it throttled": where_it_throttled,
    "Watch it run": watch_it_run,
}


@pytest.mark.parametrize("question", TASKS)
def test_a_question_takes_at_most_one_click_and_no_scrolling(
    browser: Any, address: str, traces: Path, table: list[str], question: str
) -> None:
    writer = runs.recording_run(traces, "now") if question == "Watch it run" else None
    visit = Visit(browser, address)
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
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
        if writer is not None:
            writer.close()
