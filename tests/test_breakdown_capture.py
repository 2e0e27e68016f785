"""The breakdown and the replay of a real capture, cut into slices of time that stand for inferences."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tracer.breakdown.breakdown import break_down
from tracer.breakdown.replay import Replay
from tracer.captures.cuda_calls import call_kinds
from tracer.captures.inference_work import CallRows, GpuRows, InferenceRows, InferenceWork, StageRows

SLICES = 40

CALLS = """
    SELECT s.value, r.globalTid, r.start, r.end, r.correlationId FROM CUPTI_ACTIVITY_KIND_RUNTIME r
    JOIN StringIds s ON s.id = r.nameId WHERE r.globalTid / 0x1000000 = ? ORDER BY r.start
"""
WORKS = " UNION ALL ".join(
    f"SELECT {kernel}, deviceId, streamId, start, end, correlationId FROM CUPTI_ACTIVITY_KIND_{name} "
    "WHERE globalPid / 0x1000000 = :process"
    for kernel, name in ((1, "KERNEL"), (0, "MEMCPY"), (0, "MEMSET"))
)


def sliced(path: Path) -> InferenceWork:
    """The first process of the capture: its time in slices, each one inference whose stage leaves its ends free."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
        (process,) = file.execute("SELECT min(globalTid / 0x1000000) FROM CUPTI_ACTIVITY_KIND_RUNTIME").fetchone()
        calls = file.execute(CALLS, (process,)).fetchall()
        works = file.execute(WORKS, {"process": process}).fetchall()
    row = {call[4]: place for place, call in enumerate(calls)}
    columns = np.array([call[1:4] for call in calls], np.int64).T
    kernel, device, stream, start, end = np.array([work[:5] for work in works], np.int64).T
    cuts = np.linspace(columns[1].min(), max(end.max(), columns[2].max()), SLICES + 1).astype(np.int64)
    return InferenceWork(
        InferenceRows(np.arange(SLICES), np.full(SLICES, columns[0][0]), cuts[:-1], cuts[1:]),
        ("session_run",),
        StageRows(np.zeros(SLICES, np.int64), cuts[:-1] + 500, cuts[1:] - 500),
        GpuRows(kernel == 1, device, stream, start, end, np.array([row.get(work[5], -1) for work in works])),
        CallRows(call_kinds([call[0] for call in calls]), *columns),
    )


@pytest.fixture(scope="module")
def capture(shared_data: Path) -> InferenceWork:
    return sliced(shared_data / "nsys" / "h100_2gpu_1s.sqlite")


def test_the_parts_of_a_real_capture_sum_to_its_time(capture):
    found = break_down(capture)
    assert sum(found.parts().values()).tolist() == found.wall_ns.tolist()
    assert (found.busy_ns + found.gaps.by_cause(SLICES).sum(axis=1)).tolist() == found.wall_ns.tolist()
    assert (found.parts()["kernel"] > 0).any()
    assert (found.parts()["launch"] > 0).any()


def test_no_work_of_a_real_capture_is_dropped(capture):
    outside = break_down(capture).outside
    assert len(capture.gpu) == (capture.gpu_inference >= 0).sum() + len(outside.gpu) + len(outside.unlaunched)


def test_a_real_capture_replays_to_its_measured_time(capture):
    replay = Replay(capture)
    assert replay.walls_ns([None])[0].tolist() == replay.wall_ns.tolist()


def test_the_gains_of_a_real_capture_lie_between_nothing_and_all(capture):
    found = Replay(capture)
    assert {"kernel", "launch", "framework"} <= {one.name for one in found.removals}
    gains = found.gains_ns()
    assert (gains >= 0).all()
    assert (gains <= found.wall_ns).all()
