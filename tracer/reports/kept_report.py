"""What was reported of a run, out of the cache folder where it was made before: replaying a capture takes long."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from tracer.runs.run_cache import RunCache
from tracer.runs.run_store import StoredRun

if TYPE_CHECKING:
    from tracer.report_types.report import ComparedFigures, Report


def kept_report(run: StoredRun) -> Report:
    """The report of ``build_report``, without another run beside it and of its own device."""

    def made() -> Report:
        from tracer.reports.report import build_report

        return build_report(run)

    return cast("Report", _kept(run, "report", made))


def keep_report(run: StoredRun, report: Report) -> None:
    """Keep what ``build_report`` gave elsewhere, for the next ``kept_report``."""
    if not run.dropped:
        RunCache([run], "report").keep(json.dumps(report).encode())


def kept_figures(run: StoredRun) -> ComparedFigures:
    """The figures of ``compared_figures``."""

    def made() -> ComparedFigures:
        from tracer.reports.report import compared_figures

        return compared_figures(run)

    return cast("ComparedFigures", _kept(run, "compared", made))


def _kept(run: StoredRun, kind: str, make: Callable[[], Any]) -> Any:
    # What opening the run found is of this opening: `last` says what no other name does.
    if run.dropped:
        return make()
    return RunCache([run], kind).kept_or_made(make, lambda found: json.dumps(found).encode(), json.loads)
