"""What the first page of a run draws: its one sentence, and its time as nested parts on one axis; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from tracer.figure_text import share_text
from tracer.report_types.breakdown import BreakdownReport
from tracer.report_types.gpu import KernelFigures, PartFigures, WorkFigures
from tracer.report_types.report import Report
from tracer.report_types.run import StageFigures
from tracer.reports.breakdown_rows import part_text
from tracer.reports.kernel_labels import distinct_labels
from tracer.reports.profiled_parts import BUSY, GPU_PARTS, OVERHEAD, busy_and_overhead, profiled_parts
from tracer.unit_words import INFERENCES, UnitWords, unit_words

ADDED = "added by the profiler"
WALL, SPLIT, KIND, KERNEL, STAGE = "wall time", "GPU, overhead", "kind", "kernel", "stage"
LEVELS = (WALL, SPLIT, KIND, KERNEL, STAGE)
SHOWN_KERNELS = 8
OTHERS = "other kernels"


class Part(TypedDict):
    """
    A bar of the icicle, from ``from_ns`` to ``to_ns`` of an inference in the mean.

    ``share`` is of the inference that ``of`` names; ``page`` has more of it, and ``name`` is whole.
    """

    level: str
    part: str
    name: str
    from_ns: float
    to_ns: float
    share: float
    of: str
    page: str


def lead_sentence(report: KernelFigures) -> str | None:
    """``7.2 % GPU, 92.8 % runtime overhead, mostly framework: launch-bound``; None without a GPU timeline."""
    gpu = report["gpu"]
    if gpu is None:
        return None
    shown, overhead = busy_and_overhead(gpu), _overhead_parts(report)
    most = max(overhead, key=lambda name: overhead[name]["mean"], default=None)
    mostly = "" if most is None else f"mostly {part_text(most)}"
    bound = f": {gpu['verdict']['key']}" if gpu["computing_known"] and not gpu["unrecorded"] else ""
    if shown is None:
        share = f" ({share_text(overhead[most]['share'])})" if most else ""
        return (
            ", ".join(filter(None, ["No GPU record" if gpu["unrecorded"] else "No GPU work", mostly + share])) + bound
        )
    split = f"{share_text(shown.busy_share)} GPU, {share_text(shown.overhead_share)} runtime overhead"
    return ", ".join(filter(None, [split, mostly])) + bound


def icicle(report: Report) -> list[Part]:
    """
    Wall time, GPU against overhead, kinds, kernels and stages of an inference, on one axis of nanoseconds.

    The rate's own inference ends where the profiler's addition begins; kinds and kernels are of the profiled one and
    are not rescaled, so that they reach over both. Stages are the recorder's, without the profiler.
    """
    timed = report["inference"]
    mean = timed["total_ns"] / timed["count"] if timed["count"] else 0.0
    return [*_of_work(report, mean, INFERENCES, "a timed inference"), *_stages(report["stages"], mean)]


def unit_icicle(report: BreakdownReport) -> list[Part]:
    """The same of a profile's units; their stages are of the profiled ones too."""
    mean, words = report["wall_ns"]["mean"], unit_words(report["range"]["unit"])
    of = f"a profiled {words.one}"
    return [*_of_work(report, mean, words, of), *_stages(report["stages"], mean, report["count"], of)]


def _of_work(report: KernelFigures, mean: float, words: UnitWords, timed: str) -> list[Part]:
    """All but the stages; of a capture without a GPU timeline the ``mean`` of what is ``timed``."""
    gpu = report["gpu"]
    if gpu is None:
        return _row(WALL, [(WALL, mean)], mean, timed, "stages")
    profiled, under = gpu["wall_ns"]["mean"], f"a profiled {words.one}"
    beside = gpu["unprofiled"]
    wall = beside["wall_ns"] if beside else profiled
    of = f"{words.each} without the profiler" if beside else under
    rows = _row(WALL, [(WALL, wall)], wall, of, "stages")
    shown = busy_and_overhead(gpu)
    if shown is not None:
        rows += _row(SPLIT, [(BUSY, shown.busy_ns), (OVERHEAD, shown.overhead_ns)], wall, of, "kernels")
    if profiled > wall:
        rows += _row(WALL, [(ADDED, profiled - wall)], wall, of, "overview", start=wall)
    # The GPU's parts first, then the largest of the overhead.
    parts = [(name, one["mean"]) for name, one in profiled_parts(report).items() if name in GPU_PARTS]
    overhead = _overhead_parts(report)
    parts += sorted(((name, one["mean"]) for name, one in overhead.items()), key=lambda one: -one[1])
    rows += _row(KIND, [(part_text(name), ns) for name, ns in parts], profiled, under, "kernels")
    return [*rows, *_kernels(report["kernels"], gpu["kernel_ns"]["mean"], profiled, under)]


def _overhead_parts(report: KernelFigures) -> Mapping[str, PartFigures]:
    return {name: one for name, one in profiled_parts(report).items() if name not in GPU_PARTS}


def _kernels(kernels: Sequence[WorkFigures], ran: float, profiled: float, under: str) -> list[Part]:
    """Under the GPU's kernels, as long as they ran: those that ran side by side would reach past it and are cut."""
    top, rest = kernels[:SHOWN_KERNELS], kernels[SHOWN_KERNELS:]
    labels = distinct_labels([one["name"] for one in kernels])
    found = [(labels[one["name"]], one["ns_per_inference"]) for one in top]
    if rest:
        found.append((OTHERS, sum(one["ns_per_inference"] for one in rest)))
    total = sum(ns for _, ns in found)
    scale = min(1.0, ran / total) if total else 1.0
    named = {labels[one["name"]]: one["name"] for one in top}
    rows = _row(KERNEL, [(name, ns * scale) for name, ns in found], profiled, under, "kernels")
    return [{**row, "name": named.get(row["part"], row["part"])} for row in rows]


def _stages(
    stages: Sequence[StageFigures], mean: float, units: int | None = None, of: str = "a timed inference"
) -> list[Part]:
    """A stage's time over ``units``, by default over the instances that have it."""
    found = [(one["stage"], one["total_ns"] / (units or one["count"])) for one in stages if one["count"]]
    return _row(STAGE, found, mean, of, "stages")


def _row(
    level: str, parts: Iterable[tuple[str, float]], whole: float, of: str, page: str, start: float = 0.0
) -> list[Part]:
    rows: list[Part] = []
    for part, ns in parts:
        if ns > 0:
            share = ns / whole if whole else 0.0
            end = start + ns
            rows.append(
                Part(level=level, part=part, name=part, from_ns=start, to_ns=end, share=share, of=of, page=page)
            )
            start = end
    return rows
