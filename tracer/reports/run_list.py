"""The runs of a folder as rows: what each was, how it ended, how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.command_line import command_line
from tracer.figure_text import counted, minute_text, rate_text, size_text
from tracer.runs.run_index import Progress, RunIndex
from tracer.runs.run_note import note_lines
from tracer.trust.judgement import verdict_text

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class RunList:
    """
    The runs of a folder, oldest first.

    ``rows`` are as ``run_row`` makes them, each with its ``name``; ``damaged`` has a sentence for each run whose
    ``run.json`` cannot be read.
    """

    rows: list[dict[str, Any]]
    damaged: list[str]


def list_runs(traces: Path, progress: Progress = lambda *_: None) -> RunList:
    """List a folder: what is kept in its index is taken from there, the rest is read. ``progress`` is of the rest."""
    index = RunIndex(traces)
    rows = [{"name": folder.name, **row} for folder, row in index.rows(_derived, progress)]
    return RunList(rows, [str(one.error) for one in index.listed if one.error])


def _derived(folder: Path) -> dict[str, Any]:
    # Here: a list of which nothing is new reads no table, and starts without what does.
    from tracer.reports.run_row import run_row

    return run_row(folder)


def render_runs(listed: RunList, traces: Path, console: Console, ladders: Sequence[dict[str, Any]] = ()) -> None:
    """Print two lines a run, what could not be read, and a line a ladder."""
    if not listed.rows and not listed.damaged:
        hint = command_line("demo", traces=traces)
        console.print(f"no runs in {traces}; `{hint}` makes two", markup=False, highlight=False, soft_wrap=True)
    lines: list[str] = []
    for row in listed.rows:
        rate = "" if row["rate_hz"] is None else f"  {rate_text(row['rate_hz'])}"
        facts = f"{counted(row['windows'], 'window')}{rate}  {size_text(row['bytes'])}"
        launch = row["launch_set"]
        facts += f"  launch {launch['number']} of {launch['of']} of {launch['name']}" if launch else ""
        lines.append(f"{row['name']}  {row['state']}  {facts}")
        when = minute_text(row["created"])
        what = f"{row['model']} on {row['backend']}, timed {row['timed']}, stages {row['stages']}"
        lines += [f"  {when}  {what}", *_verdict(row), *(f"  {line}" for line in note_lines(row["note"]))]
    lines += [f"not readable: {sentence}" for sentence in listed.damaged]
    lines += [_ladder_line(one) for one in ladders]
    if lines:
        # At once, and broken by the terminal: rich takes 0.3 ms for a line that it breaks.
        console.out("\n".join(lines), highlight=False)


def _ladder_line(ladder: dict[str, Any]) -> str:
    """How many rungs a ladder has, and which was the fastest."""
    state = "complete" if ladder["complete"] else "not complete"
    best = f"  fastest {ladder['fastest']}, {rate_text(ladder['rate_hz'])}" if ladder["fastest"] else ""
    return f"ladder {ladder['name']}  {state}  {counted(len(ladder['rungs']), 'rung')}{best}"


def _verdict(row: dict[str, Any]) -> list[str]:
    """In the words of the report's headline; a run without a rate has none."""
    return [] if row["rate_hz"] is None else [f"  {verdict_text(row['trust'])}"]
