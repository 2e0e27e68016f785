"""What the pages share: which run, why there is none, what of it is damaged, and who may look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from streamlit.errors import StreamlitAuthError

from dashboard.frames import Frame
from dashboard.kernel_detail import KernelDetail
from dashboard.markdown_text import code, with_commands
from dashboard.page_head import COPY_LINK, STYLE, head_text
from dashboard.pages.baseline_choice import baseline_choice
from dashboard.pages.export_button import export_button
from dashboard.run_reading import ReadReport, RunEntry, fingerprint, read_report, run_entries, what_is_left
from dashboard.url_state import UrlState, read_url
from tracer.command_line import DEFAULT_TRACES, command_line
from tracer.errors import KwsTraceError
from tracer.report_types.report import Report
from tracer.runs.run_files import run_folder
from tracer.runs.run_store import StoredRun, stored_run

LOOPBACK = ("127.0.0.1", "localhost", "::1")
REFRESH_S = 2.0
"""Between two looks at a run that is being recorded."""

PAGES_KEY = "pages_of_the_app"
"""Where the app keeps its pages by their names, for those who lead to one."""

NAMES_KEY = "names_of_the_runs"
"""Of those that open, the newest first."""

_WIDGET, _CHOSEN, _SEEN = "run_widget", "run_chosen", "run_seen"
Made = TypeVar("Made")


def state() -> UrlState:
    """What the page's address asks for."""
    return read_url(st.query_params, st.query_params.get_all("with"))


def into_address(key: str, value: str | None) -> None:
    """Put a choice into the page's address, or take it out, so that a link shows the same."""
    if value is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value


def all_into_address(values: Mapping[str, str | None]) -> None:
    """The same of several choices at once: one step in the browser's history."""
    before = {key: st.query_params.get_all(key) for key in st.query_params}
    after = {**before, **{key: [value] for key, value in values.items() if value is not None}}
    after = {key: value for key, value in after.items() if values.get(key, "") is not None}
    if after != before:
        st.query_params.from_dict(after)


def go_to(page: str, run: str | None = None, others: Sequence[str] = ()) -> None:
    """Show another page of the app, of ``run`` against ``others``; one shown alone, as in a test, has no other."""
    pages = st.session_state.get(PAGES_KEY, {})
    if page in pages:
        asked = [("run", run)] if run else []
        st.switch_page(pages[page], query_params=[*asked, *(("with", one) for one in others)])


def command(traces: Path, *words: str) -> str:
    """A call of this program as Markdown, to be pasted into a shell."""
    return code(command_line(*words, traces=traces))


def kept(
    read: Callable[[StoredRun], Made], cache: Callable[..., Callable[..., Callable[..., Made]]], most: int, said: str
) -> Callable[[StoredRun], Made]:
    """
    ``read``, whose result is kept until one of the run's files changes.

    Args:
        read: what is made of a run.
        cache: Streamlit's: ``st.cache_data`` or ``st.cache_resource``.
        most: runs that are kept.
        said: beside the spinner.
    """

    def of_folder(folder: str, mark: str) -> Made:  # noqa: ARG001 -- ``mark`` is the key: it changes with the files
        return read(stored_run(folder))

    # Streamlit tells its caches apart by the function's name.
    of_folder.__module__, of_folder.__qualname__ = read.__module__, read.__qualname__
    cached = cache(max_entries=most, show_spinner=said)(of_folder)
    return lambda run: cached(str(run.folder), fingerprint(run.folder))


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
    return run


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


def explain_empty(traces: Path) -> None:
    """Say how to make a run."""
    demo, recorded = command(traces, "demo"), command(traces, "run", "--port", "/dev/ttyGS0")
    st.info(f"No runs in the traces folder yet. {demo} makes two.", icon=":material/folder_open:")
    st.text(str(traces.absolute()))
    st.markdown(
        "- The demo needs no hardware, and takes a minute.\n"
        f"- {recorded} records the session of a host (energyrunner, the MLCommons runner); "
        "`--nsys` adds the GPU timeline.\n"
        f"- {command(traces, 'host', 'performance', '--port', '/dev/ttyUSB0')} is such a host.\n"
        f"- {command(DEFAULT_TRACES, 'dashboard', '--traces', 'DIR')} looks into another folder."
    )


def explain_untimed() -> None:
    """Say why a run has no times."""
    st.info("No inference was timed: a host has yet to send `infer`.")


