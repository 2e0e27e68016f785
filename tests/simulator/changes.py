"""A program without a part of it: run again, it says what that part really gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulator.machine import Machine, run
from tests.simulator.program import Copy, Graph, Host, Inference, Launch, Stage, Step, Sync

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
    """No copy is called or runs."""
    return _steps(program, lambda stage: [step for step in stage.steps if not isinstance(step, Copy)])


def without_syncs(program: Sequence[Inference], stage_name: str) -> list[Inference]:
    """The synchronisations of one stage are gone."""

    def change(stage: Stage) -> Sequence[Step]:
        return [step for step in stage.steps if stage.name != stage_name or not isinstance(step, Sync)]

    return _steps(program, change)


def without_kernels(program: Sequence[Inference]) -> list[Inference]:
    """Kernels are launched and take no time."""

    def change(stage: Stage) -> Sequence[Step]:
        return [replace(step, work_ns=0) if isinstance(step, Launch) else step for step in stage.steps]

    return _steps(program, change)


def without_launch_calls(program: Sequence[Inference]) -> list[Inference]:
    """Calls that launch kernels take no time; what they launch starts as late after them as before."""

    def change(stage: Stage) -> Sequence[Step]:
        return [replace(step, call_ns=0) if isinstance(step, Launch) else step for step in stage.steps]

    return _steps(program, change)


def as_one_graph(program: Sequence[Inference], call_ns: int = 8_000) -> list[Inference]:
    """The kernels of each stage as one CUDA graph in the place of the first; what lay between them is gone."""

    def change(stage: Stage) -> Sequence[Step]:
        places = [place for place, step in enumerate(stage.steps) if isinstance(step, Launch)]
        if not places:
            return stage.steps
        launches = [step for step in stage.steps if isinstance(step, Launch)]
        graph = Graph(tuple(step.work_ns for step in launches), call_ns, launches[0].stream)
        return [*stage.steps[: places[0]], graph, *stage.steps[places[-1] + 1 :]]

    return _steps(program, change)


def true_gains(
    program: Sequence[Inference], changed: Sequence[Inference], machine: Machine | None = None
) -> list[int]:
    """Of each inference, how much shorter it is in the changed program, in nanoseconds."""
    before, after = run(program, machine).wall_ns, run(changed, machine).wall_ns
    return [one - other for one, other in zip(before, after, strict=True)]
