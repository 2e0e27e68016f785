"""Charts of the Kernels page; pure."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from dashboard.kernels_view import REST, Frame
from dashboard.timeline_charts import colours
from tracer.figure_text import D3_COUNT, D3_MICROSECONDS

BAR_PX = 24
AROUND_PX = 120


def stages_scale(stages: Sequence[str]) -> alt.Scale:
    """The timeline's colour of each stage."""
    return alt.Scale(**colours(list(stages)))


def kernel_chart(frame: Frame) -> alt.Chart:
    """Microseconds an inference of each kernel, the longest first, by the stage that launched it."""
    names = list(dict.fromkeys(frame["kernel"]))
    totals = frame.groupby("kernel")["us_per_inference"].sum()
    order = sorted(names, key=lambda name: (name == REST, -float(totals[name])))
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("us_per_inference:Q", stack="zero", title="GPU time, us an inference"),
            y=alt.Y("kernel:N", sort=order, title=None, axis=alt.Axis(labelLimit=320, labelOverlap=False)),
            color=_stage(frame),
            tooltip=[
                alt.Tooltip("whole_name:N", title="kernel"),
                alt.Tooltip("stage:N", title="launched in"),
                alt.Tooltip("per_inference:Q", title="calls an inference", format=D3_MICROSECONDS),
                alt.Tooltip("us_per_inference:Q", title="us an inference", format=D3_MICROSECONDS),
            ],
        )
        .properties(height=BAR_PX * max(len(names), 1) + AROUND_PX)
    )


def delay_chart(frame: Frame) -> alt.Chart:
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
            tooltip=[
                alt.Tooltip("stage:N", title="launched in"),
                alt.Tooltip("from_us:Q", title="from, us", format=D3_MICROSECONDS),
                alt.Tooltip("to_us:Q", title="to, us", format=D3_MICROSECONDS),
                alt.Tooltip("kernels:Q", title="kernels", format=D3_COUNT),
            ],
        )
        .properties(height=260)
    )


def _stage(frame: Frame) -> alt.Color:
    stages = list(dict.fromkeys(frame["stage"]))
    legend = alt.Legend(orient="top", title="launched in", values=stages, titleOrient="left")
    return alt.Color("stage:N", scale=stages_scale(stages), legend=legend)
