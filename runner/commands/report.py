"""``kws-trace report``: where the time of a run went."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands import options
from runner.commands.output import print_document, print_figures, print_summary
from tracer.command_line import DEFAULT_TRACES
from tracer.errors import UsageError

if TYPE_CHECKING:
    from tracer.model.devices import Limits
    from tracer.report_types.report import Report
    from tracer.runs.run_store import StoredRun


def report(
    run: Annotated[
        str,
        typer.Argument(
            help="A run: its folder, its name, or `last`. Or the name of a set of launches (`kws-trace repeat`), or "
            "the file of an nvprof summary."
        ),
    ] = "last",
    unprofiled: Annotated[
        str | None,
        options.PROFILER("A run of the same configuration without a profiler, for the wall time.", metavar="RUN"),
    ] = None,
    device: options.LimitsOf = None,
    full_names: options.FullNames = False,
    inferences: options.Inferences = None,
    wall_ms: options.WallMs = None,
    cpu_ms: options.CpuMs = None,
    as_json: options.Json = False,
    html: options.Html = None,
    baseline: Annotated[
        str | None, options.OUTPUT("Of --html: a run that RUN is compared with in it.", metavar="RUN")
    ] = None,
    traces: options.TracesThere = DEFAULT_TRACES,
) -> None:
    """Say where the time of RUN went: by stage, by inference and by window, with the overhead of tracing."""
    if baseline is not None and html is None:
        raise UsageError("--baseline", "it is of --html", "give --html FILE, or use `kws-trace compare`")
    if os.path.isfile(run):  # noqa: PTH113 -- false, not an error, for a name that none can be
        from tracer.profiles.open_profile import read_profile_file

        if html is not None:
            remedy = "`kws-trace breakdown FILE --html` writes that of a profile"
            raise UsageError("--html", f"{run} is no run", remedy)
        print_summary(read_profile_file(Path(run)), inferences, wall_ms, cpu_ms, as_json=as_json)
        return
    from tracer.runs.launch_set import is_launch_set, launch_set

    if is_launch_set(run, traces):
        if baseline is not None:
            raise UsageError("--baseline", f"{run} is a set of launches", "`kws-trace compare` compares sets")
        _report_of_a_set(launch_set(run, traces), html, as_json=as_json)
        return
    from tracer.runs.run_store import stored_run

    beside = None if unprofiled is None else stored_run(unprofiled, traces)
    stored = stored_run(run, traces)
    found = _report(stored, beside, device)
    if html is not None:
        from tracer.reports.html.export import run_html

        document = run_html(stored, found, None if baseline is None else stored_run(baseline, traces))
        print_document(html, document, found, as_json=as_json)
        return
    from tracer.reports.report_text import render_report

    print_figures(found, partial(render_report, found, full_names=full_names), as_json=as_json)


def _report(run: StoredRun, unprofiled: StoredRun | None, device: str | None) -> Report:
    if unprofiled is None and device is None:
        from tracer.reports.kept_report import kept_report

        return kept_report(run)
    from tracer.reports.report import build_report

    return build_report(run, unprofiled, _limits(device))


def _report_of_a_set(runs: list[StoredRun], html: Path | None, *, as_json: bool) -> None:
    from tracer.reports.launch_report import build_launch_report, render_launch_report

    over = build_launch_report(runs)
    if html is None:
        print_figures(over, partial(render_launch_report, over), as_json=as_json)
        return
    from tracer.reports.html.export import set_html

    print_document(html, set_html(over, runs), over, as_json=as_json)


def _limits(device: str | None) -> str | Limits | None:
    """What the report takes: this machine's processor measured, or a device's name."""
    if device != "cpu":
        return device
    from runner.limits.cpu_probe import probe_cpu

    return probe_cpu()
