"""``kws-trace compare``: whether runs differ by more than noise."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands import options
from runner.commands.output import print_figures, tell_losses
from tracer.command_line import DEFAULT_TRACES
from tracer.errors import UsageError
from tracer.given_files import xplanes_in

if TYPE_CHECKING:
    from tracer.report_types.report import Comparison
    from tracer.runs.run_store import StoredRun


ALIKE, SLOWER, REFUSED, FEW_LAUNCHES, NOT_TOLD = 0, 1, 2, 3, 4
"""Exit codes, as the command's page explains them."""


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...",
            help="Runs, or sets of launches (`kws-trace repeat`): the oldest is the baseline. "
            "Or profiles: the first is the baseline.",
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
    unit_range: Annotated[
        str | None, options.UNITS("Of profiles: the NVTX range whose instances are units.", "--range", metavar="NAME")
    ] = None,
    as_json: options.Json = False,
    traces: options.TracesThere = DEFAULT_TRACES,
) -> None:
    """
    Say whether runs are slower or faster than the oldest of them, by median and by rate, and what that carries.

    Profiles of any program are held against the first, by the units that `breakdown` takes.

    Exit codes: 0 no slowdown (equivalent or faster), 1 slower by more than the threshold, 2 something cannot be
    compared (another model, mode, frequency or GPU), 3 too few launches to speak of configurations (five a side, in
    turn), 4 it can't be told.
    """
    from tracer.reports.compare_text import render_comparison

    if _are_profiles(runs, traces):
        figures = _profiles_compared(runs, threshold, baseline, unit_range)
    elif unit_range is not None:
        raise UsageError("--range", "it is of profiles", "leave it out: runs are compared by their inferences")
    else:
        figures = _runs_compared(runs, threshold, baseline, traces)
    print_figures(figures, partial(render_comparison, figures), as_json=as_json)
    raise typer.Exit(_exit_code(figures))


def _are_profiles(names: list[str], traces: Path) -> bool:
    """Whether all are profiles; False where all are runs."""
    profiles = [name for name in names if _is_profile(name, traces)]
    others = [name for name in names if name not in profiles]
    if profiles and others:
        path = Path(others[0])
        if (path.suffix or len(path.parts) > 1) and not (path.exists() or (traces / path).exists()):
            raise UsageError(
                others[0], f"no such profile, and no such run in {traces}", "name two profiles, or two runs"
            )
        raise UsageError(
            others[0],
            f"a run is not compared with a profile ({profiles[0]})",
            "give two runs, or two profiles: of our own runs with --range kws-trace:inference",
        )
    return bool(profiles)


def _is_profile(name: str, traces: Path) -> bool:
    """Whether it is a file, or a folder as profilers leave them; what is the name of a run is that."""
    path = Path(name)
    if (traces / name / "run.json").exists() or (path / "run.json").exists():
        return False
    return path.is_file() or any(path.glob("StringIds.parquet")) or any(xplanes_in(path))


def _profiles_compared(
    names: list[str], threshold: float, baseline: str | None, unit_range: str | None
) -> Comparison:
    from runner.nsys.reports import read_any_profile
    from tracer.reports.compare_profiles import compare_profiles, profile_names, profile_side

    called = profile_names(names)
    sides = [profile_side(called[name], read_any_profile(Path(name)), unit_range) for name in names]
    named = None if baseline is None else called.get(baseline, baseline)
    return compare_profiles(sides, threshold, named)


def _runs_compared(names: list[str], threshold: float, baseline: str | None, traces: Path) -> Comparison:
    from tracer.fleet.kept_launches import kept_launches
    from tracer.reports.kept_report import kept_comparison

    sides = {name: _side(name, traces) for name in names}
    every = [sides[name] for name in names]
    if baseline is not None and baseline not in {*sides, *(called for called, _ in every)}:
        every.append((baseline, _told(kept_launches(baseline, traces))))
    named = sides[baseline][0] if baseline in sides else baseline
    return kept_comparison(every, threshold, named)


def _side(name: str, traces: Path) -> tuple[str, list[StoredRun]]:
    """What a run or a set of launches is called, and its launches."""
    from tracer.runs.launch_set import is_launch_set, named_runs

    runs = _told(named_runs(name, traces))
    return (name if is_launch_set(name, traces) else runs[0].name), runs


def _told(runs: list[StoredRun]) -> list[StoredRun]:
    for run in runs:
        tell_losses(run)
    return runs


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
