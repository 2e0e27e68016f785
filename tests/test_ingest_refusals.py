"""A profile that is not whole, or not of the run: refused with what is wrong, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.gpu_runs import (
    MAIN,
    PROCESS,
    Clock,
    add_ranges,
    ranges_of,
    recorded_run,
    usual_windows,
)
from tests.ingested import refused
from tests.nsys_export import NsysExport
from tracer.captures.inference_ranges import InferenceRanges
from tracer.errors import CaptureError, ProfileError
from tracer.runs.run_store import StoredRun


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    return recorded_run(tmp_path / "traces", usual_windows(captures=2))


def without(ranges: InferenceRanges, rows: slice | list[int]) -> InferenceRanges:
    columns = ("numbers", "thread", "start_ns", "end_ns", "stage_start_ns", "stage_end_ns")
    return replace(ranges, **{name: np.delete(getattr(ranges, name), rows, axis=0) for name in columns})


def first_missing(export: NsysExport, ranges: InferenceRanges) -> None:
    add_ranges(export, without(ranges, [0]))


def two_missing(export: NsysExport, ranges: InferenceRanges) -> None:
    add_ranges(export, without(ranges, [5, 6]))


def last_missing(export: NsysExport, ranges: InferenceRanges) -> None:
    add_ranges(export, without(ranges, [22]))


def open_range(export: NsysExport, ranges: InferenceRanges) -> None:
    add_ranges(export, ranges)
    own = {"process": PROCESS, "thread": MAIN}
    export.ranges(ranges.end_ns[-1:] + 1_000, None, "inference", payload=[35], **own)


def stage_missing(export: NsysExport, ranges: InferenceRanges) -> None:
    add_ranges(
        export,
        replace(
            ranges,
            stages=ranges.stages[:2],
            stage_start_ns=ranges.stage_start_ns[:, :2],
            stage_end_ns=ranges.stage_end_ns[:, :2],
        ),
    )


def stage_of_others(export: NsysExport, ranges: InferenceRanges) -> None:
    add_ranges(export, replace(ranges, stages=("dequantize", *ranges.stages[1:])))


def stage_missing_once(export: NsysExport, ranges: InferenceRanges) -> None:
    own = {"process": PROCESS, "thread": MAIN}
    export.ranges(ranges.start_ns, ranges.end_ns, "inference", payload=ranges.numbers, **own)
    for place, stage in enumerate(ranges.stages):
        kept = slice(1 if stage == "readback" else 0, None)
        export.ranges(ranges.stage_start_ns[kept, place], ranges.stage_end_ns[kept, place], stage, **own)


def without_numbers(export: NsysExport, ranges: InferenceRanges) -> None:
    export.ranges(ranges.start_ns, ranges.end_ns, "inference", process=PROCESS, thread=MAIN)


def number_twice(export: NsysExport, ranges: InferenceRanges) -> None:
    numbers = ranges.numbers.copy()
    numbers[4] = numbers[3]
    add_ranges(export, replace(ranges, numbers=numbers))


def of_another_run(export: NsysExport, ranges: InferenceRanges) -> None:
    add_ranges(export, replace(ranges, numbers=ranges.numbers + 5_000))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (first_missing, "22 inferences captured, 23 expected"),
        (two_missing, "21 inferences captured, 23 expected; missing: inference 17 to 18"),
        (last_missing, "22 inferences captured, 23 expected"),
        (open_range, "1 range without an end: the capture ended within an inference"),
        (stage_missing, "no range of stage readback"),
        (stage_of_others, "no range of stage host_to_device; a range dequantize that is no stage of the run"),
        (stage_missing_once, "1 inference without stage readback, first inference 12"),
        (without_numbers, "23 `inference` ranges without a number"),
        (number_twice, "1 inference number repeated"),
        (of_another_run, "it recorded no host_to_device of inference 5012; name the run that was captured"),
    ],
)
def test_a_capture_that_is_not_whole_is_refused_with_what_is_wrong(
    tmp_path: Path, spoil: Callable[[NsysExport, InferenceRanges], None], said: str
) -> None:
    windows = usual_windows()
    run = recorded_run(tmp_path / "traces", windows)
    export = NsysExport()
    spoil(export, ranges_of(windows[1], Clock()))
    path = export.write(tmp_path / "x.sqlite")
    message = refused(run, [path], CaptureError)
    assert said in message


def empty(export: NsysExport) -> None:
    export.calls([5], [6], "cudaMalloc_v3020", process=PROCESS, thread=MAIN, correlation_id=[1])


def other_domain(export: NsysExport) -> None:
    export.ranges([5], [6], "inference", process=PROCESS, thread=MAIN, domain="NCCL")


def opening_alone(export: NsysExport) -> None:
    export.ranges([5], [6], "open", process=PROCESS, thread=MAIN)


@pytest.mark.parametrize(
    ("fill", "capture", "cause", "remedy"),
    [
        (empty, ("Cuda",), "NVTX was not traced", "capture with --trace=cuda,nvtx"),
        (empty, ("Cuda", "NvtxEvents"), "no NVTX range of the domain kws-trace arrived", "without --no-nvtx"),
        (
            other_domain,
            ("Cuda", "NvtxEvents"),
            "it holds 1 NVTX range of another program and none of the domain kws-trace",
            "kernels",
        ),
        (opening_alone, ("Cuda", "NvtxEvents"), "domain kws-trace has no `inference` in it", "sends `infer`"),
    ],
)
def test_a_capture_without_our_ranges_is_refused_with_its_cause_and_remedy(
    tmp_path: Path,
    run: StoredRun,
    fill: Callable[[NsysExport], None],
    capture: tuple[str, ...],
    cause: str,
    remedy: str,
) -> None:
    export = NsysExport(capture=capture)
    fill(export)
    path = export.write(tmp_path / "x.sqlite")
    said = refused(run, [path], CaptureError)
    assert said.startswith(f"{path}: {cause}; ")
    assert remedy in said


def test_overlapping_inferences_and_those_of_two_processes_are_refused(tmp_path: Path, run: StoredRun) -> None:
    ranges = ranges_of(usual_windows()[1], Clock())
    export = NsysExport()
    add_ranges(export, replace(ranges, end_ns=ranges.end_ns + 20_000))
    assert "overlap" in refused(run, [export.write(tmp_path / "a.sqlite")], ProfileError)
    export = NsysExport()
    add_ranges(export, ranges)
    add_ranges(export, ranges, process=PROCESS + 1)
    assert "700, 701" in refused(run, [export.write(tmp_path / "b.sqlite")], ProfileError)


def test_a_summary_cannot_be_taken_in(shared_data: Path, run: StoredRun) -> None:
    text = next(path for path in sorted((shared_data / "nvprof").iterdir()) if path.suffix in (".txt", ".log"))
    assert "a summary has totals and no timeline" in refused(run, [text], ProfileError)
