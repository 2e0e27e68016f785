"""``kws-trace host`` from its options to its end: drive, log, print."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from runner.dataset import Dataset, chosen_dataset
from runner.host.driver import HostSession
from runner.host.outcomes import PerformancePlan, WindowOutcome, median_rate_hz
from runner.host.passes import run_accuracy, run_performance
from runner.host.results import (
    accuracy_lines,
    answers_of,
    clock_lines,
    exact_auc_lines,
    outcome_json,
    performance_lines,
    result_entries,
)
from runner.host.session_log import SessionLog, session_folder
from runner.line.link import Link
from runner.line.ports import open_host_link
from tracer.accuracy.confusion import Classes, Vectors, confusion_of
from tracer.accuracy.confusion_text import confusion_table
from tracer.accuracy.symptoms import accuracy_symptoms, symptom_lines
from tracer.errors import RunError
from tracer.figure_text import official_rate_text
from tracer.report_types.trust import Trust
from tracer.reports.run_trust import stored_trust
from tracer.runs.run_store import stored_run
from tracer.sessions.audit import audit_session
from tracer.sessions.open_session import build_session
from tracer.sessions.session_text import finding_line
from tracer.sessions.session_trust import session_trust
from tracer.terminal_text import print_lines, say, terminal
from tracer.trust.judgement import trust_lines, verdict_text


@dataclass(frozen=True, slots=True)
class HostJob:
    """What a user asked the host to do."""

    port: str
    baud: int
    mode: str
    traces: Path
    plan: PerformancePlan
    dataset: Path | None = None
    session: Path | None = None
    quiet: bool = False
    as_json: bool = False


def drive(job: HostJob) -> None:
    """Run one session against the DUT on the port; what was measured is on disk when something fails."""
    dataset = chosen_dataset(job.dataset)
    with contextlib.closing(open_host_link(job.port, job.baud)) as link:
        total = job.plan.windows if job.mode == "performance" else len(dataset.names)
        console = terminal(stderr=True, quiet=job.quiet)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(f"{job.mode}, DUT on {job.port}", total=total)
            above = functools.partial(console.print, markup=False, highlight=False)
            windows, lines, folder = run_session(job, link, dataset, lambda: progress.advance(task), above)
        _print(job, windows, dataset.labels, lines, folder)


def run_session(
    job: HostJob,
    link: Link,
    dataset: Dataset,
    advance: Callable[[], None],
    say: Callable[[str], None] = lambda _: None,
) -> tuple[list[WindowOutcome], list[str], Path]:
    """
    Run one session over an open line, written down in energyrunner's form.

    ``advance`` is called after each window; ``say`` is told what a window will be.

    Returns:
        The windows, the lines of its results, and the session's folder.

    Raises:
        KwsTraceError: if the DUT refuses or goes silent; what was measured by then is written.
    """
    with SessionLog(job.session or session_folder(job.port, job.traces)) as log:
        session = HostSession(link, log)
        session.describe("kws-trace", _settings(job, dataset))
        try:
            session.handshake()
            if job.mode == "performance":
                run_performance(session, dataset, job.plan, advance, say)
            else:
                run_accuracy(session, dataset, advance)
        finally:
            lines = _conclude(log, job.mode, session.windows, dataset.labels)
            classes = dict(zip(dataset.names, dataset.labels.tolist(), strict=True))
            log.entries(result_entries(session.windows, classes, job.mode))
    return session.windows, lines, log.folder


def _settings(job: HostJob, dataset: Dataset) -> dict[str, str]:
    performance = job.mode == "performance"
    return {
        "iterWarmup": str(job.plan.warmups if performance else 0),
        "iterInfer": str(job.plan.inferences or "measured") if performance else "1",
        "runMode": "bmark" if performance else "multi",
        "model": "kws01",
        "sourceDir": str(job.dataset or "shipped"),
        "singleInputFn": dataset.names[0],
    }


def _conclude(log: SessionLog, mode: str, windows: list[WindowOutcome], labels: Classes) -> list[str]:
    """End the session with the results of what was measured, all of it or, after a failure, a part."""
    log.end()
    if not windows:
        return []
    if mode == "performance":
        lines, written = performance_lines(windows), performance_lines(windows, 2)
        written.append("Cannot compute accuracy metrics in single-run mode.")
    else:
        lines = written = accuracy_lines(*answers_of(windows, labels))
        if len(windows) < len(labels):
            written = [*lines, f"Only {len(windows)} of {len(labels)} inputs were measured."]
    for line in written:
        log.result(line)
    return lines


def _print(job: HostJob, windows: list[WindowOutcome], labels: Classes, lines: list[str], folder: Path) -> None:
    console = terminal()
    answers = None if job.mode == "performance" else answers_of(windows, labels)
    judged, trust = _judged(folder, answers), _trust(folder)
    if job.as_json:
        found = {**outcome_json(job.mode, windows, labels, str(folder)), "judged": judged, "trust": trust}
        say(json.dumps(found, indent=2))
        return
    print_lines(console, lines)
    if answers is None:
        print_lines(console, clock_lines(windows), "bold yellow")
    else:
        print_lines(console, exact_auc_lines(*answers))
        matrix = confusion_of(*answers).tolist()
        console.print(confusion_table("Inputs by true class (row) and given class (column)", matrix))
    print_lines(console, judged, "bold yellow")
    if answers is None:
        print_lines(console, [f"{official_rate_text(median_rate_hz(windows))} ({verdict_text(trust)})"], "bold")
        print_lines(console, trust_lines(trust))
    print_lines(console, [f"session: {folder}"])


def _trust(folder: Path) -> Trust:
    """Of the run that the session drove and lies in, else, or where that cannot be read, of the session."""
    if (folder.parent / "run.json").is_file():
        with contextlib.suppress(RunError):
            return stored_trust(stored_run(folder.parent))
    return session_trust(audit_session(build_session(folder / "log.txt")))


def _judged(folder: Path, answers: tuple[Vectors, Classes] | None) -> list[str]:
    """What is wrong with the session by its own raw lines, and with the results by what they say alone."""
    lines = [finding_line(finding) for finding in audit_session(build_session(folder / "log.txt")).findings]
    if answers is not None and len(answers[0]):
        lines += symptom_lines(accuracy_symptoms(*answers))
    return lines
