"""The kernel level as text for a terminal of 80 columns: the answer first; figures come from ``kernel_report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tracer.figure_text import (
    MISSING,
    beside_text,
    change_text,
    count_text,
    counted,
    number_text,
    range_notes,
    ratio_text,
    share_text,
    time_text,
)
from tracer.reports.breakdown_rows import gain_cells, gain_name, part_rows, shown_gains, stage_work_rows, work_cells
from tracer.reports.overhead_ledger import NSYS, TENSORFLOW
from tracer.reports.profiled_parts import FRAMEWORK_AND_COMPUTING, busy_and_overhead, profiler_text
from tracer.terminal_text import framed_table, plain, print_lines, printable
from tracer.unit_words import INFERENCES, UnitWords

if TYPE_CHECKING:
    from tracer.report_types.gpu import Gain, GpuFigures, KernelFigures, Unprofiled
    from tracer.report_types.report import Report

LEDGER_NAMES = {"nsys": NSYS, "tensorflow": TENSORFLOW}
"""The row of the profilers' ledger that is of a capture's source."""


SHOWN_KERNELS = 12


def answer_lines(report: Report) -> list[str]:
    """The lines that the report leads with: busy against overhead, what bounds it, how the two were measured."""
    return [printable(line) for line in _answer(report)]


def _answer(report: Report) -> list[str]:
    gpu = report["gpu"]
    if gpu is None and report["capture_problem"]:
        return [f"No GPU timeline: {report['capture_problem']}"]
    if gpu is None:
        return ["No GPU timeline: `kws-trace run --nsys` records one, `kws-trace ingest` imports one"]
    return [*busy_lines(gpu), *ledger_lines(report)]


def busy_lines(gpu: GpuFigures, words: UnitWords = INFERENCES) -> list[str]:
    """GPU busy against runtime overhead, what is not known of it, what bounds, and what the profiler adds."""
    clocks = gpu["frequencies"] or "frequencies not recorded"
    lines, shown, beside = [], busy_and_overhead(gpu), gpu["unprofiled"]
    if shown is None:
        captured = counted(gpu["inferences"], f"captured {words.one}")
        what = "GPU record" if gpu["unrecorded"] or not gpu_known(gpu, words) else "GPU work"
        lines.append(f"No {what} in {captured} of {time_text(gpu['wall_ns']['mean'])} in the mean")
    else:
        lines.append(
            f"GPU busy {_ms(shown.busy_ns)} ({share_text(shown.busy_share)}), "
            f"runtime overhead {_ms(shown.overhead_ns)} ({share_text(shown.overhead_share)})"
        )
        of = "both of the profiled run" if beside is None else "GPU profiled, wall time without the profiler"
        lines.append(f"({of}; {words.each} in the mean; {clocks})")
    if gpu["unrecorded"]:
        lines.append(f"Not all of the GPU's work is here: {gpu['unrecorded']}")
    elif gpu["computing_known"]:
        lines.append(gpu["verdict"]["sentence"])
    if beside is not None and beside["profiler_ratio"] is not None:
        lines.append(f"The profiler: {_profiler_ratio(beside, words)}, {profiler_text(gpu)}")
        lines += range_notes([beside["profiler_pairs_spread"]] if beside["profiler_pairs_spread"] else [])
    return lines


def gpu_known(gpu: GpuFigures, words: UnitWords = INFERENCES) -> bool:
    """Whether no GPU work is a fact: the device of a run of our own is known, that of other programs is not."""
    return words is INFERENCES or "cuda" in gpu["traced"]


def _profiler_ratio(beside: Unprofiled, words: UnitWords) -> str:
    """By pairs of neighbouring windows where there are some; all captures against all else is of other moments."""
    paired, spread = beside["profiler_pairs_ratio"], beside["profiler_pairs_spread"]
    if paired is not None and spread is not None:
        pairs = f"by {counted(spread['count'], 'pair')} of windows"
        if left_out := beside["profiler_pairs_left_out"]:
            pairs += f", without {counted(left_out, 'interrupted one')}"
        return f"{ratio_text(paired)} times the unprofiled mean {words.one}{beside_text(spread, ratio_text)}, {pairs}"
    ratio = beside["profiler_median_ratio"]
    change = f"{change_text(ratio, 0)}; spread not known"
    return f"{number_text(ratio, 2)} times the unprofiled median {words.one} ({change})"


def ledger_lines(report: Report) -> list[str]:
    """What the profilers' ledger says of this run's own profiler, beside the ratio that the run itself gives."""
    ledger, gpu = report["ledger"], report["gpu"]
    if ledger is None or gpu is None:
        return []
    rows = [row for row in ledger["conditions"] if row["name"] == LEDGER_NAMES.get(gpu["source"])]
    return [
        f"By `kws-trace overhead` {row['name']} adds {time_text(row['added_ns'])} to an inference: "
        f"{ratio_text(row['ratio'])} times" + (beside_text(spread, ratio_text) if spread else "")
        for row in rows
        for spread in [row.get("ratio_spread")]
    ]


def _ms(ns: float) -> str:
    return f"{number_text(ns / 1e6, 3)} ms"


def render_kernel_level(
    report: KernelFigures, console: Console, *, full_names: bool = False, words: UnitWords = INFERENCES
) -> None:
    """Print the breakdown, the kernels, and what removing a part would give; nothing without a kernel level."""
    gpu = report["gpu"]
    if gpu is None:
        return
    console.print(_part_table(report, gpu, words))
    if report["kernels"] or report["copies"]:
        console.print(_kernel_table(report, words, full_names=full_names))
    if report["kernels_by_stage"]:
        title = f"GPU work of {words.each}, by launch"
        console.print(framed_table(title, ["launched in stage"], ("time", "works"), stage_work_rows(report)))
    if report["gains"]:
        console.print(_gain_table(report["gains"], words))
    print_lines(console, kernel_lines(gpu, words))


def kernel_lines(gpu: GpuFigures, words: UnitWords = INFERENCES) -> list[str]:
    """Delay, queue, gaps, spill, what lies outside, and notes, each in a line."""
    return [printable(line) for line in (*_lines(gpu, words), *_outside_lines(gpu, words))]


def _lines(gpu: GpuFigures, words: UnitWords) -> list[str]:
    lines = []
    delay = gpu["launch_delay_ns"]
    if delay is not None:
        lines.append(
            f"From launch to start: median {time_text(delay['median'])}, p99 {time_text(delay['p99'])}; "
            f"{share_text(gpu['queued_share'])} of the kernels were queued in time"
        )
    gaps = [f"{name.replace('_', ' ')} {time_text(ns)}" for name, ns in gpu["gaps_ns"].items() if ns >= 0.5]
    if gaps and gpu["has_gpu_work"]:
        lines.append(f"The GPU's idle time, {words.each}: " + ", ".join(gaps))
    if gpu["interrupted"]:
        left = counted(gpu["interrupted"], f"{words.one} is", f"{words.many} are")
        lines.append(f"{left} left out: the profiler did something for itself meanwhile")
    inflation = gpu["inflation"]
    if inflation is not None:
        lines.append(
            f"The profiler adds {time_text(inflation['per_call_ns'])} to a CUDA call and "
            f"{time_text(inflation['per_work_ns'])} to a GPU work, by {counted(inflation['pairs'], 'pair')} of "
            f"windows; on as many others off by {time_text(inflation['held_out_ns'])} of "
            f"{time_text(inflation['held_out_added_ns'])}"
        )
    spill = gpu["spill"]
    for stage, one in spill["stages"].items():
        outlast = counted(one["works"], "work outlasts", "works outlast")
        lines.append(f"Spill: {outlast} {stage}, by {time_text(one['total_ns'])} in all")
    if spill["inference"]["works"]:
        one = spill["inference"]
        outlast = counted(one["works"], "work outlasts its", "works outlast their")
        lines.append(f"Spill: {outlast} {words.one}, by {time_text(one['total_ns'])} in all")
    return lines


def _outside_lines(gpu: GpuFigures, words: UnitWords) -> list[str]:
    outside, lines = gpu["outside"], []
    if outside["works"] or outside["without_launch"]:
        lines.append(
            f"Outside every {words.one}: {counted(outside['works'], 'work')} launched, "
            f"{count_text(outside['without_launch'])} without a launch in the capture, "
            f"{time_text(outside['total_ns'])}"
        )
    if outside["other_processes"]:
        lines.append(f"Of other processes: {counted(outside['other_processes'], 'work')}, left out")
    return [*lines, *(f"Note: {note}" for note in gpu["notes"])]


def _part_table(report: KernelFigures, gpu: GpuFigures, words: UnitWords) -> Table:
    title = f"Where {counted(gpu['inferences'], f'profiled {words.one}')} spent their time (mean; sums to the whole)"
    table = framed_table(title, ["part"], ("exposed", "share", "median", "in all"))
    exposed = "while the GPU did nothing" if gpu["has_gpu_work"] else "with no call of another part under it"
    table.caption = f"exposed: {exposed}; in all: with what ran under its work"
    for name, (part, time, share, median) in part_rows(report).items():
        overhead = report["overhead"].get("framework" if name == FRAMEWORK_AND_COMPUTING else name)
        total = MISSING if overhead is None else time_text(overhead["cpu_total"])
        table.add_row(part, time, share, median, total)
    wall = gpu["wall_ns"]
    whole = (time_text(wall["mean"]), share_text(1.0), time_text(wall["median"]))
    table.add_row(words.one, *whole, MISSING, style="bold")
    return table


def _kernel_table(report: KernelFigures, words: UnitWords, *, full_names: bool) -> Table:
    title = f"Kernels, then copies: {words.each} (share of their own time)"
    table = framed_table(title, ["name"], ("time", "share", "calls", "mean"), wrap=False)
    works = [*report["kernels"], *report["copies"]]
    shown = works if full_names else works[:SHOWN_KERNELS]
    for place, (one, (time, share, _, calls, mean, _)) in enumerate(zip(shown, work_cells(shown), strict=True)):
        if 0 < place == len(report["kernels"]):
            table.add_section()
        table.add_row(plain(one["name"] if full_names else one["short_name"]), time, share, calls, mean)
    if len(works) > SHOWN_KERNELS and not full_names:
        table.caption = f"{len(works) - SHOWN_KERNELS} more: --full-names, or `kws-trace kernels`"
    return table


def _gain_table(gains: list[Gain], words: UnitWords) -> Table:
    columns = ("gain", "95 % interval", f"{words.rate} then")
    table = framed_table("What removing it would give, by replay", ["removed"], columns, wrap=False)
    shown, notes = shown_gains(gains)
    for place, one in enumerate(shown):
        if place and one["group"] != shown[place - 1]["group"]:
            table.add_section()
        table.add_row(plain(gain_name(one)), *gain_cells(one))
    if notes:
        table.caption = " ".join(notes)
    return table
