"""Charts of the Kernels page as Vega-Lite; pure."""

from __future__ import annotations

from dashboard.frames import Frame
from dashboard.kernels_view import REST
from dashboard.vega import Spec, colour_by, inline, number, row_names, tooltips
from tracer.figure_text import D3_COUNT, D3_MICROSECONDS

BAR_PX, AROUND_PX = 20, 81


def kernel_chart(frame: Frame, title: str) -> Spec:
    """Microseconds an inference of each kernel, the longest first, by the stage that launched it."""
    totals = frame.groupby("kernel")["us_per_inference"].sum()
    order = sorted(frame["kernel"].unique(), key=lambda name: (name == REST, -float(totals[name])))
    return {
        "data": inline(frame.to_dict("records")),
        "height": BAR_PX * max(len(order), 1) + AROUND_PX,
        "mark": "bar",
        "encoding": {
            "x": number("us_per_inference", stack="zero", title=title, axis={"tickCount": 10}),
            "y": row_names("kernel", order),
            "color": _stage(frame),
            "tooltip": tooltips(
                ("whole_name", "whole name"),
                ("stage", "launched in"),
                ("per_inference", "calls an inference", D3_MICROSECONDS),
                ("us_per_inference", "us an inference", D3_MICROSECONDS),
            ),
        },
    }


def delay_chart(frame: Frame) -> Spec:
    """How many kernels began so long after the call that launched them; the axis is of equal ratios."""
    domain = [0.8 * float(frame["from_us"].min()), 1.25 * float(frame["to_us"].max())]
    scale = {"type": "log", "nice": False, "domain": domain}
    return {
        "data": inline(frame.to_dict("records")),
        "height": 215,
        "mark": "bar",
        "encoding": {
            "x": number("from_us", scale=scale, title="launch call to start of kernel, us"),
            "x2": {"field": "to_us"},
            "y": number("below", title="kernels"),
            "y2": {"field": "above"},
            "color": _stage(frame),
            "tooltip": tooltips(
                ("stage", "launched in"),
                ("from_us", "from, us", D3_MICROSECONDS),
                ("to_us", "to, us", D3_MICROSECONDS),
                ("kernels", "kernels", D3_COUNT),
            ),
        },
    }


def _stage(frame: Frame) -> Spec:
    return colour_by("stage", list(dict.fromkeys(frame["stage"])), orient="top", title="in stage", titleOrient="left")
