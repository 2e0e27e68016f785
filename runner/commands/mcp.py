"""``kws-trace mcp``: the figures of the commands as tools of an assistant, over standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def mcp(
    traces: options.Traces = DEFAULT_TRACES,
    allow: Annotated[
        list[Path] | None,
        options.RECORDING(
            "A further folder that may be read, as of profiles or sessions. The option may be given more than once.",
            metavar="FOLDER",
            file_okay=False,
        ),
    ] = None,
) -> None:
    """
    Serve runs, report, compare, kernels, breakdown, session and doctor as read-only tools of the Model Context
    Protocol.

    An assistant's program starts it and speaks to it over standard input and output. Only the runs folder and the
    folders of --allow are read, and nothing is written there.
    """
    from runner.leaving import leave_on_signals
    from runner.mcp.folders import Folders
    from runner.mcp.server import build_server

    server = build_server(Folders(traces, allow or []))
    # The SDK waits for a line in a thread that no exception ends; there is nothing to take back.
    leave_on_signals()
    server.run()
