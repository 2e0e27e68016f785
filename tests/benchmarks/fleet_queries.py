"""Questions of 20, 200 and 2,000 runs, each a process of its own; the percentiles of all inferences beside pandas."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import against_floor, command_of, run_process
from tests.fleet_runs import many_launches

COUNTS = (20, 200, 2_000)
QUERIES = ("rates", "overhead", "kernels", "trust", "outliers")

PANDAS = """
import json, sys
from pathlib import Path
import pandas
times = {}
for run in sorted(Path(sys.argv[1]).iterdir()):
    windows = pandas.read_parquet(run / "windows", columns=["window", "kind"])
    spans = pandas.read_parquet(run / "spans", columns=["window", "warmup", "inference", "duration_ns"])
    used = windows.window[windows.kind == "performance"]
    kept = spans[spans.inference.notna() & ~spans.warmup & spans.window.isin(used)]
    board = json.loads((run / "run.json").read_text())["board"]
    times.setdefault(board, []).append(kept.groupby("inference").duration_ns.sum())
for board, each in times.items():
    print(board, pandas.concat(each).quantile([0.5, 0.9, 0.99]).to_list())
"""


def measure(counts: tuple[int, ...] = COUNTS, rounds: int = 3, inferences: int = 2067) -> dict[str, Any]:
    """By number of runs: CPU seconds and MB of the first question and of others, and ``latency`` beside pandas."""
    return {str(count): _of(count, rounds, inferences) for count in counts}


def _of(count: int, rounds: int, inferences: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        kept = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        try:
            traces = Path(folder) / "traces"
            traces.mkdir()
            many_launches(traces, count, inferences=inferences, captured_every=7)
            found = {"first": _cost(traces, "rates")}
            found.update((query, _cost(traces, query)) for query in QUERIES)
            latency = command_of("fleet", "latency", "--root", str(traces), "--json")
            found["latency"], _ = against_floor(latency, PANDAS, [str(traces)], rounds)
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if kept is not None:
                os.environ["XDG_CACHE_HOME"] = kept
    return found


def _cost(traces: Path, query: str) -> dict[str, float]:
    cost = run_process(command_of("fleet", query, "--root", str(traces), "--json"))
    return {"cpu_s": round(cost.cpu_s, 2), "peak_mb": round(cost.peak_mb)}
