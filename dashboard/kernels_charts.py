"""Charts of the Kernels page; pure."""

from __future__ import annotations

from typing import Any

from dashboard.frames import Frame
from dashboard.kernels_view import REST
from tracer.figure_text import count_text, interval_text, number_text, time_text
from tracer.palette import colour_by_part
from tracer.reports.html.markup import Markup
from tracer.reports.html.plots import Axis, Column, Columns, Row, Rows, columns_plot, rows_plot, stacked

AROUND_PX, DELAYS_PX = 64, 130


def ranked(frame: Frame) -> list[str]:
    """The names, the longest first; what is left of them last."""
    totals = frame.groupby("kernel")["us_per_inference"].sum()
    return sorted(frame["kernel"].unique(), key=lambda name: (name == REST, -float(totals[name])))


def kernel_drawing(frame: Frame, title: str) -> Markup:
    """Microseconds an inference of each kernel, the longest first, by the stage that launched it."""
    inks = _stages(frame)
    rows = []
    for name, mine in ((name, frame[frame["kernel"] == name]) for name in ranked(frame)):
        parts = [(row["us_per_inference"], inks[row["stage"]], _told(row)) for row in mine.to_dict("records")]
        rows.append(Row(name, stacked(parts), str(mine["whole_name"].iloc[0])))
    longest = max(row.marks[-1].high for row in rows)
    return rows_plot(Rows(f"Kernels: {title}", Axis(0.0, longest or 1.0, title), rows, inks))


def _told(row: dict[Any, Any]) -> str:
    each = f"{number_text(row['us_per_inference'], 2)} us and {number_text(row['per_inference'], 2)} calls"
    return f"{row['whole_name']}, launched in {row['stage']}: {each} an inference"


def delay_axis(frame: Frame) -> Axis:
    """Of equal ratios, with room at both ends."""
    low, high = 0.8 * float(frame["from_us"].min()), 1.25 * float(frame["to_us"].max())
    return Axis(low, high, "launch call to start of kernel, us", log=True)


def delay_drawing(frame: Frame) -> Markup:
    """How many kernels began so long after the call that launched them; the axis is of equal ratios."""
    inks, most = _stages(frame), float(frame["above"].max())
    columns = [
        Column(
            row["from_us"], row["to_us"], row["below"] / most, row["above"] / most, inks[row["stage"]], _delay(row)
        )
        for row in frame.to_dict("records")
    ]
    heights = [(one / most, count_text(int(one))) for one in Axis(0.0, most, most=5).ticks() if one == int(one)]
    return columns_plot(Columns("Launch delays", delay_axis(frame), "kernels", heights, columns, DELAYS_PX, inks))


def _delay(row: dict[Any, Any]) -> str:
    ends = interval_text(1e3 * row["from_us"], 1e3 * row["to_us"], time_text)
    return f"{count_text(row['kernels'])} launched in {row['stage']}: {ends}"


def _stages(frame: Frame) -> dict[str, str]:
    return colour_by_part(frame["stage"])
