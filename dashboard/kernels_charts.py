"""Charts of the Kernels page; pure."""

from __future__ import annotations

import altair as alt

from dashboard.charts import Chart, colour_by, tooltips
from dashboard.frames import Frame
from dashboard.kernels_view import REST
from tracer.figure_text import D3_COUNT, D3_MICROSECONDS

BAR_PX = 24
AROUND_PX = 120


def kernel_chart(frame: Frame) -> Chart:
    """Microseconds an inference of each kernel, the longest first, by the stage that launched it."""
    totals = frame.groupby("kernel")["us_per_inference"].sum()
    order = sorted(frame["kernel"].unique(), key=lambda name: (name == REST, -float(totals[name])))
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("us_per_inference:Q", stack="zero", title="GPU time, us an inference"),
            y=alt.Y("kernel:N", sort=order, title=None, axis=alt.Axis(labelLimit=320, labelOverlap=False)),
            color=_stage(frame),
            tooltip=tooltips(
                ("whole_name", "kernel"),
                ("stage", "launched in"),
                ("per_inference", "calls an inference", D3_MICROSECONDS),
                ("us_per_inference", "us an inference", D3_MICROSECONDS),
            ),
        )
        .properties(height=BAR_PX * max(len(order), 1) + AROUND_PX)
    )


def delay_chart(frame: Frame) -> Chart:
    """How many kernels began so long after the call that launched them; the axis is of equal ratios."""
    domain = [0.8 * float(frame["from_us"].min()), 1.25 * float(frame["to_us"].max())]
    scale = alt.Scale(type="log", nice=False, domain=domain)
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("from_us:Q", scale=scale, title="launch call to start of kernel, us"),
            x2="to_us:Q",
            y=alt.Y("below:Q", title="kernels"),
            y2="above:Q",
            color=_stage(frame),
            tooltip=tooltips(
                ("stage", "launched in"),
                ("from_us", "from, us", D3_MICROSECONDS),
                ("to_us", "to, us", D3_MICROSECONDS),
                ("kernels", "kernels", D3_COUNT),
            ),
        )
        .properties(height=260)
    )


def _stage(frame: Frame) -> alt.Color:
    stages = list(dict.fromkeys(frame["stage"]))
    return colour_by("stage", stages, orient="top", title="launched in", titleOrient="left")
