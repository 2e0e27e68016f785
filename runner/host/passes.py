"""What a host asks of a DUT, in order: the five windows of the performance pass, each input of the accuracy pass."""

from __future__ import annotations

from collections.abc import Callable

from runner.dataset import Dataset
from runner.host.driver import HostSession
from runner.host.outcomes import PerformancePlan, WindowOutcome
from runner.line.protocol import MAX_INFERENCES
from tracer.figure_text import count_text, time_text


def run_performance(
    session: HostSession,
    dataset: Dataset,
    plan: PerformancePlan,
    progress: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[WindowOutcome]:
    """
    Five inputs, one window each; the session has the finished ones when the DUT fails.

    ``say`` is told what a window will be.
    """
    count = plan.inferences
    for number in range(plan.windows):
        index = number % len(dataset.names)
        session.load(dataset.input(index), dataset.names[index])
        if count is None:
            count = measure_inferences(session, plan)
        if not number:
            how = "as asked" if plan.inferences else f"measured, for about {time_text(plan.seconds * 1e9)} a window"
            limit = time_text(session.silence_limit_s(count + plan.warmups) * 1e9)
            say(f"N is {count_text(count)} ({how}); the DUT may be silent for {limit} over it")
        session.infer(count, plan.warmups)
        progress()
    return session.windows


def measure_inferences(session: HostSession, plan: PerformancePlan) -> int:
    """
    N for windows of ``plan.seconds``, from warm-ups that grow to a tenth of it, the fastest of three.

    The fastest, since a machine that was busy while it was measured would make the windows too short.

    Warm-ups before a single inference are timed by their lines' arrival, so that the DUT's record holds no
    performance window but the five of the benchmark.
    """
    count = 10
    while True:
        seconds = session.time_warmups(count)
        if seconds >= min(plan.seconds / 10, 1.0):
            seconds = min(seconds, session.time_warmups(count), session.time_warmups(count))
            return min(max(2, round(count * plan.seconds / seconds)), MAX_INFERENCES)
        count = max(2 * count, min(round(count * plan.seconds / 8 / seconds), 100 * count))


def run_accuracy(session: HostSession, dataset: Dataset, progress: Callable[[], None]) -> None:
    """Each input once; the session has the finished ones when the DUT fails."""
    for index, name in enumerate(dataset.names):
        session.load(dataset.input(index), name)
        session.infer(1, 0)
        progress()
