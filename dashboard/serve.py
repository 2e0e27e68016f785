"""
Starts Streamlit as it comes, with four changes.

It asks no outside service for this machine's address, imports the pages before it listens, answers only requests that
``dashboard.request_guard`` lets through, and prepares what the pages show of the newest run.
"""

from __future__ import annotations

import gc
import inspect
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from dashboard.first_document import page_script
from dashboard.request_guard import RequestGuard


def main(arguments: list[str]) -> None:
    """
    Run ``streamlit`` and end the process.

    ``arguments`` are the names that the dashboard is reached by, with commas between them, then Streamlit's, then
    those of the script.
    """
    from streamlit import net_util
    from streamlit.web import cli

    names, *rest = arguments
    # Streamlit checks an unknown page's origin against its external address, which it asks checkip.amazonaws.com for.
    # Without one it holds the origin against the addresses that it was told.
    net_util.get_external_ip = lambda: None
    own = rest[rest.index("--") + 1 :]
    # Beside the page of a profile there are no runs.
    guard_requests(names.split(","), Path(own[0]) if len(own) == 1 else None)
    cli.main(rest, prog_name="kws-trace dashboard")


def guard_requests(names: list[str], traces: Path | None) -> None:
    """
    Put the guard before the application that Streamlit will make, and prepare the runs of ``traces`` behind it.

    Raises:
        SystemExit: if this Streamlit makes it elsewhere: a dashboard without the check is none.
    """
    server: Any
    try:
        server = import_module("streamlit.web.server.starlette.starlette_server")
        make = server.create_starlette_app
    except (ImportError, AttributeError):
        sys.exit("kws-trace: this Streamlit has no place for the check of requests; install 1.60 to 1.67")

    def made(runtime: Any) -> RequestGuard:
        # What the pages import takes seconds, and twice as long beside a page that is being made: it comes first. Not
        # before the runtime is there, though: then Streamlit complains that it has none.
        for name in import_module("dashboard.app").PAGES:
            import_module(f"dashboard.pages.{name}")
        # Streamlit asks for it on the first page, and then every module's file is looked up: 0.35 s of CPU.
        inspect.stack()
        # After every page Streamlit collects garbage, and would look through all that was imported.
        gc.freeze()
        if traces is not None:
            import_module("dashboard.pages.preparation").PREPARATION.begin(traces)
        files = Path(inspect.getfile(import_module("streamlit"))).parent / "static"
        return RequestGuard(make(runtime), names, is_message, page_script(files))

    server.create_starlette_app = made
    # The server closes a WebSocket of whoever sends text that is none, and would print where it noticed.
    logging.getLogger("uvicorn.error").addFilter(_is_not_of_a_frame)


def _is_not_of_a_frame(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], UnicodeDecodeError)


def is_message(data: bytes) -> bool:
    """Whether Streamlit answers what its page sent; what only its developers send is none."""
    from google.protobuf.message import DecodeError
    from streamlit.proto.BackMsg_pb2 import BackMsg

    try:
        kind = BackMsg.FromString(data).WhichOneof("type")
    except DecodeError:
        return False
    return kind is not None and not kind.startswith("debug_")


if __name__ == "__main__":
    main(sys.argv[1:])
