"""The kernel level as a reader sees it: the answer first, 80 columns, and nothing of a file that a terminal obeys."""

from __future__ import annotations

import copy
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from runner.dut.profiler_launch import take_in
from tests.gpu_runs import (
    EXECUTOR,
    MAIN,
    PROCESS,
    Clock,
    Piece,
    add_ranges,
    add_work,
    capture_window,
    gpu_export,
    ranges_of,
    recorded_run,
    rows,
    usual_windows,
)
from tests.nsys_export import NsysExport
from tests.recorded import info, window
from tracer.breakdown.unprofiled import pair_walls_ns
from tracer.recording.window import RecordedWindow
from tracer.report_types.gpu import Gain
from tracer.reports.breakdown_rows import GRAPH_NOTE, gain_name, shown_gains
from tracer.reports.breakdown_text import SHOWN_KERNELS, answer_lines, kernel_lines, render_kernel_level
from tracer.reports.report import build_report
from tracer.reports.report_text import render_report
from tracer.statistics.ratio import rounds_of

Report = dict[str, Any]

HOSTILE = "void evil::[bold red]kernel[/]\x1b[2J\nsecond\tline\x07"
LONG = "void cudnn::cnn::conv2d_grouped_direct_kernel<false, true, (int)512, float>(cudnn::cnn::Params, float*)"
SHORT = "cnn::conv2d_grouped_direct_kernel"


def text_of(report: Report, width: int = 80, **options: Any) -> str:
    out = io.StringIO()
    render_report(report, Console(file=out, width=width), **options)
    return out.getvalue()


def lasting(one: RecordedWindow, inference_ns: int) -> RecordedWindow:
    """The same window with inferences of this length, 10 us apart."""
    edges = one.edges - one.edges[:, :1]
    edges = edges * inference_ns // edges[:, -1:]
    begins = int(one.edges[0, 0]) + (inference_ns + 10_000) * np.arange(len(edges), dtype=np.int64)
    edges = edges + begins[:, None]
    return replace(one, edges=edges, start_ns=int(edges[one.warmups, 0]), end_ns=int(edges[-1, -1]))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """As in 2021: 0.421 ms of GPU work, 4.522 ms without a profiler, 3.34 times that with one."""
    folder = tmp_path_factory.mktemp("slow")
    timed = lasting(window(0, 10, 2), 4_522_000)
    captured = lasting(capture_window(1, 12), 15_103_480)
    ranges = ranges_of(captured, Clock(rate_ppm=0.0))
    export = NsysExport()
    add_ranges(export, ranges)
    work = [
        Piece("session_run", "kernel", LONG, 100_000, 10_000, 300_000),
        Piece("session_run", "kernel", HOSTILE, 400_000, 10_500, 97_000),
        Piece("readback", "from the device", "cudaMemcpyAsync_v3020", 1_000, 2_000, 24_000),
    ]
    add_work(export, ranges, work)
    path = export.write(folder / "x.sqlite")
    return build_report(take_in(recorded_run(folder / "traces", [timed, captured]), [path]))


def test_the_report_leads_with_what_the_gpu_did_and_what_the_runtime_cost(slow: Report) -> None:
    assert answer_lines(slow)[0] == "GPU busy 0.421 ms (9.3 %), runtime overhead 4.101 ms (90.7 %)"
    assert "wall time without the profiler" in answer_lines(slow)[1]
    assert "frequencies not recorded" in answer_lines(slow)[1]
    assert any(
        "3.34 times the unprofiled median inference (+234 %; spread not known)" in line for line in answer_lines(slow)
    )
    lines = text_of(slow).splitlines()
    place = lines.index("GPU busy 0.421 ms (9.3 %), runtime overhead 4.101 ms (90.7 %)")
    assert "inf/s, median of 1 window " in "\n".join(lines[:place])
    assert place < min(number for number, line in enumerate(lines) if line.startswith(("┏", "│")))


