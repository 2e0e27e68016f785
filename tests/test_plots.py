"""The charts that pages and the exported file share: where a value stands, and what is said of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.reports.html.plots import Axis, Column, Columns, Mark, Row, Rows, columns_plot, rows_plot


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(0.0, 15.1), [0, 2, 4, 6, 8, 10, 12, 14]),
        (Axis(0.97, 1.23, most=8), [1.0, 1.05, 1.1, 1.15, 1.2]),
        (Axis(594.0, 4830.0, log=True), [600, 800, 1000, 2000, 3000, 4000]),
        (Axis(3.0, 80_000.0, log=True), [3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000]),
    ],
)
def test_the_ticks_of_an_axis_are_round(axis: Axis, ticks: list[float]) -> None:
    assert axis.ticks() == pytest.approx(ticks)


@given(st.floats(1e-6, 1e9), st.floats(1.01, 1e6), st.booleans())
def test_ticks_lie_within_the_axis_in_order_and_are_few(low: float, ratio: float, log: bool) -> None:
    axis = Axis(low, low * ratio, log=log)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 13
    assert ticks == sorted(set(ticks))
    assert low * (1 - 1e-6) <= ticks[0] <= ticks[-1] <= low * ratio * (1 + 1e-6)
    assert (axis.at(low), axis.at(low * ratio)) == (0, 100)


def test_a_mark_stands_where_its_values_are_and_no_name_is_markup() -> None:
    axis = Axis(0.0, 200.0)
    row = Row("<b>x", [Mark(150.0, 50.0, "#123456", "<i>told"), Mark(50.0, 50.0, "#000000", kind="dot")])
    drawn = rows_plot(Rows("label", axis, [row], {"<u>": "#123456"}))
    assert "left:25%;width:50%;background:#123456" in drawn
    assert '"kp-dot" style="left:25%;background:#000000"' in drawn
    assert not re.search("<[bu]>|<i>t", drawn)


def test_a_column_reaches_from_its_low_to_its_high() -> None:
    axis = Axis(1.0, 100.0, log=True)
    column = Column(1.0, 10.0, 0.25, 0.75, "#123456", "told")
    drawn = columns_plot(Columns("label", axis, "up", [(0.5, "half")], [column], 100.0, rules=[(10.0, "p50")]))
    assert "left:0%;width:50%;bottom:25%;height:50%;background:#123456" in drawn
    assert "bottom:50%" in drawn
    assert "left:50%;top:-14px" in drawn
