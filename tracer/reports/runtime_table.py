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
    bounds_text,
    counted,
    number_text,
    range_notes,
    share_text,
    signed_number_text,
    significant_text,
)
from tracer.report_types.estimates import EstimateFigures
from tracer.reports.batch_table import render_batches, us_text
from tracer.reports.machine_report import load_lines
from tracer.statistics.ratio import Rounds, rounds_of
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

    Times are geometric means over the rounds that nothing interrupted, the same for all: gains and speedups are those
    of the times shown, and what their spreads hold is how the two differed in one mood of the machine.

    ``absent`` has ``name``, ``reason`` and ``remedy`` of each that was not measured; gains are against the row named
    ``reference``, and without it there are none.
    """
    base = next((place for place, row in enumerate(rows) if row.name == reference), None)
    rounds = rounds_of([np.column_stack([row.rounds_ns for row in rows])] if rows else [])
    figures = [_figures(row, rounds, place, None if place == base else base) for place, row in enumerate(rows)]
    return {
        "reference": None if base is None else reference,
        "left_out": rounds.left_out,
        "runtimes": sorted(figures, key=lambda one: float(one["time_ns"])),
        "absent": list(absent),
    }


def _figures(row: RuntimeTimes, rounds: Rounds, place: int, base: int | None) -> dict[str, Any]:
    time = rounds.time(place)
    told = ("name", "version", "input_type", "device", "top1", "inputs")
    figures: dict[str, Any] = {
        **{name: getattr(row, name) for name in told},
        "rounds": int(row.rounds_ns.size),
        "time_ns": time.value,
        "spread": time.figures,
        "rate_hz": 1e9 / time.value,
    }
    if base is None:
        return figures | dict.fromkeys(("gain_ns", "gain_spread", "gain_hz", "speedup", "speedup_spread"))
    speedup = rounds.ratio(base, place)
    gain = speedup.mapped(lambda times: (times - 1) * time.value)
    return figures | {
        "gain_ns": gain.value,
        "gain_spread": gain.figures,
        "gain_hz": (1 - 1 / speedup.value) * 1e9 / time.value,
        "speedup": speedup.value,
        "speedup_spread": speedup.figures,
    }


GEOMETRIC = "Times are geometric means over the rounds, and a rate is 1 over its time"


def render_runtimes(figures: dict[str, Any], console: Console) -> None:
    """Print ``build_runtimes`` with ``model``, ``threads`` and ``load``, and ``batches`` if any, 80 columns wide."""
    inputs = sorted({row["inputs"] for row in figures["runtimes"]})
    asked = f", Top-1 over {counted(inputs[0], 'input')}" if len(inputs) == 1 else ""
    print_lines(console, [f"{figures['model']['name']}: {counted(figures['threads'], 'thread')}{asked}"])
    console.print(_time_table(figures["runtimes"]))
    if figures["reference"] is not None:
        console.print(f"Gained against {figures['reference']}, in the same rounds:")
        console.print(_gain_table([row for row in figures["runtimes"] if row["gain_ns"] is not None]))
    else:
        console.print("no gains: what they would be against is not installed")
    if "batches" in figures:
        render_batches(figures["batches"], console)
    lines = [f"not measured: {one['name']}: {one['reason']}; {one['remedy']}" for one in figures["absent"]]
    spreads = [row[name] for row in figures["runtimes"] for name in ("spread", "speedup_spread") if row[name]]
    print_lines(console, (GEOMETRIC, *range_notes(spreads), *lines, *load_lines(figures["load"])))


def _time_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = figure_table(("way",), ("on", "Top-1", "us", "95 %", "inf/s"))
    for row in rows:
        spread = _spread_us(row["time_ns"], row["spread"])
        table.add_row(row["name"], row["device"], share_text(row["top1"]), *spread, number_text(row["rate_hz"]))
    return table


def _gain_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = figure_table(("way",), ("us", "95 %", "inf/s", "times", "95 %"))
    for row in rows:
        spread = _spread_us(row["gain_ns"], row["gain_spread"])
        times = significant_text(row["speedup"]), bounds_text(row["speedup_spread"], significant_text)
        table.add_row(row["name"], *spread, signed_number_text(row["gain_hz"], 0), *times)
    return table


def _spread_us(value: float, spread: EstimateFigures) -> tuple[str, str]:
    return us_text(value), bounds_text(spread, us_text)
