"""What is taken out together: hand-offs between threads, tiny kernels, a graph with what lies around it."""

from __future__ import annotations

import numpy as np

from tests.captured import EXECUTOR, Call, Gpu, captured, least_delays
from tracer.breakdown.owners import OWNERS
from tracer.breakdown.replay import Replay
from tracer.breakdown.replay_path import HostPath
from tracer.captures.inference_work import InferenceWork


def gains_of(work: InferenceWork) -> dict[str, int]:
    found = Replay(work, least_delays(work))
    return {one.name: int(gain[0]) for one, gain in zip(found.removals, found.gains_ns(), strict=True)}


def launches(*threads: int, length: int = 2_000) -> InferenceWork:
    """A launch of 10 us each 30 us, by each of the threads, whose kernels start with its end; then a synchronise."""
    calls = [
        Call("cudaLaunchKernel", at, at + 10_000, one)
        for at, one in zip(range(20_000, 10**6, 30_000), threads, strict=False)
    ]
    gpu = [Gpu(call.end, call.end + length, row) for row, call in enumerate(calls)]
    last = calls[-1].end
    calls.append(Call("cudaStreamSynchronize", last, last + length + 5_000, threads[-1]))
    end = last + length + 25_000
    return captured([(0, end)], [("session_run", 0, end)], gpu, calls)


def test_host_code_between_two_threads_is_a_hand_off_and_that_of_one_is_not():
    # From the inference's thread to the executor, 20 us, and back, 20 us; between its launches nobody hands over.
    assert gains_of(launches(EXECUTOR, EXECUTOR))["hand-offs"] == 40_000
    assert "hand-offs" not in gains_of(launches(1, 1))
    assert gains_of(launches(1, EXECUTOR, 1))["hand-offs"] == 40_000


def test_hand_offs_and_one_graph_give_more_than_either():
    found = gains_of(launches(EXECUTOR, EXECUTOR, EXECUTOR))
    assert found["hand-offs and one graph"] > max(found["hand-offs"], found["one graph"])


def test_tiny_kernels_take_their_launches_along_and_long_ones_keep_theirs():
    # Two launches with the 20 us before each, less the kernels that still follow one another.
    assert gains_of(launches(1, 1, 1))["tiny kernels fused"] == 2 * 30_000 - 2 * 2_000
    assert "tiny kernels fused" not in gains_of(launches(1, 1, 1, length=6_000))


def test_a_launch_alone_is_no_graph_and_two_are_one():
    assert "one graph" not in gains_of(launches(1))
    # The second launch and the 20 us before it go; its kernel follows the first one's.
    assert gains_of(launches(1, 1))["one graph"] == 30_000 - 2_000


Spans = list[tuple[int, int]]


