"""Until when a synchronising call waited: the work that was launched before it and ended last by its return."""

from __future__ import annotations

from tests.captured import EXECUTOR, Call, Gpu, captured
from tracer.breakdown.gpu_waits import waited_until


def until(*gpu: Gpu, launches: tuple[Call, ...]) -> list[int]:
    calls = [*launches, Call("cudaStreamSynchronize", 100, 200)]
    return waited_until(captured([(0, 300)], [("session_run", 0, 300)], gpu, calls)).tolist()


def launch(at: int, thread: int = 1) -> Call:
    return Call("cudaLaunchKernel", at, at + 5, thread)


def test_a_wait_ends_with_the_last_work_that_was_launched_before_it() -> None:
    works = Gpu(20, 60, 0), Gpu(70, 120, 1), Gpu(130, 150, 2)
    assert until(*works, launches=(launch(10), launch(20), launch(30)))[-1] == 150


def test_work_that_another_thread_launched_meanwhile_is_not_waited_for_though_it_ended_last() -> None:
    # Two works had ended before the call began; of those it may have waited for, the middle one counts.
    works = Gpu(20, 60, 0), Gpu(61, 90, 1), Gpu(91, 110, 2), Gpu(111, 150, 3), Gpu(160, 180, 4)
    launches = (launch(10), launch(20), launch(30), launch(40), launch(120, EXECUTOR))
    assert until(*works, launches=launches)[-1] == 150


def test_a_call_that_waited_for_nothing_of_its_own_ends_its_wait_where_it_began() -> None:
    assert until(Gpu(160, 180, 0), launches=(launch(120, EXECUTOR),))[-1] == 100
    assert until(Gpu(20, 60, 0), launches=(launch(10),)) == [10, 100]
