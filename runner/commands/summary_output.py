"""Prints what a profiler's summary says of an inference: for ``kernels`` and for ``report`` of a summary's file."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from tracer.errors import ProfileError
from tracer.kernels.summary_share import GpuShare, render_summary, summary_figures
from tracer.profiles.profile import Profile, ProfileSummary


def print_summary(
    profile: Profile | ProfileSummary,
    inferences: int | None,
    wall_ms: float | None,
    cpu_ms: float | None,
    *,
    as_json: bool,
) -> None:
    """
    Print a summary put on one inference.

    Args:
        profile: as it was opened.
        inferences: that its program ran.
        wall_ms: of them all; None gives no share of wall time.
        cpu_ms: of them all.
        as_json: print an object.

    Raises:
        ProfileError: if it has a timeline, or ``inferences`` is None.
        ProfileError: if a figure is nonsense, or no GPU work is in it.
    """
    if isinstance(profile, Profile):
        raise ProfileError(
            profile.path,
            "it has a timeline, which tells inferences by itself",
            "leave out --inferences, --wall-ms and --cpu-ms, or `kws-trace ingest` it into its run",
        )
    if inferences is None:
        raise ProfileError(profile.path, "its totals are of a number of inferences", "give it with --inferences")
    figures = summary_figures(profile, inferences, wall_ms, cpu_ms)
    if as_json:
        sys.stdout.write(json.dumps(summary_json(figures), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(render_summary(figures)) + "\n")


def summary_json(figures: GpuShare) -> dict[str, Any]:
    """The figures for programs: nanoseconds an inference, shares between 0 and 1, null where not known."""
    return {
        **asdict(figures),
        "share_of_wall": figures.share_of_wall,
        "not_gpu_share_of_cpu": figures.not_gpu_share_of_cpu,
        "not_gpu_share_of_cpu_listed": figures.not_gpu_share_of_cpu_listed,
    }
