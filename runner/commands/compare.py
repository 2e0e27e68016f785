"""``kws-trace compare``: whether runs differ by more than noise."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands import options
from runner.commands.output import print_figures, tell_losses
from tracer.command_line import DEFAULT_TRACES

if TYPE_CHECKING:
    from tracer.report_types.report import Comparison
    from tracer.reports.compare_report import Launches


ALIKE, SLOWER, REFUSED, FEW_LAUNCHES, NOT_TOLD = 0, 1, 2, 3, 4
"""Exit codes, as the command's page explains them."""


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...", help="Runs, or sets of launches (`kws-trace repeat`). The oldest is the baseline."
        ),
    ],
    threshold: Annotated[
        float, options.MEASUREMENT("Share of a figure below which a difference counts as none.", min=0.0)
    ] = 0.02,
    baseline: Annotated[
        str | None,
        options.MEASUREMENT(
            "What the others are held against, in place of the oldest: one of them, or a baseline.", metavar="NAME"
        ),
    ] = None,
    as_json: options.Json = False,
    traces: options.Traces = DEFAULT_TRACES,
) -> None:
    """
    Say whether runs are slower or faster than the oldest of them, by median and by rate, and what that carries.

    Exit codes: 0 no slowdown (equivalent or faster), 1 slower by more than the threshold, 2 something cannot be
    compared (another model, mode, frequency or GPU), 3 too few launches to speak of configurations (five a side, in
    turn), 4 it can't be told.
    """
    from tracer.reports.compare_report import compare_sides
    from tracer.reports.compare_text import render_comparison

    sides = {name: _side(name, traces) for name in runs}
    every = [sides[name] for name in runs]
    if baseline is not None and baseline not in {*sides, *(side.name for side in every)}:
        every.append(_kept_baseline(baseline, traces))
    named = None if baseline is None else sides[baseline].name if baseline in sides else baseline
    figures = compare_sides(every, threshold, named)
    print_figures(figures, partial(render_comparison, figures), as_json=as_json)
    raise typer.Exit(_exit_code(figures))


def _side(name: str, traces: Path) -> Launches:
    from tracer.reports.compare_report import launches_of
    from tracer.runs.launch_set import is_launch_set, launch_set
    from tracer.runs.run_store import stored_run

    if is_launch_set(name, traces):
        runs, called = launch_set(name, traces), name
    else:
        runs, called = [stored_run(name, traces)], None
    for run in runs:
        tell_losses(run)
    return launches_of(runs, called)


def _kept_baseline(name: str, traces: Path) -> Launches:
    from tracer.errors import UsageError
    from tracer.fleet.baselines import baseline_runs
    from tracer.reports.compare_report import launches_of
    from tracer.runs.run_store import stored_run

    kept = baseline_runs([traces], name)
    runs = [stored_run(run, traces) for run in kept.values()]
    for identity, run in zip(kept, runs, strict=True):
        tell_losses(run)
        if run.info.run_id != identity:
            raise UsageError("--baseline", f"{run.name} is another run than the one of {name}", "set it again")
    return launches_of(runs, name)


def _exit_code(figures: Comparison) -> int:
    rows = figures["comparisons"]
    verdicts = {row["verdict"] for row in rows}
    if "refused" in verdicts:
        return REFUSED
    if any(row["why_no_claim"] for row in rows):
        return FEW_LAUNCHES
    if "slower" in verdicts:
        return SLOWER
    return ALIKE if verdicts <= {"faster", "equivalent"} else NOT_TOLD
