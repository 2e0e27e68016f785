"""Bandwidth by direction, memory and size: figures and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from tracer.figure_text import MISSING, bounds_text, count_text, range_notes, significant_text, time_text
from tracer.reports.machine_report import load_lines
from tracer.statistics.intervals import clustered
from tracer.terminal_text import figure_table, print_lines

HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE = "host to device", "device to host", "device to device"
IN_MEMORY = "memory to memory"
PAGEABLE, PINNED = "pageable", "pinned"

BOTH_WAYS = (DEVICE_TO_DEVICE, IN_MEMORY)
"""Within one memory each byte is read and written: both are counted, as NVIDIA's ``bandwidthTest`` does."""

NANO_2021 = {HOST_TO_DEVICE: 5.6e9, DEVICE_TO_HOST: 10.5e9, DEVICE_TO_DEVICE: 16.7e9}
"""Bytes a second on a Jetson Nano, pinned, 32 MB: ``report/main.tex`` of jecoz/mlperf-jetson, listing of
``bandwidthTest``."""


@dataclass(frozen=True, slots=True)
class CopyTimes:
    """
    Repeats of one kind of copy: ``copies`` of ``size`` bytes a repeat, ``repeats_ns`` nanoseconds a copy of each.

    ``memory`` is of the host, ``pageable`` or ``pinned``; None where the host has no part.
    """

    direction: str
    memory: str | None
    size: int
    copies: int
    repeats_ns: tuple[float, ...]


def build_bandwidth(times: Sequence[CopyTimes], *, gpu: bool) -> dict[str, Any]:
    """
    Median time of a copy with its spread, and bytes a second, of each kind and size.

    Where they were measured on a GPU, ``nano_2021`` stands beside them.
    """
    return {"copies": [_figures(one) for one in times], "nano_2021": dict(NANO_2021) if gpu else None}


def _figures(times: CopyTimes) -> dict[str, Any]:
    moved = times.size * (2 if times.direction in BOTH_WAYS else 1)
    time = clustered(times.repeats_ns, [], each="repeat")
    return {
        "direction": times.direction,
        "memory": times.memory,
        "bytes": times.size,
        "counted_bytes": moved,
        "copies": times.copies,
        "repeats": len(times.repeats_ns),
        "copy_ns": time.value,
        "copy_spread": time.figures,
        "bytes_per_s": 1e9 * moved / time.value,
        "bytes_per_s_spread": time.mapped(lambda ns: 1e9 * moved / ns).figures,
    }


def render_bandwidth(figures: dict[str, Any], console: Console) -> None:
    """Print ``build_bandwidth`` with ``device`` and ``load``, 80 columns wide."""
    device = figures["device"]
    if device["driver"] is None:
        where = f"Memory to memory, NumPy, one thread: {device['why_no_gpu']}"
    else:
        where = f"{device['name']}, driver for CUDA {device['driver']}"
    print_lines(console, [where])
    table = figure_table(("copy", "host memory"), ("bytes", "a copy", "GB/s", "95 %"))
    for row in sorted(figures["copies"], key=lambda one: (one["direction"], one["memory"] or "", one["bytes"])):
        rates = _giga_text(row["bytes_per_s"]), bounds_text(row["bytes_per_s_spread"], _giga_text)
        size, memory = count_text(row["bytes"]), row["memory"] or MISSING
        table.add_row(row["direction"], memory, size, time_text(row["copy_ns"]), *rates)
    console.print(table)
    ranges = range_notes(row["copy_spread"] for row in figures["copies"])
    print_lines(console, (*ranges, *_notes(figures), *load_lines(figures["load"])))


def _giga_text(rate: float | None) -> str:
    return significant_text(None if rate is None else rate / 1e9)


def _notes(figures: dict[str, Any]) -> list[str]:
    both = sorted({row["direction"] for row in figures["copies"] if row["direction"] in BOTH_WAYS})
    notes = [f"{direction}: bytes read and bytes written are both counted" for direction in both]
    if figures["device"]["integrated"]:
        notes.append("the GPU shares the system's memory: a copy between host and device stays in it")
    if figures["nano_2021"] is not None:
        told = ", ".join(f"{way} {significant_text(rate / 1e9)}" for way, rate in figures["nano_2021"].items())
        notes.append(f"a Jetson Nano in 2021 (pinned, 32 MB), GB/s: {told}")
    return notes
