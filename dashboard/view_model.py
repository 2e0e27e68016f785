"""The tables that pages show, from a report; pure, so that tests call them without Streamlit."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tracer.figure_text import share_text, time_text

Report = dict[str, Any]
Frame = Any
"""A pandas DataFrame; pandas comes with types that need not be installed."""


def stage_frame(report: Report) -> Frame:
    """A row a stage and one for the whole inference: times as text with their units, shares of the wall time."""
    rows = [
        {
            "stage": one["stage"],
            "count": one["count"],
            "median": time_text(one["median_ns"]),
            "p90": time_text(one["p90_ns"]),
            "p99": time_text(one["p99_ns"]),
            "share": share_text(one["share"]),
        }
        for one in [*report["stages"], report["inference"]]
    ]
    return pd.DataFrame(rows)


def mean_stage_frame(report: Report) -> Frame:
    """``stage`` and ``us``: mean microseconds an inference of each stage, which sum to the mean inference."""
    stages = report["stages"] or [report["inference"]]
    return pd.DataFrame(
        [{"stage": one["stage"], "us": one["total_ns"] / one["count"] / 1000} for one in stages if one["count"]],
        columns=["stage", "us"],
    )


def window_frame(report: Report) -> Frame:
    """A row a performance window: official rate and laps, wall time, validity and why not."""
    rows = [
        {
            "window": window["window"],
            "inferences": window["inferences"],
            "inf/s (laps)": window["rate_hz"],
            "inf/s (wall clock)": window["wall_rate_hz"],
            "laps": time_text(window["duration_ns"]),
            "wall clock": time_text(window["wall_duration_ns"]),
            "valid": "yes" if window["valid"] else "no: " + ", ".join(window["why"]),
        }
        for window in report["windows"]
        if window["kind"] == "performance"
    ]
    return pd.DataFrame(rows)
