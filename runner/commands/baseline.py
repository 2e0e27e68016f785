"""``kws-trace baseline``: the launches that later ones are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES
from tracer.errors import UsageError
from tracer.terminal_text import say


def baseline(
    action: Annotated[Literal["set", "list", "unset"], typer.Argument(help="What is done.")],
    name: Annotated[str | None, typer.Argument(help="Of the baseline.", metavar="NAME")] = None,
    runs: Annotated[
        list[str] | None, typer.Argument(help="Of `set`: runs, or sets of launches.", metavar="RUN...")
    ] = None,
    as_json: options.Json = False,
    traces: options.TracesThere = DEFAULT_TRACES,
) -> None:
    """Name the launches that later ones are held against, list such baselines, or forget one."""
    from tracer.figure_text import counted
    from tracer.fleet.baselines import read_baselines, set_baseline, unset_baseline

    if (action == "list") != (name is None) or (action == "set") != bool(runs):
        raise UsageError("baseline", "the words do not fit", "set NAME RUN..., list, or unset NAME")
    if action == "set":
        set_baseline(traces, str(name), _runs(runs or [], traces))
    elif action == "unset":
        unset_baseline(traces, str(name))
    known = read_baselines(traces)
    lines = [
        f"{one}: {counted(len(held), 'launch', 'launches')}: {', '.join(held.values())}"
        for one, held in known.items()
    ]
    print_figures(known, lambda _: say("\n".join(lines) or f"no baseline in {traces}"), as_json=as_json)


def _runs(names: list[str], traces: Path) -> dict[str, str]:
    from tracer.runs.launch_set import named_runs

    return {run.info.run_id: run.name for name in names for run in named_runs(name, traces)}
