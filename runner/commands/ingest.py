"""``kws-trace ingest``: take profiles of a run into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands.options import TracesOption


def ingest(
    run: Annotated[str, typer.Argument(help="A run's folder, its name, or `last`.")],
    profiles: Annotated[
        list[Path],
        typer.Argument(
            metavar="PROFILE...", help="nsys: .nsys-rep, .qdstrm, .sqlite, Parquet folder; nvprof SQLite; xplane.pb."
        ),
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Take out the captures that the run has.")] = False,
    traces: TracesOption = Path("traces"),
) -> None:
    """
    Take PROFILE, recorded while RUN was made, into it: the kernel level of `report` and of the dashboard.

    Several are several stretches of the run. All are checked before the first is stored: each inference's ranges must
    be there, and fit the run's own spans by number and by one clock. The files stay as they are.
    """
    from runner.dut.profiled_run import take_in
    from tracer.runs.run_store import open_run

    take_in(open_run(run, traces), profiles, replace_old=replace)
