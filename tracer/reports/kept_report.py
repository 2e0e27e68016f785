"""What was reported of runs, out of the cache folder where it was made before: replaying a capture takes long."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from tracer.runs.run_cache import RunCache
from tracer.runs.run_store import StoredRun

if TYPE_CHECKING:
    from tracer.report_types.report import ComparedFigures, Comparison, Report


def kept_report(run: StoredRun) -> Report:
    """The report of ``build_report``, without another run beside it and of its own device."""

    def made() -> Report:
        from tracer.reports.report import build_report

        return build_report(run)

    return cast("Report", _kept([run], "report", made))


def keep_report(run: StoredRun, report: Report) -> None:
    """Keep what ``build_report`` gave elsewhere, for the next ``kept_report``."""
    if not run.dropped:
        RunCache([run], "report").keep(json.dumps(report).encode())


def kept_figures(run: StoredRun) -> ComparedFigures:
    """The figures of ``compared_figures``."""

    def made() -> ComparedFigures:
        from tracer.reports.report import compared_figures

        return compared_figures(run)

    return cast("ComparedFigures", _kept([run], "compared", made))


def kept_comparison(
    sides: Sequence[tuple[str, Sequence[StoredRun]]], threshold: float, baseline: str | None
) -> Comparison:
    """
    The comparison of ``compare_sides``, of the launches of each side and what it is called.

    Raises:
        KwsTraceError: as ``compare_sides``.
    """

    def made() -> Comparison:
        from tracer.reports.compare_report import compare_sides, launches_of

        return compare_sides([launches_of(runs, name) for name, runs in sides], threshold, baseline)

    asked = json.dumps([threshold, baseline, [(name, len(runs)) for name, runs in sides]])
    return cast("Comparison", _kept([run for _, runs in sides for run in runs], f"comparison {asked}", made))


def _kept(runs: Sequence[StoredRun], kind: str, make: Callable[[], Any]) -> Any:
    # What opening a run found is of this opening: `last` says what no other name does.
    if any(run.dropped for run in runs):
        return make()
    return RunCache(runs, kind).kept_or_made(make, lambda found: json.dumps(found).encode(), json.loads)
