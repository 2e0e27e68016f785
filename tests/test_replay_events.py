"""Streams that wait for one another by events: what follows what, and what a removal then gives, found by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.captured import EXECUTOR, Call, Gpu, captured
from tracer.breakdown.delays import Delay, Delays
from tracer.breakdown.launch_order import launch_order
from tracer.breakdown.replay import Replay
from tracer.captures.inference_work import EVENT_RECORD, STREAM_WAIT, SYNC_STREAM, InferenceWork, SyncRows

SYNC_ROWS = list[tuple[int, int, int, int]]
"""Call, kind, stream and event."""


def with_events(end: int, gpu: Sequence[Gpu], calls: Sequence[Call], syncs: SYNC_ROWS) -> InferenceWork:
    work = captured([(0, end)], [("session_run", 0, end)], gpu, calls)
    return replace(work, syncs=SyncRows(*np.array(syncs, np.int64).reshape(-1, 4).T))


def gains_of(work: InferenceWork, event: int) -> dict[str, int]:
    """With a latency of 5, a gap of 1, and synchronisations that cost nothing where they need not wait."""
    delays = Delays(*(Delay(one, one, one) for one in (5, 5, 1, 1, event, 0, 0, 0)))
    replay = Replay(work, delays)
    assert replay.walls_ns([None])[0].tolist() == replay.wall_ns.tolist()
    return {one.name: int(gain[0]) for one, gain in zip(replay.removals, replay.gains_ns(), strict=True)}


def two_streams() -> InferenceWork:
    """A kernel on stream 7; stream 8 waits for it, 2 behind its end; the host waits for stream 8."""
    calls = [
        Call("cudaLaunchKernel", 0, 4),
        Call("cudaEventRecord", 4, 6),
        Call("cudaStreamWaitEvent", 6, 8),
        Call("cudaLaunchKernel", 8, 12),
        Call("cudaStreamSynchronize", 12, 84),
    ]
    syncs = [(1, EVENT_RECORD, 7, 3), (2, STREAM_WAIT, 8, 3), (4, SYNC_STREAM, 8, -1)]
    return with_events(100, [Gpu(5, 50, 0), Gpu(52, 80, 3, stream=8)], calls, syncs)


def test_the_first_work_after_a_wait_follows_the_last_one_before_the_record() -> None:
    calls = [Call(name, 10 * at, 10 * at + 5) for at, name in enumerate(["cudaLaunchKernel"] * 2 + ["cudaX"] * 3)]
    calls += [Call("cudaLaunchKernel", 50, 55), Call("cudaGraphLaunch", 60, 65)]
    gpu = [Gpu(90, 95, 6, stream=8), Gpu(70, 80, 5, stream=8), Gpu(15, 30, 0), Gpu(31, 40, 1)]
    gpu += [Gpu(96, 97, 6, stream=8), Gpu(98, 99)]
    # The last wait names an event that stream 9, which has no work, recorded.
    syncs = [(2, EVENT_RECORD, 7, 3), (3, STREAM_WAIT, 8, 3), (3, EVENT_RECORD, 9, 4), (4, STREAM_WAIT, 8, 4)]
    found = launch_order(with_events(100, gpu, calls, syncs))
    assert found.before.tolist() == [1, -1, -1, 2, 0, 3]
    assert found.in_graph.tolist() == [False, False, False, False, True, False]
    assert found.awaited.tolist() == [[1], [3]]
    assert found.waits.tolist() == [[30], [8], [3]]
    assert found.told


def test_a_work_that_waited_for_another_stream_moves_with_it() -> None:
    assert gains_of(two_streams(), event=2) == {
        # The second is ready 5 after its launch at 8; the host waits until 13, wakes up for 4 and runs 16.
        "kernel": 100 - (13 + 4 + 16),
        "launch": 0,
        "wake": 4,
        "order": 0,
        "framework": 16,
        "session_run": 100,
        # Of the launches a graph leaves the first and 5 of latency: 45 and, a gap behind, 28 of kernels; 4 and 16.
        "one graph": 0,
        "one graph, no framework": 16,
        "tiny kernels fused": 0,
        # Both latencies go: 45 of the one kernel, 2 to the other of 28, 4 and 16.
        "all launches": 5,
    }


def test_a_wait_that_ended_with_the_launch_s_latency_decides_by_what_waiting_takes() -> None:
    calls = [
        Call("cudaLaunchKernel", 0, 4),
        Call("cudaEventRecord", 4, 6),
        Call("cudaStreamWaitEvent", 6, 8),
        Call("cudaLaunchKernel", 40, 44),
        Call("cudaStreamSynchronize", 44, 70),
    ]
    syncs = [(1, EVENT_RECORD, 7, 3), (2, STREAM_WAIT, 8, 3), (4, SYNC_STREAM, 8, -1)]
    work = with_events(80, [Gpu(5, 40, 0), Gpu(50, 70, 3, stream=8)], calls, syncs)
    # Ready at 45, 10 behind the other's end at 50: without kernels it is ready at 45, and 10 of host code follow.
    assert gains_of(work, event=10)["kernel"] == 80 - (45 + 10)


def test_a_synchronisation_does_not_wait_for_what_its_stream_is_told_to_wait_for_as_it_begins() -> None:
    calls = [
        Call("cudaLaunchKernel", 0, 4),
        Call("cudaEventRecord", 4, 6),
        Call("cudaStreamWaitEvent", 14, 15, EXECUTOR),
        Call("cudaStreamSynchronize", 14, 60),
        Call("cudaLaunchKernel", 60, 62),
        Call("cudaStreamSynchronize", 62, 70),
    ]
    syncs = [(1, EVENT_RECORD, 7, 3), (2, STREAM_WAIT, 8, 3), (3, SYNC_STREAM, 8, -1), (5, SYNC_STREAM, 9, -1)]
    work = with_events(80, [Gpu(5, 50, 0), Gpu(65, 68, 4, stream=9)], calls, syncs)
    # Nobody waits for the first kernel: the 8 before the call go, and the 10 after all.
    assert gains_of(work, event=2)["framework"] == 8 + 10