def test_the_profiler_is_judged_by_its_pairs_where_there_are_some(tmp_path: Path) -> None:
    walls = [(160, 100), (165, 110), (168, 105), (158, 98)]
    sides = [(kind, pair, ns) for pair, both in enumerate(walls) for kind, ns in zip(PAIR, both, strict=True)]
    windows = [
        replace(lasting(window(number, 10, 0, first=10 * number), 1_000 * ns), kind=kind, pair=pair)
        for number, (kind, pair, ns) in enumerate(sides)
    ]
    run = recorded_run(tmp_path, windows)
    assert [on / off for on, off in pair_walls_ns(run)] == pytest.approx([on / off for on, off in walls], rel=1e-3)
    assert pair_walls_ns(recorded_run(tmp_path, usual_windows(), "other")) == []


def test_the_line_of_the_profiler_names_what_it_is_of(slow: Report) -> None:
    told = copy.deepcopy(slow)
    assert any("(+234 %; spread not known)" in line for line in answer_lines(told))
    paired = rounds_of([[(160, 100), (165, 110), (168, 105), (158, 98)]]).ratio(0, 1)
    told["gpu"]["unprofiled"] |= {"profiler_pairs_ratio": paired.value, "profiler_pairs_spread": paired.figures}
    lines = answer_lines(told)
    assert any("1.577 times the unprofiled mean inference [1.500 to 1.612], by 4 pairs" in line for line in lines)
    told["gpu"]["unprofiled"]["profiler_pairs_left_out"] = 2
    assert any("by 4 pairs of windows, without 2 interrupted ones" in line for line in answer_lines(told))
    assert any(line.startswith("[ ] is a range, no interval: the rounds may count as") for line in lines)


PAIR = ("capture", "uncaptured")


def test_what_bounds_the_inference_is_the_line_after_how_it_was_measured(slow: Report) -> None:
    assert answer_lines(slow)[2] == slow["gpu"]["verdict"]["sentence"]
    assert answer_lines(slow)[2].startswith(("Host-bound: ", "Launch-bound: ", "Balanced: "))


def test_without_an_unprofiled_part_both_are_said_to_be_of_the_profiled_run(slow: Report) -> None:
    report = {**slow, "gpu": {**slow["gpu"], "unprofiled": None, "frequencies": "GPU 1.3 GHz"}}
    lines = answer_lines(report)
    assert re.fullmatch(r"GPU busy 0\.421 ms \(2\.8 %\), runtime overhead 14\.68\d ms \(97\.2 %\)", lines[0])
    assert lines[1] == "(both of the profiled run; an inference in the mean; GPU 1.3 GHz)"
    assert not any(line.startswith("The profiler:") for line in lines)


@pytest.mark.parametrize("full_names", [False, True])
def test_no_line_is_wider_than_the_terminal(slow: Report, full_names: bool) -> None:
    for width in (80, 100):
        text = text_of(slow, width, full_names=full_names)
        assert max(len(line) for line in text.splitlines()) <= width


def test_a_name_of_a_kernel_is_text_whatever_stands_in_it(slow: Report) -> None:
    report = copy.deepcopy(slow)
    # Brackets are taken for C++ ones when a name is shortened; not in all names.
    report["kernels"][1]["short_name"] = HOSTILE
    for full_names in (False, True):
        text = text_of(report, 200, full_names=full_names)
        assert "[bold red]" in text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
        assert not [line for line in text.splitlines() if line.startswith("second")]


def test_notes_and_versions_of_a_file_are_text_too(slow: Report) -> None:
    gpu = {**slow["gpu"], "notes": [HOSTILE], "version": HOSTILE}
    lines = [*answer_lines({**slow, "gpu": gpu}), *kernel_lines(gpu)]
    assert sum("[bold red]" in line for line in lines) == 2
    assert all(line.isprintable() for line in lines)
    assert "[bold red]" in text_of({**slow, "gpu": gpu}, 300)


