"""What the replay says of random programs, held against what the simulator does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tests.simulator.changes import (
    as_one_graph,
    true_gains,
    without_copies,
    without_host,
    without_kernels,
    without_launch_calls,
)
from tests.simulator.export import write_export
from tests.simulator.machine import Machine, Recording, run
from tests.simulator.program import Inference, inferences, inflated, random_inference, varied
from tracer.breakdown.calibration import Target, spreads
from tracer.breakdown.gains import GainBase, blocks_of, gain_figures
from tracer.breakdown.inflation import StagePair, fit_inflation
from tracer.breakdown.replay import Replay
from tracer.breakdown.unprofiled import per_stage
from tracer.captures.attribution import attribute
from tracer.captures.counted_work import counted_work
from tracer.captures.inference_ranges import stage_ranges
from tracer.profiles.open_profile import read_profile_file

INFERENCES, PAIRS = 12, 30
SPREAD = 0.1
"""Of each time of a program, from inference to inference."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One question to a program: nanoseconds of an inference, in the mean."""

    seed: int
    name: str
    wall_ns: float
    true_ns: float
    said_ns: float | None
    bound: bool
    interval_ns: tuple[float, float] | None = None

    @property
    def covered(self) -> bool:
        """Whether the printed interval holds the truth."""
        return self.interval_ns is not None and self.interval_ns[0] <= self.true_ns <= self.interval_ns[1]

    @property
    def error(self) -> float:
        """Of the wall time."""
        return ((self.said_ns or 0.0) - self.true_ns) / self.wall_ns


def replay_of(path: Path) -> Replay:
    """An export, attributed and ready to be replayed."""
    profile = read_profile_file(path)
    ranges = stage_ranges(profile)
    return Replay(counted_work(profile, ranges, attribute(profile, ranges), np.ones(len(ranges), bool)))


def answers(seed: int, folder: Path, *, profiled: bool = False) -> Iterator[Answer]:
    """
    What the replay says of one random program on one random machine.

    ``profiled`` runs it for the replay under a profiler that lengthens its calls, and tells the replay the unprofiled
    mean of each stage, as a run does.
    """
    random = np.random.default_rng(seed)
    program = inferences(random_inference(random), INFERENCES, random, SPREAD)
    machine = Machine.drawn(random)
    cost = int(random.integers(300, 2_000)), int(random.integers(0, 1_000))
    seen = run(inflated(program, *cost), _slower(machine, cost[0])) if profiled else run(program, machine)
    replay = replay_of(write_export(seen, folder / f"{seed}.sqlite"))
    plain = run(program, machine)
    wall = float(np.mean(plain.wall_ns))
    target = Target(wall, stage_means(plain)) if profiled else None
    inflation = fit_inflation(_pairs(replay, program, machine, cost, random)) if profiled else None
    base = GainBase(wall, 1e9 / wall, target, spreads(inflation), blocks_of(len(program)))
    said = {(one["group"], one["name"]): one for one in gain_figures(replay, base)}
    questions = {
        ("kind", "kernel"): without_kernels(program),
        ("kind", "launch"): without_launch_calls(program),
        ("kind", "python readback"): without_host(program, "readback"),
        ("kind", "framework"): without_host(program, "session_run"),
        ("bound", "all copies"): without_copies(program),
        ("change", "one graph"): as_one_graph(program),
    }
    for key, changed in questions.items():
        one = said.get(key)
        true = float(np.mean(true_gains(plain, changed, machine)))
        # What no change exceeds may be told exactly; the flag that counts here is that of an assumption.
        bound = one is not None and one["bound"] and one["reason"] != "no change to a program gives more"
        interval = one["interval_ns"] if one else None
        yield Answer(seed, key[1], wall, max(true, 0.0), one["gain_ns"] if one else 0.0, bound, interval)


def _pairs(
    replay: Replay, program: Sequence[Inference], machine: Machine, cost: tuple[int, int], random: np.random.Generator
) -> list[StagePair]:
    """The program with the profiler on and off in turn, as the blocks of a run are: each time its times vary anew."""
    calls, works, hidden = per_stage(replay)
    found = []
    for pair in range(PAIRS):
        off, on = ([varied(one, random, SPREAD / 5) for one in program] for _ in range(2))
        plain, seen = stage_means(run(off, machine)), stage_means(run(inflated(on, *cost), _slower(machine, cost[0])))
        names = [name for name in plain if name not in hidden]
        found += [StagePair(pair, name, seen[name], plain[name], calls[name], works[name]) for name in names]
    return found


def stage_means(recording: Recording) -> dict[str, float]:
    """Mean of each stage of an inference."""
    means = {name: 0.0 for name, _, _ in recording.stages}
    for name, start, end in recording.stages:
        means[name] += (end - start) / len(recording.inferences)
    return means


def _slower(machine: Machine, per_call_ns: int) -> Machine:
    """Half of what a profiler does in a call comes before the work is handed over."""
    half = per_call_ns // 2
    return replace(machine, latency_ns=machine.latency_ns + half, copy_latency_ns=machine.copy_latency_ns + half)
