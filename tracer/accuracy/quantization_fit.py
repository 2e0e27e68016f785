"""Finds the scale and the zero point that the recorded vectors were made with, where the usual ones are not it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.accuracy.confusion import Vectors
from tracer.accuracy.mistakes import Inputs, quantize_anew
from tracer.quantization import Quantization

Predict = Callable[[Inputs], Vectors]
Loss = Callable[[NDArray[np.float64]], float]

FITTED_ON = 32
"""Vectors that the fit sees; the verdict is over all of them, so a fit by chance shows."""

FIT_FROM = 24
"""Different results that there must be: two numbers are fitted to them, and the rest is proof."""

SCALES = np.geomspace(1 / 300, 6, 41)
ZERO_POINTS = np.arange(-128, 129, 16)
STARTS = 3

AROUND = [np.array([scale, zero]) for scale in np.linspace(-0.1, 0.1, 21) for zero in range(-8, 9)]
"""Steps about a place, whole in the zero point: rounding to int8 makes the ground too rough for a simplex alone."""


def fit_quantization(
    predict: Predict, data: Inputs, recorded: Vectors, start: Quantization, *, takes_counts: bool, near: bool
) -> Quantization:
    """
    Search scale and zero point: from ``start`` and a grid's best places on, by Nelder and Mead's simplex.

    The loss is the mean difference of the square roots of probabilities (Hellinger), which sees small outputs as
    well as large ones. The grid goes by vectors of every sureness, whose valleys are wide; the end by the least
    sure ones, whose valleys are narrow. Zero points are whole counts and scales often short numbers: the nearest
    such are tried last.

    Args:
        predict: the model, (n, 490) to (n, 12).
        data: int8 (N, 490).
        recorded: (N, 12).
        start: what they should be.
        near: that they are close to that, so that the grid can be spared.
        takes_counts: whether the model's input is int8: then values are rounded and cut to that.

    Returns:
        The best found, whether or not it is any good.
    """
    by_sureness = _by_sureness(recorded)
    spread = by_sureness[np.linspace(0, len(by_sureness) - 1, FITTED_ON).astype(int)]
    wide, coarse, narrow = (
        _hellinger_loss(predict, data[picked], recorded[picked], takes_counts=takes_counts)
        for picked in (spread, spread[::2], by_sureness[: 2 * FITTED_ON])
    )
    starts = [np.array([np.log(start.scale), start.zero_point], np.float64)]
    starts += [] if near else _from_a_grid(coarse)
    best = min((_descend(wide, start, (0.08, 6.0), 40) for start in starts), key=wide)
    best = _wander(wide, best)
    if takes_counts:
        best = _look_around(wide, best)
    best = _descend(wide, best, (0.01, 0.5), 120)
    return _whole(narrow, best)


def _hellinger_loss(predict: Predict, counts: Inputs, recorded: Vectors, *, takes_counts: bool) -> Loss:
    """Over these inputs, by the logarithm of the scale and the zero point."""
    roots = np.sqrt(np.maximum(recorded, 0))

    def loss(place: NDArray[np.float64]) -> float:
        mapping = Quantization(float(np.exp(place[0])), float(place[1]))
        answers = predict(quantize_anew(counts, mapping, takes_counts=takes_counts))
        return float(np.abs(np.sqrt(np.maximum(answers, 0)) - roots).mean())

    return loss


def _from_a_grid(loss: Loss) -> list[NDArray[np.float64]]:
    grid = [np.array([np.log(scale), zero], np.float64) for scale in SCALES for zero in ZERO_POINTS]
    return sorted(grid, key=loss)[:STARTS]


def _wander(loss: Loss, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Random steps that shrink, out of the small valleys that rounding makes."""
    random = np.random.default_rng(0)
    best, lowest = start, loss(start)
    for step in np.geomspace(1, 0.02, 5):
        for move in random.normal(0, (0.12 * step, 8 * step), (30, 2)):
            height = loss(best + move)
            if height < lowest:
                best, lowest = best + move, height
    return best


def _look_around(loss: Loss, place: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = np.array([place[0], np.rint(place[1])])
    return min([place, *(middle + step for step in AROUND)], key=loss)


def _descend(loss: Loss, start: NDArray[np.float64], steps: tuple[float, float], most: int) -> NDArray[np.float64]:
    from scipy.optimize import minimize

    options: dict[str, Any] = {"maxfev": most, "xatol": 1e-9}
    options["initial_simplex"] = np.array([start, start + np.array([steps[0], 0]), start + np.array([0, steps[1]])])
    return np.asarray(minimize(loss, start, method="Nelder-Mead", options=options).x, np.float64)


def _whole(loss: Loss, found: NDArray[np.float64]) -> Quantization:
    """The found place with a whole zero point and, where that is better, a scale of few digits."""
    from scipy.optimize import minimize_scalar

    places = []
    for zero in (float(np.floor(found[1])), float(np.ceil(found[1]))):
        near = (found[0] - 0.05, found[0] + 0.05)
        result = minimize_scalar(_at(loss, zero), bounds=near, method="bounded", options={"xatol": 1e-8})
        places += [
            np.array([np.log(scale), zero]) for x in (found[0], result.x) for scale in _short(float(np.exp(x)))
        ]
        places.append(np.array([result.x, zero]))
    # Of places that are as good the first counts: what is whole and short before what was found.
    best = min([*places, found], key=loss)
    return Quantization(float(np.exp(best[0])), float(best[1]))


def _at(loss: Loss, zero: float) -> Callable[[float], float]:
    """The loss along the scale alone."""
    return lambda x: loss(np.array([x, zero]))


def _short(scale: float) -> Iterator[float]:
    for digits in range(1, 6):
        yield float(f"{scale:.{digits}g}")
    yield 1 / max(1, round(1 / scale))


def _by_sureness(recorded: Vectors) -> NDArray[np.int64]:
    """Places of different vectors, the least sure first."""
    _, first = np.unique(recorded, axis=0, return_index=True)
    return np.asarray(first[np.argsort(recorded[first].max(axis=1), kind="stable")], np.int64)
