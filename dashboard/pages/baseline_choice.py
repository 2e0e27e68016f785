"""The head's choice of a baseline, and a run held against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from dashboard.baseline import PARAMETER, Baseline, baseline_names, chosen_baseline
from dashboard.markdown_text import plain
from dashboard.pages.address import into_address
from dashboard.run_reading import read_report
from tracer.errors import KwsTraceError
from tracer.report_types.report import Compared, Report
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.runs.run_cache import fingerprint
from tracer.runs.run_store import StoredRun, stored_run

LABEL_CHARACTERS = 16
_WIDGET, _KEPT, _SEEN = "head_baseline", "baseline_kept", "baseline_seen"


def baseline_choice(traces: Path, names: Sequence[str], shown: str) -> None:
    """Offer what the run ``shown`` can be held against; the address follows, and the next page keeps it."""
    memory, asked = st.session_state, st.query_params.get(PARAMETER)
    offered = baseline_names(traces, names, shown)
    wanted = asked if asked is not None and asked != memory.get(_SEEN) else memory.get(_WIDGET, memory.get(_KEPT))
    memory[_WIDGET] = wanted if wanted in offered else None
    against = memory[_WIDGET]
    short = against if against is None or len(against) < LABEL_CHARACTERS else f"{against[: LABEL_CHARACTERS - 1]}…"
    label = "Baseline" if short is None else f"Against {plain(short)}"
    with st.popover(label, help="Hold this run against another, or against the launches of a named baseline."):
        chosen: str | None = st.selectbox("Held against", offered, index=None, placeholder="nothing", key=_WIDGET)
    into_address(PARAMETER, chosen)
    memory[_KEPT] = memory[_SEEN] = chosen


def kept_baseline() -> str | None:
    """What the head of another page was given, or this page's address names."""
    asked: str | None = st.query_params.get(PARAMETER, st.session_state.get(_KEPT))
    return asked


def keep_baseline(name: str | None) -> None:
    """Make ``name`` what the heads of the other pages begin with."""
    st.session_state[_KEPT] = name


def strange_baseline(traces: Path, names: Sequence[str], shown: str) -> tuple[str, str] | None:
    """What is wrong with the baseline that the address names, and the cause; None where nothing is."""
    asked = st.query_params.get(PARAMETER)
    if asked is None or asked == shown:
        return None
    if asked not in baseline_names(traces, names, shown):
        return "The baseline that the address names is not in the traces folder.", ""
    try:
        chosen_baseline(traces, asked, shown)
    except KwsTraceError as error:
        return "The baseline cannot be opened.", str(error)
    return None


def baseline_of(run: StoredRun) -> Baseline | None:
    """The baseline that the page's address names; None without one, and where it cannot be opened: the head tells."""
    try:
        return chosen_baseline(run.folder.parent, st.query_params.get(PARAMETER), run.name)
    except KwsTraceError:
        return None


def baseline_run(run: StoredRun) -> StoredRun | None:
    """The run of the baseline, or the first of its launches."""
    found = baseline_of(run)
    return found.runs[0] if found is not None and found.runs else None


def held_against(run: StoredRun, baseline: Baseline) -> tuple[Compared, Report]:
    """
    The comparison of a run with its baseline, and the report of the baseline's first launch.

    Raises:
        KwsTraceError: if a run cannot be read.
    """
    folders = [str(one.folder) for one in (*baseline.runs, run)]
    return _KEPT_COMPARISON(baseline.name, folders, [fingerprint(Path(folder)) for folder in folders])


def _compared(name: str, folders: list[str], marks: list[str]) -> tuple[Compared, Report]:  # noqa: ARG001 -- the key
    runs = [stored_run(folder) for folder in folders]
    reports = [read_report(run).report for run in runs]
    sides = [launches_of(runs[:-1], name, reports[:-1]), launches_of(runs[-1:], None, reports[-1:])]
    return compare_sides(sides, baseline=name)["comparisons"][0], reports[0]


_KEPT_COMPARISON: Callable[..., tuple[Compared, Report]] = st.cache_data(max_entries=16, show_spinner="Comparing")(
    _compared
)
