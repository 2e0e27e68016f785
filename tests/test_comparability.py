"""What keeps two runs from being compared, and what is said where it is not known, in whole sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.dashboard_runs import plain_run
from tests.recorded import window
from tracer.reports.compare import Comparability, Side, comparability, difference
from tracer.reports.machine_report import unknown_facts
from tracer.runs.run_store import StoredRun, stored_run


def on_gpu(traces: Path, name: str) -> StoredRun:
    backend = {"name": "tensorflow", "device": "/device:GPU:0", "threads": None}
    return stored_run(plain_run(traces, name, [window(0)], backend=backend, host="bench", cpu="A CPU"))


def test_what_neither_run_recorded_is_warned_of_with_both_names(tmp_path: Path) -> None:
    one, two = (on_gpu(tmp_path, name) for name in ("one", "two"))
    gpu = "the GPU was not recorded in one and two: whether it was the same is not known"
    assert comparability(one, two) == Comparability(
        (),
        (
            "a model's hash was not recorded: whether both are the same file is not known",
            "frequencies not recorded in one and two: whether they were equal is not known",
            gpu,
        ),
    )
    assert unknown_facts(one.info, two.info) == [gpu]


def test_a_slower_median_beside_a_rate_that_scatters_is_no_verdict() -> None:
    # Rates of 700 to 1300 on both sides: their ratio may be anything near 1.
    rates = np.array([700.0, 1300, 900, 1100, 1000])
    fast, slow = (Side([scale * np.array([100.0, 101, 99, 100, 100])], [rates], "") for scale in (1.0, 1.3))
    found = difference(fast, slow)
    assert found is not None
    assert found.rate is not None
    assert (found.median.judgement, found.median.detected) == ("slower", "slower")
    assert (found.rate.judgement, found.rate.detected) == ("can't be told", None)
    assert found.verdict == "can't be told"
