"""Runs: the list as a table, and its filters; pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

Rows = list[dict[str, Any]]
Frame = Any
"""A pandas DataFrame; pandas comes with types that need not be installed."""

STATES = {"complete": "complete", "recovered": "recovered", "recording": "being recorded"}


def run_list_frame(rows: Rows) -> Frame:
    """A row a run, in the order given: name, when, state, model, runtime, mode, windows, rate and size on disk."""
    columns = ["run", "recorded (UTC)", "state", "model", "runtime", "timed", "stages", "windows", "inf/s", "MB"]
    return pd.DataFrame(
        [
            {
                "run": row["name"],
                "recorded (UTC)": str(row["created"])[:16].replace("T", " "),
                "state": STATES.get(row["state"], row["state"]),
                "model": row["model"],
                "runtime": row["backend"],
                "timed": row["timed"],
                "stages": row["stages"],
                "windows": row["windows"],
                "inf/s": row["rate_hz"],
                "MB": row["bytes"] / 1e6,
            }
            for row in rows
        ],
        columns=columns,
    )


def filtered(
    rows: Rows,
    text: str = "",
    states: Collection[str] = (),
    runtimes: Collection[str] = (),
    models: Collection[str] = (),
) -> Rows:
    """
    The rows that fit every filter, the newest first.

    Args:
        rows: as ``tracer.runs.run_list.list_rows`` gives them.
        text: words that must each occur in the name, the model or the runtime, whatever their case.
        states: any of these; empty for all.
        runtimes: as ``states``.
        models: as ``states``.
    """
    words = text.casefold().split()
    found = [
        row
        for row in rows
        if all(word in f"{row['name']} {row['model']} {row['backend']}".casefold() for word in words)
        and (not states or row["state"] in states)
        and (not runtimes or str(row["backend"]) in runtimes)
        and (not models or str(row["model"]) in models)
    ]
    return sorted(found, key=lambda row: str(row["created"]), reverse=True)


def choices(rows: Rows, key: str) -> list[str]:
    """What a filter of ``key`` can choose from, in the order of their names."""
    return sorted({str(row[key]) for row in rows})
