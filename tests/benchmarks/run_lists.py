"""A list of many runs of which nothing is new, beside looking at their ``run.json`` files alone; the first list."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from runner.machine_load import load_average
from tests.benchmarks.pairs import interleaved
from tests.many_runs import many_runs
from tracer.reports.run_list import told_runs
from tracer.runs.run_index import RunIndex

COUNTS = (1_000, 10_000)
PAIRS = 7


def measure(counts: tuple[int, ...] = COUNTS, pairs: int = PAIRS) -> dict[str, Any]:
    """By number of runs: seconds of the first list, and of later ones, and of finding the last run, the ratio."""
    return {"load": load_average(), **{str(count): _of(count, pairs) for count in counts}}


def _of(count: int, pairs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        kept = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        try:
            traces = Path(folder) / "traces"
            many_runs(traces, count)
            start = time.perf_counter()
            told_runs(traces)
            first_s = time.perf_counter() - start
            listed = interleaved(lambda: told_runs(traces), lambda: _looked_at(traces), pairs)
            last = interleaved(lambda: RunIndex(traces), lambda: _looked_at(traces), pairs)
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if kept is not None:
                os.environ["XDG_CACHE_HOME"] = kept
    return {"first_s": round(first_s, 2), "list": listed, "last": last}


def _looked_at(traces: Path) -> int:
    return sum(os.stat(f"{entry.path}/run.json").st_size for entry in os.scandir(traces))
