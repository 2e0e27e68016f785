"""Runs with captures whose figures are known: recorded windows, and what a profiler gave of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.nsys_export import NsysExport
from tests.recorded import STAGES, info, window
from tracer.captures.inference_ranges import InferenceRanges
from tracer.recording.window import RecordedWindow
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.run_writer import RunWriter
from tracer.stages import INFERENCE

PROCESS, MAIN, EXECUTOR = 700, 700, 701
GAP_NS = 5_000
"""Between inferences, where the ranges are pushed and popped."""

STEPS_NS = (10_000, 80_000, 10_000)
WALL_NS = sum(STEPS_NS)
PUSH_NS = 300
"""From a range's push to the reading after it, and from a reading to the pop after it, at the least."""


@dataclass(frozen=True)
class Clock:
    """The profiler's clock as ``offset_ns + (1 + rate) * t`` of the run's."""

    offset_ns: int = -900_000_000
    rate_ppm: float = 12.0

    def of(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rounded, as a profiler stores it."""
        return np.round(times + self.offset_ns + self.rate_ppm * 1e-6 * times).astype(np.int64)


def capture_window(
    number: int, first: int, inferences: int = 20, warmups: int = 3, *, seed: int = 0, fused: bool = False
) -> RecordedWindow:
    """
    Captured inferences of about 100 us at second ``number + 1``.

    Stages vary by up to a tenth, by ``seed``: so the readings of one run do not fit another's ranges.
    """
    random = np.random.default_rng([seed, number])
    count = inferences + warmups
    steps = np.array(STEPS_NS) + random.integers(0, WALL_NS // 10, (count, 3))
    edges = np.hstack([np.zeros((count, 1), np.int64), np.cumsum(steps, axis=1)])
    begins = 1_000_000_000 * (number + 1) + np.r_[0, np.cumsum(edges[:-1, -1] + GAP_NS)]
    edges = edges + begins[:, None]
    return replace(
        window(number, inferences, warmups, first=first),
        kind="capture",
        lap_start_us=None,
        lap_end_us=None,
        start_ns=int(edges[warmups, 0]) if count > warmups else int(begins[0]),
        end_ns=int(edges[-1, -1]),
        stages=(INFERENCE,) if fused else STAGES,
        edges=edges[:, [0, -1]] if fused else edges,
    )


def recorded_run(traces: Path, windows: Sequence[RecordedWindow], name: str = "run", **facts: Any) -> StoredRun:
    """A complete run of these windows."""
    fused = windows[-1].stages == (INFERENCE,)
    about = {"stages": [INFERENCE], "stages_mode": "fused"} if fused else {}
    recorder = RunWriter.create(traces, name, replace(info(name), **about, **facts), lambda _: None)
    for one in windows:
        recorder.append(one)
    recorder.close()
    return stored_run(name, traces)


def usual_windows(captures: int = 1, seed: int = 0) -> list[RecordedWindow]:
    """
    Performance windows of 10 inferences and 2 warm-ups, each followed by a capture of 20 and 3.

    A timed inference takes 43 us and a captured one over 100: the profiler of these runs costs a lot.
    """
    windows = []
    for number in range(captures):
        first = number * 35
        windows.append(window(2 * number, 10, 2, first=first))
        windows.append(capture_window(2 * number + 1, first + 12, seed=seed))
    return windows


def captured_windows(run_windows: Sequence[RecordedWindow]) -> list[RecordedWindow]:
    """Those of them that a profiler collected."""
    return [one for one in run_windows if one.kind == "capture"]


def ranges_of(one: RecordedWindow, clock: Clock, widths: tuple[int, int] = (PUSH_NS, PUSH_NS)) -> InferenceRanges:
    """
    The ranges of a window as a profiler reads them back.

    Args:
        one: the window.
        clock: of the profiler.
        widths: how long before and after its range a reading of the run was taken.
    """
    before, after = widths
    edges = one.edges
    numbers = one.first_inference + np.arange(len(edges), dtype=np.int64)
    whole = clock.of(edges[:, 0] - before), clock.of(edges[:, -1] + after)
    fused = one.stages == (INFERENCE,)
    starts, ends = clock.of(edges[:, :-1] + before), clock.of(edges[:, 1:] - after)
    none = np.empty((len(edges), 0), np.int64)
    return InferenceRanges(
        process=PROCESS,
        numbers=numbers,
        thread=np.full(len(edges), MAIN),
        start_ns=whole[0],
        end_ns=whole[1],
        stages=() if fused else one.stages,
        stage_start_ns=none if fused else starts,
        stage_end_ns=none if fused else ends,
    )


def export_of(one: RecordedWindow, clock: Clock | None = None, **options: Any) -> NsysExport:
    """An export of nsys with the ranges of a window and nothing of a GPU."""
    export = NsysExport(**options)
    add_ranges(export, ranges_of(one, clock or Clock()))
    return export


def add_ranges(export: NsysExport, ranges: InferenceRanges, *, process: int = PROCESS) -> None:
    """Put ranges into an export."""
    own = {"process": process, "thread": process}
    export.ranges(ranges.start_ns, ranges.end_ns, INFERENCE, payload=ranges.numbers, **own)
    for place, stage in enumerate(ranges.stages):
        export.ranges(ranges.stage_start_ns[:, place], ranges.stage_end_ns[:, place], stage, **own)


@dataclass(frozen=True)
class Piece:
    """
    One GPU work of an inference: launched ``at_ns`` into its stage, run ``delay_ns`` later.

    ``call_ns`` is the length of the launching call; ``kind`` is a kernel, a memset or the direction of a copy.
    """

    stage: str
    kind: str
    name: str
    at_ns: int
    delay_ns: int
    length_ns: int
    call_ns: int = 400


WORK = (
    Piece("host_to_device", "to the device", "cudaMemcpyAsync_v3020", 500, 2_000, 1_000),
    Piece("session_run", "kernel", "conv", 1_000, 4_000, 10_000),
    Piece("session_run", "kernel", "conv", 2_000, 13_000, 7_000),
    Piece("session_run", "kernel", "softmax", 3_000, 27_000, 3_000),
    Piece("session_run", "memset", "cudaMemsetAsync_v3020", 39_000, 1_000, 500),
    Piece("readback", "from the device", "cudaMemcpyAsync_v3020", 500, 1_000, 2_000),
)
"""Of each inference: 20 us of kernels, of which two follow each other at once, and 3.5 us of copies."""

KERNEL_NS = sum(piece.length_ns for piece in WORK if piece.kind == "kernel")
COPY_NS = sum(piece.length_ns for piece in WORK if piece.kind != "kernel")


def add_work(
    export: NsysExport, ranges: InferenceRanges, work: Sequence[Piece] = WORK, *, ids: int = 1, suffix: str = ""
) -> NDArray[np.int64]:
    """
    Put GPU work into an export, launched from a second thread.

    Args:
        export: with the ranges, or of the capture that they were read from.
        ranges: of the inferences.
        work: of each of them; a launch lies in the first half of its stage.
        ids: the first correlation id.
        suffix: to the names of kernels.

    Returns:
        int64, shape (works, 2): start and end of each kernel, for who counts.
    """
    kernels = [np.empty((0, 2), np.int64)]
    process = ranges.process
    for piece in work:
        place = ranges.stages.index(piece.stage)
        starts, ends = ranges.stage_start_ns[:, place], ranges.stage_end_ns[:, place]
        at = starts + np.minimum(piece.at_ns, (ends - starts) // 2)
        numbers = ids + np.arange(len(at))
        ids += len(at)
        call = "cudaLaunchKernel_v7000" if piece.kind == "kernel" else piece.name
        export.calls(at, at + piece.call_ns, call, process=process, thread=EXECUTOR, correlation_id=numbers)
        begin, end = at + piece.delay_ns, at + piece.delay_ns + piece.length_ns
        own = {"process": process, "correlation_id": numbers}
        if piece.kind == "kernel":
            export.kernels(begin, end, piece.name + suffix, **own)
            kernels.append(np.stack([begin, end], axis=1))
        elif piece.kind == "memset":
            export.memsets(begin, end, 64, **own)
        else:
            export.memcpys(begin, end, 1 if piece.kind == "to the device" else 2, 490, **own)
    return np.concatenate(kernels)


def rows(ranges: InferenceRanges, picked: slice) -> InferenceRanges:
    """Some of the inferences."""
    columns = ("numbers", "thread", "start_ns", "end_ns", "stage_start_ns", "stage_end_ns")
    return replace(ranges, **{name: getattr(ranges, name)[picked] for name in columns})


def gpu_export(one: RecordedWindow, clock: Clock | None = None, **options: Any) -> NsysExport:
    """An export with a window's ranges and its work; kernels of its warm-ups have ``, warming up`` in their names."""
    export = NsysExport(**options)
    ranges = ranges_of(one, clock or Clock(rate_ppm=0.0))
    add_ranges(export, ranges)
    add_work(export, rows(ranges, slice(one.warmups)), suffix=", warming up")
    add_work(export, rows(ranges, slice(one.warmups, None)), ids=10_001)
    return export


def works(report: dict[str, Any], key: str) -> dict[str, tuple[int, int]]:
    return {one["name"]: (one["count"], one["total_ns"]) for one in report[key]}


def stages(report: dict[str, Any]) -> dict[str | None, tuple[float, float]]:
    found = report["kernels_by_stage"]
    return {one["stage"]: (one["works_per_inference"], one["ns_per_inference"]) for one in found}
