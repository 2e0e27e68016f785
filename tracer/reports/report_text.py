"""The report as text for a terminal of 80 columns; figures come from ``report``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tracer.figure_text import (
    MISSING,
    beside_text,
    bounds_text,
    count_text,
    counted,
    number_text,
    official_rate_text,
    range_notes,
    ratio_text,
    share_text,
    time_text,
)
from tracer.reports.breakdown_text import answer_lines, render_kernel_level
from tracer.reports.device_report import device_lines, frequencies_text
from tracer.reports.machine_report import machine_lines
from tracer.reports.pulse_report import pulse_lines
from tracer.reports.run_limits import limits_lines
from tracer.runs.run_note import note_lines
from tracer.terminal_text import framed_table, print_lines
from tracer.trust.judgement import trust_lines, verdict_text

if TYPE_CHECKING:
    from tracer.report_types.estimates import EstimateFigures
    from tracer.report_types.report import Report
    from tracer.report_types.run import (
        InferenceFigures,
        RunFacts,
        SerialFigures,
        SplittingCost,
        StageFigures,
        WindowFigures,
    )

WHOSE_RATE = "a window's rate is 1 over its own mean, and the official rate is that of the median window"


def model_line(run: RunFacts) -> str:
    """What ran on what: ``kws_ref_model on tensorflow (GPU:0)``."""
    backend = run["backend"]
    return f"{run['model'].get('name', '?')} on {backend.get('name')} ({backend.get('device')})"


def mode_text(run: RunFacts) -> str:
    """``timed reference, stages split``."""
    return f"timed {run['timed']}, stages {run['stages_mode']}"


def run_facts(report: Report) -> list[tuple[str, str]]:
    """What was measured with what, a name and a value each: machine, model, mode, frequencies, versions."""
    run = report["run"]
    model, backend = run["model"], run["backend"]
    threads = backend.get("threads")
    facts = [
        ("state", run["state"]),
        ("recorded", run["created"]),
        ("machine", run["host"]),
        ("processor", run["cpu"]),
        ("model", model.get("name")),
        ("model's SHA-256", model.get("sha256")),
        ("runtime", backend.get("name")),
        ("device", backend.get("device")),
        ("threads", "the runtime's own choice" if threads is None else threads),
        ("timed", run["timed"]),
        ("stages", run["stages_mode"]),
        ("host's port", run["port"]),
        ("frequencies", frequencies_text(report["device"], report["windows"])),
        ("profiler in the run", (run["profiler"] or {}).get("name", "none")),
        *((f"version of {name}", version) for name, version in run["versions"].items()),
    ]
    return [(name, MISSING if value in (None, "") else str(value)) for name, value in facts]


def rate_line(report: Report) -> str:
    """The official rate, whether it is rule-valid, and the worst of what speaks against it, in one line."""
    rate = report["median_rate_hz"]
    if rate is None:
        return f"no performance window ({verdict_text(report['trust'])})"
    done = sum(window["state"] == "complete" for window in performance_rows(report))
    return f"{official_rate_text(rate)}, median of {counted(done, 'window')} ({verdict_text(report['trust'])})"


def mean_line(report: Report) -> str | None:
    """Mean and median of an inference, and which of them the rate is made of; None without a timed inference."""
    whole = report["inference"]
    if not whole["count"]:
        return None
    mean, median = time_text(whole["total_ns"] / whole["count"]), time_text(whole["median_ns"])
    both = f"An inference: mean {mean}, median {median}"
    return both if report["median_rate_hz"] is None else f"{both}; {WHOSE_RATE}"


def spread_line(spread: EstimateFigures) -> str | None:
    """The interval of the median, or its range and why it is none, with both speeds; None without either."""
    if spread["kind"] == "none":
        return None
    of = counted(spread["count"], spread["unit"])
    if spread["kind"] == "interval":
        return f"The median: 95 % {bounds_text(spread, time_text)}, by {of}"
    speeds = "" if spread["speeds"] is None else f" ({' and '.join(map(time_text, spread['speeds']))})"
    return f"The median: {bounds_text(spread, time_text)}, a range over {of}: {spread['reason']}{speeds}"


def render_report(report: Report, console: Console, *, full_names: bool = False) -> None:
    """Print one report, the rate and the answer first."""
    run = report["run"]
    console.print(f"[bold]{escape(run['name'])}[/bold]  {run['state']}  {escape(run['created'])}", highlight=False)
    print_lines(console, [f"{model_line(run)}, {mode_text(run)}", *note_lines(run["note"])])
    print_lines(console, [rate_line(report)], "bold")
    mean = mean_line(report)
    spread = spread_line(report["inference"]["spread"])
    print_lines(console, [*(line for line in (mean, spread) if line), *trust_lines(report["trust"])])
    print_lines(console, answer_lines(report))
    console.print(stage_table("Stages of an inference (wall time)", stage_rows(report)))
    render_kernel_level(report, console, full_names=full_names)
    if performance_rows(report):
        console.print(_window_table(performance_rows(report)))
    print_lines(console, (f"Accuracy pass: {line}" for line in accuracy_lines(report)))
    for session in report["sessions"]:
        print_lines(console, [f"Session {session['path']}", *(f"  {line}" for line in session["lines"])])
    if report["serial"]:
        rows = [spread_row(one, one["share_of_session"]) for one in report["serial"]]
        console.print(stage_table("Serial line, outside the laps (share of the whole session)", rows))
    print_lines(console, closing_lines(report))


def render_side_by_side(reports: Sequence[Report], console: Console) -> None:
    """Print several runs as the columns of one table."""
    # Here: a report that was kept is shown without what reads sessions.
    from tracer.sessions.run_sessions import newest_accuracy

    columns = [escape(str(report["run"]["backend"].get("name"))) for report in reports]
    table = framed_table("Median time of an inference, and of its stages", [""], columns)
    stages = list(dict.fromkeys(one["stage"] for report in reports for one in report["stages"]))
    table.add_row("inf/s, median window", *[number_text(report["median_rate_hz"], 1) for report in reports])
    table.add_row("inference, median", *[time_text(report["inference"]["median_ns"]) for report in reports])
    for stage in stages:
        table.add_row(f"  {stage}", *[_stage_cell(report, stage) for report in reports])
    table.add_row("inference, p99", *[time_text(report["inference"]["p99_ns"]) for report in reports])
    accuracies = [newest_accuracy(report["sessions"]) for report in reports]
    if any(one and one["top1"] is not None for one in accuracies):
        table.add_row("Top-1", *[share_text(one["top1"] if one else None) for one in accuracies])
    table.add_row("tracer's cost", *[_recorder_cell(report) for report in reports])
    table.add_row("split / fused", *[ratio_text((report["splitting"] or {}).get("ratio")) for report in reports])
    console.print(table)
    print_lines(console, (f"{report['run']['backend'].get('name')}: {rate_line(report)}" for report in reports))


def _splitting_lines(cost: SplittingCost) -> list[str]:
    """The ratio is that of the two times; runs of older versions have no spread that holds."""
    groups, spread = cost.get("groups", ()), cost.get("spread")
    known = (beside_text(spread, ratio_text) if spread else "") or " (spread not known)"
    moments = f", measured {len(groups)} times over the run" if len(groups) > 1 else ""
    line = (
        f"Splitting: {ratio_text(cost['split_ns'] / cost['fused_ns'])} times the fused inference{known}, "
        f"{time_text(cost['split_ns'])} against {time_text(cost['fused_ns'])}{moments}"
    )
    return [line, *range_notes([spread] if spread else [])]


def accuracy_lines(report: Report) -> list[str]:
    """The windows of the accuracy pass in a sentence; none without them."""
    if (one := report["accuracy"]) is None:
        return []
    windows, median = counted(one["windows"], "window"), time_text(one["median_ns"])
    return [f"{windows} of one inference, median {median} by wall clock"]


def closing_lines(report: Report) -> list[str]:
    """What tracing cost, what splitting cost, the device and its limits, what was left out, and notes."""
    lines = []
    recorder = report["recorder"]
    if recorder.get("ns_per_inference") is not None:
        share = share_text(recorder["share"])
        lines.append(f"The tracer's own cost: {time_text(recorder['ns_per_inference'])} an inference ({share})")
    splitting = report["splitting"]
    if splitting and "split_ns" in splitting and splitting.get("fused_ns"):
        lines += _splitting_lines(splitting)
    lines += [line[:1].upper() + line[1:] for line in device_lines(report["device"], report["windows"])]
    lines += pulse_lines(report["pulses"])
    lines += machine_lines(report["run"])
    lines += limits_lines(report["limits"], report["published"], report["why_no_place"])
    left = report["left_out"]
    words = [counted(left["warmups"], "warm-up"), counted(left["aborted_windows"], "aborted window")]
    if left["captured"]:
        words.append(counted(left["captured"], "captured inference"))
    lines.append(f"Left out: {', '.join(words)}")
    lines += [f"Lost: {sentence}" for sentence in left["dropped"]]
    for gap in report["run"]["gaps"]:
        start, end, why = (gap.get(key, "?") for key in ("start", "end", "why"))
        lines.append(f"The line ended from {start} to {end}: {why}")
    if more := report["run"]["more_gaps"]:
        lines.append(f"The line ended and was open again {counted(more, 'time')} more")
    return [*lines, *(f"Note: {note}" for note in report["notes"])]


def performance_rows(report: Report) -> list[WindowFigures]:
    """The performance windows."""
    return [window for window in report["windows"] if window["kind"] == "performance"]


def stage_rows(report: Report) -> list[dict[str, str]]:
    """A row a stage and one for the whole inference, each of ``spread_row``."""
    shown: list[StageFigures | InferenceFigures] = [*report["stages"], report["inference"]]
    return [spread_row(one, one["share"]) for one in shown]


def spread_row(one: StageFigures | InferenceFigures | SerialFigures, share: float | None) -> dict[str, str]:
    """A stage's count, percentiles and share as text, by the heading of its column."""
    return {
        "stage": one["stage"],
        "count": count_text(one["count"]),
        "median": time_text(one["median_ns"]),
        "p90": time_text(one["p90_ns"]),
        "p99": time_text(one["p99_ns"]),
        "share": share_text(share),
    }


def stage_table(title: str, rows: list[dict[str, str]]) -> Table:
    """Rows of ``spread_row``, at least one, under their headings."""
    return framed_table(title, ["stage"], list(rows[0])[1:], [list(row.values()) for row in rows])


def _window_table(windows: list[WindowFigures]) -> Table:
    columns = ("window", "inferences", "laps", "inf/s", "inf/s by wall clock", "rule-valid")
    rows = (
        (
            str(window["ordinal"]),
            count_text(window["inferences"]),
            time_text(window["duration_ns"]),
            *(number_text(rate, 3) for rate in (window["rate_hz"], window["wall_rate_hz"])),
            "yes" if window["valid"] else "no",
        )
        for window in windows
    )
    return framed_table("Performance windows", (), columns, rows)


def _stage_cell(report: Report, stage: str) -> str:
    found = (one for one in report["stages"] if one["stage"] == stage)
    return next((f"{time_text(one['median_ns'])} ({share_text(one['share'])})" for one in found), MISSING)


def _recorder_cell(report: Report) -> str:
    cost = report["recorder"].get("ns_per_inference")
    return MISSING if cost is None else f"{time_text(cost)} ({share_text(report['recorder']['share'])})"
