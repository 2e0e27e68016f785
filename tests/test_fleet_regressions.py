"""Slowdowns and outliers of a fleet, on launches whose answer is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ibis", reason="needs the extra fleet")

from tests.coverage.fleets import alarms, upper_bound, with_a_regression
from tests.test_fleet_queries import A, B
from tracer.fleet.outliers import outliers
from tracer.fleet.regressions import regressions, sides_of
from tracer.statistics.student import t_quantile, t_tail

STEADY = (100.0, 101.0, 99.0, 100.5, 99.5)


def launches(day: int, times: tuple[float, ...], scale: float = 1.0, **facts: Any) -> Iterator[dict[str, Any]]:
    for number, ns in enumerate(times):
        identity = f"{day}-{number}"
        row = {"run_id": identity, "created": f"2026-01-{day:02d}T{number:02d}", "host": f"board-{number}"}
        yield {**A, **row, "launch_set": None, "median_ns": scale * ns, **facts}


def test_the_tail_of_students_t_is_the_other_way_round_than_its_quantile() -> None:
    for freedom in (1.0, 3.7, 38.0, 2e5):
        for probability in (0.6, 0.975, 0.9999):
            assert t_tail(t_quantile(probability, freedom), freedom) == pytest.approx(1 - probability, rel=2e-3)
    assert t_tail(-2.0, 8) + t_tail(2.0, 8) == pytest.approx(1.0)


def test_a_large_slowdown_is_detected_and_failed_and_a_small_one_only_detected() -> None:
    rows = [
        *launches(1, STEADY),
        *launches(2, STEADY, 1.10),
        *launches(1, STEADY, **B),
        *launches(2, STEADY, 1.02, **B),
    ]
    large, small = regressions(sides_of(rows), fail_over=0.02)
    assert large["slowdown"] == pytest.approx(0.10)
    assert (large["detected"], large["failed"]) == (True, True)
    assert 0.02 < large["low"] < 0.10
    assert small["low"] < 0.02
    assert (small["failed"], small["slowdown"]) == (False, pytest.approx(0.02))
    assert small["finds"] > 0.02


def test_a_speedup_is_no_slowdown() -> None:
    (row,) = regressions(sides_of([*launches(1, STEADY), *launches(2, STEADY, 0.8)]), 0.0)
    assert (row["detected"], row["failed"]) == (False, False)
    assert row["chance"] == pytest.approx(1.0)


def test_of_few_launches_nothing_is_told_and_the_reason_is() -> None:
    few_before = [*launches(1, STEADY[:4]), *launches(2, STEADY, 2.0)]
    few_newest = [*launches(1, STEADY), *launches(2, STEADY[:2], 2.0)]
    for rows, why in ((few_before, "4 of at least 5 launches before"), (few_newest, "2 of at least 3 newest")):
        (row,) = regressions(sides_of(rows), 0.0)
        assert why in row["why_not"]
        assert (row["failed"], row["slowdown"]) == (False, None)


def test_a_configuration_of_which_nothing_can_be_told_has_its_counts_and_no_verdict() -> None:
    found = regressions(sides_of([*launches(1, (100.0,) * 5), *launches(2, (110.0, 110.0))]), 0.0)
    assert found == [
        {
            **A,
            "base_launches": 5,
            "launches": 2,
            "look": 1,
            "base_ns": pytest.approx(100.0),
            "newest_ns": pytest.approx(110.0),
            **dict.fromkeys(("slowdown", "low", "chance", "finds")),
            "detected": False,
            "failed": False,
            "why_not": "2 of at least 3 newest launches",
        }
    ]


def test_configurations_share_the_error_by_holms_procedure() -> None:
    scales = {"5W": 1.01, "10W": 1.02, "15W": 1.001}
    alone, together = {}, []
    for mode, scale in scales.items():
        rows = [*launches(1, STEADY, power_mode=mode), *launches(2, STEADY, scale, power_mode=mode)]
        (alone[mode],) = regressions(sides_of(rows), 0.0)
        together += rows
    first, second, last = sorted(scales, key=lambda mode: alone[mode]["chance"])
    chances = {row["power_mode"]: row["chance"] for row in regressions(sides_of(together), 0.0)}
    assert (first, second, last) == ("10W", "5W", "15W")
    assert chances[first] == pytest.approx(3 * alone[first]["chance"])
    assert chances[second] == pytest.approx(2 * alone[second]["chance"])
    assert chances[last] == pytest.approx(alone[last]["chance"])
    # Of two that are alike the second is no surer than the first.
    alike = [dict(row, device=device) for device in ("a", "b") for row in together if row["power_mode"] == "5W"]
    assert [row["chance"] for row in regressions(sides_of(alike), 0.0)] == pytest.approx(
        [2 * alone["5W"]["chance"]] * 2
    )


def test_without_a_baseline_a_look_is_one_that_had_enough_launches_before_it() -> None:
    rows = [*launches(1, STEADY)]
    for day, look in ((2, 1), (3, 2), (4, 3)):
        rows += launches(day, STEADY)
        (sides,) = sides_of(rows)
        assert (sides.look, len(sides.base)) == (look, 5 * (day - 1))
    (sides,) = sides_of([*launches(1, STEADY[:4]), *launches(2, STEADY), *launches(3, STEADY)])
    assert (sides.look, len(sides.base)) == (1, 9)


def test_each_later_look_spends_less_and_asking_again_spends_nothing() -> None:
    rows = [*launches(1, STEADY)]
    chances = []
    for day in (2, 3, 4):
        rows += launches(day, STEADY, 1.01)
        baseline = {f"1-{number}" for number in range(5)}
        (row,) = regressions(sides_of(rows, baseline), 0.0)
        assert row == regressions(sides_of(rows, baseline), 0.0)[0]
        assert row["look"] == day - 1
        chances.append(row["chance"])
    assert chances[2] == pytest.approx(9 / 4 * chances[1])
    shares = [chances[0] / chance for chance in chances]
    assert shares[1] == pytest.approx(0.25 / (np.pi**2 / 6 - 1) / 4 / 0.75)
    assert 0.75 * (1 + sum(shares[1] * 4 / look**2 for look in range(2, 100_000))) == pytest.approx(1, abs=1e-5)


def test_a_set_of_launches_is_one_look_though_it_runs_past_midnight() -> None:
    night = [*launches(2, STEADY[:2], launch_set="s"), *launches(3, STEADY[:3], launch_set="s")]
    (sides,) = sides_of([*launches(1, STEADY), *night])
    assert (len(sides.newest), sides.look, sides.why_not) == (5, 1, "")


def test_what_is_older_than_the_baseline_is_not_asked_against_it() -> None:
    rows = [*launches(1, STEADY), *launches(2, STEADY), *launches(3, STEADY)]
    (sides,) = sides_of(rows, {f"2-{number}" for number in range(5)})
    assert (len(sides.base), len(sides.newest), sides.look) == (5, 5, 1)


def test_a_board_far_from_the_others_is_an_outlier_and_they_are_not() -> None:
    found = outliers([*launches(1, (*STEADY, 120.0))])
    assert [row["outlier"] for row in found] == [False] * 5 + [True]
    logs = np.log(STEADY)
    width = t_quantile(0.995, 4) * logs.std(ddof=1) * np.sqrt(1 + 1 / 5)
    assert found[5]["low_ns"] == pytest.approx(np.exp(logs.mean() - width))
    assert found[5]["high_ns"] == pytest.approx(np.exp(logs.mean() + width))
    assert {row["why_not"] for row in found} == {""}


def test_boards_that_are_all_alike_have_no_outlier() -> None:
    assert [row["outlier"] for row in outliers(launches(1, (1.0,) * 5))] == [False] * 5


def test_of_three_boards_none_is_called_an_outlier() -> None:
    found = outliers(launches(1, (1.0, 1.0, 50.0)))
    assert [row["outlier"] for row in found] == [None] * 3
    assert found[0]["why_not"] == "2 of at least 3 other boards"


@pytest.mark.slow
def test_a_planted_regression_is_found_and_alarms_are_as_rare_as_said() -> None:
    """A spread of 1 % from launch to launch, 40 configurations, 20 launches a side: as `python -m tests.coverage`."""
    assert with_a_regression(fleets=100, slowdown=0.015) >= 85  # its power at the first look is 90.2 %
    assert upper_bound(alarms(fleets=1000), 1000) <= 0.07
