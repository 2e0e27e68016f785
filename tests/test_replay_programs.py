"""Replays of programs that a simulator ran: what the replay says of a removal, the simulator does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.captured import Call, Gpu, captured
from tracer.breakdown.delays import Delay, Delays
from tracer.breakdown.replay import Replay
from tracer.captures.inference_work import InferenceWork

LATENCY = 6
SYNC = 5
DELAYS = Delays(*(Delay(one, one, one) for one in (LATENCY, LATENCY, 0, 0, 0, 0, SYNC, 0)))
"""As the programs have them: a synchronisation takes as long where it need not wait."""


@dataclass(frozen=True)
class Step:
    """``host`` code, a ``launch`` of ``work`` ns on a stream, or a ``sync`` that takes ``length`` to wake up."""

    kind: str
    length: int
    work: int = 0
    stream: int = 7


def simulated(program: list[Step], latency: int = LATENCY) -> tuple[int, list[Gpu], list[Call]]:
    """Run a program: streams in order, a kernel starts ``latency`` after its call or later, a sync waits for all."""
    now, gpu, calls, ends = 0, [], [], {}
    for step in program:
        start = now
        if step.kind == "launch":
            begin = max(start + latency, ends.get(step.stream, 0))
            ends[step.stream] = begin + step.work
            gpu.append(Gpu(begin, begin + step.work, len(calls), stream=step.stream))
            calls.append(Call("cudaLaunchKernel", start, start + step.length))
        elif step.kind == "sync":
            now = max(now, *ends.values()) if ends else now
            calls.append(Call("cudaDeviceSynchronize", start, now + step.length))
        now += step.length
    return now, gpu, calls


def recorded(program: list[Step]) -> InferenceWork:
    end, gpu, calls = simulated(program)
    return captured([(0, end)], [("session_run", 0, end)], gpu, calls)


def without(program: list[Step], name: str) -> int:
    """How long the program takes with a part gone."""
    gone = {"framework": "host", "launch": "launch", "all launches": "launch", "wake": "sync"}.get(name)
    changed = [replace(step, length=0) if step.kind == gone else step for step in program]
    if name == "kernel":
        changed = [replace(step, work=0) for step in program]
    return simulated(changed, 0 if name == "all launches" else LATENCY)[0]


lengths = st.integers(1, 30)
steps = st.one_of(
    st.builds(Step, st.just("host"), lengths),
    st.builds(Step, st.just("launch"), lengths, st.integers(0, 60), st.integers(7, 8)),
    st.builds(Step, st.just("sync"), st.just(SYNC)),
)
programs = st.lists(steps, max_size=14).map(lambda start: [*start, Step("sync", SYNC), Step("host", 4)])


@settings(max_examples=80, deadline=None)
@given(programs)
def test_a_gain_is_what_the_program_gains_when_it_runs_without_the_part(program):
    work = recorded(program)
    found = Replay(work, DELAYS)
    end = int(found.wall_ns[0])
    said = {one.name: end - int(gain[0]) for one, gain in zip(found.removals, found.gains_ns(), strict=True)}
    for name in ("kernel", "launch", "framework", "all launches"):
        if name in said:
            assert said[name] == without(program, name), name


@pytest.mark.parametrize("name", ["kernel", "launch", "wake", "framework", "all launches"])
def test_the_simulator_and_the_replay_agree_on_sixty_kernels(name):
    one = [Step("host", 7), Step("launch", 5, 9), Step("host", 2), Step("launch", 4, 30, 8)]
    program = [*one * 30, Step("sync", SYNC), Step("host", 8)]
    found = Replay(recorded(program), DELAYS)
    place = [removal.name for removal in found.removals].index(name)
    assert found.wall_ns[0] - found.gains_ns()[place, 0] == without(program, name)
