"""The program of the proof: each stage is a part that can be left out, and has a removal that claims its gain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.simulator.program import BESIDE, COMPUTE, Copy, Graph, Host, Inference, Launch, Stage, Step, Sync

DOMAIN, UNIT = "gpu-proof", "inference"

WORKER = 1
"""The thread that launches besides the main one; its host code is how long the hand-over is simulated to be."""

WHOLE: Inference = (
    Stage("before", (Host(100_000),)),
    Stage("copy", (Copy(90_000, 6_000, COMPUTE, size=4 << 20),)),
    Stage("first", (Launch(300_000),)),
    Stage("under", (Host(60_000),)),
    Stage("beside", (Launch(150_000, stream=BESIDE),)),
    Stage("behind", (Launch(80_000),)),
    Stage("sync", (Sync(stream=COMPUTE),)),
    Stage("between", (Host(80_000),)),
    Stage("thread", (Host(15_000, WORKER), Launch(5_000, thread=WORKER), Host(15_000, WORKER))),
    Stage("kernels", (Launch(3_000, call_ns=4_000),) * 40),
    Stage("readback", (Sync(), Copy(2_000, 4_000, COMPUTE, size=48, to_device=False, blocking=True))),
)
"""Host work before, under and between kernels; kernels beside and behind another; an extra copy and synchronise."""

STAGES = tuple(stage.name for stage in WHOLE)


@dataclass(frozen=True, slots=True)
class Part:
    """
    What is left out of the whole.

    Args:
        name: of the variant.
        removal: group and name of the gain that claims it, as ``ProfileBreakdown.gains`` has them.
        stage: the stage that it is in.
        left: of the stage's steps, what is left.
    """

    name: str
    removal: tuple[str, str]
    stage: str
    left: Callable[[tuple[Step, ...]], tuple[Step, ...]]

    def without(self, inference: Inference = WHOLE) -> Inference:
        """The inference without this part."""
        return tuple(replace(one, steps=self.left(one.steps)) if one.name == self.stage else one for one in inference)


def _nothing(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return ()


def _by_main_thread(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(replace(one, thread=0) for one in steps if not isinstance(one, Host))


def _as_one_graph(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return (Graph(tuple(one.work_ns for one in steps if isinstance(one, Launch))),)


PARTS = (
    *(
        Part(name, ("stage", name), name, _nothing)
        for name in ("before", "copy", "under", "beside", "behind", "sync", "between")
    ),
    Part("thread", ("bound", "hand-offs"), "thread", _by_main_thread),
    Part("one graph", ("change", "one graph"), "kernels", _as_one_graph),
)

VARIANTS: dict[str, Inference] = {"whole": WHOLE, **{part.name: part.without() for part in PARTS}}
