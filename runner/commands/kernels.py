"""``kws-trace kernels``: the kernels of any profile, by name, by range or by the call that launched them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.commands.options import CpuOption, InferencesOption, WallOption

FormatOption = Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How they are printed.")]


def kernels(
    profile: Annotated[Path, typer.Argument(help="A profile of nsys (SQLite, Parquet folder) or nvprof.")],
    by: Annotated[
        Literal["kernel", "range", "api"],
        typer.Option(help="By name, by the NVTX ranges around their launch, or CUDA calls with what they launched."),
    ] = "kernel",
    form: FormatOption = "table",
    thread_wise: Annotated[
        bool, typer.Option("--thread-wise", help="By range: Nsight's own rule, only launches of the range's thread.")
    ] = False,
    domain: Annotated[str | None, typer.Option(help="By range: only ranges of this NVTX domain.")] = None,
    copies: Annotated[
        bool, typer.Option("--copies", help="Memcpys and memsets too, in csv, json and by range.")
    ] = False,
    full_names: Annotated[
        bool, typer.Option("--full-names", help="In the table: names whole, not shortened.")
    ] = False,
    beside: Annotated[
        Path | None,
        typer.Option(metavar="PROFILE", help="Say instead whether the same kernels take one factor longer there."),
    ] = None,
    inferences: InferencesOption = None,
    wall_ms: WallOption = None,
    cpu_ms: CpuOption = None,
) -> None:
    """
    Print the kernels of PROFILE with their counts and times, as the profiler's own summary does.

    With --inferences an nvprof summary is put on one inference: GPU time, and its share of --wall-ms or --cpu-ms.

    JSON and CSV have the whole names. A kernel counts in every range around its launch; `innermost_count` and
    `innermost_total_ns` count it once. Kernels in no range have a row whose `range` is null.
    """
    from rich.console import Console

    from runner.commands.summary_output import print_summary
    from tracer.kernels.kernel_listing import list_kernels
    from tracer.kernels.kernel_text import render_notes
    from tracer.profiles.open_profile import open_profile

    opened = open_profile(profile)
    if beside is not None:
        from tracer.kernels.profile_ratio import profile_ratio

        ratio = profile_ratio(opened, open_profile(beside))
        found = {**asdict(ratio), "common": ratio.common, "sentence": ratio.sentence()}
        typer.echo(json.dumps(found, indent=2) if form == "json" else ratio.sentence())
        return
    if inferences is not None or wall_ms is not None or cpu_ms is not None:
        print_summary(opened, inferences, wall_ms, cpu_ms, as_json=form == "json")
        return
    listing = list_kernels(opened, by, thread_wise=thread_wise, domain=domain, copies=copies)
    if form == "table":
        listing.render(Console(), full_names=full_names)
        return
    typer.echo(listing.json() if form == "json" else listing.csv(), nl=False)
    render_notes(listing.notes, Console(stderr=True))
