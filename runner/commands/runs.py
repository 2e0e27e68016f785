"""``kws-trace runs``: the runs on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from runner.commands import options
from runner.commands.output import print_figures, print_json_lists, progress_line
from tracer.command_line import DEFAULT_TRACES
from tracer.errors import UsageError
from tracer.terminal_text import say


def runs(
    traces: options.TracesThere = DEFAULT_TRACES,
    as_json: options.Json = False,
    recover: Annotated[
        str | None, options.RECORDING("Make the folder of a killed run complete.", metavar="RUN")
    ] = None,
    compact: Annotated[
        bool, options.RECORDING("Make many small parts of each run's tables one; no figure changes.", "--compact")
    ] = False,
) -> None:
    """List the runs, make a killed one complete with --recover, or join small files with --compact."""
    from tracer.ladder.store import list_ladders
    from tracer.reports.run_list import list_runs, told_runs

    if recover is not None:
        if compact:
            raise UsageError("--compact", "--recover is given too", "recover the run, then compact")
        from tracer.runs.run_recovery import recover_run

        recovered = recover_run(recover, traces)
        outcome = {"name": recovered.name, "state": recovered.state, "dropped": list(recovered.dropped)}
        lines = "\n  ".join([f"{recovered.name}: {recovered.state}", *recovered.dropped])
        print_figures(outcome, lambda _: say(lines), as_json=as_json)
        return
    if compact:
        _compact(traces, as_json=as_json)
        return
    ladders = list_ladders(traces)
    if as_json:
        with progress_line("runs read") as progress:
            listed = list_runs(traces, progress)
        print_json_lists({"runs": listed.rows, "damaged": listed.damaged, "ladders": ladders})
        return
    with progress_line("runs read") as progress:
        told = told_runs(traces, progress, ladders)
    # At once, and broken by the terminal: rich takes 0.3 ms for a line that it breaks.
    say("\n".join(told))


def _compact(traces: Path, *, as_json: bool) -> None:
    from tracer.figure_text import counted
    from tracer.runs.compaction import compact_runs

    options.refuse_missing(traces)
    with progress_line("runs looked at") as progress:
        done = compact_runs(traces, progress)
    for sentence in done.left:
        say(f"left as it is: {sentence}", err=True)
    lines = [f"{name}: {counted(before, 'part')} became {after}" for name, (before, after) in done.parts.items()]
    lines.append(f"{counted(len(done.parts), 'run')} compacted, {len(done.left)} left as they are")
    print_figures({"parts": done.parts, "left": done.left}, lambda _: say("\n".join(lines)), as_json=as_json)
