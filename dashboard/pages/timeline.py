"""Timeline of a run: one inference or any range of them on lanes, an overview to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from dashboard.frames import Frame
from dashboard.pages import chrome
from dashboard.timeline_charts import BRUSH, detail_chart, overview_chart
from dashboard.timeline_lanes import Lane, categories_of, lanes_of
from dashboard.timeline_view import draw, overview, shown_inferences
from tracer.captures.timeline import Timeline, read_timeline
from tracer.errors import KwsTraceError
from tracer.runs.run_store import StoredRun

_RANGE, _RUN, _ADDRESS, _TURN = "timeline_range", "timeline_run", "timeline_address", "timeline_turn"
_CHANGED, _SHOWN = "timeline_changed", "timeline_shown"
_FROM, _TO, _FIRST, _LAST = "timeline_from", "timeline_to", "timeline_first", "timeline_last"

Range = tuple[int, int]


@dataclass(frozen=True)
class _Kept:
    """What is made once a run: its lanes, sorted and summed, and the overview of all of it."""

    timeline: Timeline
    lanes: list[Lane]
    categories: list[str]
    overview: Frame
    dropped: tuple[str, ...]


def _lay_out(run: StoredRun) -> _Kept:
    timeline = read_timeline(run)
    lanes = lanes_of(timeline)
    return _Kept(timeline, lanes, categories_of(lanes), overview(lanes, timeline.end_ns), tuple(run.dropped))


_laid_out = chrome.kept(_lay_out, st.cache_resource, 2, "Laying out the run")


def show(traces: Path) -> None:
    """Let the user choose a run and a range of it, by the address or by hand."""
    run = chrome.headed("Timeline", traces)
    if run is None:
        return
    kept = _read(run)
    if kept is None:
        return
    if kept.dropped:
        told = "\n".join(kept.dropped)
        chrome.problem("Part of this run is damaged or lost. What is left is shown.", told, warning=True)
    if not kept.lanes:
        st.info("Nothing to draw in this run: it has no spans. A host has to send `infer` while it is recorded.")
        return
    _start(run, kept)
    if run.state == "recording":
        st.button("Read what has come since", icon=":material/refresh:")
    st.fragment(_body)(kept)
    if not run.info.captures:
        recorded = chrome.command(traces, "run", "--port", run.info.port or "/dev/ttyGS0", "--nsys")
        st.caption(f"No GPU timeline in this run: {recorded} adds CUDA calls and GPU work.")
    st.caption(kept.timeline.clock)


def _read(run: StoredRun) -> _Kept | None:
    try:
        found: _Kept = _laid_out(run)
    except KwsTraceError as error:
        if not run.info.captures:
            chrome.problem("The timeline of this run cannot be read.", str(error))
            return None
        chrome.problem("The captures of this run cannot be read. What the run itself recorded is shown.", str(error))
        found = _lay_out(replace(run, info=replace(run.info, captures=[])))
    return found


def _start(run: StoredRun, kept: _Kept) -> None:
    """Take the range that the address asks for when that changes; else keep the one shown, or take a first one."""
    asked, memory = chrome.state(), st.session_state
    address = (asked.inference, asked.bounds)
    if memory.get(_RUN) == run.info.run_id and address in (memory.get(_ADDRESS), (None, None)):
        if address == (None, None):
            memory[_CHANGED] = memory.get(_CHANGED, False) or memory[_ADDRESS] != address
        return
    memory[_RUN], memory[_ADDRESS], memory[_CHANGED] = run.info.run_id, address, False
    found = asked.bounds
    if asked.inference is not None:
        found = _inferences(kept.timeline, asked.inference, asked.inference)
        if found is None:
            st.warning(f"This run has no inference {asked.inference}: it recorded {kept.timeline.inferences}.")
    # Else the first inference of a capture that is no warm-up; without a capture the whole run.
    number = kept.timeline.first_captured()
    if found is None and number is not None:
        found = _inferences(kept.timeline, number, number)
    _set(found or (0, kept.timeline.end_ns), kept)


def _inferences(timeline: Timeline, first: int, last: int) -> Range | None:
    """From a little before one inference to a little after another, so that they are seen to begin and end."""
    span, one = timeline.inference_span(first, last), timeline.inference_span(first, first)
    if span is None or one is None:
        return None
    margin = max((one[1] - one[0]) // 20, 1)
    return max(span[0] - margin, 0), min(span[1] + margin, timeline.end_ns)


def _set(chosen: Range, kept: _Kept) -> None:
    end = max(min(chosen[1], kept.timeline.end_ns), 1)
    start = min(max(chosen[0], 0), end - 1)
    st.session_state[_RANGE] = st.session_state[_SHOWN] = (start, end)
    # Another key is another chart: a brush that no longer is the range goes.
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def _body(kept: _Kept) -> None:
    """What a change of the range draws anew."""
    _overview(kept)
    _controls(kept)
    _buttons(kept)
    start, end = st.session_state[_RANGE]
    drawing = draw(kept.timeline, kept.lanes, start, end)
    for sentence in drawing.sentences:
        st.caption(sentence)
    if len(drawing.marks):
        spec = detail_chart(drawing, kept.categories, start, end)
        st.vega_lite_chart(spec=spec, width="stretch", key="timeline_detail")
        st.caption(
            "Hover for the whole name and the exact times; the wheel and dragging look closer at what is drawn."
        )
    if st.session_state.get(_CHANGED):
        st.query_params["from"], st.query_params["to"] = str(start), str(end)
        st.query_params.pop("inference", None)
        st.session_state[_ADDRESS], st.session_state[_CHANGED] = (None, (start, end)), False


def _overview(kept: _Kept) -> None:
    key, end = f"timeline_overview_{st.session_state[_TURN]}", kept.timeline.end_ns

    def brushed() -> None:
        bounds = next(iter(st.session_state[key].selection.get(BRUSH, {}).values()), None)
        if bounds and len(bounds) == 2:
            first, last = (round(float(bound) * 1e6) for bound in bounds)
            st.session_state[_RANGE] = (max(first, 0), max(min(last, end), first + 1))
            st.session_state[_CHANGED] = True

    labels = list(dict.fromkeys(lane.label for lane in kept.lanes if not lane.nested and len(lane.start_ns)))
    shown = st.session_state[_SHOWN]
    chart = overview_chart(kept.overview, labels, kept.categories, end, None if shown == (0, end) else shown)
    st.vega_lite_chart(spec=chart, width="stretch", key=key, on_select=brushed, selection_mode=[BRUSH])


def _controls(kept: _Kept) -> None:
    memory, timeline = st.session_state, kept.timeline
    start, end = memory[_RANGE]
    memory[_FROM], memory[_TO] = start / 1e6, end / 1e6
    first, last = shown_inferences(kept.lanes, timeline, start, end)
    memory[_FIRST], memory[_LAST] = first, last

    def typed_time() -> None:
        _choose((round(memory[_FROM] * 1e6), round(memory[_TO] * 1e6)), kept)

    def typed_numbers() -> None:
        low, high = sorted((memory[_FIRST], memory[_LAST]))
        if memory[_FIRST] != first and memory[_LAST] == last and first == last:
            high = low = memory[_FIRST]
        span = _inferences(timeline, low, high)
        if span is not None:
            _choose(span, kept)

    boxes = st.columns(4)
    most = max(timeline.inferences - 1, 0)
    numbers = {"min_value": 0, "max_value": most, "step": 1, "on_change": typed_numbers, "disabled": not most}
    boxes[0].number_input("First inference", key=_FIRST, **numbers)
    boxes[1].number_input("Last inference", key=_LAST, **numbers)
    times = {"min_value": 0.0, "max_value": timeline.end_ns / 1e6, "format": "%.6f", "on_change": typed_time}
    boxes[2].number_input("From, ms", key=_FROM, **times)
    boxes[3].number_input("To, ms", key=_TO, **times)


def _choose(chosen: Range, kept: _Kept) -> None:
    _set(chosen, kept)
    st.session_state[_CHANGED] = True


def _buttons(kept: _Kept) -> None:
    start, end = st.session_state[_RANGE]

    def move(by: float, scale: float) -> None:
        middle, half = (start + end) / 2 + by * (end - start), (end - start) * scale / 2
        _choose((round(middle - half), round(middle + half)), kept)

    with st.container(horizontal=True):
        for icon, label, by, scale in (
            ("arrow_back", "Earlier", -0.5, 1.0),
            ("arrow_forward", "Later", 0.5, 1.0),
            ("zoom_in", "Closer", 0.0, 0.25),
            ("zoom_out", "Wider", 0.0, 4.0),
        ):
            st.button(label, icon=f":material/{icon}:", on_click=move, args=(by, scale))
        st.button("Whole run", on_click=_choose, args=((0, kept.timeline.end_ns), kept))
