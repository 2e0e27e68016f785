"""Runs of a fleet: of several configurations and boards, whose launches spread by as much as they are told to."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from tests.dashboard_runs import gpu_run, plain_run, windows_of

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def fleet_run(
    traces: Path, name: str, hours: float = 0, *, configuration: int = 0, board: str = "board", **how
) -> Path:
    """
    A run of a ``configuration``, ``hours`` after the first; ``how`` are arguments of ``windows_of``.

    With inferences ``captured`` it has a kernel level.
    """
    how = {"captured": 0, "inferences": 20, **how}
    return (gpu_run if how["captured"] else plain_run)(
        traces,
        name,
        windows_of(**how),
        created=(START + timedelta(hours=hours)).isoformat(timespec="milliseconds"),
        host=board,
        board=f"device-{configuration}",
        model={"name": "kws", "sha256": f"{configuration % 4:064x}", "format": "tflite"},
        backend={"name": "litert", "device": "CPU", "threads": 1},
        versions={"litert": "1.4.0"},
        machine={"governor": "performance"},
    )


def many_launches(
    traces: Path,
    runs: int,
    *,
    configurations: int = 40,
    inferences: int = 2067,
    spread: float = 0.01,
    captured_every: int = 0,
) -> None:
    """
    ``runs`` launches of ``configurations`` in turn, on five boards each, as fast but for a launch's ``spread``.

    With the ``inferences`` of each of five windows as they are here a run has 31,000 rows of spans. Each run whose
    number divides by ``captured_every`` has a capture of 200 inferences: 2,030 rows of GPU work.
    """
    rng = np.random.default_rng(7)
    for number in range(runs):
        fleet_run(
            traces,
            f"run-{number:05d}",
            number / 4,
            configuration=number % configurations,
            board=f"board-{number // configurations % 5}",
            inferences=inferences,
            slower=float(np.exp(rng.normal(0, spread))),
            captured=200 if captured_every and number % captured_every == 0 else 0,
            seed=number,
        )
