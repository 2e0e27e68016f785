"""What the pages share: which run, what of it is damaged, and how tables and charts stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.frames import Frame
from dashboard.kernel_detail import KernelDetail
from dashboard.looks import LOOKS, REFRESH_S
from dashboard.markdown_text import plain, with_commands
from dashboard.page_head import head_text, room_class
from dashboard.pages.address import go_to, into_address, state
from dashboard.pages.baseline_choice import baseline_choice, strange_baseline
from dashboard.pages.export_button import export_button
from dashboard.pages.guidance import explain_empty
from dashboard.pages.head import page_head
from dashboard.pages.kept import kept_report
from dashboard.pages.preparation import PREPARATION
from dashboard.run_reading import RunEntry, run_entries, what_is_left
from dashboard.vega import Spec, worded
from tracer.errors import KwsTraceError
from tracer.report_types.report import Report
from tracer.reports.html.markup import Markup
from tracer.runs.run_files import run_folder
from tracer.runs.run_store import StoredRun

ROW_PX, TABLE_PX = 35, 400
"""Of Streamlit's tables: the height of a row, and the most of a table that is not given another."""

NAMES_KEY = "names_of_the_runs"
"""Of those that open, the newest first."""

_WIDGET, _CHOSEN, _SEEN = "run_widget", "run_chosen", "run_seen"


def choose_run(traces: Path) -> StoredRun | None:
    """
    Let the user choose a run, by the address's ``run`` or the list in the sidebar, and open it.

    Returns:
        None where there is none to show; the page then says why, and has nothing more to do.
    """
    entries = run_entries(traces)
    if not entries:
        explain_empty(traces)
        return None
    names = [entry.name for entry in entries]
    st.session_state[NAMES_KEY] = [entry.name for entry in entries if not entry.problem]
    name = _chosen(names)
    entry = entries[names.index(name)]
    if entry.problem:
        _explain_damage(traces, entry)
        return None
    run = opened(traces, name)
    if run is not None and run.state == "recording":
        st.sidebar.caption(f":material/fiber_manual_record: being recorded; looked at every {REFRESH_S:g} s")
    elif name != names[0]:
        _offer_to_watch(traces, entries[0])
    return run


def _offer_to_watch(traces: Path, newest: RunEntry) -> None:
    """A click leads to the newest run while it is being recorded."""
    try:
        recording = not newest.problem and LOOKS.at(run_folder(traces, newest.name)).run.state == "recording"
    except KwsTraceError:
        return
    if recording and st.sidebar.button("Watch the run being recorded", icon=":material/fiber_manual_record:"):
        choose(newest.name)
        go_to("overview", newest.name)


def _chosen(names: list[str]) -> str:
    """
    The name in the list's widget, which follows the address when that changes.

    Streamlit drops a widget's value with its page and the address's parameters with it: a copy of its own keeps the
    choice.
    """
    memory = st.session_state
    asked = state().run
    if "run" in st.query_params and asked not in names:
        # Only a name of the list is opened, so that no address leads out of the folder.
        st.error("The run that the address names is not in the traces folder. The newest one is shown.")
        asked = None
    wanted = asked if asked is not None and asked != memory.get(_SEEN) else memory.get(_WIDGET, memory.get(_CHOSEN))
    memory[_WIDGET] = wanted if wanted in names else names[0]
    name: str = st.sidebar.selectbox("Run", names, key=_WIDGET)
    memory[_CHOSEN] = memory[_SEEN] = name
    into_address("run", name)
    return name


def choose(run: str) -> None:
    """Make ``run`` the one that the pages show next."""
    st.session_state[_CHOSEN] = run
    st.session_state.pop(_WIDGET, None)


def _explain_damage(traces: Path, entry: RunEntry) -> None:
    problem("This run is damaged and cannot be opened.", entry.problem)
    try:
        rows = what_is_left(run_folder(traces, entry.name))
    except (KwsTraceError, OSError):
        return
    if rows:
        st.markdown("What is left of it on disk:")
        table(rows, width="content")


def problem(headline: str, detail: str, *, warning: bool = False) -> None:
    """
    A headline of ours, and untrusted words under it.

    Names come from files and from hosts: ``st.text`` takes them as they are, never as Markdown.
    """
    (st.warning if warning else st.error)(headline, icon=":material/warning:" if warning else ":material/error:")
    if detail:
        st.text(detail)


def table(frame: Frame, formats: Mapping[str, str] | None = None, **shown: Any) -> None:
    """
    A table as wide as the page, with Streamlit's ``formats`` of columns; ``shown`` as in ``st.dataframe``.

    With a ``key`` its room is left free until it is drawn, so that nothing below it moves.
    """
    columns = {name: st.column_config.NumberColumn(format=form) for name, form in (formats or {}).items()}
    with room(shown["key"], table_height(len(frame), shown.get("height"))) if "key" in shown else st.container():
        st.dataframe(frame, hide_index=True, **{"width": "stretch", "column_config": columns, **shown})


