"""The same program and the same judgement, on the simulator: that the proof's code works, and no proof of a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.gpu_proof.judging import REMOVALS, Pair, predictions
from tests.gpu_proof.program import DOMAIN, STAGES, UNIT, VARIANTS, WHOLE
from tests.simulator.export import write_export
from tests.simulator.machine import Machine, run
from tests.simulator.program import Inference, inferences, inflated
from tracer.public import open_profile

INFERENCES = 10
SPREAD, LAUNCH_SPREAD = 0.05, 0.01
"""Of each time of an inference, and of all of a launch."""

PER_CALL_NS, PER_WORK_NS = 850, 600
"""What nsys added on an H200."""


def simulated_pair(number: int, folder: Path, machine: Machine | None = None) -> Pair:
    """A capture of the whole and its predictions; then each variant, a launch of its own."""
    random = np.random.default_rng(number)
    seen = run(inflated(_launch(WHOLE, random), PER_CALL_NS, PER_WORK_NS), machine)
    path = write_export(seen, folder / f"{number}.sqlite", UNIT, DOMAIN)
    plain = _mean_ns(WHOLE, random, machine)
    said = predictions(open_profile(path), plain, REMOVALS, f"{DOMAIN}:{UNIT}", STAGES)
    return Pair(said, {name: _mean_ns(variant, random, machine) for name, variant in VARIANTS.items()})


def _mean_ns(inference: Inference, random: np.random.Generator, machine: Machine | None) -> float:
    return float(np.mean(run(_launch(inference, random), machine).wall_ns))


def _launch(inference: Inference, random: np.random.Generator) -> list[Inference]:
    """Of a program that is as fast as the machine is at this launch."""
    return list(inferences(inferences(inference, 1, random, LAUNCH_SPREAD)[0], INFERENCES, random, SPREAD))
