"""
Whether the newest launches of each configuration are slower, asked of many configurations, night after night.

A look is what came together: the launches of one set (``kws-trace repeat``), or those of one day that are of none.
The look asked about is the newest; how many came before it since the baseline is counted from the runs, so that
asking twice costs nothing. The first look has three quarters of the error that all looks together may make, look k
after it a share that falls as 1 / k^2, and the shares sum to 1: whatever the looks have in common (the baseline is
the same), a false alarm ever has at most that chance. That a firmware is asked about once is the rule, and night
after night the exception: 1 / k^2 from the first on would give it 0.61.
Within a look the configurations share it by Holm's procedure (Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.fleet.tables import CONFIGURATION
from tracer.statistics.student import t_quantile, welch

Floats = NDArray[np.float64]

ERROR = 0.05
"""The chance that anything is called slower though nothing is, over all configurations and looks."""

FIRST_LOOK = 0.75
"""The share of that error which the first look after a baseline may make."""

FEWEST_BASE = 5
FEWEST_NEWEST = 3
POWER = 0.8
"""The chance with which a slowdown is failed that is stated as the least to be found."""


@dataclass(frozen=True, slots=True)
class Sides:
    """
    Of one configuration the launches of the newest look and those that they are held against.

    ``base`` and ``newest`` are medians in nanoseconds; ``look`` is its number from 1. ``why_not`` says why nothing
    can be told; empty where something can.
    """

    configuration: Mapping[str, str]
    base: Floats
    newest: Floats
    look: int
    why_not: str = ""


def sides_of(launches: Iterable[Mapping[str, Any]], baseline: Collection[str] | None = None) -> list[Sides]:
    """
    The two sides of each configuration.

    Args:
        launches: rows as ``queries.launches``, oldest first within a configuration.
        baseline: ids of the runs that the newest are held against; None for those before the newest look.
    """
    found = []
    for key, group in groupby(launches, key=lambda row: tuple(row[name] for name in CONFIGURATION)):
        found.append(_sides(dict(zip(CONFIGURATION, key, strict=True)), list(group), baseline))
    return found


def _sides(
    configuration: Mapping[str, str], rows: Sequence[Mapping[str, Any]], baseline: Collection[str] | None
) -> Sides:
    looks: dict[str, list[Mapping[str, Any]]] = {}
    base: list[Mapping[str, Any]] = []
    for row in rows:
        if baseline is not None and row["run_id"] in baseline:
            base.append(row)
        else:
            looks.setdefault(row["launch_set"] or row["created"][:10], []).append(row)
    if baseline is not None:
        # What is older than the baseline was not asked against it.
        since = max((row["created"] for row in base), default="")
        looks = {key: some for key, some in looks.items() if some[-1]["created"] > since}
    elif looks:
        *before, _ = looks.values()
        base = [row for some in before for row in some]
    newest = list(looks.values())[-1] if looks else []
    asked = len(looks) if baseline is not None else _looks_with_a_base([len(some) for some in looks.values()])
    why = ""
    if len(base) < FEWEST_BASE:
        what = "before the newest" if baseline is None else "in the baseline"
        why = f"{len(base)} of at least {FEWEST_BASE} launches {what}"
    elif len(newest) < FEWEST_NEWEST:
        why = f"{len(newest)} of at least {FEWEST_NEWEST} newest launches"
    times = [np.array([row["median_ns"] for row in some], np.float64) for some in (base, newest)]
    return Sides(configuration, times[0], times[1], max(asked, 1), why)


def _looks_with_a_base(counts: Sequence[int]) -> int:
    """How many looks had enough launches before them."""
    before = np.cumsum([0, *counts])[: len(counts)]
    return int((before >= FEWEST_BASE).sum())


def regressions(sides: Sequence[Sides], fail_over: float, error: float = ERROR) -> list[dict[str, Any]]:
    """
    A row a configuration: its slowdown, how sure that is, and whether it is detected or failed.

    ``slowdown`` is the ratio of the geometric means of the launches' medians minus 1, by Welch's t of the logarithms,
    so that the baseline's own error is in it. ``detected``: above 0 by Holm's procedure. ``failed``: ``low``, the
    lower bound that holds for all configurations and looks together, is above ``fail_over``. ``finds`` is the least
    slowdown that is failed with a probability of ``POWER``; it is ``fail_over`` and what the spread adds. All are
    null where ``why_not`` says why.
    """
    asked = [one for one in sides if not one.why_not]
    tests = [welch(np.log(one.newest), np.log(one.base)) for one in asked]
    adjusted = _holm([test.tail() / _share(one.look) for test, one in zip(tests, asked, strict=True)])
    found = {}
    for one, test, chance in zip(asked, tests, adjusted, strict=True):
        bound = t_quantile(1 - error * _share(one.look) / len(asked), test.freedom)
        low = math.expm1(test.value - bound * test.error)
        finds = math.expm1(math.log1p(fail_over) + (bound + t_quantile(POWER, test.freedom)) * test.error)
        found[id(one)] = {
            "slowdown": math.expm1(test.value),
            "low": low,
            "chance": chance,
            "detected": chance <= error,
            "failed": low > fail_over,
            "finds": finds,
        }
    nothing = dict.fromkeys(("slowdown", "low", "chance", "finds"), None) | {"detected": False, "failed": False}
    return [
        {
            **one.configuration,
            "base_launches": len(one.base),
            "launches": len(one.newest),
            "look": one.look,
            "base_ns": _middle(one.base),
            "newest_ns": _middle(one.newest),
            **found.get(id(one), nothing),
            "why_not": one.why_not,
        }
        for one in sides
    ]


def _share(look: int) -> float:
    # Of 1 / k^2 from the second on the sum is pi^2 / 6 - 1.
    return FIRST_LOOK if look == 1 else (1 - FIRST_LOOK) / (math.pi**2 / 6 - 1) / look**2


def _holm(tails: Sequence[float]) -> list[float]:
    """Adjusted so that those at most the error are rejected."""
    order = np.argsort(tails, kind="stable")
    left = np.arange(len(tails), 0, -1)
    adjusted = np.empty(len(tails))
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, left * np.array(tails)[order]))
    return [float(one) for one in adjusted]


def _middle(times: Floats) -> float | None:
    return float(np.exp(np.log(times).mean())) if len(times) else None
