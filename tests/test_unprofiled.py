"""What a run says of its inferences without the profiler: stages of pairs of windows, and which of them may tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.captured import Call, Gpu, captured
from tests.gpu_runs import recorded_run
from tests.recorded import STAGES, window
from tracer.breakdown.calibration import Target
from tracer.breakdown.inflation import StagePair
from tracer.breakdown.replay import Replay
from tracer.breakdown.unprofiled import (
    pair_walls_ns,
    per_stage,
    stage_pairs,
    target_of,
    timed_spans,
    wall_times,
)
from tracer.recording.window import RecordedWindow
from tracer.runs.run_store import StoredRun


def timed(
    number: int,
    steps_ns: Sequence[Sequence[int]],
    warmups: int = 0,
    kind: str = "performance",
    pair: int | None = None,
) -> RecordedWindow:
    """A window of inferences, each with what its three stages take."""
    edges = np.cumsum([[0, *steps] for steps in steps_ns], axis=1) + 1_000_000 * np.arange(len(steps_ns))[:, None]
    edges = edges + 1_000_000_000 * (number + 1)
    one = window(number, len(steps_ns) - warmups, warmups, first=100 * number)
    return replace(one, kind=kind, pair=pair, edges=edges, start_ns=int(edges[0, 0]), end_ns=int(edges[-1, -1]))


def waiting(inferences: int) -> Replay:
    """Two launches and a set in ``session_run`` nobody waits for; ``readback`` waits half of its time."""
    rows, stages, calls, gpu = [], [], [], []
    for at in range(0, 1_000 * inferences, 1_000):
        rows.append((at, at + 1_000))
        stages += zip(STAGES, (at, at + 100, at + 800), (at + 100, at + 800, at + 1_000), strict=True)
        calls += [Call("cudaMalloc", at + 10, at + 20), Call("cudaLaunchKernel", at + 100, at + 120)]
        calls += [Call("cudaLaunchKernel", at + 200, at + 220), Call("cudaMemsetAsync", at + 300, at + 310)]
        calls.append(Call("cudaStreamSynchronize", at + 800, at + 910))
        first = len(calls) - 4
        gpu += [Gpu(at + 110, at + 150, first), Gpu(at + 210, at + 250, first + 1)]
        gpu.append(Gpu(at + 310, at + 900, first + 2, kernel=False))
    return Replay(captured(rows, stages, gpu, calls))


@pytest.mark.parametrize("inferences", [1, 3])
def test_calls_and_works_are_counted_by_stage_and_inference_and_a_stage_that_waits_is_named(inferences: int) -> None:
    calls, works, hidden = per_stage(waiting(inferences))
    assert calls == {"host_to_device": 1, "session_run": 3, "readback": 1}
    assert works == {"host_to_device": 0, "session_run": 3, "readback": 0}
    assert hidden == {"readback"}


def pairs_run(folder: Path) -> StoredRun:
    on, off = {"kind": "capture"}, {"kind": "uncaptured"}
    return recorded_run(
        folder,
        [
            timed(0, [(10_000, 70_000, 20_000)]),
            timed(1, [(90_000, 90_000, 90_000), (12_000, 80_000, 20_000), (14_000, 90_000, 30_000)], 1, **on, pair=0),
            timed(2, [(10_000, 60_000, 20_000), (11_000, 61_000, 22_000)], **off, pair=0),
            timed(3, [(13_000, 85_000, 25_000)], **on, pair=1),
            timed(4, [(10_500, 60_500, 21_000)], **off, pair=1),
            # Of the last two pairs one side was all warm-ups.
            timed(5, [(13_000, 85_000, 25_000)], **on, pair=2),
            timed(6, [(10_500, 60_500, 21_000)], 1, **off, pair=2),
            timed(7, [(13_000, 85_000, 25_000)], 1, **on, pair=3),
            timed(8, [(10_500, 60_500, 21_000)], **off, pair=3),
        ],
    )


def test_a_pair_tells_of_each_stage_that_does_not_wait_what_the_profiler_made_of_it(tmp_path: Path) -> None:
    run = pairs_run(tmp_path)
    assert stage_pairs(run, waiting(2)) == [
        StagePair(0, "host_to_device", 13_000, 10_500, 1, 0),
        StagePair(0, "session_run", 85_000, 60_500, 3, 3),
        StagePair(1, "host_to_device", 13_000, 10_500, 1, 0),
        StagePair(1, "session_run", 85_000, 60_500, 3, 3),
    ]
    assert pair_walls_ns(run) == [(123_000, 92_000), (123_000, 92_000)]


def test_the_target_is_the_mean_of_the_timed_inferences_that_no_profiler_saw(tmp_path: Path) -> None:
    run = recorded_run(
        tmp_path,
        [
            timed(0, [(90_000, 90_000, 90_000), (10_000, 60_000, 20_000), (14_000, 80_000, 22_000)], 1),
            timed(1, [(12_000, 70_000, 24_000)], kind="accuracy"),
            timed(2, [(12_000, 40_000, 18_000), (1_000, 1_000, 1_000)]),
        ],
    )
    # The last inference was profiled, another one was of an accuracy window.
    spans = timed_spans(run, {201})
    assert wall_times(spans).tolist() == [90_000, 116_000, 70_000]
    means = {"host_to_device": 12_000.0, "session_run": 60_000.0, "readback": 20_000.0}
    assert target_of(spans) == Target(92_000.0, means)
    assert target_of(timed_spans(run, {101, 102, 200, 201, *range(100)})) is None
