"""Ladder: the rungs of a saved ladder, and each step's prediction beside what was measured; pure."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard.frames import Frame
from dashboard.vega import AXIS_PX, LEGEND_PX, Spec, colour_by, inline, layered, nominal, number, tooltips
from tracer.figure_text import MISSING, beside_text, count_text, interval_text, rate_text, share_text, time_text
from tracer.report_types.ladder import LadderReport, PredictedStep
from tracer.trust.judgement import worst_text

PREDICTED, MEASURED = "predicted", "measured"
STEP_PX = 48


def rung_frame(report: LadderReport) -> Frame:
    """A row a rung, thickest first, as `kws-trace ladder --show` has them."""
    rows = [
        (
            one["rung"],
            one["name"],
            (one["device"] or MISSING).removeprefix("/device:"),
            share_text(one["top1"]),
            time_text(one["time_ns"]) + (beside_text(one["spread"], time_text) if one["spread"] else ""),
            rate_text(one["rate_hz"]),
            count_text(len(one["launches"])),
            worst_text(one["trust"]) if one["trust"] else MISSING,
            one["failure"] or "",
        )
        for one in report["rungs"]
    ]
    columns = ["rung", "runtime", "on", "Top-1", "an inference (95 %)", "rate", "rounds", "trust", "failed"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame if frame["failed"].any() else frame.drop(columns="failed")


def step_frame(report: LadderReport) -> Frame:
    """A row a step: the removal that it tests, the predicted gain, the measured one, and the verdict."""
    rows = [
        (
            f"{one['above']} to {one['rung']}",
            one["prediction"]["removal"] or MISSING,
            predicted_text(one["prediction"]),
            time_text(one["gain_ns"]) + (beside_text(one["spread"], time_text) if one["spread"] else ""),
            one["verdict"],
        )
        for one in report["steps"]
    ]
    return pd.DataFrame(rows, columns=["step", "removal", PREDICTED, "measured (95 %)", "verdict"])


def predicted_text(step: PredictedStep) -> str:
    """``240 to 310 us``, of a bound ``up to 310 us``; a dash where nothing is predicted."""
    interval = step["interval_ns"]
    if step["gain_ns"] is None or interval is None:
        return MISSING
    return f"up to {time_text(interval[1])}" if step["bound"] else interval_text(interval[0], interval[1], time_text)


def step_rows(report: LadderReport) -> list[dict[str, Any]]:
    """An interval in microseconds for each step and each of what was predicted and what was measured."""
    rows = []
    for one in report["steps"]:
        step, told, spread = f"{one['above']} to {one['rung']}", one["prediction"], one["spread"]
        if told["gain_ns"] is not None and told["interval_ns"] is not None:
            low = min(0.0, told["gain_ns"]) if told["bound"] else told["interval_ns"][0]
            rows.append(_interval(step, PREDICTED, low, told["gain_ns"], told["interval_ns"][1], one["verdict"]))
        if one["gain_ns"] is not None:
            known = spread is not None and spread["low"] is not None and spread["high"] is not None
            ends = (spread["low"], spread["high"]) if known and spread else (one["gain_ns"], one["gain_ns"])
            rows.append(_interval(step, MEASURED, ends[0] or 0.0, one["gain_ns"], ends[1] or 0.0, one["verdict"]))
    return rows


def _interval(step: str, what: str, low: float, gain: float, high: float, verdict: str) -> dict[str, Any]:
    us = {"low": low / 1e3, "gain": gain / 1e3, "high": high / 1e3}
    return {"step": step, "what": what, **us, "told": time_text(gain), "verdict": verdict}


def step_chart(rows: list[dict[str, Any]]) -> Spec:
    """Each step's predicted interval above its measured one, on one axis of microseconds gained."""
    both = [PREDICTED, MEASURED]
    shared: Spec = {
        "y": nominal("step", sort=None, axis={"labelOverlap": False, "labelFlush": False, "labelLimit": 320}),
        "yOffset": nominal("what", sort=both),
        "color": colour_by("what", both, orient="top"),
        "tooltip": tooltips(("step", "step"), ("what", "which"), ("told", "gain"), ("verdict", "verdict")),
    }
    low = number("low", title="gain, us of an inference", axis={"tickCount": 10})
    bars = {"mark": {"type": "bar", "height": 8, "opacity": 0.55}, "encoding": {"x": low, "x2": {"field": "high"}}}
    dots = {"mark": {"type": "circle", "size": 90, "opacity": 1}, "encoding": {"x": number("gain")}}
    height = AXIS_PX + LEGEND_PX + STEP_PX * len({row["step"] for row in rows})
    return layered([bars, dots], height, data=inline(rows), encoding=shared)
