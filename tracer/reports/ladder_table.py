"""A ladder as text, 80 columns wide: the rungs, then the steps between them."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tracer.command_line import command_line
from tracer.figure_text import MISSING, bounds_text, counted, number_text, range_notes, rate_number_text, share_text
from tracer.report_types.estimates import EstimateFigures
from tracer.report_types.ladder import LadderReport, PredictedStep, StepFigures
from tracer.terminal_text import figure_table, print_lines

BRIEF = {"not measured": MISSING, "no prediction": MISSING}
"""Verdicts that stand in the sentences alone."""


def render_ladder(report: LadderReport, console: Console) -> None:
    """Print the rungs thickest first, the steps, and what could not be measured."""
    asked = counted(report["rounds"], "round")
    ended = ", stopped early" if report["stopped"] else ""
    head = f"{report['name']}: {report['model'].get('name')}, {asked}{ended}, stages {report['stages']}"
    print_lines(console, [f"{head}, {counted(report['threads'], 'thread')}"], style="bold")
    console.print(_rung_table(report))
    spreads = [one["spread"] for one in (*report["rungs"], *report["steps"]) if one["spread"] is not None]
    if report["steps"]:
        console.print("What each step gave, in us of an inference, and what the rung above predicted:")
        console.print(_step_table(report))
        print_lines(console, [_step_line(one) for one in report["steps"]])
    failed = [f"failed: {one['name']}: {one['failure']}" for one in report["rungs"] if one["failure"]]
    absent = [f"not here: {one['rung']}: {one['reason']}; {one['remedy']}" for one in report["absent"]]
    print_lines(console, [*range_notes(spreads), *failed, *absent])
    print_lines(console, report["notes"], style="bold")
    print_lines(console, _hints(report))


def _rung_table(report: LadderReport) -> Table:
    table = figure_table(["rung", "on"], ["Top-1", "us", "95 %", "inf/s", "rounds", "trust"])
    for one in report["rungs"]:
        trust = one["trust"]
        table.add_row(
            one["rung"],
            (one["device"] or MISSING).removeprefix("/device:").replace("CPU:0", "CPU"),
            share_text(one["top1"]),
            _us(one["time_ns"]),
            _bounds(one["spread"]),
            rate_number_text(one["rate_hz"]),
            str(len(one["launches"])),
            trust["worst"] if trust else MISSING,
        )
    return table


def _step_table(report: LadderReport) -> Table:
    table = figure_table(["step to"], ["predicted", "measured", "95 %", "verdict"])
    for one in report["steps"]:
        told = _predicted(one["prediction"])
        verdict = BRIEF.get(one["verdict"], one["verdict"])
        table.add_row(one["rung"], told, _us(one["gain_ns"]), _bounds(one["spread"]), verdict)
    return table


def _predicted(step: PredictedStep) -> str:
    interval = step["interval_ns"]
    if step["gain_ns"] is None or interval is None:
        return MISSING
    return f"up to {_us(interval[1])}" if step["bound"] else f"{_us(interval[0])} to {_us(interval[1])}"


def _step_line(step: StepFigures) -> str:
    removal = step["prediction"]["removal"]
    named = f" ({removal})" if removal else ""
    return f"{step['above']} to {step['rung']}{named}: {step['verdict']}: {step['sentence']}"


def _hints(report: LadderReport) -> list[str]:
    captured = [one["captured"] for one in report["rungs"] if one["captured"]]
    return [f"kernels under the stages: `{command_line('report', one)}`" for one in captured]


def _us(ns: float | None) -> str:
    value = None if ns is None else ns / 1e3
    return number_text(value, 0 if value is not None and abs(value) >= 100 else 1)


def _bounds(spread: EstimateFigures | None) -> str:
    return MISSING if spread is None else bounds_text(spread, _us)
