"""The runs of a folder as rows: what each was, how it ended, how large it is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from tracer.command_line import command_line
from tracer.figure_text import counted, rate_text, size_text
from tracer.reports.run_trust import stored_trust
from tracer.runs.launch_set import launch_number, set_name
from tracer.runs.run_cache import derived
from tracer.runs.run_store import StoredRun, list_runs
from tracer.runs.windows import asked_windows, official_rate_hz
from tracer.terminal_text import print_lines
from tracer.trust.judgement import verdict_text


def list_rows(traces: Path) -> list[dict[str, Any]]:
    """
    A row a run, oldest first; ``rate_hz`` is the median of its complete performance windows, ``trust`` the judgement
    that its report has, ``bytes`` its size on disk.
    """
    return [_row(run) for run in list_runs(traces)]


def render_runs(rows: list[dict[str, Any]], damaged: list[str], traces: Path, console: Console) -> None:
    """Print two lines a run, and what could not be read."""
    if not rows and not damaged:
        hint = command_line("demo", traces=traces)
        console.print(f"no runs in {traces}; `{hint}` makes two", markup=False, highlight=False, soft_wrap=True)
    for row in rows:
        rate = "" if row["rate_hz"] is None else f"  {rate_text(row['rate_hz'])}"
        facts = f"{counted(row['windows'], 'window')}{rate}  {size_text(row['bytes'])}"
        launch = row["launch_set"]
        facts += f"  launch {launch['number']} of {launch['of']} of {escape(launch['name'])}" if launch else ""
        console.print(f"[bold]{escape(row['name'])}[/bold]  {row['state']}  {facts}", highlight=False)
        when = row["created"][:16].replace("T", " ")
        what = f"{row['model']} on {row['backend']}, timed {row['timed']}, stages {row['stages']}"
        print_lines(console, [f"  {when}  {what}", *_verdict(row)])
    print_lines(console, (f"not readable: {sentence}" for sentence in damaged))


def _verdict(row: dict[str, Any]) -> list[str]:
    """In the words of the report's headline; a run without a rate has none."""
    return [] if row["rate_hz"] is None else [f"  {verdict_text(row['trust'])}"]


def _row(run: StoredRun) -> dict[str, Any]:
    launch = launch_number(run)
    return {
        "name": run.name,
        "created": run.info.created,
        "state": run.state,
        "model": run.info.model.get("name"),
        "backend": run.info.backend.get("name"),
        "timed": run.info.timed,
        "stages": run.info.stages_mode,
        "launch_set": None if launch is None else {**asdict(launch), "name": set_name(run)},
        **derived(run, "list-3", lambda: _judged(run)),
        "bytes": sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file()),
    }


def _judged(run: StoredRun) -> dict[str, Any]:
    rate = official_rate_hz(run.each_window)
    return {"windows": len(asked_windows(run.each_window)), "rate_hz": rate, "trust": stored_trust(run)}
