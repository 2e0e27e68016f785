"""The profiler ledger: what each way of looking adds to an inference, as JSON and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from tracer.figure_text import change_text, interval_text, time_text
from tracer.reports.runtime_table import load_lines
from tracer.statistics import bootstrap_interval
from tracer.terminal_text import figure_table, print_lines

CONTROL = "untraced, again"
RECORDER = "recorder"
NVTX = "recorder and NVTX, no tool"
NSYS = "nsys, collecting"
TENSORFLOW = "TensorFlow's profiler"

NVPROF_2021_CPU_RATIO = 3.34
NVPROF_2021 = "nvprof on a Jetson Nano, 2021: 3.34 times the CPU time, +234 % (that report calls it 333 %)"
"""jecoz/mlperf-jetson, ``report/main.tex``: CPU time with and without nvprof."""


@dataclass(frozen=True, slots=True)
class PairTimes:
    """
    Blocks of one condition, of so many inferences each, beside untraced blocks.

    ``wall_ns`` is int64 (pairs, 2): the condition's, the untraced one's; ``cpu_ns`` the same of the CPU time of all
    threads of the process.
    """

    inferences: int
    wall_ns: NDArray[np.int64]
    cpu_ns: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Condition:
    """
    A way of looking, measured; ``version`` is of its tool.

    ``where`` says how base and condition were run in turn, ``times`` are one a launch of the processes: more than one
    where each has processes of its own.
    """

    name: str
    version: str | None
    where: str
    times: Sequence[PairTimes]


def build_ledger(conditions: Sequence[Condition], absent: Sequence[dict[str, str]]) -> dict[str, Any]:
    """What each adds, medians over the pairs with 95 % intervals; ``name`` and ``reason`` of what is absent."""
    return {
        "conditions": [_figures(one) for one in conditions],
        "absent": list(absent),
        "report_2021": {"cpu_ratio": NVPROF_2021_CPU_RATIO, "text": NVPROF_2021},
    }


def _figures(condition: Condition) -> dict[str, Any]:
    wall, cpu = (
        np.concatenate([np.asarray(getattr(times, name)) / times.inferences for times in condition.times])
        for name in ("wall_ns", "cpu_ns")
    )
    added = wall[:, 0] - wall[:, 1]
    return {
        "name": condition.name,
        "version": condition.version,
        "where": condition.where,
        "launches": len(condition.times),
        "pairs": len(wall),
        "untraced_ns": float(np.median(wall[:, 1])),
        "traced_ns": float(np.median(wall[:, 0])),
        "added_ns": float(np.median(added)),
        "added_interval_ns": list(bootstrap_interval(added)),
        **_ratio("ratio", wall),
        **_ratio("cpu_ratio", cpu),
        # Between launches differs what within one does not: where memory lies, what the tool set up.
        "launch_ratios": [float(np.median(one.wall_ns[:, 0] / one.wall_ns[:, 1])) for one in condition.times],
    }


def _ratio(name: str, pairs: NDArray[np.float64]) -> dict[str, Any]:
    """Pairs whose base took no CPU time that the clock could see are left out."""
    seen = pairs[pairs[:, 1] > 0]
    if not len(seen):
        return {name: None, f"{name}_interval": None}
    ratios = seen[:, 0] / seen[:, 1]
    return {name: float(np.median(ratios)), f"{name}_interval": list(bootstrap_interval(ratios))}


def render_ledger(figures: dict[str, Any], console: Console) -> None:
    """Print ``build_ledger`` with ``model``, ``backend`` and ``load``, 80 columns wide."""
    backend = figures["backend"]
    print_lines(
        console, [f"{figures['model']['name']} on {backend['name']} {backend['version']}, {backend['device']}"]
    )
    table = figure_table(("added to the untraced",), ("time", "wall time", "95 %", "CPU time"))
    for row in figures["conditions"]:
        low, high = row["ratio_interval"]
        spread = interval_text(low, high, change_text)
        cells = time_text(row["added_ns"]), change_text(row["ratio"]), spread, change_text(row["cpu_ratio"])
        table.add_row(row["name"], *cells)
    console.print(table)
    told = figures["conditions"][0]["where"] if figures["conditions"] else ""
    lines = [figures["report_2021"]["text"]]
    lines += [f"{row['name']}: {_how(row)}" for row in figures["conditions"] if row["where"] != told]
    lines += [f"not measured: {one['name']}: {one['reason']}" for one in figures["absent"]]
    print_lines(console, (*lines, *load_lines(figures["load"])))


def _how(row: dict[str, Any]) -> str:
    if row["launches"] == 1:
        return str(row["where"])
    return f"{row['where']}; the {row['launches']} launches: {', '.join(map(change_text, row['launch_ratios']))}"
