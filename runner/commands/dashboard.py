"""``kws-trace dashboard``: starts the dashboard as a program of its own; no import crosses from here to there."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from runner.children import NOBODYS_FOLDER, end_child, module_command
from runner.commands import options
from runner.ending_signals import ending_signals_to
from tracer.command_line import DEFAULT_TRACES, LOOPBACK
from tracer.errors import UsageError, not_installed
from tracer.palette import BLUE
from tracer.terminal_text import say, terminal

STREAMLIT_OPTIONS = (
    "--server.headless=true",
    "--server.fileWatcherType=none",
    "--browser.gatherUsageStats=false",
    "--client.showErrorDetails=none",
    "--client.toolbarMode=minimal",
    # Streamlit's own is red, which on these pages is a slowdown.
    f"--theme.light.primaryColor={BLUE}",
    f"--theme.dark.primaryColor={BLUE}",
)

PUBLISHED = """\
The dashboard is open to every machine that reaches {host}: whoever opens it sees every run in {traces}.
Nothing is encrypted. Runs can be renamed and deleted on this machine only, or by who has signed in: set up sign-in
(OpenID Connect) in ~/.streamlit/secrets.toml, section [auth], as Streamlit's st.login needs it."""


def dashboard(
    profile: Annotated[
        Path | None,
        typer.Argument(help="A profile that `breakdown` reads: its breakdown is shown, in place of the runs."),
    ] = None,
    unit_range: Annotated[
        str | None,
        options.UNITS("Of a profile: the NVTX range whose instances are units.", "--range", metavar="NAME"),
    ] = None,
    traces: options.Traces = DEFAULT_TRACES,
    port: Annotated[int, options.OUTPUT("Port of the page.", min=1, max=65535)] = 8501,
    host: Annotated[
        str, options.OUTPUT("Address to listen on. Any but this machine's own publishes the runs.")
    ] = "127.0.0.1",
) -> None:
    """Open the runs on disk in a browser, on this machine only: overview, stages, kernels, timeline, comparison."""
    if profile is None:
        if unit_range is not None:
            raise UsageError("--range", "it is of a profile", "name one: `kws-trace dashboard PROFILE --range NAME`")
        raise typer.Exit(launch(traces, port, host, _warn))
    require_streamlit()
    # What is wrong with a profile is told here, before a page is served.
    with tempfile.TemporaryDirectory(prefix="kws-trace-profile-") as folder:
        page = Path(folder) / "page.json"
        _write_page(profile, unit_range, page)
        raise typer.Exit(launch(traces, port, host, _warn, page))


def _write_page(profile: Path, unit_range: str | None, path: Path) -> None:
    from runner.nsys.reports import read_any_profile
    from tracer.reports.html.export import profile_page
    from tracer.reports.html.handed_page import write_page
    from tracer.reports.unit_report import timeline_of

    say(f"reading {profile}")
    write_page(path, profile_page(timeline_of(read_any_profile(profile)), unit_range, None, None, 0))


def _warn(text: str) -> None:
    terminal(stderr=True).print(text, style="bold yellow", markup=False, highlight=False)


def require_streamlit() -> None:
    """
    Nothing where the dashboard can be started.

    Raises:
        NotInstalledError: if Streamlit is not installed.
    """
    if importlib.util.find_spec("streamlit") is None or importlib.util.find_spec("dashboard") is None:
        raise not_installed("Streamlit", "kws-trace[dashboard]")


def launch(
    traces: Path,
    port: int,
    host: str = "127.0.0.1",
    warn: Callable[[str], None] = lambda _: None,
    page: Path | None = None,
) -> int:
    """
    Run the app until it is stopped; returns its exit code.

    Any ``host`` but the loopback publishes the runs, which ``warn`` is told. With a ``page``, as
    ``tracer.reports.html.handed_page`` writes it, that of a profile is all that is shown.

    Raises:
        NotInstalledError: if Streamlit is not installed.
    """
    require_streamlit()
    if host not in LOOPBACK:
        warn(PUBLISHED.format(host=host, traces=traces))
    came: list[int] = []
    # One that comes while the server is being started would leave it to nobody.
    with ending_signals_to(came.append):
        server = subprocess.Popen(dashboard_command(traces, port, host, page))
    try:
        for number in came:
            os.kill(os.getpid(), number)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        end_child(server, 1.0)


def page_names(host: str) -> list[str]:
    """
    The names that pages may be asked for by, where the dashboard listens on ``host``; ``*`` for any address.

    A published one has this machine's names besides, and every address, behind which no foreign name can hide.
    """
    names = set(LOOPBACK)
    if host not in LOOPBACK:
        own = socket.gethostname()
        names |= {"*", host, own, socket.getfqdn(), f"{own}.local"}
    return sorted(name.lower() for name in names)


def dashboard_command(traces: Path, port: int, host: str = "127.0.0.1", page: Path | None = None) -> list[str]:
    """The program that shows ``traces``, or the ``page`` of a profile alone, and its arguments."""
    found = importlib.util.find_spec("dashboard")
    assert found is not None and found.submodule_search_locations  # noqa: S101, PT018 -- ours, a package
    script = Path(next(iter(found.submodule_search_locations))) / "start" / "script.py"
    # Without an address Streamlit binds every interface; without a name it guesses what pages are called by.
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104 -- compared, not bound
    address = (f"--server.address={host}", f"--browser.serverAddress={name}", f"--server.port={port}")
    served = (",".join(page_names(host)), "run", str(script))
    # Streamlit takes settings and secrets from the folder that it is started in, whoever put them there.
    program = module_command("dashboard.serve", *served, folder=NOBODYS_FOLDER)
    return [
        *program,
        *address,
        *STREAMLIT_OPTIONS,
        "--",
        str(traces.absolute()),
        *([] if page is None else [str(page)]),
    ]
