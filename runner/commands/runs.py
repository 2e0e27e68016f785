"""``kws-trace runs``: the runs on disk."""

from __future__ import annotations

from typing import Annotated

from runner.commands import options
from runner.commands.output import print_figures, progress_line
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
    from tracer.ladder.store import list_ladders
    from tracer.reports.run_list import list_runs, render_runs

    if recover is not None:
        from tracer.runs.run_store import recover_run

        recovered = recover_run(recover, traces)
        outcome = {"name": recovered.name, "state": recovered.state, "dropped": list(recovered.dropped)}
        lines = "\n  ".join([f"{recovered.name}: {recovered.state}", *recovered.dropped])
        print_figures(outcome, lambda _: say(lines), as_json=as_json)
        return
    with progress_line("runs read") as progress:
        listed = list_runs(traces, progress)
    ladders = list_ladders(traces)
    figures = {"runs": listed.rows, "damaged": listed.damaged, "ladders": ladders}
    print_figures(figures, lambda console: render_runs(listed, traces, console, ladders), as_json=as_json)
