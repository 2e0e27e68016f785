"""The runs of a named baseline, opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tracer.errors import UsageError
from tracer.fleet.baselines import baseline_runs
from tracer.runs.run_store import StoredRun, stored_run


def kept_launches(name: str, traces: Path, opened: Callable[[str], StoredRun] | None = None) -> list[StoredRun]:
    """
    The runs of the baseline ``name`` of a folder; ``opened`` opens one by its name, in place of ``stored_run``.

    Raises:
        UsageError: if there is none of that name, or one of its runs has become another.
        KwsTraceError: if one of them cannot be opened.
    """
    kept = baseline_runs([traces], name)
    runs = list(map(opened or partial(stored_run, traces=traces), kept.values()))
    for identity, run in zip(kept, runs, strict=True):
        if run.info.run_id != identity:
            raise UsageError("--baseline", f"{run.name} is another run than the one of {name}", "set it again")
    return runs
