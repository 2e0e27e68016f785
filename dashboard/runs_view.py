"""Runs: the list as a table, and its filters; pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import MISSING, interval_text, minute_text, rate_text
from tracer.reports.launch_report import over_launches
from tracer.trust.judgement import judgement_of_launches, worst_text

Rows = list[dict[str, Any]]

STATES = {"recording": "being recorded"}
"""Words for the states that are not called by their own."""


def run_list_frame(rows: Rows) -> Frame:
    """A row a run, in the order given: name, when, rates, state, whether to believe them, note, mode and size."""
    columns = ["run", "recorded (UTC)", "inf/s", "windows' inf/s", "state", "rule-valid", "trust", "note", "model"]
    shown = [
        (
            row["name"],
            minute_text(row["created"]),
            None if row["rate_hz"] is None else round(row["rate_hz"], 1),
            row["rates_hz"],
            STATES.get(row["state"], row["state"]),
            {True: "yes", False: "no", None: MISSING}[row["trust"]["rule_valid"]],
            worst_text(row["trust"]),
            " ".join((row["note"] or "").split()),
            *(row[key] for key in ("model", "backend", "timed", "stages", "windows")),
            row["bytes"] / 1e6,
        )
        for row in rows
    ]
    return pd.DataFrame(shown, columns=[*columns, "runtime", "timed", "stages", "windows", "MB"])


def launch_set_frame(rows: Rows) -> Frame:
    """A row a launch set: its launches, their mean rate with its interval or range, and the judgement of them all."""
    sets: dict[str, Rows] = {}
    for row in rows:
        if row["launch_set"]:
            sets.setdefault(row["launch_set"]["id"], []).append(row)
    shown = []
    for launches in sets.values():
        used = [one for one in launches if one["state"] == "complete" and one["rate_hz"] is not None]
        rate = over_launches([one["rate_hz"] for one in used])
        trust = judgement_of_launches({one["name"]: one["trust"] for one in used})
        first = launches[0]["launch_set"]
        spread = MISSING
        if rate is not None and rate["kind"] != "none":
            told = interval_text(rate["low"], rate["high"], rate_text)
            spread = told if rate["kind"] == "interval" else f"[{told}]"
        mean = None if rate is None else rate["mean"]
        judged = worst_text(trust) if used else MISSING
        shown.append((first["name"], f"{len(launches)} of {first['of']}", rate_text(mean), spread, judged))
    return pd.DataFrame(shown, columns=["launch set", "launches", "mean rate", "between launches", "trust"])


def filtered(rows: Rows, text: str = "", **chosen: Collection[str]) -> Rows:
    """
    The rows that fit every filter, the newest first.

    Args:
        rows: as ``tracer.reports.run_list.list_runs`` gives them.
        text: words that must each occur in the name, the model, the runtime or the note, whatever their case.
        chosen: of a key of the rows, the values of which it has one; none for all.
    """
    words = text.casefold().split()
    found = [
        row
        for row in rows
        if all(
            word in f"{row['name']} {row['model']} {row['backend']} {row['note'] or ''}".casefold() for word in words
        )
        and all(not values or str(row[key]) in values for key, values in chosen.items())
    ]
    return sorted(found, key=lambda row: str(row["created"]), reverse=True)


def choices(rows: Rows, key: str) -> list[str]:
    """What a filter of ``key`` can choose from, in the order of their names."""
    return sorted({str(row[key]) for row in rows})
