"""What an inference does, as steps of its host in order; times are nanoseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

COMPUTE, COPIES = 13, 14
"""Streams: as TensorFlow has them, one for kernels and one for copies."""

BESIDE = 15
"""A second stream for kernels."""


@dataclass(frozen=True, slots=True)
class Host:
    """Code of the host that calls nothing of CUDA."""

    length_ns: int
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Launch:
    """A call that queues one kernel on a stream."""

    work_ns: int
    call_ns: int = 5_000
    stream: int = COMPUTE
    name: str = "kernel"
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Graph:
    """
    A call that queues the kernels of a CUDA graph, one after another on ``stream``.

    ``streams`` has each on a branch of its own stream instead, and ``after`` the earlier kernels, by place, that each
    follows besides the one before it on its branch.
    """

    works_ns: tuple[int, ...]
    call_ns: int = 8_000
    stream: int = COMPUTE
    thread: int = 0
    streams: tuple[int, ...] = ()
    after: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A call that queues a copy; one that blocks returns after the copy has ended."""

    work_ns: int
    call_ns: int = 4_000
    stream: int = COPIES
    size: int = 1_960
    to_device: bool = True
    blocking: bool = False
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A call that records an event behind what the stream holds by now."""

    event: int
    stream: int
    call_ns: int = 1_000
    thread: int = 0


@dataclass(frozen=True, slots=True)
class StreamWait:
    """A call after which the stream runs nothing more before the event."""

    event: int
    stream: int
    call_ns: int = 1_000
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Sync:
    """
    A call that returns after the GPU.

    Waits for ``event`` if one is named, else for ``stream``, else for every stream of the device.
    """

    stream: int | None = None
    event: int | None = None
    call_ns: int = 2_000
    thread: int = 0


Step: TypeAlias = "Host | Launch | Graph | Copy | Record | StreamWait | Sync"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of an inference and the steps of its host."""

    name: str
    steps: tuple[Step, ...]


Inference: TypeAlias = "tuple[Stage, ...]"


def varied(inference: Inference, random: np.random.Generator, spread: float) -> Inference:
    """The same inference with each of its times multiplied by a log-normal factor of median 1."""

    def scaled(length_ns: int) -> int:
        return max(0, round(length_ns * float(np.exp(random.normal(0.0, spread)))))

    def changed(step: Step) -> Step:
        if isinstance(step, Host):
            return replace(step, length_ns=scaled(step.length_ns))
        if isinstance(step, Graph):
            works = tuple(scaled(work) for work in step.works_ns)
            return replace(step, call_ns=scaled(step.call_ns), works_ns=works)
        if isinstance(step, Launch | Copy):
            return replace(step, call_ns=scaled(step.call_ns), work_ns=scaled(step.work_ns))
        return replace(step, call_ns=scaled(step.call_ns))

    return tuple(Stage(stage.name, tuple(map(changed, stage.steps))) for stage in inference)


def random_inference(random: np.random.Generator) -> Inference:
    """
    An inference of the three stages, of a kind drawn anew.

    Copies in and has the kernels wait for it by an event or by a synchronisation; launches 1 to 40 kernels on one or
    two streams, or a CUDA graph or two, each long or short against its call, some by another thread, perhaps
    waits between; copies back by a call that blocks, or by one that does not and waits for a stream, an event or the
    device. What is always queued tells no latency: the copy back nearly always is.
    """
    stream = int(random.choice([COMPUTE, COPIES]))
    copy = Copy(int(random.integers(1_000, 60_000)), int(random.integers(2_000, 9_000)), stream)
    kind = random.random()
    ordered: tuple[Step, ...] = (Sync(stream=stream),)
    if stream != COMPUTE and kind < 0.5:
        ordered = (Record(1, stream), StreamWait(1, COMPUTE))
    elif kind > 0.8:
        ordered = (Record(1, stream), Sync(event=1))
    into = Stage("host_to_device", (Host(int(random.integers(1_000, 40_000))), copy, *ordered))
    return (into, _session(random), _readback(random))


def _session(random: np.random.Generator) -> Stage:
    longest = int(random.choice([3_000, 12_000, 60_000]))
    between = int(random.choice([0, 4_000, 20_000]))
    beside = random.random() < 0.25
    steps: list[Step] = []
    if random.random() < 0.15:
        for _ in range(int(random.integers(1, 3))):
            works = tuple(int(work) for work in random.integers(500, longest, int(random.integers(4, 30))))
            steps += [Host(int(random.integers(0, between + 1))), Graph(works, int(random.integers(6_000, 14_000)))]
    else:
        for place in range(int(random.integers(1, 41))):
            steps += _kernel(random, place, longest, between, beside=beside)
    if beside:
        # The second stream joins the first, as a framework's streams do before a result is copied.
        steps += [Record(2, BESIDE), StreamWait(2, COMPUTE)]
    end = random.random()
    if end < 0.5:
        steps.append(Sync(stream=COMPUTE))
    elif end < 0.7:
        steps.append(Sync())
    return Stage("session_run", tuple(steps))


def _kernel(random: np.random.Generator, place: int, longest: int, between: int, *, beside: bool) -> list[Step]:
    """Host code, a launch, and now and then an order between the streams or a wait."""
    thread = int(random.random() < 0.2)
    steps: list[Step] = [Host(int(random.integers(0, between)), thread)] if between else []
    stream = BESIDE if beside and random.random() < 0.4 else COMPUTE
    call = int(random.integers(2_000, 9_000))
    steps.append(Launch(int(random.integers(500, longest)), call, stream, f"kernel_{place % 3}", thread))
    if beside and random.random() < 0.1:
        steps += [Record(3, COMPUTE), StreamWait(3, BESIDE)]
    if random.random() < 0.04:
        steps.append(Sync(stream=COMPUTE))
    return steps


def _readback(random: np.random.Generator) -> Stage:
    length, host = int(random.integers(800, 20_000)), int(random.integers(500, 20_000))
    kind = random.random()
    back = Copy(length, stream=COMPUTE, size=48, to_device=False, blocking=kind < 0.5)
    waits: tuple[Step, ...] = ()
    if kind >= 0.8:
        waits = (Record(4, COMPUTE), Sync(event=4))
    elif kind >= 0.5:
        waits = (Sync(stream=COMPUTE) if kind < 0.65 else Sync(),)
    return Stage("readback", (Host(host), back, *waits, Host(int(random.integers(500, 9_000)))))


def inflated(program: Sequence[Inference], per_call_ns: int, per_work_ns: int) -> list[Inference]:
    """The same under a profiler, which lengthens each call, and more the more works it launches."""

    def changed(step: Step) -> Step:
        if isinstance(step, Host):
            return step
        works = len(step.works_ns) if isinstance(step, Graph) else int(isinstance(step, Launch | Copy))
        return replace(step, call_ns=step.call_ns + per_call_ns + per_work_ns * works)

    return [tuple(Stage(one.name, tuple(map(changed, one.steps))) for one in inference) for inference in program]


def inferences(inference: Inference, count: int, random: np.random.Generator, spread: float) -> Sequence[Inference]:
    """``count`` of them, each varied by itself."""
    return [varied(inference, random, spread) for _ in range(count)]
