"""The simulator of programs: what it runs is what its steps say, and its export is read as it was noted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.simulator.changes import as_one_graph, true_gains, without_copies, without_host
from tests.simulator.export import write_export
from tests.simulator.machine import Machine, run
from tests.simulator.program import (
    Copy,
    Graph,
    Host,
    Launch,
    Record,
    Stage,
    StreamWait,
    Sync,
    random_inference,
    varied,
)
from tracer.profiles.open_profile import read_profile_file

PLAIN = Machine(latency_ns=10, copy_latency_ns=20, gap_ns=2, graph_gap_ns=1, wake_ns=3, between_ns=5)


def one(*steps):
    return [(Stage("session_run", tuple(steps)),)]


def test_kernels_of_a_stream_follow_one_another_and_a_sync_returns_after_the_last():
    found = run(one(Host(100), Launch(50, 4), Launch(30, 4), Sync(call_ns=1)), PLAIN)
    assert [(work.start_ns, work.end_ns) for work in found.works] == [(115, 165), (167, 197)]
    assert found.calls[-1].end_ns == 200
    assert found.wall_ns == [195]


def test_a_stream_synchronise_does_not_wait_for_another_stream():
    found = run(one(Launch(500, 4, stream=1), Launch(30, 4, stream=2), Sync(stream=2, call_ns=1)), PLAIN)
    assert found.calls[-1].end_ns == found.works[1].end_ns + PLAIN.wake_ns


def test_a_stream_that_waits_for_an_event_runs_after_what_was_recorded():
    found = run(one(Copy(100, 4, 1), Record(9, 1, 1), StreamWait(9, 2, 1), Launch(10, 4, stream=2)), PLAIN)
    copy, kernel = found.works
    assert kernel.start_ns == copy.end_ns


def test_a_blocking_copy_returns_after_its_copy():
    found = run(one(Copy(100, 4, blocking=True)), PLAIN)
    assert found.calls[0].end_ns == found.works[0].end_ns + PLAIN.wake_ns


def test_a_graph_is_one_call_whose_kernels_follow_at_the_gap_of_a_graph():
    found = run(one(Graph((10, 10, 10), 4), Sync(call_ns=1)), PLAIN)
    assert len(found.calls) == 2
    assert [work.start_ns for work in found.works] == [15, 26, 37]


def test_a_change_gives_what_the_changed_program_takes_less():
    program = one(Host(1000), Launch(10, 4), Host(300), Launch(10, 4), Sync(call_ns=1))
    before = run(program, PLAIN)
    # Of the 1300 of host code 8 come back: the second kernel then waits for the first, not for its launch.
    assert true_gains(before, without_host(program, "session_run"), PLAIN) == [1292]
    # The second kernel no longer waits for the host: it starts a graph's gap after the first.
    assert true_gains(before, as_one_graph(program, 4), PLAIN) == [293]
    assert true_gains(before, without_copies(program), PLAIN) == [0]


def test_the_export_is_read_as_it_was_noted(tmp_path: Path):
    random = np.random.default_rng(4)
    program = [varied(random_inference(random), random, 0.1) for _ in range(3)]
    noted = run(program)
    profile = read_profile_file(write_export(noted, tmp_path / "x.sqlite"))
    assert sorted(profile.gpu_work["start_ns"].to_pylist()) == sorted(work.start_ns for work in noted.works)
    assert len(profile.api_calls) == len(noted.calls)
    assert len(profile.nvtx_ranges) == len(noted.inferences) + len(noted.stages)


def test_the_same_seed_gives_the_same_program():
    made = [random_inference(np.random.default_rng(11)) for _ in range(2)]
    assert made[0] == made[1]
