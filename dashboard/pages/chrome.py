"""What the pages share: which run, why there is none, what of it is damaged, and who may look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAuthError

from dashboard.run_reading import ReadReport, RunEntry, fingerprint, read_report, run_entries, what_is_left
from dashboard.url_state import UrlState, read_url
from tracer.errors import KwsTraceError
from tracer.report_types.report import Report
from tracer.runs.run_files import run_folder
from tracer.runs.run_store import StoredRun, stored_run

LOOPBACK = ("127.0.0.1", "localhost", "::1")
REFRESH_S = 2.0
"""Between two looks at a run that is being recorded."""

OVERVIEW_PAGE = "overview_page"
"""Where the app keeps the first page, for those who lead to it."""

_WIDGET, _CHOSEN, _SEEN = "run_widget", "run_chosen", "run_seen"


def state() -> UrlState:
    """What the page's address asks for."""
    return read_url(st.query_params, st.query_params.get_all("with"))


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
    name = _chosen(names)
    entry = entries[names.index(name)]
    if entry.problem:
        _explain_damage(traces, entry)
        return None
    try:
        run = stored_run(run_folder(traces, name), traces)
    except KwsTraceError as error:
        problem("The run cannot be opened.", str(error))
        return None
    if run.state == "recording":
        st.sidebar.caption(f":material/fiber_manual_record: being recorded; looked at every {REFRESH_S:g} s")
    return run


def _chosen(names: list[str]) -> str:
    """
    The name in the list's widget, which follows the address when that changes.

    Streamlit drops a widget's value with its page and the address's parameters with it: a copy of its own keeps the
    choice.
    """
    kept = st.session_state
    asked = state().run
    if "run" in st.query_params and asked not in names:
        # Only a name of the list is opened, so that no address leads out of the folder.
        st.error("The run that the address names is not in the traces folder. The newest one is shown.")
        asked = None
    wanted = asked if asked is not None and asked != kept.get(_SEEN) else kept.get(_WIDGET, kept.get(_CHOSEN))
    kept[_WIDGET] = wanted if wanted in names else names[0]
    name: str = st.sidebar.selectbox("Run", names, key=_WIDGET)
    kept[_CHOSEN] = kept[_SEEN] = name
    if st.query_params.get("run") != name:
        st.query_params["run"] = name
    return name


def choose(run: str) -> None:
    """Make ``run`` the one that the pages show next."""
    st.session_state[_CHOSEN] = run
    st.session_state.pop(_WIDGET, None)


def explain_empty(traces: Path) -> None:
    """Say how to make a run."""
    st.info("No runs in the traces folder yet. `kws-trace demo` makes two.", icon=":material/folder_open:")
    st.text(str(traces.absolute()))
    st.markdown(
        "- `kws-trace demo` needs no hardware, and takes a minute.\n"
        "- `kws-trace run --port /dev/ttyUSB0` records the session of a host (energyrunner, the MLCommons runner).\n"
        "- `kws-trace host --port ...` is such a host; `kws-trace run --nsys` adds the GPU timeline.\n"
        "- `kws-trace dashboard --traces DIR` looks into another folder."
    )


def _explain_damage(traces: Path, entry: RunEntry) -> None:
    problem("This run is damaged and cannot be opened.", entry.problem)
    try:
        rows = what_is_left(run_folder(traces, entry.name))
    except (KwsTraceError, OSError):
        return
    if rows:
        st.markdown("What is left of it on disk:")
        st.dataframe(rows, hide_index=True, width="content")


def problem(headline: str, detail: str, *, warning: bool = False) -> None:
    """
    A headline of ours, and untrusted words under it.

    Names come from files and from hosts: ``st.text`` takes them as they are, never as Markdown.
    """
    (st.warning if warning else st.error)(headline, icon=":material/warning:" if warning else ":material/error:")
    st.text(detail)


def lines(texts: Iterable[str]) -> None:
    """Sentences that may hold untrusted names, a line each."""
    st.text("\n".join(texts))


def _read(folder: str, mark: str) -> ReadReport:  # noqa: ARG001 -- ``mark`` is the key: it changes with the files
    return read_report(stored_run(folder))


_kept = st.cache_data(_read, max_entries=16, show_spinner=False)


def report_of(run: StoredRun) -> Report | None:
    """
    The report of a run, kept until one of its files changes; what is damaged is told.

    Returns:
        None where nothing can be read, which is then told.
    """
    try:
        with st.spinner("Reading the run"):
            read: ReadReport = _kept(str(run.folder), fingerprint(run.folder))
    except KwsTraceError as error:
        problem("The run cannot be read.", str(error))
        return None
    dropped = read.report["left_out"]["dropped"]
    told = [*read.problems, *dropped]
    if told:
        headline = "Part of this run is damaged or lost. The figures are of what is left."
        if run.state == "recovered":
            headline = "This run did not end by itself (recovered). The figures are of what is left."
        problem(headline, "\n".join(told), warning=True)
    return read.report


def refreshing(run: StoredRun, body: Callable[[], None]) -> None:
    """Show ``body``, over and over while the run is being recorded, and the whole page once when it has ended."""
    if run.state != "recording":
        body()
        return

    def again() -> None:
        try:
            still = stored_run(run.folder).state == "recording"
        except KwsTraceError:
            still = False
        if not still:
            st.rerun()
        body()

    st.fragment(again, run_every=REFRESH_S)()


def published() -> bool:
    """Whether other machines can open the dashboard."""
    address = st.get_option("server.address")
    return address not in LOOPBACK


def login_configured() -> bool:
    """Whether a secrets file sets up OpenID Connect (section ``auth``, as ``st.login`` needs it)."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def signed_in() -> bool:
    """Whether the page may be shown: to everybody, or to who has signed in where that is configured."""
    if not st.secrets.load_if_toml_exists() and any(Path(file).exists() for file in st.get_option("secrets.files")):
        # To Streamlit it is as if there were none, and everybody would be let in.
        problem("The secrets file cannot be read: nobody is let in.", "Mend it or remove it: .streamlit/secrets.toml")
        return False
    if not login_configured():
        return True
    if st.user.get("is_logged_in", False):
        if st.sidebar.button("Sign out"):
            st.logout()
        return True
    st.title("kws-trace")
    st.markdown("These runs are shown to people who have signed in.")
    if st.button("Sign in", type="primary"):
        try:
            st.login()
        except StreamlitAuthError as error:
            problem("Signing in is not possible.", str(error))
    return False
