"""A program without a part of it: run again, it says what that part really gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulator.machine import Machine, Recording, run
from tests.simulator.program import Copy, Graph, Host, Inference, Launch, Record, Stage, Step, StreamWait, Sync

Change = Callable[[Stage], Sequence[Step]]


def _steps(program: Sequence[Inference], change: Change) -> list[Inference]:
    return [tuple(Stage(stage.name, tuple(change(stage))) for stage in inference) for inference in program]


def without_host(program: Sequence[Inference], stage_name: str) -> list[Inference]:
    """The host code of one stage takes no time."""

    def change(stage: Stage) -> Sequence[Step]:
        gone = stage.name == stage_name
        return [replace(step, length_ns=0) if gone and isinstance(step, Host) else step for step in stage.steps]

    return _steps(program, change)


def without_copies(program: Sequence[Inference]) -> list[Inference]:
    """No copy is called or runs; where one blocked, the host still waits for its stream."""

    def change(stage: Stage) -> Sequence[Step]:
        found: list[Step] = []
        for step in stage.steps:
            if isinstance(step, Copy) and step.blocking:
                found.append(Sync(stream=step.stream, call_ns=0))
            elif not isinstance(step, Copy):
                found.append(step)
        return found

    return _steps(program, change)


def without_syncs(program: Sequence[Inference], stage_name: str) -> list[Inference]:
    """The synchronisations of one stage are gone."""

    def change(stage: Stage) -> Sequence[Step]:
        return [step for step in stage.steps if stage.name != stage_name or not isinstance(step, Sync)]

    return _steps(program, change)


def without_kernels(program: Sequence[Inference]) -> list[Inference]:
    """Kernels are launched, by themselves or in a graph, and take no time."""

    def gone(step: Step) -> Step:
        if isinstance(step, Graph):
            return replace(step, works_ns=(0,) * len(step.works_ns))
        return replace(step, work_ns=0) if isinstance(step, Launch) else step

    return _steps(program, lambda stage: [gone(step) for step in stage.steps])


def without_launch_calls(program: Sequence[Inference]) -> list[Inference]:
    """Calls that launch kernels take no time; what they launch starts as late after them as before."""

    def change(stage: Stage) -> Sequence[Step]:
        return [replace(step, call_ns=0) if isinstance(step, Launch | Graph) else step for step in stage.steps]

    return _steps(program, change)


def as_one_graph(program: Sequence[Inference], call_ns: int = 8_000) -> list[Inference]:
    """The kernels of each stage as one CUDA graph in the place of the first, with their order; host code is gone."""

    def change(stage: Stage) -> Sequence[Step]:
        places = [place for place, step in enumerate(stage.steps) if isinstance(step, Launch | Graph)]
        if len(places) < 2:
            return stage.steps
        graph = _captured(stage.steps[places[0] : places[-1] + 1], call_ns)
        return [*stage.steps[: places[0]], graph, *stage.steps[places[-1] + 1 :]]

    return _steps(program, change)


def _captured(steps: Sequence[Step], call_ns: int) -> Graph:
    """What a stream capture makes of the steps: each stream is a branch, events are edges between them."""
    works: list[int] = []
    streams: list[int] = []
    after: list[tuple[int, ...]] = []
    last: dict[int, int] = {}
    events: dict[int, int] = {}
    pending: dict[int, list[int]] = {}
    for step in steps:
        if isinstance(step, Launch):
            after.append(tuple(pending.pop(step.stream, [])))
            last[step.stream] = len(works)
            works.append(step.work_ns)
            streams.append(step.stream)
        elif isinstance(step, Graph):
            after += [tuple(pending.pop(step.stream, [])), *[()] * (len(step.works_ns) - 1)]
            works += step.works_ns
            streams += [step.stream] * len(step.works_ns)
            last[step.stream] = len(works) - 1
        elif isinstance(step, Record) and step.stream in last:
            events[step.event] = last[step.stream]
        elif isinstance(step, StreamWait) and step.event in events:
            pending.setdefault(step.stream, []).append(events[step.event])
    return Graph(tuple(works), call_ns, streams[0], 0, tuple(streams), tuple(after))


def true_gains(before: Recording, changed: Sequence[Inference], machine: Machine | None = None) -> list[int]:
    """Of each inference, how much shorter it is in the changed program than it was, in nanoseconds."""
    return [one - other for one, other in zip(before.wall_ns, run(changed, machine).wall_ns, strict=True)]
