"""``kws-trace ingest``: import profiles of a run into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def ingest(
    run: options.Run,
    profiles: Annotated[
        list[Path],
        typer.Argument(
            metavar="PROFILE...",
            help="Profiles of nsys (.nsys-rep, .qdstrm, .sqlite, Parquet folder), nvprof (SQLite) or TensorFlow "
            "(xplane.pb).",
        ),
    ],
    replace: Annotated[bool, options.RECORDING("Remove the captures that the run has already.", "--replace")] = False,
    traces: options.TracesThere = DEFAULT_TRACES,
) -> None:
    """
    Import PROFILE, recorded while RUN was made: it gives `report` and the dashboard their GPU timeline.

    Several are several stretches of the run. All are checked before the first is stored: each inference's ranges must
    be there, and fit the run's own spans by number and by one clock. The files stay as they are.
    """
    from runner.dut.profiler_launch import take_in
    from tracer.runs.run_store import stored_run

    take_in(stored_run(run, traces), profiles, replace_old=replace)
