"""The inferences of a run as arrays: in the order of their starts, each with its stages, of the windows asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.gpu_runs import recorded_run
from tests.recorded import STAGES, window
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences, timed_inferences

SECOND = 1_000_000_000
STEPS = [1_000, 40_000, 2_000]


def told(found: TimedInferences) -> dict[str, Any]:
    columns = {name: getattr(found, name) for name in ("number", "window", "warmup", "start_ns", "duration_ns")}
    assert [one.dtype for one in columns.values()] == [np.int64, np.int64, np.bool_, np.int64, np.int64]
    return {name: one.tolist() for name, one in columns.items()} | {"stages": found.stages}


@pytest.fixture
def run(tmp_path: Path) -> StoredRun:
    """Two windows of performance, the later numbers first, and one of the accuracy pass far behind."""
    return recorded_run(
        tmp_path, [window(0, 2, 1, first=108), window(1, 2, 1, first=100), window(2, 1, 0, first=9_000)]
    )


def test_inferences_are_those_of_the_performance_windows_in_the_order_of_their_starts(run: StoredRun) -> None:
    found = timed_inferences(run)
    assert told(found) == {
        "number": [109, 110, 101, 102],
        "window": [0, 0, 1, 1],
        "warmup": [False] * 4,
        "start_ns": [SECOND, SECOND + 43_000, 2 * SECOND, 2 * SECOND + 43_000],
        "duration_ns": [STEPS] * 4,
        "stages": STAGES,
    }
    assert len(found) == 4
    assert found.wall_ns.tolist() == [43_000] * 4
    assert [found.of_stage(name).tolist() for name in (*STAGES, "inference")] == [
        [nanoseconds] * 4 for nanoseconds in (*STEPS, 43_000)
    ]
    last = {"number": [102, 109], "window": [1, 0], "warmup": [False] * 2, "start_ns": [2 * SECOND + 43_000, SECOND]}
    assert told(found.only(np.array([3, 0]))) == {**last, "duration_ns": [STEPS] * 2, "stages": STAGES}
    marked = found.only(found.window == 1)
    assert told(marked)["number"] == [101, 102]


def test_warm_ups_and_other_windows_are_there_where_they_are_asked_for(run: StoredRun) -> None:
    warm = timed_inferences(run, warmups=True)
    assert (warm.number.tolist(), warm.warmup.tolist()) == ([108, 109, 110, 100, 101, 102], [True, False, False] * 2)
    assert warm.start_ns[0] == SECOND - 43_000
    first, _, last = run.each_window
    # Numbers that lie far apart, and the windows in any order.
    apart = timed_inferences(run, warmups=True, windows=[last, first])
    assert told(apart) == {
        "number": [108, 109, 110, 9_000],
        "window": [0, 0, 0, 2],
        "warmup": [True, False, False, False],
        "start_ns": [SECOND - 43_000, SECOND, SECOND + 43_000, 3 * SECOND],
        "duration_ns": [STEPS] * 4,
        "stages": STAGES,
    }


def test_a_stage_that_an_inference_lacks_takes_nothing_and_a_fused_one_is_the_whole(tmp_path: Path) -> None:
    split = window(0, 1, 1, first=5)
    fused = replace(window(1, 1, 1, first=7), stages=("inference",), edges=np.array([[50, 60], [60, 75]]))
    run = recorded_run(tmp_path, [split, fused])
    found = timed_inferences(run, windows=run.each_window)
    assert told(found) == {
        "number": [8, 6],
        "window": [1, 0],
        "warmup": [False] * 2,
        "start_ns": [60, SECOND],
        "duration_ns": [[15, 0, 0, 0], [0, *STEPS]],
        "stages": ("inference", *STAGES),
    }
    assert found.wall_ns.tolist() == [15, 43_000]


def test_of_no_window_there_is_no_inference(run: StoredRun) -> None:
    found = timed_inferences(run, windows=[])
    assert {name: len(one) for name, one in told(found).items()} == dict.fromkeys(told(found), 0)
    assert (found.duration_ns.shape, found.wall_ns.tolist()) == ((0, 0), [])
