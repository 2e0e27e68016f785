"""The HTML file of a run or of a profile: reads what the document draws, and writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracer.captures.chosen_units import chosen_units
from tracer.captures.timeline import read_timeline
from tracer.errors import CaptureError, KwsTraceError, ProfileError, WriteError
from tracer.profiles.profile import Profile
from tracer.report_types.breakdown import BreakdownReport
from tracer.report_types.launches import LaunchSetReport
from tracer.report_types.report import Report
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.html.launch_document import launch_document
from tracer.reports.html.one_unit import DrawnUnit, drawn_inference, drawn_unit
from tracer.reports.html.privacy import Private
from tracer.reports.html.run_document import run_document, timeline_section
from tracer.reports.html.unit_document import unit_document
from tracer.reports.unit_report import breakdown_figures, profile_level
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import timed_inferences
from tracer.whole_files import written_whole

PACKAGE = "kws-trace"


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """What is shown of a profile: its figures, the whole document, and in it the drawing of one unit (SVG)."""

    figures: BreakdownReport
    html: str
    timeline: str


def run_html(run: StoredRun, report: Report, baseline: StoredRun | None = None) -> str:
    """
    The document of a run, compared with a ``baseline``.

    Raises:
        KwsTraceError: if the baseline cannot be read.
    """
    comparison = None
    if baseline is not None:
        sides = [launches_of([baseline]), launches_of([run], reports=[report])]
        comparison = compare_sides(sides, baseline=sides[0].name)
    private = _private_of([run] if baseline is None else [run, baseline])
    return run_document(report, comparison, _timeline(run), private, version(PACKAGE), _latencies_ns(run))


def set_html(report: LaunchSetReport, runs: Sequence[StoredRun]) -> str:
    """The document of a set of launches, whose ``runs`` they are."""
    return launch_document(report, _private_of(runs), version(PACKAGE))


def _private_of(runs: Sequence[StoredRun]) -> Private:
    folders = {str(place) for one in runs for place in (one.folder.absolute(), one.folder.absolute().parent)}
    return Private((*folders, str(Path.home())), tuple({one.info.host for one in runs}))


def _timeline(run: StoredRun) -> DrawnUnit | None:
    """None where a capture cannot be read, which the report says."""
    try:
        return drawn_inference(read_timeline(run))
    except (CaptureError, ProfileError):
        return None


def _latencies_ns(run: StoredRun) -> NDArray[np.int64] | None:
    """None where the spans cannot be read, which the report says."""
    try:
        return timed_inferences(run).wall_ns
    except KwsTraceError:
        return None


def profile_page(
    profile: Profile, unit_range: str | None, stages: Sequence[str] | None, wall_ns: float | None, skip: int
) -> ProfilePage:
    """
    The figures of a profile, its document and its drawing; arguments as those of ``build_breakdown``.

    Raises:
        ProfileError: as ``build_breakdown`` does.
        UsageError: as there.
    """
    chosen = chosen_units(profile, unit_range, stages, skip)
    level = profile_level(profile, chosen, wall_ns)
    figures, drawn = breakdown_figures(level, chosen), drawn_unit(level)
    private = Private((str(profile.path.absolute().parent), str(Path.home())))
    html = unit_document(figures, drawn, private, version(PACKAGE))
    return ProfilePage(figures, html, "" if drawn is None else timeline_section(drawn))


def write_html(path: Path, html: str) -> None:
    """
    Write a document whole.

    Raises:
        WriteError: if the disk does not take it, or no file can be there.
    """
    try:
        with written_whole(path) as new:
            new.write_text(html, encoding="utf-8")
    except OSError as error:
        raise WriteError(path, "it cannot be written", error, "name another file, or make room") from error
