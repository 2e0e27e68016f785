"""The demo: a DUT as a child process, driven by the host in this one, on each runtime that is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from runner.children import end_child, module_command
from runner.dataset import Dataset, shipped_dataset
from runner.host.outcomes import PerformancePlan
from runner.host.session import HostJob, run_session
from runner.line.ports import open_host_link
from tracer.command_line import command_line
from tracer.errors import ProcessError
from tracer.reports.report import build_report
from tracer.reports.report_text import render_side_by_side
from tracer.runs.run_info import default_run_name
from tracer.runs.run_store import stored_run
from tracer.terminal_text import terminal

BACKENDS = ("tensorflow", "litert")
Advance = Callable[[str, float], None]
"""Moves the bar of one runtime: getting ready, five windows, the accuracy pass."""

START_LIMIT_S = 180.0
END_LIMIT_S = 30.0
"""For a DUT to make its run complete."""


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
            _drive(backend, traces, names[-1], dataset, seconds, advance)
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


def _drive(backend: str, traces: Path, name: str, dataset: Dataset, seconds: float, advance: Advance) -> None:
    with tempfile.TemporaryDirectory(prefix="kws-trace-") as folder:
        port = Path(folder) / "dut"
        command = module_command("runner", "run", "--port", f"pty:{port}", "--backend", backend)
        command += ["--traces", str(traces), "--name", name]
        with (Path(folder) / "stderr").open("w+") as said:
            child = subprocess.Popen(command, stderr=said, stdout=subprocess.DEVNULL)
            try:
                advance("loading", 0)
                _wait_until_ready(child, Path(said.name), backend)
                advance("performance", 2)
                _measure(port, traces, dataset, seconds, advance)
            finally:
                child.send_signal(signal.SIGINT)
                end_child(child, END_LIMIT_S)
        advance("done", 0)


def _wait_until_ready(child: subprocess.Popen[Any], said: Path, backend: str) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        text = said.read_text(errors="replace")
        if "ready on " in text:
            return
        if child.poll() is not None:
            words = text.strip()[-2000:] or "nothing"
            raise ProcessError(f"the DUT on {backend} ended before it was ready; it said: {words}")
        time.sleep(0.05)
    raise ProcessError(f"the DUT on {backend} was not ready within {START_LIMIT_S:.0f} s")


def _measure(port: Path, traces: Path, dataset: Dataset, seconds: float, advance: Advance) -> None:
    """A performance session and an accuracy session, as two calls of ``kws-trace host`` leave them in the run."""
    with contextlib.closing(open_host_link(str(port), 115200)) as link:
        for mode, amount in {"performance": 1.0, "accuracy": 1 / 1000}.items():
            job = HostJob(f"pty:{port}", 115200, mode, traces, PerformancePlan(seconds), quiet=True)
            run_session(job, link, dataset, partial(advance, mode, amount))
