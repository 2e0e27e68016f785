"""What an inference does, as steps of its host in order; times are nanoseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

COMPUTE, COPIES = 13, 14
"""Streams: as TensorFlow has them, one for kernels and one for copies."""


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
    """A call that queues the kernels of a CUDA graph, one after another."""

    works_ns: tuple[int, ...]
    call_ns: int = 8_000
    stream: int = COMPUTE
    thread: int = 0


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
    An inference of the three stages, on up to two streams, of a kind drawn anew.

    Copies in and waits for them by an event or by a synchronisation, launches between 1 and 40 kernels, each long or
    short against its call, some by another thread, perhaps waits between, and copies back.
    """
    stream = int(random.choice([COMPUTE, COPIES]))
    copy = Copy(int(random.integers(1_000, 60_000)), int(random.integers(2_000, 9_000)), stream)
    ordered: tuple[Step, ...] = (Sync(stream=stream),)
    if stream != COMPUTE and random.random() < 0.5:
        ordered = (Record(1, stream), StreamWait(1, COMPUTE))
    into = Stage("host_to_device", (Host(int(random.integers(1_000, 40_000))), copy, *ordered))
    return (into, _session(random), _readback(random))


def _session(random: np.random.Generator) -> Stage:
    longest = int(random.choice([3_000, 12_000, 60_000]))
    between = int(random.choice([0, 4_000, 20_000]))
    steps: list[Step] = []
    for place in range(int(random.integers(1, 41))):
        thread = int(random.random() < 0.2)
        if between:
            steps.append(Host(int(random.integers(0, between)), thread))
        call = int(random.integers(2_000, 9_000))
        steps.append(Launch(int(random.integers(500, longest)), call, name=f"kernel_{place % 3}", thread=thread))
        if random.random() < 0.04:
            steps.append(Sync(stream=COMPUTE))
    steps.append(Sync(stream=COMPUTE) if random.random() < 0.7 else Sync())
    return Stage("session_run", tuple(steps))


def _readback(random: np.random.Generator) -> Stage:
    back = Copy(int(random.integers(800, 20_000)), stream=COMPUTE, size=48, to_device=False, blocking=True)
    return Stage("readback", (Host(int(random.integers(500, 20_000))), back, Host(int(random.integers(500, 9_000)))))


def inferences(inference: Inference, count: int, random: np.random.Generator, spread: float) -> Sequence[Inference]:
    """``count`` of them, each varied by itself."""
    return [varied(inference, random, spread) for _ in range(count)]
