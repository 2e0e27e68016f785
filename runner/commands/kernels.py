"""``kws-trace kernels``: the kernels of any profile, by name, by range or by the call that launched them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from runner.commands import options
from runner.commands.output import print_figures, print_summary
from tracer.terminal_text import say, terminal


def kernels(
    profile: options.Profile,
    by: Annotated[
        Literal["kernel", "range", "api"],
        options.OUTPUT(
            "Group by kernel name, by the NVTX ranges around the launch, or by the CUDA call that launched."
        ),
    ] = "kernel",
    form: Annotated[Literal["table", "csv", "json"], options.OUTPUT("Form of the output.", "--format")] = "table",
    thread_wise: Annotated[
        bool,
        options.OUTPUT(
            "With --by range: count only launches of the range's own thread, as Nsight's reports do.", "--thread-wise"
        ),
    ] = False,
    domain: Annotated[str | None, options.OUTPUT("With --by range: show only ranges of this NVTX domain.")] = None,
    copies: Annotated[
        bool, options.OUTPUT("Show memcpys and memsets too (csv, json, --by range).", "--copies")
    ] = False,
    full_names: options.FullNames = False,
    whole: options.All = False,
    beside: Annotated[
        Path | None,
        options.OUTPUT(
            "Say instead whether the kernels of both profiles differ by one common factor.", metavar="PROFILE"
        ),
    ] = None,
    inferences: options.Inferences = None,
    wall_ms: options.WallMs = None,
    cpu_ms: options.CpuMs = None,
) -> None:
    """
    Print the kernels of PROFILE with their counts and times, as the profiler's own summary does.

    With --inferences the totals of an nvprof summary are divided by that number, and set against --wall-ms or
    --cpu-ms.

    JSON and CSV have the whole names. A kernel counts in every range around its launch; `innermost_count` and
    `innermost_total_ns` count it once. Kernels in no range have a row whose `range` is null.
    """
    from runner.nsys.reports import read_any_profile
    from tracer.kernels.kernel_listing import list_kernels
    from tracer.kernels.kernel_text import render_notes

    opened = read_any_profile(profile)
    if beside is not None:
        from tracer.kernels.profile_ratio import profile_ratio

        ratio = profile_ratio(opened, read_any_profile(beside))
        figures = {**asdict(ratio), "common": ratio.common, "sentence": ratio.sentence()}
        print_figures(figures, lambda _: say(ratio.sentence()), as_json=form == "json")
        return
    if inferences is not None or wall_ms is not None or cpu_ms is not None:
        print_summary(opened, inferences, wall_ms, cpu_ms, as_json=form == "json")
        return
    listing = list_kernels(opened, by, thread_wise=thread_wise, domain=domain, copies=copies)
    if form == "table":
        listing.render(terminal(), full_names=full_names, whole=whole)
        return
    say(listing.json() if form == "json" else listing.csv(), end="")
    render_notes(listing.notes, terminal(stderr=True))
