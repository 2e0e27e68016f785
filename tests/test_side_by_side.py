"""Steps side by side give what they give one after the other, and their errors in that order."""

from __future__ import annotations

import threading

import pytest

from tracer.side_by_side import THREADS, both, each


def test_both_run_at_once():
    # Neither comes past the barrier alone.
    barrier = threading.Barrier(2, timeout=30)
    assert both(lambda: (barrier.wait() >= 0, "first"), lambda: (barrier.wait() >= 0, "second")) == (
        (True, "first"),
        (True, "second"),
    )


def test_the_error_of_the_first_goes_before_that_of_the_second():
    def fail(message: str) -> None:
        raise ValueError(message)

    with pytest.raises(ValueError, match="first"):
        both(lambda: fail("first"), lambda: fail("second"))
    with pytest.raises(ValueError, match="second"):
        both(lambda: None, lambda: fail("second"))


def test_each_keeps_the_order_and_runs_so_many_at_once():
    barrier = threading.Barrier(THREADS, timeout=30)

    def squared(number: int) -> int:
        barrier.wait()
        return number**2

    assert each(squared, range(2 * THREADS)) == [number**2 for number in range(2 * THREADS)]
    assert each(squared, []) == []
