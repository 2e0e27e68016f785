"""The cells of the kernel level's tables as text, for a terminal, a document and a page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from tracer.figure_text import MISSING, interval_text, number_text, share_text, time_text
from tracer.reports.profiled_parts import profiled_parts

if TYPE_CHECKING:
    from tracer.report_types.gpu import Gain, KernelFigures, WorkFigures

PART_TEXTS = {
    "kernel": "GPU kernel",
    "copy": "GPU copy",
    "launch": "CUDA launch",
    "copy_call": "CUDA copy call",
    "wait": "CUDA synchronise: waiting",
    "wake": "CUDA synchronise: waking up",
    "order": "CUDA ordering",
    "prepare": "CUDA launch preparation",
    "context": "CUDA context",
    "other_call": "CUDA call, other",
    "op": "computing operations (host)",
    "framework": "framework",
    "tracer": "the tracer's own ranges",
}

GAIN_TEXTS = {
    "all launches": "all launches free",
    "one graph": "one CUDA graph",
    "one graph, no framework": "one graph, no framework",
    "hand-offs": "no hand-offs",
    "hand-offs and one graph": "one graph, no hand-offs",
    "tiny kernels fused": "tiny kernels fused",
    "all copies": "no copies",
}
"""Changes to a program, and what no change gives more than."""


def part_text(name: str) -> str:
    """What a part of an inference is called for a reader."""
    return PART_TEXTS.get(name, name.replace("python ", "host code in "))


def part_rows(report: KernelFigures) -> dict[str, tuple[str, str, str, str]]:
    """Of each of ``profiled_parts``, by its name: what it is called, its time in the mean, its share, its median."""
    return {
        name: (part_text(name), time_text(one["mean"]), share_text(one["share"]), time_text(one["median"]))
        for name, one in profiled_parts(report).items()
    }


def work_cells(works: Sequence[WorkFigures]) -> list[tuple[str, ...]]:
    """Of each kernel or copy its time, its share, that of all until it, its calls, and the mean and median of one."""
    until = accumulate(one["share"] for one in works)
    return [
        (
            time_text(one["ns_per_inference"]),
            share_text(one["share"]),
            share_text(min(sum_, 1.0)),
            number_text(one["per_inference"], 1),
            time_text(one["mean_ns"]),
            time_text(one["median_ns"]),
        )
        for one, sum_ in zip(works, until, strict=True)
    ]


def stage_work_rows(report: KernelFigures) -> list[tuple[str, str, str]]:
    """A row a stage that launched GPU work: its name, time and number of works."""
    return [
        (
            one["stage"] or "(between stages)",
            time_text(one["ns_per_inference"]),
            number_text(one["works_per_inference"], 1),
        )
        for one in report["kernels_by_stage"]
    ]


GRAPH_NOTE = (
    "One CUDA graph leaves the framework's code before the first and after the last launch; a runtime that replays "
    "graphs itself may save up to one graph, no framework."
)


def shown_gains(gains: list[Gain]) -> tuple[list[Gain], list[str]]:
    """Those that a table shows, and what its reader must know: what makes bounds, and which code a graph leaves."""
    shown = [one for one in gains if one["gain_ns"] is None or one["gain_ns"] >= 0.5]
    reasons = "; ".join(dict.fromkeys(one["reason"] for one in shown if one["reason"]))
    notes = [f"At most, and -: {reasons}."] if reasons else []
    graphs = [one["gain_ns"] or 0.0 for one in shown if one["name"] in ("one graph", "one graph, no framework")]
    return shown, [*notes, GRAPH_NOTE] if len(graphs) > 1 and max(graphs) > graphs[0] else notes


def gain_name(one: Gain) -> str:
    """What is removed."""
    if one["group"] == "stage":
        return f"stage {one['name']}"
    return GAIN_TEXTS.get(one["name"]) or part_text(one["name"])


def gain_cells(one: Gain) -> tuple[str, str, str]:
    """A gain, its interval, and the rate with it; of a bound no more than that."""
    rate = number_text(one["rate_hz"], 1)
    bound = one["rate_hz"] is not None and one["bound"]
    return gain_text(one), gain_interval_text(one), f"≤ {rate}" if bound else rate


def gain_interval_text(one: Gain) -> str:
    """The ends between which a gain lies."""
    ends = one["interval_ns"]
    return MISSING if ends is None else interval_text(ends[0], ends[1], time_text)


def gain_text(one: Gain) -> str:
    """A gain, called a bound where it is one."""
    if one["gain_ns"] is None:
        return MISSING
    return " ".join(filter(None, (one["bound"], time_text(one["gain_ns"]))))
