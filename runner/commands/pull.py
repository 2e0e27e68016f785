"""``kws-trace pull``: the runs of boards in one folder."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands import options
from runner.commands.output import passing_line, print_json
from tracer.command_line import DEFAULT_TRACES
from tracer.figure_text import counted, size_text
from tracer.terminal_text import say

if TYPE_CHECKING:
    from runner.pull.pulling import Progress, Pulled

DONE, REFUSED = 0, 1
"""Exit codes, as the command's page explains them."""


def pull(
    source: Annotated[str, typer.Argument(help="HOST:DIR as ssh takes it, a folder, or a URL that fsspec opens.")],
    runs: Annotated[
        list[str] | None, typer.Argument(help="Names of runs. Without them all.", metavar="RUN...")
    ] = None,
    as_json: options.Json = False,
    traces: options.Traces = DEFAULT_TRACES,
) -> None:
    """
    Bring the runs of another machine or folder into this one: verified, resumable, none overwritten.

    The same command goes on where it was cut off.
    """
    from runner.pull.pulling import pull as bring
    from runner.pull.source import place_of

    with bytes_line() as tell:
        found = bring(place_of(source), traces, runs or [], tell)
    if as_json:
        print_json({name: getattr(found, name) for name in found.__slots__})
    else:
        _print(found)
    raise typer.Exit(REFUSED if found.refused else DONE)


def bytes_line() -> AbstractContextManager[Progress]:
    """How much came, in a ``passing_line``."""
    return passing_line(
        lambda came, total, runs: f"{size_text(came)} of {size_text(total)}, {counted(runs, 'run')} in place"
    )


def _print(found: Pulled) -> None:
    for name in found.came:
        say(f"came: {name}")
    for sentence in found.left_out:
        say(f"left out: {sentence}", err=True)
    for sentence in found.refused:
        say(f"refused: {sentence}", err=True)
    facts = [f"{counted(len(found.came), 'run')} came ({size_text(found.bytes)})", f"{len(found.here)} were here"]
    facts += [
        f"{len(some)} {what}" for what, some in (("left out", found.left_out), ("refused", found.refused)) if some
    ]
    say(", ".join(facts))
