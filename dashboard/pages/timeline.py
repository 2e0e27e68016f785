"""Timeline of a run: a component on canvas, to which the page sends what is in view and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v1 import declare_component

from dashboard.pages import chrome
from dashboard.pages.address import all_into_address, state
from dashboard.pages.guidance import command
from dashboard.pages.kept import kept
from dashboard.timeline_answers import answer
from dashboard.timeline_questions import Kept, Shown, around, kept_of, moved, read_asked, within
from dashboard.url_state import UrlState
from tracer.captures.timeline import read_timeline
from tracer.errors import KwsTraceError
from tracer.runs.run_cache import fingerprint
from tracer.runs.run_store import StoredRun

_KEY, _MARK, _ADDRESS, _SHOWN, _TURN = (
    *("timeline_component", "timeline_mark", "timeline_address"),
    *("timeline_shown", "timeline_turn"),
)
_NOWHERE = (None,) * 5
LANE_PX, SENSOR_PX, REST_PX = 22, 40, 330
"""Of the component's first height, which then follows what is in it."""


@cache
def _component() -> Any:
    """Declared while a page is shown: before, as this module is imported, Streamlit would not serve its files."""
    return declare_component("timeline", path=str(Path(__file__).parents[1] / "timeline"))


def _lay_out(run: StoredRun) -> tuple[Kept, str | None]:
    """The run, and why its captures cannot be laid beside it."""
    mark, problem = fingerprint(run.folder), None
    try:
        timeline = read_timeline(run)
    except KwsTraceError as error:
        if not run.info.captures:
            raise
        problem = str(error)
        timeline = read_timeline(replace(run, info=replace(run.info, captures=[])))
    return kept_of(mark, timeline, tuple(run.dropped)), problem


def show(traces: Path) -> None:
    """Let the user choose a run, and show its timeline where the address says, or its first profiled inference."""
    run = chrome.headed("Timeline", traces)
    if run is None:
        return
    laid = _read(run)
    if laid is None:
        return
    if laid.dropped:
        told = "\n".join(laid.dropped)
        chrome.problem("Part of this run is damaged or lost. What is left is shown.", told, warning=True)
    if not laid.lanes:
        st.info("Nothing to draw in this run: it has no spans. A host has to send `infer` while it is recorded.")
        return
    asked = state()
    if asked.inference is not None and around(laid.timeline, asked.inference, asked.inference) is None:
        st.warning(f"This run has no inference {asked.inference}: it recorded {laid.timeline.inferences}.")
    if run.state == "recording":
        st.button("Read what has come since", icon=":material/refresh:")
    # What is told below has a part of the component's room: on a wide page its legend takes less.
    with chrome.room("timeline", _height(laid)):
        st.fragment(_body)(laid)
        if not run.info.captures:
            recorded = command(traces, "run", "--port", run.info.port or "/dev/ttyGS0", "--nsys")
            st.caption(f"No GPU timeline in this run: {recorded} adds CUDA calls and GPU work.")
        st.caption(laid.timeline.clock)


def _read(run: StoredRun) -> Kept | None:
    try:
        found, problem = kept(_lay_out, "Laying out the run", of=[run])
    except KwsTraceError as error:
        chrome.problem("The timeline of this run cannot be read.", str(error))
        return None
    if problem is not None:
        chrome.problem("The captures of this run cannot be read. What the run itself recorded is shown.", problem)
    return found


def _body(kept: Kept) -> None:
    """What the component asks is answered here, without the rest of the page."""
    memory = st.session_state
    asked = read_asked(memory.get(_KEY), kept)
    view = state()
    address = (view.inference, view.bounds, view.selected, view.measured, view.find)
    led = ""
    # While the component asks, the address is what the browser had when it sent that: older than what is shown.
    if memory.get(_MARK) == kept.mark and asked is not None and asked.turn != memory[_TURN]:
        memory[_SHOWN], memory[_TURN] = moved(kept, asked), asked.turn
        led = f"turn {asked.turn}" if memory[_SHOWN] != asked.shown else ""
        _into_address(memory[_SHOWN])
    elif memory.get(_MARK) != kept.mark or address not in (memory.get(_ADDRESS), _NOWHERE):
        memory[_SHOWN], led = _first(kept, view), f"address {kept.mark} {address}"
        memory[_MARK], memory[_ADDRESS], memory[_TURN] = kept.mark, address, asked.turn if asked else 0
    elif asked is None and address != memory[_ADDRESS]:
        _into_address(memory[_SHOWN])  # back from another page
    _component()(key=_KEY, default=None, height=_height(kept), **answer(kept, asked, memory[_SHOWN], led))


def _height(kept: Kept) -> int:
    return REST_PX + LANE_PX * len({lane.label for lane in kept.lanes}) + SENSOR_PX * len(kept.timeline.sensors)


def _first(kept: Kept, state: UrlState) -> Shown:
    """What the address asks for; else the first inference of a capture that is no warm-up, or the whole run."""
    timeline = kept.timeline
    number = timeline.nearest_captured(-1) if state.inference is None else state.inference
    found = None if number is None else around(timeline, number, number)
    bounds = state.bounds if state.bounds and state.inference is None else found or (0, timeline.end_ns)
    return within(kept, Shown(bounds, state.selected, state.measured, state.find or ""))


def _into_address(shown: Shown) -> None:
    """A link shows the very view."""
    state = UrlState(bounds=shown.bounds, selected=shown.selected, measured=shown.measured, find=shown.find or None)
    all_into_address({**state.view_parameters(), "inference": None})
    st.session_state[_ADDRESS] = (None, state.bounds, state.selected, state.measured, state.find)
