"""Steps that need nothing of one another, on two cores: NumPy and Arrow let go of the interpreter meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")

THREADS = 2
"""More wait for the interpreter between two steps of NumPy, and each holds columns of its own."""


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """What both give; an error of the first is raised before one of the second."""
    with ThreadPoolExecutor(1) as thread:
        try:
            other = thread.submit(second)
        except RuntimeError:
            # The interpreter ends, and no thread begins any more: a server's threads may still be at work.
            return first(), second()
        return first(), other.result()


def each(function: Callable[[First], Second], items: Iterable[First]) -> list[Second]:
    """What the function gives of each item, in their order."""
    given = list(items)
    with ThreadPoolExecutor(THREADS) as threads:
        try:
            found: Iterable[Second] = threads.map(function, given)
        except RuntimeError:
            found = map(function, given)  # as in ``both``
        return list(found)
