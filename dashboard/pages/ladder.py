"""Ladder: what each layer of the stack costs, and whether the prediction of it held."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.ladder_view import rung_frame, step_chart, step_frame, step_rows
from dashboard.markdown_text import plain
from dashboard.pages.address import into_address
from dashboard.pages.chrome import chart, lines, problem, table
from dashboard.pages.guidance import command
from dashboard.pages.head import page_head
from tracer.errors import KwsTraceError
from tracer.figure_text import counted, minute_text, rate_text
from tracer.ladder.store import list_ladders, read_ladder
from tracer.report_types.ladder import LadderReport


def show(traces: Path) -> None:
    """The saved ladders of the folder, one at a time."""
    facts = page_head("Ladder").facts
    names = [one["name"] for one in reversed(list_ladders(traces))]
    if not names:
        st.info(
            f"No ladder in the traces folder yet. {command(traces, 'ladder')} climbs one.", icon=":material/stairs:"
        )
        return
    asked = st.query_params.get("ladder")
    if asked is not None and asked not in names:
        # Only a name of the list is opened, so that no address leads out of the folder.
        st.error("The ladder that the address names is not in the traces folder. The newest one is shown.")
    name: str = st.sidebar.selectbox("Ladder", names, index=names.index(asked) if asked in names else 0)
    into_address("ladder", name)
    try:
        report = read_ladder(name, traces)
    except KwsTraceError as error:
        problem("The ladder has no figures.", str(error), warning=True)
        return
    st.set_page_config(page_title=f"{name} - Ladder")
    model = report["model"].get("name")
    facts.text(f"{name} · {model} · {counted(report['rounds'], 'round')} · {minute_text(report['created'])}")
    try:
        _page(report)
    except (LookupError, TypeError):
        problem("The ladder's figures are damaged.", f"{name}.ladder", warning=True)


def _page(report: LadderReport) -> None:
    best = next((one for one in report["rungs"] if one["rung"] == report["fastest"]), None)
    if best is not None:
        st.markdown(f"## {plain(best['rung'])} is the fastest rung: {rate_text(best['rate_hz'])}")
    covered = [one["verdict"] for one in report["steps"] if one["verdict"] in ("covered", "not covered")]
    if covered:
        lines([f"{covered.count('covered')} of {counted(len(covered), 'prediction')} covered."])
    elif report["steps"]:
        lines(["No step was both predicted and resolved."])
    table(rung_frame(report), height="content", key="rungs")
    rows = step_rows(report)
    if rows:
        chart(step_chart(rows), "ladder_steps")
    if report["steps"]:
        table(step_frame(report), height="content", key="steps")
    told = [f"{one['above']} to {one['rung']}: {one['verdict']}: {one['sentence']}" for one in report["steps"]]
    absent = [f"not here: {one['rung']}: {one['reason']}; {one['remedy']}" for one in report["absent"]]
    with st.expander("Why, and what is not here", expanded=not rows):
        lines([*told, *absent, *report["notes"]])
