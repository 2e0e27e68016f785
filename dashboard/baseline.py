"""What the pages hold a run against: the run or the named baseline that the address's ``baseline`` names; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboard.looks import LOOKS
from tracer.errors import KwsTraceError, RunError
from tracer.fleet.baselines import read_baselines
from tracer.fleet.kept_launches import kept_launches
from tracer.runs.run_files import run_folder
from tracer.runs.run_store import StoredRun

PARAMETER = "baseline"
"""Of the address, on every page."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run, or the launches of a named baseline."""

    name: str
    runs: tuple[StoredRun, ...]


def baseline_names(traces: Path, runs: Sequence[str], shown: str) -> list[str]:
    """What can be chosen for the run ``shown``: the named baselines, then the other ``runs``."""
    try:
        named = list(read_baselines(traces))
    except KwsTraceError:
        named = []  # damaged: `kws-trace baseline list` says how to mend it
    others = [name for name in runs if name != shown]
    return [*(name for name in named if name not in runs), *others]


def chosen_baseline(traces: Path, asked: str | None, shown: str) -> Baseline | None:
    """
    The baseline that an address asks for; None where it asks for none, or for the run that is shown.

    Args:
        traces: folder of the runs.
        asked: the parameter, untrusted: a name directly within the folder, or that of a named baseline.
        shown: name of the run that the page shows.

    Raises:
        KwsTraceError: if there is neither a run nor a baseline of that name, or it cannot be opened.
    """
    if asked is None or asked == shown:
        return None

    def opened(name: str) -> StoredRun:
        return LOOKS.at(run_folder(traces, name)).run

    try:
        folder = run_folder(traces, asked)
    except RunError:
        return Baseline(asked, tuple(kept_launches(asked, traces, opened)))
    return Baseline(asked, (LOOKS.at(folder).run,))
