"""Which class stands for which: the assignment that fits best."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def best_assignment(gains: ArrayLike) -> NDArray[np.int64]:
    """
    Give each row a column of its own so that the sum is largest; of equal sums the one with the lower columns first.

    By dynamic programming over the sets of columns that are taken (Held and Karp, 1962): for the dozen classes of
    the benchmark 4096 sets, which spares the core the import of a solver.

    Args:
        gains: finite, shape (n, n) with n at most 16.

    Returns:
        The column of each row, shape (n,).
    """
    matrix = np.asarray(gains, np.float64)
    count = len(matrix)
    if count > 16:
        raise ValueError("more than 16 rows: the sets of columns are too many")
    sets = np.arange(1 << count)
    taken = np.array([one.bit_count() for one in range(len(sets))])
    best, last = np.full(len(sets), -np.inf), np.zeros(len(sets), np.int64)
    best[0] = 0.0
    for row in range(count):
        mine = sets[taken == row + 1]
        for column in range(count):
            holding = mine[mine >> column & 1 == 1]
            sums = best[holding ^ (1 << column)] + matrix[row, column]
            better = sums > best[holding]
            best[holding[better]], last[holding[better]] = sums[better], column
    chosen, left = np.zeros(count, np.int64), len(sets) - 1
    for row in reversed(range(count)):
        chosen[row] = last[left]
        left ^= 1 << int(chosen[row])
    return chosen
