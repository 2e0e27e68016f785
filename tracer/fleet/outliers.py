"""Boards that are not as the others of their configuration are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import numpy as np

from tracer.fleet.tables import CONFIGURATION
from tracer.statistics.student import t_quantile

PREDICTION = 0.99
"""Of boards that are as the others are, so many lie inside their interval: one of a hundred is outside by chance."""

FEWEST_OTHERS = 3


def outliers(launches: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """
    A row a board, by configuration: its figure, and the interval in which the others predict it.

    A board is a host; its figure the geometric mean of its launches' medians, in ns. The prediction interval is
    Student's, of the logarithms of the other boards' figures: with the board itself among them, one of a few could
    never lie outside. ``outlier`` is null, and ``why_not`` says so, with fewer than ``FEWEST_OTHERS`` others.

    Args:
        launches: rows as ``queries.launches``, by configuration.
    """
    found = []
    for key, group in groupby(launches, key=lambda row: tuple(row[name] for name in CONFIGURATION)):
        boards: dict[str, list[float]] = {}
        for row in group:
            boards.setdefault(row["host"], []).append(math.log(row["median_ns"]))
        figures = {host: float(np.mean(logs)) for host, logs in sorted(boards.items())}
        for host, figure in figures.items():
            others = [other for name, other in figures.items() if name != host]
            facts = dict(zip(CONFIGURATION, key, strict=True))
            found.append({**facts, "host": host, "launches": len(boards[host]), **_held(figure, others)})
    return found


def _held(figure: float, others: list[float]) -> dict[str, Any]:
    row = {"median_ns": math.exp(figure), "boards": len(others) + 1}
    if len(others) < FEWEST_OTHERS:
        why = f"{len(others)} of at least {FEWEST_OTHERS} other boards"
        return {**row, "low_ns": None, "high_ns": None, "outlier": None, "why_not": why}
    middle, count = float(np.mean(others)), len(others)
    width = t_quantile((1 + PREDICTION) / 2, count - 1) * float(np.std(others, ddof=1)) * math.sqrt(1 + 1 / count)
    low, high = middle - width, middle + width
    ends = {"low_ns": math.exp(low), "high_ns": math.exp(high)}
    return {**row, **ends, "outlier": not low <= figure <= high, "why_not": ""}
