"""Steps side by side give what they give one after the other, and their errors in that order."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tests.conftest import ROOT
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


AT_THE_END = """
import atexit
from tracer.side_by_side import both, each

atexit.register(lambda: print(both(lambda: 1, lambda: 2), each(str, (n for n in range(3)))))
"""


def test_where_the_interpreter_ends_the_steps_follow_one_another():
    """As in a thread of a server that is told to end: a pool takes nothing then."""
    ended = subprocess.run(
        [sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert (ended.stdout, ended.stderr) == ("(1, 2) ['0', '1', '2']\n", "")