def table_height(rows: int, height: object = None) -> int:
    """Of a table of so many rows, in pixels; a ``height`` of ``content`` has no upper bound."""
    whole = ROW_PX * (rows + 1) + 2
    return whole if height == "content" else min(whole, TABLE_PX)


def chart(spec: Spec, key: str, **shown: Any) -> Any:
    """A chart as wide as its column, whose room is left free until it is drawn; what is selected in it."""
    with room(key, spec["height"]):
        return st.vega_lite_chart(spec=worded(spec, st.context.theme.type), width="stretch", key=key, **shown)


def drawing(markup: Markup, key: str, height_px: float) -> None:
    """A chart that is HTML already, about so high."""
    with room(key, height_px):
        st.html(markup)


def room(key: str, height_px: float) -> DeltaGenerator:
    """A place of that height at least, before there is anything in it."""
    # A style of its own would come after what it is for: the pages' style has a rule for every height.
    return st.container(key=f"{room_class(height_px)}{key}")


def metrics(figures: Sequence[tuple[str, str, str | None]]) -> None:
    """Figures beside one another: label, figure and explanation of each."""
    for column, (label, figure, explained) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(label, figure, help=explained)


def card(column: DeltaGenerator, title: str, figure: str, below: str, explained: str | None) -> None:
    """A framed figure with words below it that are no judgement; ``title`` may be out of a file."""
    column.metric(plain(title), figure, below, delta_color="off", delta_arrow="off", border=True, help=explained)


def opened(traces: Path, name: str) -> StoredRun | None:
    """A run of the list; None where it cannot be opened, which is then told."""
    try:
        return LOOKS.at(run_folder(traces, name)).run
    except KwsTraceError as error:
        problem("The run cannot be opened.", str(error))
        return None


def lines(texts: Iterable[str]) -> None:
    """Sentences that may hold untrusted names, a line each."""
    told = list(texts)
    if any("`" in one for one in told):
        st.markdown("  \n".join(map(with_commands, told)))
    elif told:
        st.text("\n".join(told))


def report_of(run: StoredRun, above: DeltaGenerator | None = None) -> Report | None:
    """
    The report of a run, kept until one of its files changes; what is damaged is told, ``above`` where that is given.

    Returns:
        None where nothing can be read, which is then told.
    """
    try:
        read = kept_report(run)
    except KwsTraceError as error:
        with above or nullcontext():
            problem("The run cannot be read.", str(error))
        return None
    told = [*read.problems, *read.report["left_out"]["dropped"]]
    if told:
        recovered = run.state == "recovered"
        why = "This run did not end by itself (recovered)" if recovered else "Part of this run is damaged or lost"
        with above or nullcontext():
            problem(f"{why}. The figures are of what is left.", "\n".join(told), warning=True)
    return read.report


def headed(title: str, traces: Path) -> StoredRun | None:
    """The page's head: its title, and the run that is chosen with its facts; the browser's tab names the run."""
    facts, against, export = page_head(title)
    run = choose_run(traces)
    if run is None:
        return None
    st.set_page_config(page_title=f"{run.name} - {title}")
    # Names come from files and hosts.
    facts.text(head_text(run))
    names = st.session_state[NAMES_KEY]
    PREPARATION.look_at(run.name)
    wrong = strange_baseline(traces, names, run.name)
    if title != "Compare":  # it has a choice of its own
        with against:
            baseline_choice(traces, names, run.name)
    with export:
        export_button(run)
    if wrong is not None:
        problem(*wrong, warning=True)
    return run


def detail_of(run: StoredRun) -> KernelDetail | None:
    """What the Kernels page has beyond the report, computed with it; None without GPU timeline or operations."""
    try:
        return kept_report(run).detail
    except KwsTraceError:
        return None  # the report has told


def show_report(title: str, traces: Path, page: Callable[[StoredRun, Report], None]) -> None:
    """A page of one run, as ``show_run``: ``page`` is given its report too."""

    def reported(run: StoredRun) -> None:
        report = report_of(run)
        if report is not None:
            page(run, report)

    show_run(title, traces, reported)


def show_run(title: str, traces: Path, page: Callable[[StoredRun], None]) -> None:
    """
    A page of one run: let the user choose it, and show ``page`` of it.

    While the run is being recorded, over and over, and the whole page once when it has ended.
    """
    run = headed(title, traces)
    if run is None:
        return

    folder, growing = run.folder, run.state == "recording"
    # A visitor's page is kept with what it refers to: the folder alone, not the run as it stood.
    del run

    def again() -> None:
        try:
            now = LOOKS.at(folder).run
        except KwsTraceError:
            st.rerun()
        if now.state != "recording" and growing:
            st.rerun()
        page(now)

    if growing:
        st.fragment(again, run_every=REFRESH_S)()
    else:
        again()
