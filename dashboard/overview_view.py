"""Overview: the rows and sentences of the first page, from a run's report; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dashboard.frames import Frame
from dashboard.kernel_detail import KernelDetail
from tracer.accuracy.confusion import confusion_of
from tracer.errors import SessionError
from tracer.figure_text import (
    MISSING,
    auc_text,
    change_text,
    count_text,
    counted,
    number_text,
    official_rate_text,
    share_text,
    time_text,
)
from tracer.report_types.report import Report
from tracer.report_types.sessions import RunSession, UnreadSession
from tracer.report_types.trust import TrustState
from tracer.reports.report_text import run_facts, stage_rows
from tracer.runs.windows import OFFICIAL_WINDOWS
from tracer.sessions.open_session import build_session
from tracer.sessions.recompute import labelled_vectors

SHOWN_OPERATIONS = 6

STATES_MARKS: dict[TrustState, str] = {
    "fine": ":green[:material/check_circle:]",
    "doubtful": ":orange[:material/warning:]",
    "bad": ":red[:material/error:]",
    "unknown": ":gray[:material/help:]",
}
"""A shape and a colour for each state, as Streamlit's Markdown."""
WORST_FIRST: tuple[TrustState, ...] = ("bad", "doubtful", "unknown", "fine")


@dataclass(frozen=True, slots=True)
class Chip:
    """A check of the run's trust: its name, its state, what was found, and what to do."""

    name: str
    state: TrustState
    evidence: str
    remedy: str | None


def trust_chips(report: Report) -> list[Chip]:
    """A chip for each check, the worst first; what a run that is being recorded lacks is not known yet, not bad."""
    chips = []
    for one in report["trust"]["checks"]:
        state, evidence = one["state"], one["evidence"]
        if report["run"]["state"] == "recording" and one["key"] in NOT_YET and state in ("bad", "doubtful"):
            state, evidence = "unknown", f"not yet: {evidence}"
        chips.append(Chip(one["key"].replace("cpu", "CPU"), state, evidence, one["remedy"]))
    return sorted(chips, key=lambda one: WORST_FIRST.index(one.state))


NOT_YET = ("windows", "accuracy", "steadiness")
"""Checks of what is there only when a run has ended."""


def windows_text(report: Report) -> str:
    """``median of 5 windows``, or while recording which of how many it is, and how long the last one was."""
    done = [one for one in report["windows"] if one["kind"] == "performance" and one["state"] == "complete"]
    if report["run"]["state"] != "recording":
        return f"median of {counted(len(done), 'window')}"
    last = f"; the last took {time_text(done[-1]['duration_ns'])}" if done else ""
    if len(done) >= OFFICIAL_WINDOWS:
        return f"{counted(len(done), 'window')} of {OFFICIAL_WINDOWS} recorded{last}"
    return f"window {len(done) + 1} of {OFFICIAL_WINDOWS} is being recorded{last}"


def window_rates(report: Report) -> list[tuple[int, float, str]]:
    """Ordinal, rate and length by the laps of each complete performance window."""
    return [
        (one["ordinal"] or place, one["rate_hz"], time_text(one["duration_ns"]))
        for place, one in enumerate(report["windows"], 1)
        if one["kind"] == "performance" and one["state"] == "complete" and one["rate_hz"] is not None
    ]


def confusion(folder: Path) -> list[list[int]] | None:
    """Counts by true and by given class of the newest accuracy session in a run's folder; None without labels."""
    for path in sorted(folder.glob("session*"), reverse=True):
        try:
            session = build_session(path)
        except SessionError:
            continue
        if session.kind == "accuracy" and not session.dropped_windows:
            vectors, labels = labelled_vectors(session)
            if len(labels):
                return [[int(count) for count in row] for row in confusion_of(vectors, labels)]
    return None


def top_operations(detail: KernelDetail | None) -> Frame | None:
    """The operations of a host with the longest own time, as text; None without any."""
    if detail is None or not len(detail.operations):
        return None
    top = detail.operations.head(SHOWN_OPERATIONS)
    rows = [
        {
            "operation": row["name"],
            "own time": time_text(1e3 * row["self_us"]),
            "an inference": time_text(1e3 * row["us_per_inference"]),
            "calls": number_text(row["per_inference"], 1),
            "mean": time_text(1e3 * row["mean_us"]),
        }
        for row in top.to_dict("records")
    ]
    return pd.DataFrame(rows)


def stage_frame(report: Report) -> Frame:
    """A row a stage and one for the whole inference: times as text with their units, shares of the wall time."""
    return pd.DataFrame(stage_rows(report))


def window_frame(report: Report) -> Frame:
    """A row a performance window: official rate and laps, wall time and how far the two differ, validity and why."""
    rows = []
    for window in report["windows"]:
        laps, wall = window["duration_ns"], window["wall_duration_ns"]
        if window["kind"] == "performance":
            rows.append(
                {
                    "window": window["ordinal"],
                    "inferences": window["inferences"],
                    "inf/s (laps)": window["rate_hz"],
                    "inf/s (wall)": window["wall_rate_hz"],
                    "laps": time_text(laps),
                    "wall": time_text(wall),
                    "laps to wall": MISSING if laps is None or not wall else change_text(laps / wall, 3),
                    "CPU of wall": share_text(window["cpu_ns"] / wall if wall else None),
                    "rule-valid": "yes" if window["valid"] else "no: " + _why(window["why"]),
                }
            )
    return pd.DataFrame(rows)


def _why(reasons: list[str]) -> str:
    short = {"under 10 s by the laps", "under 10 s of wall time"}
    if short <= set(reasons):
        reasons = ["under 10 s", *(one for one in reasons if one not in short)]
    return ", ".join(reasons)


def fact_frame(report: Report) -> Frame:
    """``what`` and ``value``: device, model, mode, frequencies and versions of a run."""
    return pd.DataFrame(run_facts(report), columns=["what", "value"])


def session_frame(sessions: Sequence[RunSession | UnreadSession]) -> Frame:
    """A row a host's session of the run: rate, Top-1 and AUC as recomputed from its log, and whether it is valid."""
    rows: list[dict[str, str]] = []
    for one in sessions:
        if "accuracy" not in one:
            # Its log cannot be read.
            rows.append({"session": Path(one["path"]).name, "why": "; ".join(one["lines"])})
            continue
        accuracy = one["accuracy"]
        rows.append(
            {
                "session": one["path"],
                "kind": one["kind"],
                "median rate": official_rate_text(one["median"]["rate_hz"]),
                "Top-1": share_text(accuracy["top1"]),
                "AUC": auc_text(accuracy["auc"]),
                "inputs": count_text(accuracy["vectors"]),
                "rule-valid": {True: "yes", False: "no", None: "not judged"}[one["valid"]],
                "trust": one["trust"]["worst"],
                "why": one["why"],
            }
        )
    return pd.DataFrame(rows, dtype=object).fillna(MISSING)
