"""Devices whose frequency is known at every moment: how often what is sampled of it is doubted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from runner.device.sampler import INTERVAL_MS
from tracer.device.device_samples import FREQUENCY_HZ
from tracer.device.device_state import SAMPLES
from tracer.reports.device_report import device_figures
from tracer.reports.run_trust import frequencies_check
from tracer.runs.schema import WINDOWS

Floats = NDArray[np.float64]
Course = Callable[[Floats, np.random.Generator], Floats]

RUNS, COUNT, SECONDS, HERTZ = 40, 5, 11.0, 918e6
LATE_S, READING = 0.01, 0.002
"""A sweep comes so late, and a reading is so far off as a share, in the mean."""


def doubt_rates(seed: int = 0) -> dict[str, float]:
    """Share of the runs of each kind whose frequencies are not called fine."""
    rng = np.random.default_rng(seed)
    return {name: sum(_doubted(make, rng) for _ in range(RUNS)) / RUNS for name, (make, _) in COURSES.items()}


def _doubted(make: Course, rng: np.random.Generator) -> bool:
    seconds = np.arange(0, COUNT * SECONDS, INTERVAL_MS / 1e3)
    seconds = seconds + rng.exponential(LATE_S, len(seconds))
    read = HERTZ * make(seconds, rng) * (1 + READING * rng.standard_normal(len(seconds)))
    return (
        frequencies_check(range(1, COUNT + 1), device_figures(_samples(seconds, read), _windows()))["state"] != "fine"
    )


def _samples(seconds: Floats, hertz: Floats) -> pa.Table:
    rows = len(seconds)
    columns = {
        "run_id": ["simulated"] * rows,
        "time_ns": np.rint(seconds * 1e9).astype(np.int64),
        "source": ["gpu"] * rows,
        "quantity": [FREQUENCY_HZ] * rows,
        "value": np.rint(hertz).astype(np.int64),
    }
    return pa.table({name: pa.array(columns[name], SAMPLES.field(name).type) for name in SAMPLES.names}, SAMPLES)


def _windows() -> pa.Table:
    edges = (np.arange(COUNT + 1) * SECONDS * 1e9).astype(np.int64)
    given = {"window": range(1, COUNT + 1), "start_ns": edges[:-1], "end_ns": edges[1:], "inferences": [1000] * COUNT}
    columns = {name: pa.array(values, WINDOWS.field(name).type) for name, values in given.items()}
    return pa.table({**columns, "pair": pa.nulls(COUNT, pa.int32())})


def _dips(depth: float, length_s: float, every_s: float) -> Course:
    """Lower by a share for so long, from a random moment on."""

    def course(seconds: Floats, rng: np.random.Generator) -> Floats:
        return np.where((seconds + rng.uniform(0, every_s)) % every_s < length_s, 1 - depth, 1.0)

    return course


def _from(depth: float, second: float) -> Course:
    """Lower by a share from a moment on."""
    return lambda seconds, _rng: np.where(seconds >= second, 1 - depth, 1.0)


def _falling(seconds: Floats, _rng: np.random.Generator) -> Floats:
    return 1 - 0.05 * seconds / (COUNT * SECONDS)


COURSES: dict[str, tuple[Course, float]] = {
    "one frequency": (lambda seconds, _rng: np.ones(len(seconds)), 0.0),
    "10 % down for 50 ms every 19 s": (_dips(0.1, 0.05, 19.0), 0.0003),
    "10 % down for 50 ms every 1.9 s": (_dips(0.1, 0.05, 1.9), 0.0026),
    "50 % down for 50 ms every 1.9 s": (_dips(0.5, 0.05, 1.9), 0.013),
    "50 % down for 0.2 s every 4.9 s": (_dips(0.5, 0.2, 4.9), 0.02),
    "10 % down for 2 s every 9.9 s": (_dips(0.1, 2.0, 9.9), 0.02),
    "falling by 5 % through the run": (_falling, 0.025),
    "10 % down in the last window": (_from(0.1, 4 * SECONDS), 0.02),
    "30 % down from 30 s on": (_from(0.3, 30.0), 0.136),
}
"""By name: the frequency at moments, as a share of the full one, and what it takes from the rate of the run."""
