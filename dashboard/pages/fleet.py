"""Fleet: every launch of the folder over time by configuration, its boards, and the baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.baseline import PARAMETER
from dashboard.fleet_view import PICKED, board_frame, configurations, launch_rows, rate_chart
from dashboard.pages.address import go_to, into_address
from dashboard.pages.chrome import chart, choose, drawing, lines, problem, table
from dashboard.pages.guidance import command, explain_empty
from dashboard.pages.head import page_head
from tracer.errors import KwsTraceError, NotInstalledError
from tracer.figure_text import counted
from tracer.fleet.answers import Query, answer
from tracer.fleet.baselines import read_baselines
from tracer.fleet.fleet import Fleet, read_fleet
from tracer.palette import colour_by_part
from tracer.reports.html.plots import key_list

_WIDGET, KEY_PX = "fleet_baseline", 20


def show(traces: Path) -> None:
    """The runs of the folder as `kws-trace fleet` sees them."""
    facts = page_head("Fleet").facts
    with st.spinner("Reading the runs"):
        fleet = read_fleet([traces])
    if not fleet.rows and not fleet.left_out:
        explain_empty(traces)
        return
    rated = [row for row in fleet.rows if row["rate_hz"] is not None]
    facts.text(f"{counted(len(fleet.rows), 'run')} · {counted(len({row['host'] for row in fleet.rows}), 'board')}")
    if rated:
        _rates(traces, rated)
    _answers(fleet)
    if fleet.left_out:
        with st.expander(f"{len(fleet.left_out)} left out"):
            st.text("\n".join(fleet.left_out))


def _rates(traces: Path, rated: list[dict[str, Any]]) -> None:
    try:
        known = read_baselines(traces)
    except KwsTraceError as error:
        problem("The baselines cannot be read.", str(error), warning=True)
        known = {}
    names = list(known)
    asked = st.query_params.get(PARAMETER)
    if _WIDGET not in st.session_state:
        st.session_state[_WIDGET] = asked if asked in names else None
    if names:
        chosen: str | None = st.selectbox("Baseline", names, index=None, placeholder="none", key=_WIDGET)
        into_address(PARAMETER, chosen)
    else:
        chosen = None
        st.caption(f"No baseline is named yet: {command(traces, 'baseline', 'set', 'NAME', 'RUN')}")
    held = set() if chosen is None else set(known[chosen])
    points = launch_rows(rated, held)
    picked = chart(rate_chart(points), "fleet_rates", on_select="rerun")
    drawing(key_list(colour_by_part(configurations(points))), "fleet_keys", KEY_PX)
    st.caption("A point is a launch, its colour the configuration; a click opens the run. Rings: the baseline.")
    clicked = picked["selection"].get(PICKED) or []
    if clicked and clicked[0].get("run") in {row["name"] for row in rated}:
        choose(clicked[0]["run"])
        go_to("overview", clicked[0]["run"])


def _answers(fleet: Fleet) -> None:
    """What needs the engine of the queries; without it the page says which extra brings it."""
    try:
        with st.spinner("Asking the runs"):
            found = {name: _answer(fleet.rows, name) for name in ("outliers", "rates", "trust")}
            from tracer.fleet.fleet_text import shared_values, text_table
    except NotInstalledError as error:
        problem("The tables of boards and configurations need an extra.", str(error), warning=True)
        return
    except KwsTraceError as error:
        problem("The runs cannot be asked.", str(error))
        return
    st.header("Boards")
    table(board_frame(fleet.rows, found["outliers"]), height="content", key="boards")
    for title, name in (("Rates by configuration", "rates"), ("Trust by configuration", "trust")):
        if found[name]:
            st.header(title)
            headings, cells = text_table(found[name])
            table([dict(zip(headings, row, strict=True)) for row in cells], height="content", key=name)
            lines([f"All: {'; '.join(shared_values(found[name]))}."] if len(found[name]) > 1 else [])


def _answer(rows: list[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    cached: Callable[..., list[dict[str, Any]]] = st.cache_data(max_entries=12, show_spinner=False)(answer)
    return cached(rows, query)
