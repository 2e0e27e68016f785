"""Runs programs and notes what a profiler would; every time is nanoseconds on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.simulator.program import Copy, Graph, Host, Inference, Launch, Record, Step, StreamWait, Sync


@dataclass(frozen=True, slots=True)
class Machine:
    """
    What a GPU and its driver add to a program.

    A work starts at the latest of: the begin of its call and ``latency_ns``; the end of the work before it in its
    stream and ``gap_ns`` (``graph_gap_ns`` inside a graph); the events that its stream waits for. The figures are of
    the size that an H200 showed.
    """

    latency_ns: int = 6_000
    copy_latency_ns: int = 8_000
    gap_ns: int = 1_000
    graph_gap_ns: int = 200
    wake_ns: int = 3_000
    between_ns: int = 2_000

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Machine:
        """Another machine: its launches, gaps and waits take half to twice as long."""
        latency = int(random.integers(3_000, 12_000))
        return cls(
            latency_ns=latency,
            copy_latency_ns=int(latency * random.uniform(1.0, 2.0)),
            gap_ns=int(random.integers(500, 2_000)),
            graph_gap_ns=int(random.integers(100, 500)),
            wake_ns=int(random.integers(1_500, 6_000)),
        )


@dataclass(frozen=True, slots=True)
class Call:
    """A CUDA call; ``waits_for`` is of a synchronisation: ("stream", n), ("event", n) or ("device", 0)."""

    name: str
    start_ns: int
    end_ns: int
    thread: int
    correlation_id: int
    waits_for: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A kernel or a copy; ``size`` is None of a kernel, ``node`` its place in a graph or None."""

    name: str
    start_ns: int
    end_ns: int
    stream: int
    correlation_id: int
    size: int | None = None
    to_device: bool = True
    node: int | None = None


@dataclass(slots=True)
class Recording:
    """What was noted: ranges as (name, start, end), recorded events and stream-waits as (call, stream, event)."""

    inferences: list[tuple[int, int]] = field(default_factory=list)
    stages: list[tuple[str, int, int]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    records: list[tuple[int, int, int]] = field(default_factory=list)
    stream_waits: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def wall_ns(self) -> list[int]:
        """Of each inference."""
        return [end - start for start, end in self.inferences]


class Run:
    """A program on its way through a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.recording = Recording()
        self.now = 0
        self._ends: dict[int, int] = {}
        self._ready: dict[int, int] = {}
        self._events: dict[int, int] = {}

    def inference(self, inference: Inference) -> None:
        """Run one, its stages without a gap."""
        self.now += self.machine.between_ns
        start = self.now
        for stage in inference:
            began = self.now
            for step in stage.steps:
                self._step(step)
            self.recording.stages.append((stage.name, began, self.now))
        self.recording.inferences.append((start, self.now))

    def _step(self, step: Step) -> None:
        machine, begin = self.machine, self.now
        if isinstance(step, Host):
            self.now += step.length_ns
        elif isinstance(step, Launch):
            number = self._call("cudaLaunchKernel", step.call_ns, step.thread)
            self._work(Work(step.name, begin + machine.latency_ns, step.work_ns, step.stream, number))
        elif isinstance(step, Graph):
            number = self._call("cudaGraphLaunch", step.call_ns, step.thread)
            ends: list[int] = []
            branches: set[int] = set()
            for node, length in enumerate(step.works_ns):
                stream = step.streams[node] if step.streams else step.stream
                awaited = step.after[node] if step.after else ()
                ready = max([begin + machine.latency_ns, *(ends[one] for one in awaited)])
                inside = stream in branches
                branches.add(stream)
                ends.append(self._work(Work("kernel", ready, length, stream, number, node=node), inside=inside))
        elif isinstance(step, Copy):
            self._copy(step)
        elif isinstance(step, Record):
            self._events[step.event] = self._stream_end(step.stream)
            number = self._call("cudaEventRecord", step.call_ns, step.thread)
            self.recording.records.append((number, step.stream, step.event))
        elif isinstance(step, StreamWait):
            ready = max(self._ready.get(step.stream, 0), self._events.get(step.event, 0))
            self._ready[step.stream] = ready
            number = self._call("cudaStreamWaitEvent", step.call_ns, step.thread)
            self.recording.stream_waits.append((number, step.stream, step.event))
        else:
            self._sync(step)

    def _copy(self, step: Copy) -> None:
        begin, machine = self.now, self.machine
        name = "cudaMemcpy" if step.blocking else "cudaMemcpyAsync"
        ready = begin + machine.copy_latency_ns
        number = len(self.recording.calls) + 1
        end = self._work(Work("", ready, step.work_ns, step.stream, number, step.size, step.to_device))
        until = max(step.call_ns, end + machine.wake_ns - begin) if step.blocking else step.call_ns
        self._call(name, until, step.thread)

    def _sync(self, step: Sync) -> None:
        if step.event is not None:
            name, what, end = "cudaEventSynchronize", ("event", step.event), self._events.get(step.event, 0)
        elif step.stream is not None:
            name, what, end = "cudaStreamSynchronize", ("stream", step.stream), self._stream_end(step.stream)
        else:
            name, what, end = (
                "cudaDeviceSynchronize",
                ("device", 0),
                max([0, *self._ends.values(), *self._ready.values()]),
            )
        waited = end + self.machine.wake_ns - self.now if end > self.now else 0
        self._call(name, max(step.call_ns, waited), step.thread, what)

    def _stream_end(self, stream: int) -> int:
        """When what the stream holds by now is done, events that it waits for among it."""
        return max(self._ends.get(stream, 0), self._ready.get(stream, 0))

    def _call(self, name: str, length_ns: int, thread: int, waits_for: tuple[str, int] | None = None) -> int:
        number = len(self.recording.calls) + 1
        self.recording.calls.append(Call(name, self.now, self.now + length_ns, thread, number, waits_for))
        self.now += length_ns
        return number

    def _work(self, wanted: Work, *, inside: bool = False) -> int:
        """Queue a work whose ``start_ns`` is the earliest and whose ``end_ns`` is its length; when it ends."""
        before = self._ends.get(wanted.stream)
        gap = self.machine.graph_gap_ns if inside else self.machine.gap_ns
        start = max(wanted.start_ns, self._ready.get(wanted.stream, 0), 0 if before is None else before + gap)
        end = start + wanted.end_ns
        self._ends[wanted.stream] = end
        self.recording.works.append(
            Work(
                wanted.name,
                start,
                end,
                wanted.stream,
                wanted.correlation_id,
                wanted.size,
                wanted.to_device,
                wanted.node,
            )
        )
        return end


def run(program: Sequence[Inference], machine: Machine | None = None) -> Recording:
    """Run the inferences one after another."""
    running = Run(machine or Machine())
    for inference in program:
        running.inference(inference)
    return running.recording