def explain_no_gpu_timeline(run: StoredRun) -> None:
    """Say how a run gets a GPU timeline."""
    traces, port = run.folder.parent, run.info.port or "/dev/ttyGS0"
    st.info(
        "**No GPU timeline in this run.** The stages are wall time on the host; what the GPU and the runtime did in "
        "them was not recorded.\n\n"
        f"- {command(traces, 'run', '--port', port, '--nsys')} records kernels, copies and CUDA calls with Nsight "
        "Systems, and imports them.\n"
        f"- {command(traces, 'run', '--port', port, '--profiler', 'tensorflow')} records TensorFlow's operations, on "
        "machines without a GPU too.\n"
        f"- {command(traces, 'ingest', run.name, 'PROFILE')} imports a profile by Nsight Systems, nvprof or "
        "TensorFlow's profiler that was recorded while this run was made.",
        icon=":material/add_chart:",
    )


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
    st.text(detail)


def table(frame: Frame, formats: Mapping[str, str] | None = None, **shown: Any) -> None:
    """A table as wide as the page, with Streamlit's ``formats`` of columns; ``shown`` as in ``st.dataframe``."""
    columns = {name: st.column_config.NumberColumn(format=form) for name, form in (formats or {}).items()}
    st.dataframe(frame, hide_index=True, **{"width": "stretch", "column_config": columns, **shown})


def metrics(figures: Sequence[tuple[str, str, str | None]]) -> None:
    """Figures beside one another: label, figure and explanation of each."""
    for column, (label, figure, explained) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(label, figure, help=explained)


def opened(traces: Path, name: str) -> StoredRun | None:
    """A run of the list; None where it cannot be opened, which is then told."""
    try:
        return stored_run(run_folder(traces, name), traces)
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


_report = kept(read_report, st.cache_data, 16, "Reading the run")


def report_of(run: StoredRun) -> Report | None:
    """
    The report of a run, kept until one of its files changes; what is damaged is told.

    Returns:
        None where nothing can be read, which is then told.
    """
    try:
        read: ReadReport = _report(run)
    except KwsTraceError as error:
        problem("The run cannot be read.", str(error))
        return None
    told = [*read.problems, *read.report["left_out"]["dropped"]]
    if told:
        recovered = run.state == "recovered"
        why = "This run did not end by itself (recovered)" if recovered else "Part of this run is damaged or lost"
        problem(f"{why}. The figures are of what is left.", "\n".join(told), warning=True)
    return read.report


def headed(title: str, traces: Path) -> StoredRun | None:
    """The page's head: its title, and the run that is chosen with its facts; the browser's tab names the run."""
    st.html(STYLE)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="page_head"):
        st.title(title, width="content")
        facts = st.empty()
        against = st.container(width="content")
        st.html(COPY_LINK, width="content", unsafe_allow_javascript=True)
        export = st.container(width="content")
    run = choose_run(traces)
    if run is None:
        return None
    st.set_page_config(page_title=f"{run.name} - {title}")
    # Names come from files and hosts.
    facts.text(head_text(run))
    if title != "Compare":  # it has a choice of its own
        with against:
            baseline_choice(traces, st.session_state[NAMES_KEY], run.name)
    with export:
        export_button(run)
    return run


def detail_of(run: StoredRun) -> KernelDetail | None:
    """What the Kernels page has beyond the report, computed with it; None without GPU timeline or operations."""
    try:
        read: ReadReport = _report(run)
    except KwsTraceError:
        return None  # the report has told
    return read.detail


def show_report(title: str, traces: Path, page: Callable[[StoredRun, Report], None]) -> None:
    """
    A page of one run: let the user choose it, and show ``page`` of it and its report.

    While the run is being recorded, over and over, and the whole page once when it has ended.
    """
    run = headed(title, traces)
    if run is None:
        return

    def body() -> None:
        report = report_of(run)
        if report is not None:
            page(run, report)

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
    return st.get_option("server.address") not in LOOPBACK


def login_configured() -> bool:
    """Whether a secrets file sets up OpenID Connect (section ``auth``, as ``st.login`` needs it)."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def signed_in() -> bool:
    """Whether the page may be shown: to everybody, or to who has signed in where that is configured."""
    if not st.secrets.load_if_toml_exists() and any(Path(file).exists() for file in st.get_option("secrets.files")):
        # To Streamlit it is as if there were none, and everybody would be let in.
        problem("The secrets file cannot be read: nobody is let in.", "Mend or remove ~/.streamlit/secrets.toml")
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
