"""The runs of a folder as rows: what each was, how it ended, how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracer.command_line import command_line
from tracer.figure_text import counted, minute_text, rate_text, size_text
from tracer.runs.run_index import Progress, RunIndex
from tracer.runs.run_note import note_lines
from tracer.trust.judgement import verdict_text


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
    index = RunIndex(traces, "lists")
    rows = [{"name": name, **row} for name, row in index.rows(_derived, progress)]
    return RunList(rows, [str(one.error) for one in index.listed if one.error])


def _derived(folder: Path) -> dict[str, Any]:
    # Here: a list of which nothing is new reads no table, and starts without what does.
    from tracer.reports.run_row import run_row

    return run_row(folder)


def told_runs(
    traces: Path, progress: Progress = lambda *_: None, ladders: Sequence[dict[str, Any]] = ()
) -> list[str]:
    """
    The list as lines: two or three a run, what could not be read, and a line a ladder.

    The lines of each run are kept too, in an index of their own: they are a tenth of what they are made of.
    """
    index = RunIndex(traces, "told")
    if not index.listed:
        return [
            f"no runs in {traces}; `{command_line('demo', traces=traces)}` makes two",
            *map(_ladder_line, ladders),
        ]
    rows: dict[str, dict[str, Any]] = {}

    def derive(folder: Path) -> dict[str, Any]:
        if not rows:
            rows.update((row["name"], row) for row in list_runs(traces, progress).rows)
        # One that came since is looked at by itself.
        row = rows.get(folder.name) or {"name": folder.name, **_derived(folder)}
        return {"state": row["state"], "lines": _lines(row)}

    lines = [line for _, row in index.rows(derive, lambda *_: None) for line in row["lines"]]
    lines += [f"not readable: {one.error}" for one in index.listed if one.error]
    return lines + [_ladder_line(one) for one in ladders]


def _lines(row: dict[str, Any]) -> list[str]:
    rate = "" if row["rate_hz"] is None else f"  {rate_text(row['rate_hz'])}"
    facts = f"{counted(row['windows'], 'window')}{rate}  {size_text(row['bytes'])}"
    launch = row["launch_set"]
    facts += f"  launch {launch['number']} of {launch['of']} of {launch['name']}" if launch else ""
    what = f"{row['model']} on {row['backend']}, timed {row['timed']}, stages {row['stages']}"
    head = [f"{row['name']}  {row['state']}  {facts}", f"  {minute_text(row['created'])}  {what}"]
    verdict = [] if row["rate_hz"] is None else [f"  {verdict_text(row['trust'])}"]
    return [*head, *verdict, *(f"  {line}" for line in note_lines(row["note"]))]


def _ladder_line(ladder: dict[str, Any]) -> str:
    """How many rungs a ladder has, and which was the fastest."""
    state = "complete" if ladder["complete"] else "not complete"
    best = f"  fastest {ladder['fastest']}, {rate_text(ladder['rate_hz'])}" if ladder["fastest"] else ""
    return f"ladder {ladder['name']}  {state}  {counted(len(ladder['rungs']), 'rung')}{best}"
