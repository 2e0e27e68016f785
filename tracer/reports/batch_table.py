"""One model on several runtimes, several inputs at a time: what one takes, and from which batch on a side wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from tracer.figure_text import beside_text, count_text, number_text, significant_text
from tracer.reports.machine_report import on_gpu
from tracer.statistics.intervals import Estimate
from tracer.statistics.ratio import Rounds, rounds_of
from tracer.terminal_text import figure_table, print_lines

Side = Literal["CPU", "GPU"]
SIDES: tuple[Side, Side] = ("CPU", "GPU")

COLUMNS = 5
"""Batches beside one another in a table of 80 columns."""


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """
    What was measured of one runtime: nanoseconds an input in each round, float64 (rounds,).

    ``largest_difference`` is of a probability of the batch from that of the same input alone; None for single inputs.
    """

    name: str
    device: str
    rounds_ns: NDArray[np.float64]
    largest_difference: float | None


@dataclass(frozen=True, slots=True)
class MeasuredBatch:
    """One size of batch: runtimes timed in the same rounds, and ``name``, ``reason``, ``remedy`` of the others."""

    batch: int
    rows: Sequence[BatchTimes]
    absent: Sequence[dict[str, str]]


def build_batches(measured: Sequence[MeasuredBatch]) -> dict[str, Any]:
    """
    Each size of batch, ascending, and what they say of CPU against GPU.

    A side wins a batch where the interval of the ratio of the two fastest, in the same rounds, excludes 1.

    Returns:
        ``measured``: of each ``batch``, ``left_out`` rounds, ``runtimes`` fastest first with ``time_ns`` an input,
        ``absent``, ``fastest``, ``not_told_apart`` from it, ``cpu`` and ``gpu`` (the fastest of each),
        ``gpu_over_cpu`` with its ``spread``, ``wins`` (``CPU``, ``GPU`` or None); ``wins_first``, of the first batch;
        ``other_wins_from``: the batch from which on the other side wins all that were measured; ``said``: sentences.
    """
    columns = [_column(one) for one in measured]
    first = columns[0]["wins"]
    other = None if first is None else SIDES[1 - SIDES.index(first)]
    since = None if other is None else _wins_from(columns, other)
    return {"measured": columns, "wins_first": first, "other_wins_from": since, "said": _sentences(columns)}


def _column(one: MeasuredBatch) -> dict[str, Any]:
    rounds = rounds_of([np.column_stack([row.rounds_ns for row in one.rows])] if one.rows else [])
    order = sorted(range(len(one.rows)), key=lambda place: rounds.time(place).value)
    on = [on_gpu({"device": row.device}) for row in one.rows]
    best = {side: next((p for p in order if on[p] == (side == "GPU")), None) for side in SIDES}
    cpu, gpu = best["CPU"], best["GPU"]
    ratio = None if cpu is None or gpu is None else rounds.ratio(gpu, cpu)
    beside = [place for place in order[1:] if _winner(rounds.ratio(place, order[0])) is None]
    return {
        "batch": one.batch,
        "left_out": rounds.left_out,
        "runtimes": [_row(one.rows[place], rounds, place) for place in order],
        "absent": list(one.absent),
        "fastest": one.rows[order[0]].name if order else None,
        "not_told_apart": [one.rows[place].name for place in beside],
        **{side.lower(): None if place is None else one.rows[place].name for side, place in best.items()},
        "gpu_over_cpu": None if ratio is None else {"value": ratio.value, "spread": ratio.figures},
        "wins": None if ratio is None else _winner(ratio),
    }


def _row(row: BatchTimes, rounds: Rounds, place: int) -> dict[str, Any]:
    time = rounds.time(place)
    return {
        "name": row.name,
        "device": row.device,
        "rounds": int(row.rounds_ns.size),
        "time_ns": time.value,
        "spread": time.figures,
        "rate_hz": 1e9 / time.value,
        "largest_difference": row.largest_difference,
    }


def _winner(gpu_over_cpu: Estimate) -> Side | None:
    """None where it cannot be told; what is not a number excludes nothing."""
    if gpu_over_cpu.low > 1:
        return "CPU"
    return "GPU" if gpu_over_cpu.high < 1 else None


def _wins_from(columns: Sequence[dict[str, Any]], side: Side) -> int | None:
    """The first batch of those, up to the last, that ``side`` wins without a break."""
    since = None
    for column in reversed(columns):
        if column["wins"] != side:
            break
        since = int(column["batch"])
    return since


def _sentences(columns: Sequence[dict[str, Any]]) -> list[str]:
    lacking = [side for side in SIDES if not any(column[side.lower()] for column in columns)]
    if lacking:
        return [f"No {' and no '.join(lacking)} was measured.", *map(_fastest_sentence, columns)]
    first = columns[0]
    said = [_pair_sentence(first)]
    told = [column for column in columns[1:] if column["wins"] not in (None, first["wins"])]
    sides: list[Side] = [side for side in SIDES if side != first["wins"]]
    if first["wins"] is None:
        sides = [side for side in sides if any(column["wins"] == side for column in columns)]
    for side in sides:
        since = _wins_from(columns, side)
        won = [count_text(column["batch"]) for column in told if column["wins"] == side]
        if since is not None:
            (at,) = (column for column in columns if column["batch"] == since)
            said.append(f"From batch {count_text(since)} on the {side} wins: {_pair_text(at, side)}.")
        elif won:
            said.append(f"The {side} wins at batch {', '.join(won)}, and not at every larger one measured.")
        elif len(columns) > 1:
            said.append(f"At none of the larger batches measured the {side} wins.")
    return said + [_pair_sentence(column) for column in columns[1:] if column["wins"] is None]


def _pair_sentence(column: dict[str, Any]) -> str:
    at, wins = f"At batch {count_text(column['batch'])}", column["wins"]
    if wins is not None:
        return f"{at} the {wins} wins: {_pair_text(column, wins)}."
    for side in SIDES:
        if column[side.lower()] is None:
            return f"{at} no {side} was measured. {_fastest_sentence(column)}"
    return f"{at} it cannot be told whether CPU or GPU wins: {_pair_text(column, 'CPU')}."


def _pair_text(column: dict[str, Any], side: Side) -> str:
    """The fastest of ``side``, against that of the other."""
    other = SIDES[1 - SIDES.index(side)]
    ratio = column["gpu_over_cpu"]
    against = f"{_named(column, column[other.lower()])} on the {other}"
    times = f"{significant_text(ratio['value'])}{beside_text(ratio['spread'], significant_text)}"
    return f"{_named(column, column[side.lower()])}, against {against}; GPU over CPU {times}"


def _fastest_sentence(column: dict[str, Any]) -> str:
    at = f"at batch {count_text(column['batch'])}"
    if column["fastest"] is None:
        return f"No runtime was measured {at}."
    beside = column["not_told_apart"]
    apart = f"; not told apart from it: {', '.join(beside)}" if beside else ""
    return f"The fastest {at} is {_named(column, column['fastest'])}{apart}."


def _named(column: dict[str, Any], name: str) -> str:
    row = next(row for row in column["runtimes"] if row["name"] == name)
    return f"{name} ({us_text(row['time_ns'])} us an input, {number_text(row['rate_hz'])} inputs/s)"


def us_text(ns: float | None) -> str:
    """Microseconds of a column of them, whose heading has the unit."""
    return significant_text(None if ns is None else ns / 1e3)


def render_batches(figures: dict[str, Any], console: Console) -> None:
    """Print ``build_batches``, 80 columns wide: one row a runtime, one column a batch."""
    columns = figures["measured"]
    devices = {row["name"]: row["device"] for column in columns for row in column["runtimes"]}
    for start in range(0, len(columns), COLUMNS):
        shown = columns[start : start + COLUMNS]
        console.print("us an input, by the inputs in a batch:")
        table = figure_table(("way", "on"), [count_text(column["batch"]) for column in shown])
        for name, device in devices.items():
            times = ({row["name"]: row["time_ns"] for row in column["runtimes"]} for column in shown)
            table.add_row(name, device, *(us_text(of_batch.get(name)) for of_batch in times))
        console.print(table)
    print_lines(console, (*figures["said"], *_absent_lines(columns)))


def _absent_lines(columns: Sequence[dict[str, Any]]) -> list[str]:
    """What did not run in a batch, each reason once; what lacks at the first one too is told there."""
    batches: dict[tuple[str, str, str], list[str]] = {}
    everywhere = {one["name"] for one in columns[0]["absent"]}
    for column in columns[1:]:
        for one in column["absent"]:
            if one["name"] not in everywhere:
                key = (one["name"], one["reason"], one["remedy"])
                batches.setdefault(key, []).append(count_text(column["batch"]))
    return [f"not at batch {', '.join(at)}: {name}: {why}; {what}" for (name, why, what), at in batches.items()]