def spans(path: HostPath, chosen: np.ndarray) -> Spans:
    """The chosen pieces in microseconds, those that touch as one."""
    found, line = list[tuple[int, int]](), path.pieces.timeline
    for row in np.flatnonzero(chosen).tolist():
        start, end = (int(edge[row]) // 1_000 for edge in (line.start_ns, line.end_ns))
        found = [*found[:-1], (found[-1][0], end)] if found and found[-1][1] == start else [*found, (start, end)]
    return found


def taken_out(work: InferenceWork) -> dict[str, dict[str, object]]:
    """Of each removal its group and what it names of the path, of GPU works and of barriers, where it names some."""
    replay = Replay(work)
    at = replay.path.barriers.at_ns // 1_000
    found = {}
    for one in replay.removals:
        paths = {"path": spans(replay.path, one.path), "graph_calls": spans(replay.path, one.graph_calls)}
        works = {name: np.flatnonzero(getattr(one, name)).tolist() for name in ("works", "launches", "in_graph")}
        every = {**paths, **works, "barriers": at[one.barriers].tolist()}
        found[one.name] = {"group": one.group, **{name: value for name, value in every.items() if value}}
    return found


def three_stages() -> InferenceWork:
    """A copy that is waited for; a launch between stages, two in one, the second by another thread; a copy back."""
    calls = [
        Call("cudaMemcpy", 5, 30),
        Call("cudaLaunchKernel", 41, 43),
        Call("cudaLaunchKernel", 52, 60),
        Call("cudaEventRecord", 64, 66),
        Call("cudaLaunchKernel", 80, 90, EXECUTOR),
        Call("cudaStreamSynchronize", 92, 120),
        Call("cudaMemcpyAsync", 162, 166),
        Call("cudaStreamSynchronize", 168, 190),
    ]
    gpu = [
        Gpu(10, 22, 0, kernel=False),
        Gpu(43, 50, 1),
        Gpu(60, 70, 2),
        Gpu(95, 97, 4),
        Gpu(170, 176, 6, kernel=False),
    ]
    stages = [("host_to_device", 0, 40), ("session_run", 45, 160), ("readback", 160, 200)]
    return captured(
        [(0, 200_000)],
        [(name, start * 1_000, end * 1_000) for name, start, end in stages],
        [Gpu(one.start * 1_000, one.end * 1_000, one.call, one.kernel) for one in gpu],
        [Call(one.name, one.start * 1_000, one.end * 1_000, one.thread) for one in calls],
    )


def test_the_path_is_at_each_moment_of_the_first_that_may_have_it_as_if_there_were_no_gpu() -> None:
    path = Replay(three_stages()).path
    found = {name: spans(path, path.owner == place) for place, name in enumerate(OWNERS)}
    assert {name: times for name, times in found.items() if times} == {
        "copy_call": [(5, 30), (162, 166)],
        "launch": [(41, 43), (52, 60), (80, 90)],
        "order": [(64, 66)],
        "wait": [(92, 97), (168, 176)],
        "wake": [(97, 120), (176, 190)],
        "host": [(0, 5), (30, 40), (45, 52), (60, 64), (66, 80), (90, 92), (120, 162), (166, 168), (190, 200)],
        "tracer": [(40, 41), (43, 45)],
    }


def test_each_removal_takes_out_what_its_name_says_and_no_time_in_which_the_host_waits() -> None:
    launches: Spans = [(41, 43), (52, 60), (80, 90)]
    graph = {"launches": [3], "in_graph": [3]}
    kinds: dict[str, dict[str, object]] = {
        "kernel": {"works": [1, 2, 3]},
        "copy": {"works": [0, 4]},
        "launch": {"path": launches},
        # The copy's call waits until 22, the synchronisations until 97 and 176.
        "copy_call": {"path": [(22, 30), (162, 166)]},
        "wake": {"path": [(97, 120), (176, 190)]},
        "order": {"path": [(64, 66)]},
        "python host_to_device": {"path": [(0, 5), (30, 40)]},
        "framework": {"path": [(45, 52), (60, 64), (66, 80), (90, 92), (120, 160)]},
        "python readback": {"path": [(160, 162), (166, 168), (190, 200)]},
        "tracer": {"path": [(40, 41), (43, 45)]},
    }
    stages: dict[str, dict[str, object]] = {
        "host_to_device": {"path": [(0, 5), (22, 40)], "works": [0], "launches": [0], "barriers": [22]},
        "session_run": {"path": [(45, 92), (97, 160)], "works": [2, 3], "launches": [2, 3], "barriers": [97]},
        "readback": {"path": [(160, 168), (176, 200)], "works": [4], "launches": [4], "barriers": [176]},
    }
    first: Spans = [(52, 60)]
    bounds: dict[str, dict[str, object]] = {
        "one graph, no framework": {"path": [(45, 92), (120, 160)], "graph_calls": first, **graph},
        "hand-offs": {"path": [(66, 80), (90, 92)]},
        "hand-offs and one graph": {"path": [(52, 92)], "graph_calls": first, **graph},
        "tiny kernels fused": {"path": [(60, 90)], **graph},
        "all launches": {"path": launches, "launches": [1, 2, 3]},
        # What the first call takes after its copy's end it would take for the stream.
        "all copies": {"path": [(162, 166)], "works": [0, 4], "launches": [0, 4]},
    }
    assert taken_out(three_stages()) == {
        **{name: {"group": "kind", **one} for name, one in kinds.items()},
        **{name: {"group": "stage", **one} for name, one in stages.items()},
        "one graph": {"group": "change", "path": [(52, 90)], "graph_calls": first, **graph},
        **{name: {"group": "bound", **one} for name, one in bounds.items()},
    }


def test_the_first_launch_of_each_stage_and_of_the_time_between_stages_stays_with_its_inference() -> None:
    calls, gpu, begins = [], [], (0, 100_000)
    for begin in begins:
        for at in (begin + 10_000, begin + 20_000, begin + 60_000, begin + 70_000):
            gpu.append(Gpu(at + 6_000, at + 8_000, len(calls)))
            calls.append(Call("cudaLaunchKernel", at, at + 5_000))
    # Two launches in the stage and two behind it.
    stages = [("session_run", at, at + 50_000) for at in begins]
    graph = taken_out(captured([(at, at + 100_000) for at in begins], stages, gpu, calls))["one graph"]
    assert graph["launches"] == graph["in_graph"] == [1, 3, 5, 7]
    assert graph["graph_calls"] == [(at, at + 5) for at in (10, 60, 110, 160)]
    assert graph["path"] == [(at, at + 15) for at in (10, 60, 110, 160)]
