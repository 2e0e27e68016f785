"""What is taken out together: hand-offs between threads, tiny kernels, a graph with what lies around it."""

from __future__ import annotations

from tests.captured import EXECUTOR, Call, Gpu, captured, least_delays
from tracer.breakdown.replay import Replay
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
