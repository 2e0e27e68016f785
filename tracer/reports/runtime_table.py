"""One model on several runtimes: the figures, and what taking a layer out gives, as JSON and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tracer.figure_text import (
    counted,
    interval_text,
    number_text,
    share_text,
    signed_number_text,
    significant_text,
)
from tracer.statistics import bootstrap_interval
from tracer.terminal_text import figure_table, print_lines


@dataclass(frozen=True, slots=True)
class RuntimeTimes:
    """
    What was measured of one way; ``name`` is of the runtime and of the way it is called, ``version`` of the runtime.

    ``input_type``, ``float32`` or ``int8``, is what it takes; a float model may hold int8 weights inside. ``top1`` is
    the share of ``inputs`` that it answered rightly. ``rounds_ns`` is nanoseconds an inference of each round, float64
    (rounds,); round by round those of the others were measured beside it.
    """

    name: str
    version: str
    input_type: str
    device: str
    top1: float
    inputs: int
    rounds_ns: NDArray[np.float64]


def build_runtimes(rows: Sequence[RuntimeTimes], absent: Sequence[dict[str, str]], reference: str) -> dict[str, Any]:
    """
    The figures of each, fastest first.

    A gain is the median over the rounds of (reference minus this one), so that both met the machine in one mood; it
    may differ a little from the difference of the two medians.

    Args:
        rows: measured in the same rounds.
        absent: ``name``, ``reason`` and ``remedy`` of each that was not measured.
        reference: name of the row that gains are against; without it there are none.
    """
    base = next((row for row in rows if row.name == reference), None)
    figures = [_figures(row, None if base is None or row is base else base) for row in rows]
    return {
        "reference": None if base is None else reference,
        "runtimes": sorted(figures, key=lambda one: float(one["median_ns"])),
        "absent": list(absent),
    }


def _figures(row: RuntimeTimes, base: RuntimeTimes | None) -> dict[str, Any]:
    median = float(np.median(row.rounds_ns))
    told = ("name", "version", "input_type", "device", "top1", "inputs")
    figures: dict[str, Any] = {
        **{name: getattr(row, name) for name in told},
        "rounds": int(row.rounds_ns.size),
        "median_ns": median,
        "interval_ns": list(bootstrap_interval(row.rounds_ns)),
        "rate_hz": 1e9 / median,
    }
    if base is None:
        gained = ("gain_ns", "gain_interval_ns", "gain_hz", "speedup", "speedup_interval")
        return figures | dict.fromkeys(gained)
    gains, ratios = base.rounds_ns - row.rounds_ns, base.rounds_ns / row.rounds_ns
    return figures | {
        "gain_ns": float(np.median(gains)),
        "gain_interval_ns": list(bootstrap_interval(gains)),
        "gain_hz": 1e9 / median - 1e9 / float(np.median(base.rounds_ns)),
        "speedup": float(np.median(ratios)),
        "speedup_interval": list(bootstrap_interval(ratios)),
    }


def render_runtimes(figures: dict[str, Any], console: Console) -> None:
    """Print ``build_runtimes`` with ``model``, ``threads`` and ``load``, 80 columns wide."""
    inputs = sorted({row["inputs"] for row in figures["runtimes"]})
    asked = f", Top-1 over {counted(inputs[0], 'input')}" if len(inputs) == 1 else ""
    print_lines(console, [f"{figures['model']['name']}: {counted(figures['threads'], 'thread')}{asked}"])
    console.print(_time_table(figures["runtimes"]))
    if figures["reference"] is not None:
        console.print(f"Gained against {figures['reference']}, in the same rounds:")
        console.print(_gain_table([row for row in figures["runtimes"] if row["gain_ns"] is not None]))
    else:
        console.print("no gains: what they would be against is not installed")
    lines = [f"not measured: {one['name']}: {one['reason']}; {one['remedy']}" for one in figures["absent"]]
    print_lines(console, (*lines, *load_lines(figures["load"])))


def load_lines(load: dict[str, Any]) -> list[str]:
    """A warning where other work ran on the machine when the measurement began."""
    if load["before"] < 0.5 * (load["cpus"] or 1):
        return []
    machine = f"{number_text(load['before'], 1)} on {counted(load['cpus'] or 1, 'CPU')}"
    return [f"WARNING: the load was {machine} before it began: other work ran beside, ratios hold better than times"]


def _time_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = figure_table(("way",), ("on", "Top-1", "us", "95 %", "inf/s"))
    for row in rows:
        spread = _spread_us(row["median_ns"], row["interval_ns"])
        table.add_row(row["name"], row["device"], share_text(row["top1"]), *spread, number_text(row["rate_hz"]))
    return table


def _gain_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = figure_table(("way",), ("us", "95 %", "inf/s", "times", "95 %"))
    for row in rows:
        spread = _spread_us(row["gain_ns"], row["gain_interval_ns"])
        low, high = row["speedup_interval"]
        times = significant_text(row["speedup"]), interval_text(low, high, significant_text)
        table.add_row(row["name"], *spread, signed_number_text(row["gain_hz"], 0), *times)
    return table


def _spread_us(value: float, interval: Sequence[float]) -> tuple[str, str]:
    low, high = (end / 1e3 for end in interval)
    return significant_text(value / 1e3), interval_text(low, high, significant_text)
