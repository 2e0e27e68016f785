"""Percentiles, quantiles of t, effective numbers, two speeds, and what gives an interval and what a range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t, ttest_ind

from tests.coverage.machines import Design, autocorrelated, one_speed, two_speeds_of
from tracer.statistics import percentiles
from tracer.statistics.dependence import SMOOTHED, _running_median, _threshold, effective_sizes, two_speeds
from tracer.statistics.intervals import clustered, why_few
from tracer.statistics.ratio import ratio_of_groups, rounds_of
from tracer.statistics.student import t_quantile


@pytest.mark.parametrize("freedom", [1, 1.7, 2, 4, 19, 300, 1e6])
@pytest.mark.parametrize("probability", [0.9, 0.975, 0.995])
def test_a_quantile_of_t_is_scipys(freedom: float, probability: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(t.ppf(probability, freedom), rel=1e-3)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9])
def test_the_effective_number_is_that_of_an_autoregressive_process(correlation: float) -> None:
    series = autocorrelated(np.random.default_rng(1), (40, 20_000), correlation)
    known = 20_000 * (1 - correlation) / (1 + correlation)
    found = float(np.median([effective_sizes(one, of_median=False)[0] for one in series]))
    # It is held too low on purpose, by the more the slower the process is.
    assert 0.8 * known < found < 1.05 * known


def test_values_that_stand_still_count_each_and_a_short_series_counts_less_than_it_says() -> None:
    assert effective_sizes([5] * 30, of_median=True) == (30, 30)
    assert effective_sizes([1, 2, 3], of_median=True) == (3, 3)
    # No value tells of the next: the time is 1, of which 1 + 2 / sqrt(n) + 4 / n is held possible.
    assert effective_sizes([1, 2] * 30, of_median=False)[0] == pytest.approx(60 / (1 + 2 / 60**0.5 + 4 / 60))


def test_a_rare_stay_far_away_weighs_on_the_mean_and_hardly_on_the_median() -> None:
    series = np.random.default_rng(14).standard_normal(2000)
    series[500:520] += 1000
    by_median, by_mean = (effective_sizes(series, of_median=one)[0] for one in (True, False))
    assert by_mean < 200 < 1000 < by_median


@pytest.mark.slow
@pytest.mark.parametrize(
    ("correlation", "number", "often"), [(0.6, 60, 0.1), (0.9, 300, 0.12), (0.85, 150, 0.1), (0.5, 45, 0.1)]
)
def test_a_series_worth_fewer_than_twenty_seldom_gives_an_interval(
    correlation: float, number: int, often: float
) -> None:
    series = autocorrelated(np.random.default_rng(11), (300, number), correlation)
    by_median = [clustered(one + 100, []).kind for one in series]
    by_rounds = [rounds_of([np.exp(one[:, None] / 20)]).time(0).kind for one in series]
    assert by_median.count("interval") < often * len(series)
    assert by_rounds.count("interval") < often * len(series)


def test_a_slow_change_under_fast_scatter_counts_as_few() -> None:
    rng = np.random.default_rng(12)
    slow = autocorrelated(rng, (200, 200), 0.95) + rng.standard_normal((200, 200))
    own, least = zip(*(effective_sizes(one, of_median=False) for one in slow), strict=True)
    assert all(few <= size for few, size in zip(least, own, strict=True))
    assert np.mean(np.array(least) < 20) > np.mean(np.array(own) < 20) + 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("correlation", "number"), [(0.0, 80), (0.2, 150), (0.5, 250), (0.7, 450)])
def test_short_series_cover_where_they_give_an_interval(correlation: float, number: int) -> None:
    series = autocorrelated(np.random.default_rng(13), (400, number), correlation)
    found = [clustered(one + 100, [], of_median=False) for one in series]
    given = [one for one in found if one.kind == "interval"]
    assert len(given) > 0.7 * len(found)
    assert sum(one.low <= 100 <= one.high for one in given) > 0.93 * len(given)


def test_a_running_median_is_the_median_of_each_nine_neighbours() -> None:
    series = np.random.default_rng(7).integers(0, 40, 300).astype(float)
    naive = [np.median(series[at : at + SMOOTHED]) for at in range(len(series) - SMOOTHED + 1)]
    assert _running_median(series).tolist() == naive
    assert _running_median(series[:SMOOTHED]).tolist() == naive[:1]
    short = [3.0, 1.0, 2.5]
    assert [_running_median(np.array(one)).tolist() for one in (short, [])] == [[2.5], []], (
        "a short window is one value"
    )


def test_two_speeds_are_found_with_their_levels_and_stays_and_one_speed_is_not() -> None:
    rng = np.random.default_rng(2)
    times, _ = two_speeds_of(rng, 1, Design(1, 5, 2000), dwell_s=3)
    found = two_speeds(list(times[0, 0]))
    assert found is not None
    assert found.fast == pytest.approx(500e3, rel=0.02)
    assert found.slow == pytest.approx(800e3, rel=0.02)
    assert 0.1 < found.dwell_share <= 1
    for one in one_speed(rng, 20, Design(1, 5, 2000), correlation=0.9, windows=0.01):
        assert two_speeds(list(one[0])) is None


def test_two_levels_part_in_the_middle_between_them_and_each_has_a_twentieth_of_the_values() -> None:
    assert _threshold(np.repeat([1.0, 1.9, 2.0], [100, 1, 99])) == pytest.approx(1.45)
    assert [_threshold(np.repeat([1.0, 2.0], counts)) for counts in ([10, 190], [190, 10])] == [1.5, 1.5]
    assert [_threshold(np.repeat([1.0, 2.0], counts)) for counts in ([9, 191], [191, 9])] == [None, None]
    assert _threshold(np.full(200, 1.0)) is None
    # A running median of nine has eight values less.
    assert two_speeds([np.repeat([1.0, 2.0], [100, 108])]) is not None
    assert two_speeds([np.repeat([1.0, 2.0], [100, 107])]) is None


def test_consecutive_values_have_the_interval_of_as_many_independent_ones() -> None:
    values = np.random.default_rng(15).permutation(400) / 100 + 1
    median, mean = (clustered(values, [], of_median=one) for one in (True, False))
    for found in (median, mean):
        assert (found.kind, found.unit, found.count) == ("interval", "inference", 400)
        assert found.effective is not None
    sizes = [one.effective or 0.0 for one in (median, mean)]
    student = [t_quantile(0.975, size - 1) / np.sqrt(size) for size in sizes]
    ranks = np.quantile(values, [0.5 - student[0] / 2, 0.5 + student[0] / 2])
    assert [median.low, median.high] == pytest.approx(ranks.tolist(), rel=1e-12)
    assert [mean.low, mean.high] == pytest.approx(
        [values.mean() + side * student[1] * values.std(ddof=1) for side in (-1, 1)], rel=1e-12
    )


def test_twenty_independent_values_are_enough_for_an_interval() -> None:
    assert why_few(20, "inference") == ""
    assert why_few(19.9, "inference") == "the inferences may count as fewer than 20 independent ones"


def test_a_range_names_what_its_values_are_of() -> None:
    wandering = np.cumsum(np.random.default_rng(4).standard_normal(60)) + 1_000
    for numbers in ([], [("window", np.arange(60) // 12)]):
        reason = clustered(wandering, numbers, each="unit").reason
        assert reason == "the units may count as fewer than 20 independent ones"


def test_two_of_something_give_a_range_and_three_an_interval() -> None:
    values = np.repeat([100.0, 110, 105], 50)
    number = np.repeat([4, 2, 9], 50)
    pair = clustered(values[:100], [("launch", number[:100])])
    assert (pair.kind, pair.low, pair.high, pair.count) == ("range", 100, 110, 2)
    assert pair.reason == "two launches only"
    three = clustered(values, [("launch", number)])
    half = t.ppf(0.975, 2) * 5 / np.sqrt(3)
    assert three.kind == "interval"
    assert three.high - three.value == pytest.approx(half, rel=1e-3)


def test_the_outermost_unit_is_resampled_not_what_lies_within() -> None:
    values = one_speed(np.random.default_rng(3), 1, Design(5, 5, 200), launches=0.05).ravel()
    levels = Design(5, 5, 200).levels
    by_launch, by_window = clustered(values, levels), clustered(values, levels[1:])
    assert (by_launch.unit, by_launch.count, by_window.unit, by_window.count) == ("launch", 5, "window", 25)
    assert by_launch.high - by_launch.low > 1.5 * (by_window.high - by_window.low)


def test_long_stays_at_two_speeds_give_a_range_and_both_speeds() -> None:
    times, _ = two_speeds_of(np.random.default_rng(4), 1, Design(1, 5, 2000), dwell_s=4)
    found = clustered(times.ravel(), Design(1, 5, 2000).levels, of_median=False)
    assert (found.kind, found.unit) == ("range", "window")
    assert "two speeds" in found.reason
    assert found.figures["speeds"] == [pytest.approx(500e3, rel=0.02), pytest.approx(800e3, rel=0.02)]


def test_a_drift_is_no_scatter() -> None:
    times = one_speed(np.random.default_rng(5), 1, Design(1, 5, 400), drift=0.1)
    found = clustered(times.ravel(), Design(1, 5, 400).levels)
    assert (found.kind, "drift" in found.reason) == ("range", True)


def test_few_independent_values_give_a_range() -> None:
    slow = 100 + 10 * np.repeat(np.random.default_rng(6).standard_normal(8), 25)
    found = clustered(slow, [])
    assert found.kind == "range"
    assert "independent" in found.reason


def test_one_value_has_no_spread_and_none_is_no_number() -> None:
    one, none = clustered([7.0], []), clustered([], [])
    assert (one.value, one.kind, one.figures["low"]) == (7.0, "none", None)
    assert (np.isnan(none.value), none.kind, none.count) == (True, "none", 0)
    assert (one.reason, none.reason) == ("one value", "no value")


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1, 1e9), st.integers(0, 3)), max_size=60), st.booleans())
def test_a_spread_holds_its_figure_and_a_range_the_units(rows: list[tuple[float, int]], of_median: bool) -> None:
    values, number = [value for value, _ in rows], [unit for _, unit in rows]
    found = clustered(values, [("window", number)], of_median=of_median)
    if found.kind != "none":
        assert found.low <= found.value * (1 + 1e-12)
        assert found.value <= found.high * (1 + 1e-12)
    if found.kind == "range":
        assert found.reason
        assert min(values) * (1 - 1e-12) <= found.low <= found.high <= max(values) * (1 + 1e-12)


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.floats(1, 1e9), st.floats(1, 1e9)), min_size=1, max_size=20), min_size=1))
def test_a_ratio_is_that_of_the_times_beside_it(launches: list[list[tuple[float, float]]]) -> None:
    rounds = rounds_of(launches)
    subject, base = rounds.times
    ratio = rounds.ratio(0, 1)
    assert ratio.value == pytest.approx(subject / base)
    if ratio.kind != "none":
        assert ratio.low <= ratio.value * (1 + 1e-9)
        assert ratio.value <= ratio.high * (1 + 1e-9)


def test_launches_far_apart_are_not_hidden_by_their_pairs() -> None:
    rng = np.random.default_rng(7)
    launches = [np.column_stack([ratio * 1e6 * rng.lognormal(0, 0.01, 12), np.full(12, 1e6)]) for ratio in RATIOS]
    ratio = rounds_of(launches).ratio(0, 1)
    assert (ratio.unit, ratio.count, ratio.kind) == ("launch", len(RATIOS), "interval")
    assert ratio.low < 1.067
    assert ratio.high > 1.423


RATIOS = (1.067, 1.423, 1.25)


def test_an_interrupted_round_is_left_out_of_the_ratio_and_of_both_times() -> None:
    rng = np.random.default_rng(8)
    times = 1e6 * rng.lognormal(0, 0.01, (30, 2)) * [1.1, 1.0]
    times[7, 0] *= 10
    rounds = rounds_of([times])
    assert rounds.left_out == 1
    assert rounds.ratio(0, 1).value == pytest.approx(1.1, rel=0.01)
    assert rounds.times == pytest.approx([1.1e6, 1e6], rel=0.01)


def test_two_groups_are_held_apart_by_welchs_t() -> None:
    rng = np.random.default_rng(9)
    one, two = rng.lognormal(0.1, 0.02, 5), rng.lognormal(0, 0.05, 7)
    found = ratio_of_groups(one, two, "launch")
    known = ttest_ind(np.log(one), np.log(two), equal_var=False).confidence_interval(0.95)
    assert np.log([found.low, found.high]) == pytest.approx([known.low, known.high], rel=1e-3)
    pair = ratio_of_groups([2, 3], [1, 1.5], "launch")
    assert (pair.kind, pair.low, pair.high) == ("range", pytest.approx(2 / 1.5), pytest.approx(3))


def test_percentiles_are_interpolated_and_rounded() -> None:
    assert percentiles([10, 20, 30, 41]) == {"median_ns": 25, "p90_ns": 38, "p99_ns": 41}