def test_a_long_name_is_short_and_whole_on_demand(slow: Report) -> None:
    short, whole = text_of(slow, 200), text_of(slow, 200, full_names=True)
    assert SHORT in short
    assert LONG not in short
    assert LONG in whole
    rows_of_80 = [line.split("│") for line in text_of(slow, 80, full_names=True).splitlines() if line[:1] == "│"]
    assert LONG.replace(" ", "") in "".join(cells[1].replace(" ", "") for cells in rows_of_80)


def test_only_the_longest_kernels_are_shown_and_how_many_more_there_are(slow: Report) -> None:
    report = copy.deepcopy(slow)
    one = report["kernels"][0]
    report["kernels"] = [{**one, "name": f"kernel_{n}", "short_name": f"kernel_{n}"} for n in range(30)]
    text = text_of(report)
    assert f"kernel_{SHOWN_KERNELS - 1} " in text
    assert f"kernel_{SHOWN_KERNELS} " not in text
    assert f"{31 - SHOWN_KERNELS} more: --full-names, or `kws-trace kernels`" in " ".join(text.split())
    whole = text_of(report, full_names=True)
    assert "kernel_29 " in whole
    assert "more: --full-names" not in whole


def test_the_tables_say_what_their_figures_are(slow: Report) -> None:
    text = text_of(slow)
    assert "Where 20 profiled inferences spent their time (mean; sums to the whole)" in text
    assert "exposed: while the GPU did nothing; in all: with what ran under its work" in text
    assert "Kernels, then copies: an inference (share of their own time)" in text
    assert "GPU work of an inference, by launch" in text
    assert "What removing it would give, by replay" in text
    assert "At most, and -: no change to a program gives more" in " ".join(text.split())
    assert "20 captured inferences" in text


def test_one_graph_says_which_code_it_leaves_where_a_runtime_may_take_more(slow: Report) -> None:
    graph: Gain = {**slow["gains"][0], "name": "one graph", "gain_ns": 200_000.0, "reason": ""}
    more: Gain = {**graph, "name": "one graph, no framework", "gain_ns": 300_000.0}
    assert shown_gains([graph, more])[1] == [GRAPH_NOTE]
    assert shown_gains([graph])[1] == shown_gains([graph, {**more, "gain_ns": 200_000.0}])[1] == []


