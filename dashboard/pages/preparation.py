"""
What the pages of a run show, derived before it is asked for, so that a click finds it.

First of the newest run, then of the run that a visitor looked at last: one thing at a time, in one thread that ends
with the server. Nothing is derived while one of the newest runs is being recorded, maybe on this machine. Lists of
many runs are left to their pages: reading them would have no end in sight.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from dashboard.baseline import Baseline
from dashboard.looks import LOOKS
from dashboard.pages.kept import kept_frequencies, kept_recorded_report, kept_report
from dashboard.pages.kept_comparisons import compared, pair_of
from dashboard.pages.kept_inferences import kept_first_view
from dashboard.run_reading import run_before, run_entries
from tracer.errors import KwsTraceError
from tracer.fleet.answers import answer
from tracer.fleet.fleet import read_fleet
from tracer.reports.run_list import list_runs
from tracer.runs.run_files import is_locked, run_folder
from tracer.runs.run_store import StoredRun

FEW = 8
"""Runs that are looked at whether they are being recorded; and of a folder of which the lists are prepared too."""

REST_S = 1.0
"""After a page was begun: it has the interpreter for itself, unless it waits for what is being prepared."""


class Preparation:
    """Of the runs of one folder, once it was begun; ``look_at`` before that is nothing."""

    def __init__(self) -> None:
        self._asked = threading.Condition()
        self._traces: Path | None = None
        self._name: str | None = None
        self._begun = -REST_S

    def begin(self, traces: Path) -> None:
        """Prepare the newest run of a folder, in the background, and wait for what is looked at."""
        self._traces = traces
        threading.Thread(target=self._work, args=(traces,), name="preparation", daemon=True).start()

    def look_at(self, name: str) -> None:
        """A run of the folder is shown: what its other pages show comes next."""
        self._begun = time.monotonic()
        if self._traces is not None and name != self._name:
            with self._asked:
                self._name = name
                self._asked.notify()

    def _work(self, traces: Path) -> None:
        done: str | None = None
        while True:
            name = self._name
            if name != done or done is None:
                prepare(traces, name, partial(self._rest, name))
                done = name
            with self._asked:
                self._asked.wait_for(lambda: self._name != done)  # noqa: B023

    def _rest(self, name: str | None) -> bool:
        while (left := self._begun + REST_S - time.monotonic()) > 0:
            time.sleep(left)
        return self._name == name


def prepare(traces: Path, name: str | None, still: Callable[[], bool]) -> None:
    """
    Derive what the pages show of a run, the newest where ``name`` is None, and keep it.

    Args:
        traces: folder of the runs.
        name: of the run.
        still: whether it is the one to be prepared; asked before each thing, and may take its time.
    """
    try:
        names = [entry.name for entry in run_entries(traces) if not entry.problem]
        for thing in _things(traces, names, name or names[0]) if names else ():
            if not still() or any(is_locked(traces / one) for one in names[:FEW]):
                return
            thing()
    except (KwsTraceError, OSError):
        return  # the page tells


def _things(traces: Path, names: list[str], name: str) -> Iterator[Callable[[], object]]:
    """In the order in which pages are asked for; a run is opened when its turn has come."""
    run = LOOKS.at(run_folder(traces, name)).run
    yield lambda: kept_recorded_report(run)
    yield lambda: kept_report(run)
    yield lambda: kept_first_view(run)
    yield lambda: kept_frequencies(run)
    if len(names) > 1:
        yield from _of_two(run, LOOKS.at(run_folder(traces, run_before(names, name))).run)
    if len(names) <= FEW:
        yield lambda: list_runs(traces)
        yield lambda: answer(read_fleet([traces]).rows, "rates")


def _of_two(run: StoredRun, other: StoredRun) -> Iterator[Callable[[], object]]:
    """As the Compare page begins: the older one is the baseline."""
    before, after = sorted((run, other), key=lambda one: one.info.created)
    yield lambda: kept_report(other)
    yield lambda: compared([Baseline(run.name, (run,)), Baseline(other.name, (other,))], before.name)
    yield lambda: pair_of(before, after)


PREPARATION = Preparation()
"""That of the dashboard."""
