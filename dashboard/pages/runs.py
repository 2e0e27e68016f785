"""Runs: the list with filters; a run can be opened, renamed and deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.markdown_text import plain
from dashboard.pages.address import go_to
from dashboard.pages.chrome import choose, lines, problem, room, table, table_height
from dashboard.pages.drop_box import drop_box
from dashboard.pages.guidance import explain_empty
from dashboard.pages.head import page_head
from dashboard.pages.sign_in import login_configured, published
from dashboard.run_reading import RunEntry, run_entries
from dashboard.runs_view import STATES, choices, filtered, launch_set_frame, run_list_frame
from tracer.errors import KwsTraceError
from tracer.figure_text import count_text, counted, size_text
from tracer.palette import GREY
from tracer.reports.run_list import list_runs
from tracer.runs.run_files import delete_run, rename_run
from tracer.runs.run_note import MOST_BYTES, write_note

_DONE = "runs_done"


def show(traces: Path) -> None:
    """The runs of the folder, the newest first."""
    page_head("Runs")
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(plain(done))
    entries = run_entries(traces)
    if not entries:
        explain_empty(traces)
        drop_box()
        return
    shown = {entry.name for entry in entries if not entry.problem}
    with st.spinner("Reading the runs"):
        rows = [row for row in list_runs(traces).rows if row["name"] in shown]
    # A filter or a tick does the fragment again, with the rows as they were listed.
    st.fragment(_listed)(traces, rows, [entry for entry in entries if entry.problem])
    drop_box()


def _listed(traces: Path, rows: list[dict[str, Any]], damaged: list[RunEntry]) -> None:
    found = _filters(rows)
    sets = launch_set_frame(found)
    if len(sets):
        table(sets, height="content", key="launch_sets")
        st.caption("Launches of one configuration: 95 % intervals over launches; [ ] is a range of too few for one.")
    ticked = _table(found, len(rows))
    if damaged:
        problem(f"{len(damaged)} cannot be opened.", "\n".join(entry.problem for entry in damaged), warning=True)
    if len(ticked) == 1:
        _actions(traces, found[ticked[0]])
    elif ticked:
        names = [found[place]["name"] for place in ticked]
        if st.button(f"Compare {counted(len(names), 'run')}", type="primary", icon=":material/compare_arrows:"):
            choose(names[0])
            go_to("compare", names[0], names[1:])
    if damaged:
        _remove_damaged(traces, [entry.name for entry in damaged])


def _filters(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    columns = st.columns(4)
    text = columns[0].text_input(
        "Search", placeholder="name, model, runtime, note", key="runs_text", bind="query-params"
    )
    filters = zip(columns[1:], ("State", "Runtime", "Model"), ("state", "backend", "model"), strict=True)
    chosen = {
        key: column.multiselect(
            label,
            choices(rows, key),
            format_func=lambda value: STATES.get(value, value),
            key=f"runs_{key}",
            bind="query-params",
        )
        for column, label, key in filters
    }
    return filtered(rows, text, **chosen)


def _table(found: list[dict[str, Any]], count: int) -> list[int]:
    """Show the rows; a click opens one. The places of those that are ticked."""
    columns = st.column_config
    # Other rows are another table: a tick must not pass from one run to another.
    key = f"runs_table_{hash(tuple(row['name'] for row in found))}"
    with room(key, table_height(len(found))):
        picked = st.dataframe(
            run_list_frame(found),
            hide_index=True,
            width="stretch",
            on_select="rerun",
            selection_mode=["multi-row", "single-cell"],
            key=key,
            column_config={
                "inf/s": columns.NumberColumn(
                    format="localized", help="Median of the complete performance windows, by laps."
                ),
                "windows' inf/s": columns.LineChartColumn(
                    "windows", width="small", color=GREY, help="The rate of each performance window."
                ),
                "note": columns.Column(width="medium", help="What a person wrote of the run: tick it to write one."),
                "rule-valid": columns.Column(help="Five windows of 10 s or more."),
                "trust": columns.Column(width="medium", help="The worst of what speaks against the rate."),
                "MB": columns.NumberColumn(format="%.2f", help="Size on disk, captures and sessions included."),
            },
        )
    size = size_text(sum(row["bytes"] for row in found))
    st.caption(
        f"{count_text(len(found))} of {counted(count, 'run')}, {size} on disk. "
        "A click opens a run; tick one to write a note, rename or delete it, several to compare them."
    )
    cells = [place for place, _ in picked.selection.cells if place < len(found)]
    ticked = [int(place) for place in picked.selection.rows if place < len(found)]
    if cells and not ticked:
        name = found[cells[0]]["name"]
        choose(name)
        go_to("overview", name)
    return ticked


def _actions(traces: Path, row: dict[str, Any]) -> None:
    name = row["name"]
    st.header(plain(name), divider="gray")
    if st.button("Open", type="primary", icon=":material/speed:", key="runs_open"):
        choose(name)
        go_to("overview")
        lines(["Chosen: it is shown on every page."])
    if not _may_write():
        return
    with st.form("runs_note"):
        note = st.text_area("Note", row["note"] or "", max_chars=MOST_BYTES, height=100, key=f"runs_note_{name}")
        if st.form_submit_button("Keep the note"):
            _do(lambda: write_note(traces, name, note), f"the note of {name} is kept")
    if row["state"] == "recording":
        st.caption("It is being recorded: it can be renamed and deleted when it has ended.")
        return
    rename, delete = st.columns(2)
    with rename.form("runs_rename"):
        new = st.text_input("New name", value=name, max_chars=200, key=f"runs_new_{name}").strip()
        if st.form_submit_button("Rename"):
            _do(lambda: rename_run(traces, name, new), f"{name} is now {new}")
    with delete.form("runs_delete"):
        sure = st.checkbox("Delete it from the disk, for good", key=f"runs_sure_{name}")
        if st.form_submit_button("Delete", icon=":material/delete:"):
            _delete(traces, name, sure=sure)


def _remove_damaged(traces: Path, names: list[str]) -> None:
    if not _may_write():
        return
    with st.expander("Delete what cannot be opened"), st.form("runs_damaged"):
        name = st.selectbox("Folder", names, key="runs_damaged_name")
        sure = st.checkbox("Delete it for good, with the tables that may be whole", key="runs_damaged_sure")
        if st.form_submit_button("Delete", icon=":material/delete:"):
            _delete(traces, name, sure=sure)


def _delete(traces: Path, name: str, *, sure: bool) -> None:
    if sure:
        _do(lambda: delete_run(traces, name), f"{name} is deleted")
    else:
        st.warning("Tick the box first.")


def _may_write() -> bool:
    if published() and not login_configured():
        st.caption("Open to the network without sign-in: runs are neither renamed nor deleted here.")
        return False
    return True


def _do(work: Callable[[], Any], done: str) -> None:
    """Do it, and show the list anew; or say why it could not be done."""
    try:
        work()
    except KwsTraceError as error:
        problem("It was not done.", str(error))
        return
    st.session_state[_DONE] = done
    st.rerun()