def test_every_part_is_a_row_of_one_line(tmp_path: Path) -> None:
    windows = usual_windows()
    export = gpu_export(windows[1])
    ranges = rows(ranges_of(windows[1], Clock(rate_ppm=0.0)), slice(3, None))
    at, ids = ranges.stage_start_ns[:, 1] + 5_000, 50_000 + np.arange(20)
    export.calls(at, at + 30_000, "cudaStreamSynchronize_v3020", process=PROCESS, thread=MAIN, correlation_id=ids)
    at, ids = at + 40_000, ids + 1_000
    export.calls(at, at + 3_000, "cudaMalloc_v3020", process=PROCESS, thread=EXECUTOR, correlation_id=ids)
    path = export.write(tmp_path / "x.sqlite")
    report = build_report(take_in(recorded_run(tmp_path / "traces", windows), [path]))
    text = text_of(report)
    for part in ("launch", "copy call", "synchronise: waiting", "synchronise: waking up", "call, other"):
        assert re.search(rf"^│ CUDA {part} +│ +[\d.]+ [nu]s │ ", text, re.MULTILINE), part
    names = {line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")}
    assert {
        "GPU kernel",
        "GPU copy",
        "framework",
        "host code in readback",
        "one CUDA graph",
        "stage session_run",
    } <= names
    assert "" not in names


def test_what_lies_outside_and_what_spills_is_said(slow: Report) -> None:
    gpu = copy.deepcopy(slow["gpu"])
    gpu["spill"] = {
        "stages": {"session_run": {"works": 3, "total_ns": 9_000}},
        "inference": {"works": 2, "total_ns": 5_000},
    }
    gpu["outside"] |= {"works": 1, "without_launch": 2, "total_ns": 4_000, "other_processes": 7}
    lines = kernel_lines(gpu)
    assert "Spill: 3 works outlast session_run, by 9.00 us in all" in lines
    assert "Spill: 2 works outlast their inference, by 5.00 us in all" in lines
    assert "Outside every inference: 1 work launched, 2 without a launch in the capture, 4.00 us" in lines
    assert "Of other processes: 7 works, left out" in lines


def test_one_work_that_spills_is_said_in_the_singular(slow: Report) -> None:
    gpu = copy.deepcopy(slow["gpu"])
    gpu["spill"] = {
        "stages": {"readback": {"works": 1, "total_ns": 9_000}},
        "inference": {"works": 1, "total_ns": 5_000},
    }
    lines = kernel_lines(gpu)
    assert "Spill: 1 work outlasts readback, by 9.00 us in all" in lines
    assert "Spill: 1 work outlasts its inference, by 5.00 us in all" in lines


def test_a_run_without_captures_says_how_one_gets_them(tmp_path: Path) -> None:
    report = build_report(recorded_run(tmp_path, [window(0, 10, 2)]))
    assert answer_lines(report) == [
        "No GPU timeline: `kws-trace run --nsys` records one, `kws-trace ingest` imports one"
    ]
    out = io.StringIO()
    render_kernel_level(report, Console(file=out, width=80))
    assert out.getvalue() == ""


def test_a_capture_without_gpu_work_does_not_tell_framework_from_computing(tmp_path: Path) -> None:
    windows = usual_windows()
    export = NsysExport()
    add_ranges(export, ranges_of(windows[1], Clock()))
    run = recorded_run(tmp_path / "traces", windows, name=info().name)
    report = build_report(take_in(run, [export.write(tmp_path / "x.sqlite")]))
    assert answer_lines(report)[0].startswith("No GPU work in 20 captured inferences of 1")
    text = text_of(report)
    assert "framework and computing" in text
    assert "GPU kernel" not in text
    assert not any(line.startswith("│ framework ") for line in text.splitlines() if "computing" not in line)


def test_a_gpu_that_mostly_waits_is_not_said_to_bound_though_its_kernels_were_queued(tmp_path: Path) -> None:
    """The kernels of this run queue up, then the GPU waits for a memset and a copy: it is busy for a fifth."""
    one = capture_window(0, 0)
    path = gpu_export(one).write(tmp_path / "x.sqlite")
    found = build_report(take_in(recorded_run(tmp_path / "traces", [one]), [path]))["gpu"]
    assert found["queued_share"] == 1
    assert found["busy_ns"]["share"] < 0.25
    assert found["verdict"]["key"] == "host-bound", "it waits while the host hands over from stage to stage"


def test_a_thousand_profiled_inferences_have_a_comma(slow: Report) -> None:
    report = copy.deepcopy(slow)
    report["gpu"]["inferences"] = 1000
    assert "Where 1,000 profiled inferences spent their time" in text_of(report)


def test_what_is_removed_is_named_for_a_reader() -> None:
    def named(name: str) -> str:
        return gain_name({"name": name, "group": "change"})  # type: ignore[typeddict-item]

    assert [named(one) for one in ("all launches", "one graph", "one graph, no framework", "hand-offs")] == [
        *("all launches free", "one CUDA graph", "one graph, no framework", "no hand-offs")
    ]
    assert [named(one) for one in ("hand-offs and one graph", "tiny kernels fused", "all copies", "wake")] == [
        *("one graph, no hand-offs", "tiny kernels fused", "no copies", "CUDA synchronise: waking up")
    ]
    assert named("python readback") == "host code in readback"
