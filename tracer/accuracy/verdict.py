"""Which candidate the recorded vectors come from, and whether that can be said at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tracer.accuracy.confusion import Vectors
from tracer.accuracy.explanations import LOOSEST, Explanation

ENOUGH = 0.95
"""Share of the vectors that a candidate has to reproduce."""

ALIKE = 0.005
"""Shares that differ by less are the same: then the candidate with fewer mistakes is meant."""

CLOSE = 0.05
"""Of two candidates that both fail, one has to be better by this to be called the nearer in spite of its mistakes."""

TELLING = 0.5
"""Of results that are this much alike whatever the input, a fit tells nothing of how the input was read."""

EVIDENCE = 3
"""Vectors that the mistake reproduces and the right way does not, at least."""

Kind = Literal["as_it_should_be", "mistake", "undecided", "not_reproduced"]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """
    What was found.

    ``tolerance`` is the strictest at which ``best`` reproduces enough, ``digits`` the same in decimal digits; where
    nothing does, ``best`` is the nearest candidate and ``tolerance`` the loosest. ``rival`` does as well as ``best``
    (undecided), ``runner_up`` is the next that is not ``best`` with a further mistake; ``alike`` reproduce as many
    as ``best`` and have more mistakes, so they are less likely but not excluded.
    """

    kind: Kind
    best: Explanation
    tolerance: float
    rival: Explanation | None
    runner_up: Explanation | None
    alike: tuple[Explanation, ...] = ()

    @property
    def digits(self) -> int:
        """Decimal digits that agree."""
        return round(-math.log10(self.tolerance))


def judge(explanations: Sequence[Explanation], recorded: Vectors, decimals: int) -> Conclusion:
    """
    Find the candidate that reproduces the recorded vectors.

    Tolerances are tried from the last printed digit on, ten times looser each, up to ``LOOSEST``: where two
    candidates agree to two digits, one that agrees to six is the one. At a tolerance the highest share wins, and
    among shares that are alike the fewest mistakes. Where the results hardly depend on the input, nothing is decided.

    Of ``explanations`` the first is how it should be. ``recorded`` are the vectors that they explain, (N, 12), as
    printed with ``decimals``.
    """
    right = explanations[0]
    for tolerance in [10.0**-n for n in range(decimals, 1, -1)]:
        fit = [one for one in explanations if one.share(tolerance) >= ENOUGH and one.loosest >= tolerance]
        if not fit:
            continue
        highest = max(one.share(tolerance) for one in fit)
        alike = [one for one in fit if one.share(tolerance) >= highest - ALIKE]
        best = min(alike, key=lambda one: (one.cost, -one.share(tolerance), float(np.nanmean(one.errors))))
        runner_up = _runner_up(explanations, best, tolerance)
        if not best.mistakes:
            return Conclusion("as_it_should_be", best, tolerance, None, runner_up)
        rival = _rival(alike, best, right, tolerance)
        if rival is None and likeness(recorded, tolerance) > TELLING:
            rival = min((one for one in alike if one is not best), key=lambda one: one.cost, default=best)
        more = sorted((one for one in alike if one.keys > best.keys), key=lambda one: one.cost)
        return Conclusion("undecided" if rival else "mistake", best, tolerance, rival, runner_up, tuple(more))
    shares = {id(one): one.share(LOOSEST) if one.loosest >= LOOSEST else 0.0 for one in explanations}
    close = max(shares.values()) - CLOSE
    nearest = min(explanations, key=lambda one: (shares[id(one)] < close, one.cost, -shares[id(one)]))
    return Conclusion("not_reproduced", nearest, LOOSEST, None, _runner_up(explanations, nearest, LOOSEST))


def likeness(recorded: Vectors, tolerance: float) -> float:
    """Share of pairs of results, of inputs far apart in the pass, that differ by no more than ``tolerance``."""
    count = len(recorded)
    rolled = [np.roll(recorded, max(1, count * part // 7), axis=0) for part in (1, 2, 3)] if count > 1 else []
    near = [(np.abs(recorded - other).max(axis=1) <= tolerance + 1e-9).mean() for other in rolled]
    return float(np.mean(near)) if near else 0.0


def _rival(
    alike: Sequence[Explanation], best: Explanation, right: Explanation, tolerance: float
) -> Explanation | None:
    """A candidate that the vectors do not tell from ``best``."""
    if (best.within(tolerance) & ~right.within(tolerance)).sum() < EVIDENCE:
        return right
    others = [one for one in alike if one.cost == best.cost and (one.keys, one.model) != (best.keys, best.model)]
    return max(others, key=lambda one: one.share(tolerance), default=None)


def _runner_up(explanations: Sequence[Explanation], best: Explanation, tolerance: float) -> Explanation | None:
    others = [one for one in explanations if one.model != best.model or not one.keys >= best.keys]
    return max(others, key=lambda one: (one.share(tolerance), -one.cost), default=None)
