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
        # Of no decade two ticks: even steps, the next round one from a quarter of the length.
        (Axis(1.2, 1.7, log=True), [1.2, 1.4, 1.6]),
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


KEYS = '<div class="kp"><div class="kp"><ul class="kp-keys"><li><i style="background:#111111"></i>key</li></ul></div>'


def test_a_chart_of_rows_is_its_keys_lines_names_marks_and_axis() -> None:
    told = Mark(150.0, 50.0, "#111111", "told", "words", "after")
    linked = Mark(50.0, 50.0, "#222222", "to b", kind="dot", link="#b")
    rows = [Row("a", [told], "whole a"), Row("b", [linked])]
    # Ticks of 0 to 200 at every 100; a chart in which something leads on is a group, no picture.
    drawn = rows_plot(Rows("label", Axis(0.0, 200.0, "us", most=2), rows, {"key": "#111111"}, (0.0, 100.0)), "own")
    assert drawn == (
        f'{KEYS}<div class="kp-rows own" role="group" aria-label="label">'
        '<div class="kp-lines" style="grid-row:1/3"><b style="left:0%;width:50%"></b>'
        '<i style="left:0%"></i><i style="left:50%"></i><i style="left:100%"></i></div>'
        '<span class="kp-name" style="grid-row:1" title="whole a">a</span>'
        '<div class="kp-lane" style="grid-row:1">'
        '<i style="left:25%;width:50%;background:#111111" title="told"><span>words</span></i>'
        '<span style="left:75%">after</span></div>'
        '<span class="kp-name" style="grid-row:2">b</span><div class="kp-lane" style="grid-row:2">'
        '<a href="#b" aria-label="to b" style="left:25%;background:#222222" title="to b"></a></div>'
        '<div class="kp-axis" style="grid-row:3"><span style="left:0%">0</span><span style="left:50%">100</span>'
        '<span style="left:100%" class="kp-end">200</span></div><span class="kp-title" style="grid-row:4">us</span>'
        "</div></div>"
    )


def test_a_chart_of_columns_is_its_heights_columns_outline_rules_and_axis() -> None:
    column = Column(0.0, 5.0, 0.0, 1.0, "#111111", "told")
    steps = ("#333333", [(0.0, 0.5), (5.0, 0.25), (10.0, 0.0)])
    rules = [(5.0, "p50"), (9.0, "p99")]
    keys = {"key": "#111111"}
    across = Axis(0.0, 10.0, "ms", most=2)
    drawn = columns_plot(Columns("label", across, "share", [(0.5, "half")], [column], 100.0, keys, steps, rules))
    # Each rule has 14 px above the ground; an outline's step has its upper edge, and down to the next its lower one.
    assert drawn == (
        f'{KEYS}<div class="kp-ground" role="img" aria-label="label" style="padding-top:34px;--tall:100px">'
        '<span class="kp-up">share</span><div class="kp-tall">'
        '<div class="kp-heights"><i style="bottom:50%"><span>half</span></i></div><div class="kp-columns">'
        '<i style="left:0%;width:50%;bottom:0%;height:100%;background:#111111" title="told"></i></div>'
        '<div class="kp-outline">'
        '<i style="left:0%;width:50%;bottom:0%;height:50%;border-color:#333333;border-top-width:2px"></i>'
        '<i style="left:50%;width:50%;bottom:25%;height:25%;border-color:#333333;border-bottom-width:2px"></i>'
        '<i style="left:100%;width:0%;bottom:0%;height:25%;border-color:#333333;border-bottom-width:2px"></i></div>'
        '<div class="kp-rules"><i style="left:50%;top:-28px"><span>p50</span></i>'
        '<i style="left:90%;top:-14px"><span class="kp-before">p99</span></i></div></div>'
        '<div class="kp-axis"><span style="left:0%">0</span><span style="left:50%">5</span>'
        '<span style="left:100%">10</span></div><span class="kp-title">ms</span></div></div>'
    )
