"""``kws-trace breakdown``: where the time of any program's units went, by a profile of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from runner.commands import options
from runner.commands.output import print_document, print_figures
from tracer.errors import UsageError
from tracer.terminal_text import say


def breakdown(
    profile: Annotated[
        Path,
        typer.Argument(
            help="A profile of nsys (.nsys-rep, .qdstrm, .sqlite, Parquet folder), nvprof, TensorFlow, PyTorch, JAX, "
            "ONNX Runtime or trtexec."
        ),
    ],
    unit_range: Annotated[
        str | None,
        options.UNITS(
            "The NVTX range whose instances are units: its name, or domain:name; * and ? match. "
            "Without it the outermost range that repeats is used.",
            "--range",
            metavar="NAME",
        ),
    ] = None,
    stages: Annotated[
        str | None,
        options.UNITS(
            "The ranges within a unit that are its stages, in order. Without it those that tile it are used.",
            metavar="A,B,C",
        ),
    ] = None,
    skip: Annotated[
        int,
        options.UNITS("Units left out at the start of each process or thread, as a program's warm-up.", min=0),
    ] = 0,
    wall_us: Annotated[
        float | None,
        options.UNITS("Mean wall time of a unit without the profiler in microseconds, where you have it.", min=0.001),
    ] = None,
    full_names: options.FullNames = False,
    as_json: options.Json = False,
    html: options.Html = None,
    as_csv: Annotated[bool, options.OUTPUT("Print one flat table as CSV.", "--csv")] = False,
) -> None:
    """
    Say where the units of any program spent their time: GPU busy against overhead, by kind, by stage, by kernel.

    A unit is an instance of an NVTX range. Without NVTX it is what lies between two synchronisations, or a window of
    time, or the whole capture; the output says which.
    """
    from runner.nsys.reports import read_any_profile
    from tracer.reports.unit_report import build_breakdown, timeline_of
    from tracer.reports.unit_text import breakdown_csv, render_breakdown

    if as_json and as_csv:
        raise UsageError("--csv", "--json is given too", "give one of them")
    if as_csv and html is not None:
        raise UsageError("--csv", "--html is given too", "give one of them")
    named = None if stages is None else [one.strip() for one in stages.split(",") if one.strip()]
    wall_ns = None if wall_us is None else wall_us * 1e3
    opened = read_any_profile(profile)
    if html is not None:
        from tracer.reports.html.export import profile_page

        page = profile_page(timeline_of(opened), unit_range, named, wall_ns, skip)
        print_document(html, page.html, page.figures, as_json=as_json)
        return
    figures = build_breakdown(opened, unit_range, named, wall_ns=wall_ns, skip=skip)
    if as_csv:
        say(breakdown_csv(figures), end="")
        return
    print_figures(figures, partial(render_breakdown, figures, full_names=full_names), as_json=as_json)
