"""Replays: exact with nothing removed, and right where the answer is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from tests.captured import EXECUTOR, POLLER, Call, Gpu, captured, captures, least_delays
from tracer.breakdown.replay import Replay
from tracer.captures.inference_work import InferenceWork


def gains_of(work: InferenceWork, inference: int = 0, group: str | None = None) -> dict[str, int]:
    found = Replay(work, least_delays(work))
    return {
        one.name: int(gain[inference])
        for one, gain in zip(found.removals, found.gains_ns(), strict=True)
        if group is None or one.group == group
    }


def unchanged(work: InferenceWork) -> list[int]:
    return Replay(work).walls_ns([None])[0].tolist()


def session(length: int) -> dict[str, list]:
    return {"inferences": [(0, length)], "stages": [("session_run", 0, length)]}


@settings(max_examples=60, deadline=None)
@given(captures())
def test_with_nothing_removed_a_replay_gives_the_measured_time_to_the_nanosecond(rows):
    assert unchanged(captured(**rows)) == [end - start for start, end in rows["inferences"]]


@settings(max_examples=30, deadline=None)
@given(captures())
def test_a_gain_is_never_negative_and_never_above_the_wall_time(rows):
    found = Replay(captured(**rows))
    assert (found.gains_ns() >= 0).all()
    assert (found.gains_ns() <= found.wall_ns).all()


@settings(max_examples=30, deadline=None)
@given(captures())
def test_the_stages_of_a_replay_are_what_was_measured_of_them(rows):
    work = captured(**rows)
    replay = Replay(work)
    fixed, waited = replay.stages_ns(replay.measured)
    assert (fixed + waited).tolist() == (work.stages.end_ns - work.stages.start_ns).tolist()


@settings(max_examples=30, deadline=None)
@given(captures())
def test_what_no_change_exceeds_is_at_least_what_it_contains(rows):
    work = captured(**rows)
    gains = gains_of(work) if len(work.inferences) else {}
    if "all launches" in gains:
        assert gains["all launches"] >= gains.get("launch", 0)
    if "all copies" in gains:
        assert gains["all copies"] >= gains.get("copy", 0)


def serial_chain() -> InferenceWork:
    """Python 10, launch 10, a kernel of 30 that starts 15 after the launch began, 5 to wake up, Python 20."""
    return captured(
        [(0, 80)],
        [("dequantize", 0, 10), ("session_run", 10, 60), ("readback", 60, 80)],
        [Gpu(25, 55, 0)],
        [Call("cudaLaunchKernel", 10, 20), Call("cudaStreamSynchronize", 20, 60)],
    )


def test_in_a_serial_chain_each_part_gives_what_it_takes():
    assert unchanged(serial_chain()) == [80]
    assert gains_of(serial_chain(), group="kind") == {
        "kernel": 30,
        "launch": 0,  # the kernel starts 15 after the call begins, however short the call is
        "wake": 5,
        "python dequantize": 10,
        "python readback": 20,
    }


def test_free_launches_have_no_latency_either():
    assert gains_of(serial_chain(), group="bound") == {"all launches": 15}


def test_a_whole_stage_takes_its_gpu_work_and_its_launch_along():
    assert gains_of(serial_chain(), group="stage") == {"dequantize": 10, "session_run": 50, "readback": 20}


def test_host_code_hidden_under_gpu_work_gives_nothing():
    calls = [Call("cudaLaunchKernel", 0, 5), Call("cudaStreamSynchronize", 40, 105)]
    work = captured(**session(110), gpu=[Gpu(5, 100, 0)], calls=calls)
    # Between launch and synchronisation lie 35 of framework, all under the kernel; after it 5.
    assert gains_of(work, group="kind") == {"kernel": 60, "launch": 0, "wake": 5, "framework": 5}


def launch_bound(kernels: int = 5) -> InferenceWork:
    """Launches of 10 back to back; each kernel, 2 long, starts 8 after its call begins; wake-up 4."""
    calls = [Call("cudaLaunchKernel", 10 * at, 10 * at + 10, EXECUTOR) for at in range(kernels)]
    gpu = [Gpu(10 * at + 8, 10 * at + 10, at) for at in range(kernels)]
    end = 10 * kernels + 4
    calls.append(Call("cudaStreamSynchronize", 10 * kernels, end))
    return captured(**session(end), gpu=gpu, calls=calls)


def test_launch_bound_work_becomes_as_long_as_its_kernels_when_launches_are_free():
    assert unchanged(launch_bound()) == [54]
    found = gains_of(launch_bound())
    # What stays: five kernels of 2 back to back and 4 to wake up; with the call alone gone, its latency of 8 too.
    assert found["all launches"] == 54 - (5 * 2 + 4)
    assert found["launch"] == 54 - (8 + 5 * 2 + 4)
    assert found["kernel"] == 0, "the launches set the pace"


def test_gpu_bound_work_gains_nothing_from_launches_that_are_hidden():
    calls = [Call("cudaLaunchKernel", 5 * at, 5 * at + 5) for at in range(4)]
    gpu = [Gpu(5 + 50 * at, 55 + 50 * at, at) for at in range(4)]
    calls.append(Call("cudaStreamSynchronize", 20, 210))
    work = captured(**session(210), gpu=gpu, calls=calls)
    found = gains_of(work)
    assert (found["launch"], found["all launches"], found["wake"]) == (0, 5, 5)
    # Without kernels the last launch, 15 in, its latency of 5, and the wake-up of 5 are left; stream order holds.
    assert found["kernel"] == 210 - (15 + 5 + 5)


def test_the_gaps_between_kernels_stay_without_kernels_and_without_launches_and_go_with_both():
    calls = [Call("cudaLaunchKernel", at, at + 1) for at in range(4)]
    gpu = [Gpu(5 + 53 * at, 55 + 53 * at, at) for at in range(4)]
    work = captured(**session(219), gpu=gpu, calls=[*calls, Call("cudaStreamSynchronize", 4, 219)])
    found = gains_of(work)
    # Without kernels the latency of 5 stays, three gaps of 3, and 5 to wake up; without launches the latency goes.
    assert found["kernel"] == 219 - (5 + 3 * 3 + 5)
    assert found["all launches"] == 5
    assert found["session_run"] == 219


def test_launches_of_an_executor_thread_are_on_the_path_of_the_inference():
    calls = [Call("cudaLaunchKernel", 20, 30, EXECUTOR), Call("cudaStreamSynchronize", 30, 60, EXECUTOR)]
    work = captured(**session(100), gpu=[Gpu(40, 50, 0)], calls=calls)
    assert unchanged(work) == [100]
    assert gains_of(work, group="kind") == {"kernel": 10, "launch": 0, "wake": 10, "framework": 60}


def test_framework_code_between_launches_stays_when_launches_are_free_and_goes_in_one_graph():
    calls = [
        Call("cudaLaunchKernel", 10, 20),
        Call("cudaLaunchKernel", 50, 60),
        Call("cudaStreamSynchronize", 60, 75),
    ]
    work = captured(**session(80), gpu=[Gpu(15, 18, 0), Gpu(55, 70, 1)], calls=calls)
    assert unchanged(work) == [80]
    # Free launches leave 10 + 30 of framework, 15 of kernel, 5 to wake up and 5.
    assert gains_of(work)["all launches"] == 80 - 65
    # One graph leaves 10, the latency of 5, 3 + 15, 5 and 5, where its call takes no time; without framework 28.
    assert gains_of(work)["one graph"] == 80 - (10 + 5 + 3 + 15 + 5 + 5)
    assert gains_of(work)["one graph, no framework"] == 80 - (5 + 3 + 15 + 5)


def test_a_copy_call_that_returned_after_its_copy_waits_for_it():
    calls = [Call("cudaLaunchKernel", 0, 10), Call("cudaMemcpy", 10, 70)]
    work = captured(**session(80), gpu=[Gpu(10, 40, 0), Gpu(45, 60, 1, kernel=False)], calls=calls)
    assert unchanged(work) == [80]
    found = gains_of(work, group="kind")
    assert found["copy"] == 15
    assert found["copy_call"] == 10, "after the copy's end; before it the call waits"
    # The copy no longer starts 5 after the kernel's end; for the kernel the host still waits, and wakes up for 10.
    assert gains_of(work, group="bound")["all copies"] == 15 + 5


def test_an_asynchronous_copy_call_does_not_wait():
    calls = [Call("cudaMemcpyAsync", 0, 10), Call("cudaStreamSynchronize", 30, 60)]
    work = captured(**session(60), gpu=[Gpu(20, 50, 0, kernel=False)], calls=calls)
    found = gains_of(work, group="kind")
    assert (found["copy"], found["copy_call"], found["framework"]) == (20, 0, 0)


def test_work_that_waits_for_another_stream_follows_it():
    calls = [
        Call("cudaLaunchKernel", 0, 5),
        Call("cudaLaunchKernel", 5, 10),
        Call("cudaStreamSynchronize", 10, 100),
    ]
    # The second is ready at 10 on a free stream and starts when the first, of another one, ends.
    work = captured(**session(100), gpu=[Gpu(5, 50, 0), Gpu(52, 100, 1, stream=8)], calls=calls)
    assert unchanged(work) == [100]
    # Left are the second launch, 5 in, and its latency of 5; the first ended at 5 and 2 later would be earlier still.
    assert gains_of(work)["kernel"] == 100 - (5 + 5)


def test_two_streams_side_by_side_gain_only_where_the_longer_one_does():
    calls = [
        Call("cudaLaunchKernel", 0, 5),
        Call("cudaLaunchKernel", 5, 10),
        Call("cudaDeviceSynchronize", 10, 100),
    ]
    work = captured(**session(100), gpu=[Gpu(5, 95, 0), Gpu(10, 30, 1, kernel=False, stream=8)], calls=calls)
    assert gains_of(work)["copy"] == 0
    assert gains_of(work)["kernel"] == 65


def test_the_kernels_of_a_cuda_graph_follow_its_one_launch():
    calls = [Call("cudaGraphLaunch", 0, 10), Call("cudaStreamSynchronize", 10, 75)]
    gpu = [Gpu(15, 30, 0), Gpu(32, 50, 0), Gpu(40, 70, 0, stream=8)]
    work = captured(**session(80), gpu=gpu, calls=calls)
    assert unchanged(work) == [80]
    # The first of stream 8 waited for what ended at 30, and the shortest gap on a stream is 2.
    assert gains_of(work)["kernel"] == 80 - (15 + 10 + 5 + 5)
    assert gains_of(work)["launch"] == 0, "its latency is what counts"


def test_without_a_waiting_call_the_end_still_follows_the_last_gpu_work():
    work = captured(**session(100), gpu=[Gpu(10, 80, 0)], calls=[Call("cudaLaunchKernel", 0, 5)])
    assert unchanged(work) == [100]
    found = gains_of(work)
    assert found["framework"] == 20, "what ran under the kernel is held up by it"
    assert found["kernel"] == 0, "the host was not seen to wait"


def test_where_a_thread_polls_the_host_was_waiting():
    calls = [Call("cudaLaunchKernel", 0, 5), *(Call("cudaEventQuery", at, at + 2, POLLER) for at in (20, 50, 82))]
    work = captured(**session(100), gpu=[Gpu(10, 80, 0)], calls=calls)
    assert unchanged(work) == [100]
    assert gains_of(work)["kernel"] == 70
    assert gains_of(work)["framework"] == 20


def test_work_of_the_inference_before_keeps_its_time():
    stages = [("session_run", 0, 50), ("session_run", 60, 120)]
    calls = [
        Call("cudaLaunchKernel", 10, 20),
        Call("cudaLaunchKernel", 60, 65),
        Call("cudaStreamSynchronize", 65, 110),
    ]
    work = captured([(0, 50), (60, 120)], stages, [Gpu(20, 80, 0), Gpu(80, 100, 1)], calls)
    assert unchanged(work) == [50, 60]
    assert gains_of(work, 1)["launch"] == 0
    assert gains_of(work, 1)["kernel"] == 20


def test_parts_that_are_nowhere_are_not_offered():
    assert set(gains_of(captured(**session(100)))) == {"framework", "session_run"}
    assert gains_of(captured(**session(100))) == {"framework": 100, "session_run": 100}


def test_operations_on_a_machine_without_a_gpu_give_what_they_take():
    work = captured(**session(100), ops=[(EXECUTOR, 10, 60), (POLLER, 40, 70)])
    assert gains_of(work, group="kind") == {"op": 60, "framework": 40}


def test_the_order_of_rows_does_not_matter():
    work = launch_bound()
    order = np.arange(len(work.gpu))[::-1]
    rows = {name: getattr(work.gpu, name)[order] for name in work.gpu.__slots__}
    turned = InferenceWork(work.inferences, work.stage_names, work.stages, type(work.gpu)(**rows), work.calls)
    assert gains_of(turned) == gains_of(work)


@pytest.mark.parametrize("kernels", [1, 2, 17])
def test_the_gain_of_free_launches_grows_with_the_launches(kernels):
    assert gains_of(launch_bound(kernels))["all launches"] == 8 * kernels
