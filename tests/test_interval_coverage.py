"""Intervals cover what they say: a part of the simulations; ``make coverage-of-intervals`` makes all of them."""

from __future__ import annotations

import pytest

from tests.coverage.power import power
from tests.coverage.scenarios import Coverage, scenarios, simulate

pytestmark = pytest.mark.slow

SIMULATIONS = 300
"""So few that a method of just 95 % may fall short of ``LEAST_COVERAGE``: they are held to what few can show."""


@pytest.mark.parametrize(
    "place", range(len(scenarios())), ids=[f"{one.name}, {one.of_median}" for one in scenarios()]
)
def test_an_interval_covers_the_truth_where_one_is_given(place: int) -> None:
    found = simulate(scenarios()[place], SIMULATIONS, seed=place)
    if found.given * SIMULATIONS >= 100:
        assert found.covered > 0.91
        assert found.width < 2


def test_long_stays_at_two_speeds_seldom_give_an_interval_of_one_launch() -> None:
    given = {one.name: simulate(one, 100).given for one in scenarios() if "5 windows, two speeds" in one.name}
    assert given["5 windows, two speeds, dwell 0.1 s"] > 0.9
    assert given["5 windows, two speeds, dwell 1 s"] < 0.1
    assert given["5 windows, two speeds, dwell 3 s"] < 0.1


def test_a_bound_is_below_the_share_and_a_fault_is_named() -> None:
    few = Coverage("a", True, 5, 2000, 1.0, 0.95, 1.2, 0.4)
    assert 0.93 < few.lower_bound < 0.95
    assert few.fault is None
    assert "covers" in str(Coverage("a", True, 5, 2000, 1.0, 0.93, 1.2, 0.4).fault)
    assert "oracle" in str(Coverage("a", True, 5, 2000, 1.0, 0.96, 1.6, 0.4).fault)
    assert Coverage("a", True, 3, 2000, 1.0, 0.96, 1.8, 0.4).fault is None


def test_equal_configurations_are_seldom_called_different() -> None:
    assert power(5, 0.0, 0.0, 600).detected < 0.08
    assert power(5, 0.05, 0.0, 200).detected > 0.95
