"""The profiler ledger: what each way of looking adds to an inference, as JSON and as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tracer.figure_text import bounds_text, change_text, range_notes, time_text
from tracer.reports.machine_report import load_lines
from tracer.terminal_text import figure_table, print_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

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
    """
    What each adds: geometric means over the pairs and over the launches, whose ratio the ratio is.

    Several launches are resampled, not the pairs in them. ``name`` and ``reason`` are of what is ``absent``.
    """
    return {
        "conditions": [_figures(one) for one in conditions],
        "absent": list(absent),
        "report_2021": {"cpu_ratio": NVPROF_2021_CPU_RATIO, "text": NVPROF_2021},
    }


def _figures(condition: Condition) -> dict[str, Any]:
    from tracer.statistics.ratio import rounds_of

    wall, cpu = (
        rounds_of([_seen(getattr(times, name) / times.inferences) for times in condition.times])
        for name in ("wall_ns", "cpu_ns")
    )
    traced, untraced = (float(one) for one in wall.times)
    ratio = wall.ratio(0, 1)
    cpu_ratio = cpu.ratio(0, 1) if cpu.logs else None
    return {
        "name": condition.name,
        "version": condition.version,
        "where": condition.where,
        "launches": len(condition.times),
        "pairs": sum(len(times.wall_ns) for times in condition.times),
        "left_out": wall.left_out,
        "untraced_ns": untraced,
        "traced_ns": traced,
        "added_ns": traced - untraced,
        "added_spread": ratio.mapped(lambda one: (one - 1) * untraced).figures,
        "ratio": ratio.value,
        "ratio_spread": ratio.figures,
        "cpu_ratio": None if cpu_ratio is None else cpu_ratio.value,
        "cpu_ratio_spread": None if cpu_ratio is None else cpu_ratio.figures,
        # Between launches differs what within one does not: where memory lies, what the tool set up.
        "launch_ratios": [math.exp(float((one[:, 0] - one[:, 1]).mean())) for one in wall.logs],
    }


def _seen(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the pairs of which one took no time that the clock could see."""
    return pairs[(pairs > 0).all(axis=1)]


GEOMETRIC = "What is added is of geometric means over the pairs of measurements, or the launches"


def render_ledger(figures: dict[str, Any], console: Console) -> None:
    """Print ``build_ledger`` with ``model``, ``backend`` and ``load``, 80 columns wide."""
    backend = figures["backend"]
    print_lines(
        console, [f"{figures['model']['name']} on {backend['name']} {backend['version']}, {backend['device']}"]
    )
    table = figure_table(("added to the untraced",), ("time", "wall time", "95 %", "CPU time"))
    for row in figures["conditions"]:
        spread = bounds_text(row["ratio_spread"], change_text)
        cells = time_text(row["added_ns"]), change_text(row["ratio"]), spread, change_text(row["cpu_ratio"])
        table.add_row(row["name"], *cells)
    console.print(table)
    told = figures["conditions"][0]["where"] if figures["conditions"] else ""
    lines = [
        GEOMETRIC,
        figures["report_2021"]["text"],
        *range_notes(row["ratio_spread"] for row in figures["conditions"]),
    ]
    lines += [f"{row['name']}: {_how(row)}" for row in figures["conditions"] if row["where"] != told]
    lines += [f"not measured: {one['name']}: {one['reason']}" for one in figures["absent"]]
    print_lines(console, (*lines, *load_lines(figures["load"])))


def _how(row: dict[str, Any]) -> str:
    if row["launches"] == 1:
        return str(row["where"])
    return f"{row['where']}; the {row['launches']} launches: {', '.join(map(change_text, row['launch_ratios']))}"
