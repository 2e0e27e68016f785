"""``kws-trace runs``: the runs on disk."""

from __future__ import annotations

from typing import Annotated

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES
from tracer.terminal_text import say


def runs(
    traces: options.Traces = DEFAULT_TRACES,
    as_json: options.Json = False,
    recover: Annotated[
        str | None, options.RECORDING("Make the folder of a killed run complete.", metavar="RUN")
    ] = None,
) -> None:
    """List the runs, or make a killed one complete with --recover."""
    from tracer.reports.run_list import list_rows, render_runs
    from tracer.runs.run_store import damaged_runs, recover_run

    if recover is not None:
        recovered = recover_run(recover, traces)
        outcome = {"name": recovered.name, "state": recovered.state, "dropped": list(recovered.dropped)}
        lines = "\n  ".join([f"{recovered.name}: {recovered.state}", *recovered.dropped])
        print_figures(outcome, lambda _: say(lines), as_json=as_json)
        return
    rows, damaged = list_rows(traces), damaged_runs(traces)
    listed = {"runs": rows, "damaged": damaged}
    print_figures(listed, lambda console: render_runs(rows, damaged, traces, console), as_json=as_json)
