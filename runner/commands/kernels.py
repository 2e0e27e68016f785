"""``kws-trace kernels``: the kernels of any profile, by name, by range or by the call that launched them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
) -> None:
    """
    Print the kernels of PROFILE with their counts and times, as the profiler's own summary does.

    JSON and CSV have the whole names. A kernel counts in every range around its launch; `innermost_count` and
    `innermost_total_ns` count it once. Kernels in no range have a row whose `range` is null.
    """
    from rich.console import Console

    from tracer.kernel_listing import list_kernels
    from tracer.kernel_text import render_notes
    from tracer.profiles.open_profile import open_profile

    listing = list_kernels(open_profile(profile), by, thread_wise=thread_wise, domain=domain, copies=copies)
    if form == "table":
        listing.render(Console(), full_names=full_names)
        return
    typer.echo(listing.json() if form == "json" else listing.csv(), nl=False)
    render_notes(listing.notes, Console(stderr=True))
