"""Every figure reads the same wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.figure_text import (
    auc_text,
    bandwidth_text,
    beside_text,
    bounds_text,
    change_text,
    count_text,
    counted,
    energy_text,
    frequency_text,
    giga_text,
    interval_text,
    minute_text,
    number_text,
    official_rate_text,
    ppm_text,
    range_notes,
    rate_text,
    ratio_text,
    seconds_text,
    share_text,
    short_rate_text,
    signed_number_text,
    significant_text,
    size_text,
    tick_text,
    time_text,
)
from tracer.unit_words import INFERENCES, UNITS, UnitWords

FORMS = (
    number_text,
    signed_number_text,
    significant_text,
    count_text,
    time_text,
    seconds_text,
    share_text,
    change_text,
    ratio_text,
    rate_text,
    official_rate_text,
    auc_text,
    frequency_text,
    size_text,
    bandwidth_text,
    ppm_text,
)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_there_reads_as_a_dash(form) -> None:
    assert form(None) == "-"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (999.7, "1.00 us"),
        (1000, "1.00 us"),
        (12_345, "12.35 us"),
        (999_999, "1.00 ms"),
        (4_310_000, "4.31 ms"),
        (999_995_500, "1.000 s"),
        (999_994_999, "999.99 ms"),
        (10_001_000_000, "10.001 s"),
        (3_600_000_000_000, "3,600.000 s"),
        (-0.2, "0 ns"),
        (-1500, "-1.50 us"),
    ],
)
def test_a_time_has_the_unit_that_leaves_one_to_three_digits_before_the_point(ns: float, text: str) -> None:
    assert time_text(ns) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.271, "27.1 %"),
        (1.0, "100.0 %"),
        (0.0, "0.0 %"),
        (0.0005, "0.1 %"),
        (0.0004, "< 0.1 %"),
        (-0.0001, "0.0 %"),
        (12.5, "1,250.0 %"),
    ],
)
def test_a_share_is_in_percent_with_one_decimal_and_a_blank(share: float, text: str) -> None:
    assert share_text(share) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 windows"), (1, "1 window"), (2, "2 windows"), (10_000, "10,000 windows")]
)
def test_a_count_agrees_with_its_noun(count: int, text: str) -> None:
    assert counted(count, "window") == text


@pytest.mark.parametrize(
    ("rate_hz", "text"),
    [(2062.37, "2,062.4 inf/s"), (100.04, "100.0 inf/s"), (12.376, "12.38 inf/s"), (0.5, "0.5000 inf/s")],
)
def test_a_rate_has_four_digits_and_a_decimal_at_least(rate_hz: float, text: str) -> None:
    assert rate_text(rate_hz) == text


@pytest.mark.parametrize(
    ("kind", "text"), [("interval", " (1.20 to 1.31 us)"), ("range", " [1.20 to 1.31 us]"), ("none", "")]
)
def test_an_interval_stands_in_round_brackets_and_a_range_in_square_ones_alone(kind: Any, text: str) -> None:
    spread = {"kind": kind, "low": 1200, "high": 1310, "unit": "window", "count": 3, "reason": "", "speeds": None}
    assert beside_text(spread, time_text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (minute_text("2026-01-31T23:59:58.123+00:00"), "2026-01-31 23:59"),
        (tick_text(12_000.5), "12,000.5"),
        (count_text(10_000), "10,000"),
        (number_text(2.6), "3"),
        (number_text(-0.04, 1), "0.0"),
        (significant_text(0.012345), "0.0123"),
        (significant_text(99.96), "100"),
        (significant_text(100.4), "100"),
        (significant_text(1234.4), "1,234"),
        (significant_text(-4800.2), "-4,800"),
        (significant_text(12.34), "12.3"),
        (short_rate_text(0.104123), "0.1041 inf/s"),
        (short_rate_text(2628.4), "2,628 inf/s"),
        (energy_text(3454.8476), "3,454.848 uJ"),
        (official_rate_text(232.14285), "232.143 inf/s"),
        (auc_text(0.98765), "0.9877"),
        (ratio_text(1.0434), "1.043"),
        (frequency_text(918e6), "918 MHz"),
        (frequency_text(921.6e6), "921.6 MHz"),
        (size_text(1), "1 byte"),
        (size_text(999), "999 bytes"),
        (size_text(1000), "1.00 kB"),
        (size_text(1_234_567), "1.23 MB"),
        (bandwidth_text(4.8e12), "4,800 GB/s"),
        (giga_text(236.4e9, "FLOP/s"), "236 GFLOP/s"),
        (seconds_text(12.3456), "12.346 s"),
    ],
)
def test_each_figure_reads_so(text: str, said: str) -> None:
    assert text == said


@pytest.mark.parametrize(
    ("low", "high", "form", "said"),
    [
        (1200, 1310, time_text, "1.20 to 1.31 us"),
        (900, 1310, time_text, "900 ns to 1.31 us"),
        (None, 1310, time_text, "-"),
        (1200, None, time_text, "-"),
        (0.0001, 0.2, share_text, "< 0.1 % to 20.0 %"),
        (0.1, 0.2, share_text, "10.0 to 20.0 %"),
        (1.0, 2.0, ratio_text, "1.000 to 2.000"),
    ],
)
def test_an_interval_has_its_unit_once_where_it_is_the_same(low: Any, high: Any, form: Any, said: str) -> None:
    assert interval_text(low, high, form) == said
    spread = {
        "kind": "interval",
        "low": low,
        "high": high,
        "unit": "window",
        "count": 3,
        "reason": "",
        "speeds": None,
    }
    assert bounds_text(spread, form) == said
    assert bounds_text({**spread, "kind": "range"}, form) == f"[{said}]"


def test_the_brackets_of_ranges_are_told_with_each_reason_once() -> None:
    kinds = [("range", "two windows"), ("interval", "no"), ("range", "two windows"), ("range", "one launch")]
    spreads: Any = [{"kind": kind, "reason": reason} for kind, reason in kinds]
    assert range_notes(spreads) == ["[ ] is a range, no interval: two windows; one launch"]
    assert range_notes(spreads[1:2]) == []


def test_what_a_breakdown_is_made_of_has_one_word_in_all_its_forms() -> None:
    assert UnitWords("unit", "units", "a unit", "units/s") == UNITS
    assert counted(2, INFERENCES.one, INFERENCES.many) == "2 inferences"
    assert INFERENCES.each == f"an {INFERENCES.one}"
    assert rate_text(7.0).endswith(f" {INFERENCES.rate}")


def test_a_plural_that_is_no_s_is_given() -> None:
    assert (counted(1, "copy", "copies"), counted(3, "copy", "copies")) == ("1 copy", "3 copies")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (signed_number_text(-0.04), "+0.0"),
        (signed_number_text(-0.06), "-0.1"),
        (signed_number_text(1234.5), "+1,234.5"),
        (change_text(1.043), "+4.3 %"),
        (change_text(3.34), "+234.0 %"),
        (change_text(0.99998), "+0.0 %"),
        (change_text(0.99998, 3), "-0.002 %"),
        (ppm_text(-0.01), "+0.0 ppm"),
        (ppm_text(-12.34), "-12.3 ppm"),
    ],
)
def test_a_difference_has_a_sign_and_is_never_minus_nothing(text: str, said: str) -> None:
    assert text == said


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4800, "4,800"),
        (99_666, "99,666"),
        (25.6, "25.6"),
        (1.0, "1.00"),
        (999.6, "1,000"),
        (0.01234, "0.0123"),
        (0, "0"),
        (-2.5, "-2.50"),
    ],
)
def test_digits_that_count_are_never_written_as_a_power_of_ten(value: float, text: str) -> None:
    assert significant_text(value) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rate_text(10_000.04), "10,000.0 inf/s"),
        (official_rate_text(232.1434), "232.143 inf/s"),
        (frequency_text(921_600_000), "921.6 MHz"),
        (frequency_text(1_980_000_000), "1,980 MHz"),
        (size_text(1), "1 byte"),
        (size_text(999_900), "1.00 MB"),
        (size_text(1_234_000), "1.23 MB"),
        (size_text(2.5e12), "2,500 GB"),
        (bandwidth_text(99_000_000), "99.0 MB/s"),
        (bandwidth_text(4.8e12), "4,800 GB/s"),
        (giga_text(235.9e9, "FLOP/s"), "236 GFLOP/s"),
        (auc_text(0.98765), "0.9877"),
        (ratio_text(1.0432), "1.043"),
        (number_text(float("nan"), 1), "-"),
    ],
)
def test_a_figure_with_a_unit(text: str, said: str) -> None:
    assert text == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (interval_text(1200, 1310, time_text), "1.20 to 1.31 us"),
        (interval_text(900, 1310, time_text), "900 ns to 1.31 us"),
        (interval_text(0.99, 1.043, change_text), "-1.0 to +4.3 %"),
        (interval_text(1.0, 1.1, ratio_text), "1.000 to 1.100"),
        (interval_text(0.0001, 0.2, share_text), "< 0.1 % to 20.0 %"),
        (interval_text(None, 1310, time_text), "-"),
    ],
)
def test_an_interval_says_its_unit_once(text: str, said: str) -> None:
    assert text == said


@given(st.floats(-1e12, 1e12), st.integers(0, 4))
def test_no_number_reads_as_minus_nothing(value: float, decimals: int) -> None:
    text = number_text(value, decimals)
    assert not text.startswith("-") or any(digit in text for digit in "123456789")
    assert abs(float(text.replace(",", "")) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + 1e-3 * (abs(value) > 1e9)
