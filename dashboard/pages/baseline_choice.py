"""The head's choice of a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard.baseline import PARAMETER, Baseline, baseline_names, chosen_baseline
from dashboard.markdown_text import plain
from dashboard.pages.address import into_address
from tracer.errors import KwsTraceError
from tracer.runs.run_store import StoredRun

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
