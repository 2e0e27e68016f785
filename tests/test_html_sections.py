"""Sections of the exported file whole, by hand: its rate, the tables below it, what is drawn of one unit."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests import dashboard_runs as runs
from tests.profiles import EXECUTOR, call, copy, inference, kernel, profile
from tests.test_unit_breakdown import level_of
from tracer.arrow_arrays import NO_ROW
from tracer.captures.timeline import Launches, Timeline
from tracer.captures.tracks import Rows, Track, nested_tracks
from tracer.report_types.report import Report
from tracer.reports.html.figures import unit_timeline
from tracer.reports.html.one_unit import DrawnLane, DrawnUnit, Slice, drawn_inference, drawn_unit
from tracer.reports.html.privacy import Private
from tracer.reports.html.run_document import run_document
from tracer.reports.html.tables import MOST_ROWS, table
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return build_report(stored_run(runs.plain_run(tmp_path_factory.mktemp("traces"), "plain")))


def section(report: Report, name: str) -> str:
    document = run_document(report, None, None, Private(), "1")
    return document.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def table_of(head: list[str], *rows: list[str]) -> str:
    """A table whose first column is of words."""
    figure = [None, *["figure"] * (len(head) - 1)]

    def line(tag: str, more: str, cells: list[str]) -> str:
        told = [f' class="{kind}"' if kind else "" for kind in figure]
        return "".join(f"<{tag}{more}{kind}>{cell}</{tag}>" for kind, cell in zip(told, cells, strict=True))

    names = line("th", ' scope="col"', head)
    body = "".join(f"<tr>{line('td', '', row)}</tr>" for row in rows)
    return (
        f'<div><div class="scroll" tabindex="0" role="group" aria-label="Table: {head[0]}"><table>'
        f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def test_the_rate_stands_large_above_its_rule_and_below_its_dots_what_they_are(report: Report) -> None:
    told = section({**report, "median_rate_hz": 2169.2456}, "overview")
    assert told.startswith(
        '<h2>Overview</h2><div class="columns"><div><p class="rate">2,169.246 <small>inf/s</small></p><p>not rule'
    )
    assert '</div><p class="quiet">A dot is a window, the line their median.</p><ul class="chips"' in told
    without = section({**report, "median_rate_hz": None, "windows": []}, "overview")
    assert without.startswith('<h2>Overview</h2><div class="columns"><div><p>no performance window (')
    assert "A dot is" not in without


def test_a_window_without_laps_has_no_share_of_its_wall_time_and_the_others_have_theirs(report: Report) -> None:
    whole = {**report["windows"][0], "inferences": 1010, "duration_ns": 10_100_000_000, "rate_hz": 100.0}
    whole |= {"wall_duration_ns": 10_000_000_000, "wall_rate_hz": 101.0, "valid": True, "why": []}
    cut = {
        **whole,
        "ordinal": 2,
        "duration_ns": None,
        "rate_hz": None,
        "valid": False,
        "why": ["incomplete", "short"],
    }
    told = section({**report, "windows": [whole, cut]}, "how-it-was-measured")  # type: ignore[typeddict-item]
    head = ["window", "inferences", "laps", "inf/s", "inf/s by wall clock", "laps to wall", "rule-valid"]
    assert told.startswith(
        "<h2>How it was measured</h2>"
        + table_of(
            head,
            ["1", "1,010", "10.100 s", "100.000", "101.000", "+1.000 %", "yes"],
            ["2", "1,010", "-", "-", "101.000", "-", "no: incomplete, short"],
        )
    )


def test_the_serial_line_is_a_folded_table_of_its_reads_and_writes(report: Report) -> None:
    read = {"stage": "serial_read", "count": 1200, "total_ns": 60_000_000, "median_ns": 50_000, "p90_ns": 51_000}
    read |= {"p99_ns": 52_000, "share_of_session": 0.125}
    told = section({**report, "serial": [read]}, "how-it-was-measured")  # type: ignore[typeddict-item, list-item]
    head = ["stage", "count", "median", "share of the session"]
    row = ["serial_read", "1,200", "50.00 us", "12.5 %"]
    assert told.endswith(f"<details><summary>Serial line</summary>{table_of(head, row)}</div></details>")
    assert "Serial line" not in section({**report, "serial": []}, "how-it-was-measured")


def test_a_table_says_how_many_rows_are_not_in_it_only_where_some_are_not() -> None:
    rows = [[str(place), "x"] for place in range(MOST_ROWS + 2)]
    whole = table_of(["a", "b"], *rows[:MOST_ROWS])
    for more, rest in ((0, ""), (1, '<p class="quiet">and 1 more</p>'), (2, '<p class="quiet">and 2 more</p>')):
        assert table(("a", "b"), rows[: MOST_ROWS + more]) == f"{whole}{rest}</div>"


def test_a_folder_that_ends_in_a_tilde_is_private_as_a_whole() -> None:
    assert Private(("/a b/old~/",)).of("in /a b/old~/x and /a b/old~") == "in x and the folder"


def test_a_timeline_has_a_line_at_each_quarter_and_scrolls_by_the_keyboard() -> None:
    drawn = unit_timeline(DrawnUnit("one", 400, (DrawnLane("stages", (Slice(0, 400, "a", "a"),), 0),)))
    assert drawn.startswith('<div class="scroll" tabindex="0"><svg viewBox="0 0 1190 46" role="img" aria-label="one"')
    # From 210 to 1190, down to the lane's end and 4 px.
    lines = re.findall(r'<(\w+) x1="(\d+)" x2="(\d+)" y1="0" y2="28">', drawn)
    assert lines == [("line", str(at), str(at)) for at in (210, 455, 700, 945, 1190)]


def test_the_drawn_inference_of_a_profile_has_a_lane_a_depth_a_thread_and_a_stream() -> None:
    work = [kernel("void gemm<float>(int)", 40, 60, 1), copy("Host-to-Device", 10, 15, 2)]
    calls = [call("cudaLaunchKernel", 20, 30, 1, EXECUTOR), call("cudaMemcpyAsync", 5, 12, 2)]
    # 94, 54 and 99 ns: the first is the median.
    ranges = [
        row
        for number, start, length in ((0, 0, 90), (1, 200, 50), (2, 300, 95))
        for row in inference(number, start, [("session_run", length)])
    ]
    copied = Slice(10, 15, "[CUDA memcpy Host-to-Device]", "copy or memset")
    lanes = {
        "ranges, thread 100": (Slice(0, 94, "inference", "inference"),),
        "depth 2, ranges, thread 100": (Slice(2, 92, "session_run", "session_run"),),
        "CUDA calls, thread 100": (Slice(5, 12, "cudaMemcpyAsync", "call: copy"),),
        "CUDA calls, thread 101": (Slice(20, 30, "cudaLaunchKernel", "call: launch"),),
        "GPU 0, stream 7": (copied, Slice(40, 60, "void gemm<float>(int)", "gemm")),
    }
    title = "Inference 0, 94 ns: the nearest to the median of 3"
    told = tuple(DrawnLane(label, slices, 0) for label, slices in lanes.items())
    assert drawn_unit(level_of(profile(work, calls, ranges))) == DrawnUnit(title, 94, told)


def test_of_many_lanes_no_more_than_two_thousand_slices_are_drawn() -> None:
    def track(kind: str, label: str, rows: int, length: int) -> list[Track]:
        start = np.arange(rows) * length
        zeros = np.zeros(rows, np.int64)
        columns = Rows(start, start + length, zeros, zeros.astype(np.int16), np.full(rows, NO_ROW))
        return nested_tracks(kind, label, ["name"], columns)

    # 23 lanes: 86 slices of each are 1978, 87 would be 2001.
    tracks = [
        *track("stage", "inferences", 1, 870),
        *(one for at in range(22) for one in track("call", f"{at}", 87, 10)),
    ]
    drawn = drawn_inference(Timeline(tuple(tracks), Launches(*np.empty((4, 0), np.int64)), 870, (), ""))
    assert drawn is not None
    assert [(len(one.slices), one.left_out) for one in drawn.lanes] == [(1, 0), *[(86, 1)] * 22]
