"""``kws-trace repeat``: several launches of one configuration."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.commands import options
from tracer.command_line import DEFAULT_TRACES


def repeat(
    launches: Annotated[int, typer.Argument(metavar="N", help="How many launches.", min=2)],
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND", help="`run` or `infer` with its options, but for --traces.")
    ],
    traces: options.Traces = DEFAULT_TRACES,
    name: options.Name = None,
) -> None:
    """
    Launch COMMAND N times, one after another: the runs NAME-1 to NAME-N belong together.

    What one launch measures is of that launch: `report NAME` and `compare` take the set. `run` ends by itself after
    --windows performance windows (here 5 without it), and the next launch opens the port; Ctrl-C ends the launch and
    the series. Exits with 1 if a launch failed or was not made.
    """
    from runner.launches import checked_command, make_launches, refuse_existing
    from runner.runtime_output import tell
    from tracer.command_line import command_line
    from tracer.runs.run_files import checked_run_name
    from tracer.runs.run_info import given_run_name

    checked_command(command)
    set_name = checked_run_name(given_run_name(name))
    refuse_existing(set_name, launches, traces)
    codes = make_launches([*_ending(command), "--traces", str(traces)], set_name, launches, tell)
    whole = codes.count(0)
    hint = f"; `{command_line('report', set_name, traces=traces)}` shows them" if whole else ""
    tell(f"{whole} of {launches} launches made{hint}")
    raise typer.Exit(0 if whole == launches else 1)


def _ending(command: list[str]) -> list[str]:
    """A device under test that ends by itself: else nobody knows when the next launch may begin."""
    named = any(word.partition("=")[0] == "--windows" for word in command)
    return command if command[0] != "run" or named else [*command, "--windows", "5"]
