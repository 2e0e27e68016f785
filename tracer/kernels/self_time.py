"""Time of nested operations without that of the operations in them; pure."""

from __future__ import annotations

import numpy as np

from tracer.arrow_arrays import NO_ROW, Integers


def self_times(thread: Integers, start_ns: Integers, end_ns: Integers) -> Integers:
    """
    How long each operation ran itself.

    Args:
        thread: of each operation, shape (n,); operations of different threads are not nested.
        start_ns: of each, in any order.
        end_ns: of each.

    Returns:
        Nanoseconds, shape (n,): an operation's time minus that of the operations directly in it, which begin and end
        within it on its thread. Those of a thread that are nested, as calls are, sum to the time that it was in any.
    """
    order = np.lexsort((-end_ns, start_ns, thread))
    own = end_ns - start_ns
    threads, ends = thread[order].tolist(), end_ns[order].tolist()
    # Rows of `order` that are open, the outermost first.
    opened: list[int] = []
    parents = np.full(len(order), NO_ROW)
    for row, (where, end) in enumerate(zip(threads, ends, strict=True)):
        while opened and (threads[opened[-1]] != where or ends[opened[-1]] < end):
            opened.pop()
        if opened:
            parents[row] = opened[-1]
        opened.append(row)
    inner = np.flatnonzero(parents >= 0)
    spent = np.zeros(len(order), np.int64)
    np.add.at(spent, order[parents[inner]], own[order[inner]])
    found: Integers = own - spent
    return found
