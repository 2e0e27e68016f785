"""The demo: a DUT as a child process, driven by the host in this one, on each runtime that is installed."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from runner.dataset import shipped_dataset
from runner.host.driven_dut import drive_dut
from tracer.command_line import command_line
from tracer.reports.report import build_report
from tracer.reports.report_text import render_side_by_side
from tracer.runs.run_info import default_run_name
from tracer.runs.run_store import stored_run
from tracer.terminal_text import terminal

BACKENDS = ("tensorflow", "litert")


def run_demo(traces: Path, seconds: float) -> int:
    """Drive the shipped model on each runtime and print the reports side by side; returns the exit code."""
    console = terminal()
    backends = [name for name in BACKENDS if name != "tensorflow" or importlib.util.find_spec("tensorflow")]
    dataset = shipped_dataset()
    stem = default_run_name()
    console.print(
        f"Five windows of about {seconds:g} s on each runtime: short ones, so the rates are no official result "
        "(a valid window lasts at least 10 s)."
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    names = []
    with Progress(*columns, console=terminal(stderr=True)) as progress:
        tasks = [progress.add_task(name, total=2.0 + len(dataset.names) / 1000 + 5) for name in backends]
        for backend, task in zip(backends, tasks, strict=True):
            names.append(f"{stem}-demo-{backend}")
            advance = partial(_advance, progress, task, backend)
            drive_dut(["--backend", backend], traces, names[-1], dataset, seconds, advance)
    reports = [build_report(stored_run(name, traces)) for name in names]
    render_side_by_side(reports, console)
    if "tensorflow" not in backends:
        console.print("TensorFlow is not installed; pip install 'kws-trace\\[tensorflow]' adds it to the demo.")
    hints = {"More": command_line("report", names[-1], traces=traces)}
    if importlib.util.find_spec("streamlit"):
        hints["Dashboard"] = command_line("dashboard", traces=traces)
    for what, hint in hints.items():
        console.print(f"{what}: {hint}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _advance(progress: Progress, task: TaskID, backend: str, what: str, amount: float) -> None:
    progress.update(task, description=f"{backend}: {what}", advance=amount)
