"""``kws-trace submission``: the tree that MLPerf Tiny takes, and whether one keeps the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from runner.commands import options
from runner.commands.output import print_figures
from tracer.command_line import DEFAULT_TRACES
from tracer.errors import UsageError
from tracer.terminal_text import say


def submission(
    out: Annotated[Path | None, typer.Argument(help="Folder of the tree to write to.")] = None,
    organization: Annotated[str | None, options.RECORDING("Who submits; names a folder of the tree.")] = None,
    system: Annotated[
        Path | None,
        options.RECORDING("ID.json, the system's description. It is written where it is not there, for you to fill."),
    ] = None,
    performance: Annotated[Path | None, options.INPUTS("Session of the five performance windows.")] = None,
    accuracy: Annotated[Path | None, options.INPUTS("Session of the accuracy pass.")] = None,
    energy: Annotated[Path | None, options.INPUTS("Session of the energy windows.")] = None,
    run: Annotated[
        list[str] | None,
        options.INPUTS(
            "The DUT's run that a session drove, where that lies elsewhere. May be given for each session."
        ),
    ] = None,
    division: Annotated[Literal["closed", "open"], options.RECORDING("Division of the submission.")] = "closed",
    of_round: Annotated[str, options.RECORDING("Round, whose rules are held.", "--round")] = "1.4",
    check: Annotated[Path | None, options.OUTPUT("Judge the tree in this folder, and write nothing.")] = None,
    checker: Annotated[
        Path | None, options.OUTPUT("tools/submission/submission_checker.py of mlcommons/tiny, asked too.")
    ] = None,
    traces: options.TracesThere = DEFAULT_TRACES,
    as_json: options.Json = False,
) -> None:
    """
    Write the results tree that MLPerf Tiny takes, or judge one with --check.

    What the round's rules refuse is named and not written: exit code 2.
    """
    from runner.submission.job import check_job, write_job
    from tracer.submission.rounds import round_of

    rules = round_of(of_round)
    if check is not None:
        if out is not None:
            raise UsageError("--check and OUT: one judges a tree, the other is written; leave one out")
        _print(check_job(check, checker, rules), as_json=as_json)
        return
    given = {"OUT": out, "--organization": organization, "--system": system}
    given |= {"--performance": performance, "--accuracy": accuracy}
    absent = [name for name, value in given.items() if value is None]
    if out is None or organization is None or system is None or performance is None or accuracy is None:
        raise UsageError(
            out or "submission", f"not given: {', '.join(absent)}", "a tree needs them, and --check TREE judges one"
        )
    sessions = {"performance": performance, "accuracy": accuracy} | ({"energy": energy} if energy else {})
    done = write_job(out, division, organization, system, sessions, run or (), traces, rules, checker)
    _print(done, as_json=as_json)


def _print(figures: dict[str, Any], *, as_json: bool) -> None:
    print_figures(figures, lambda _: say("\n".join(figures["lines"])), as_json=as_json)
