"""The steps of the fit, on ground whose lowest place is known, and whole fits of what was planted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.accuracy_cases import LinearModel, inputs
from tracer.accuracy.mistakes import quantize_anew
from tracer.accuracy.quantization_fit import (
    _descend,
    _from_a_grid,
    _look_around,
    _wander,
    _whole,
    fit_quantization,
)
from tracer.quantization import Quantization

Place = NDArray[np.float64]


def ground(scale: float, zero_point: float, power: int = 1) -> tuple[list[Place], Callable[[Place], float]]:
    """A valley that is lowest at one place, and the places that were looked at."""
    seen: list[Place] = []

    def loss(place: Place) -> float:
        seen.append(place)
        return float(abs(place[0] - np.log(scale)) ** power + abs((place[1] - zero_point) / 50) ** power)

    return seen, loss


@pytest.mark.parametrize(
    ("scale", "zero_point"), [(0.83, 60), (1 / 3, -7), (2.5, 3), (12, -128), (0.12345, 7), (1 / 256, 0)]
)
def test_a_scale_of_few_digits_and_a_whole_zero_point_are_found_exactly(scale: float, zero_point: int) -> None:
    for beside in (-0.4, 0.0, 0.4):
        _, loss = ground(scale, zero_point)
        found = _whole(loss, np.array([np.log(scale * 1.000004), zero_point + beside]))
        assert (found.scale, found.zero_point) == (pytest.approx(scale, rel=1e-14), zero_point)


def test_a_scale_of_many_digits_is_found_as_it_is() -> None:
    _, loss = ground(0.123456789, 7)
    found = _whole(loss, np.array([np.log(0.1236), 7.3]))
    assert (found.scale, found.zero_point) == (pytest.approx(0.123456789, rel=2e-8), 7)
    # What is no whole number is kept where it is better.
    _, loss = ground(0.123456789, 7.25)
    kept = _whole(loss, np.array([np.log(0.123456789), 7.25]))
    assert (kept.scale, kept.zero_point) == (pytest.approx(0.123456789, rel=1e-14), 7.25)


def test_of_places_that_are_as_good_the_one_of_whole_numbers_is_told() -> None:
    assert _whole(lambda _: 0.0, np.array([np.log(0.28002), 58.98])) == Quantization(pytest.approx(0.3), 58)


@pytest.mark.parametrize(("scale", "zero_point"), [(0.0034, -128), (0.02, 37), (0.5, 0), (5.9, 127)])
def test_a_search_begins_at_three_places_of_a_grid_that_lie_about_the_lowest(scale: float, zero_point: int) -> None:
    places = _from_a_grid(ground(scale, zero_point)[1])
    assert len(places) == 3
    # Scales from 1/300 to 6 are a fifth apart, zero points sixteen.
    for log_scale, zero in places:
        assert abs(log_scale - np.log(scale)) < 0.4
        assert abs(zero - zero_point) <= 16
    assert abs(places[0][0] - np.log(scale)) < 0.1
    assert abs(places[0][1] - zero_point) <= 8


def test_steps_at_random_shrink_and_end_at_the_lowest_place_that_was_seen() -> None:
    seen, loss = ground(0.8, 4)
    start = np.array([0.0, 0.0])
    found = _wander(loss, start)
    assert len(seen) == 1 + 5 * 30
    heights = [float(abs(one[0] - np.log(0.8)) + abs(one[1] - 4) / 50) for one in seen]
    assert found.tolist() == seen[int(np.argmin(heights))].tolist()
    assert min(heights) < 0.02 < 0.2 < heights[0]
    # About the best so far: an eighth of the scale and eight counts at first, a fiftieth of that in the end.
    best = np.array([seen[int(np.argmin(heights[:place]))] for place in range(1, len(seen))])
    moves = np.array(seen[1:]) - best
    assert moves[:30].std(axis=0) == pytest.approx([0.12, 8], rel=0.35)
    assert moves[-30:].std(axis=0) == pytest.approx([0.0024, 0.16], rel=0.35)


def test_where_all_is_level_nothing_moves() -> None:
    assert _wander(lambda _: 1.0, np.array([0.3, 5.0])).tolist() == [0.3, 5.0]


def test_a_step_about_reaches_the_next_whole_zero_points_and_scales_half_a_hundredth_apart() -> None:
    seen, loss = ground(0.8, 60)
    found = _look_around(loss, np.array([np.log(0.8) + 0.082, 66.4]))
    assert (abs(found[0] - np.log(0.8)), found[1]) == (pytest.approx(0.002), 60)
    assert len(seen) == 1 + 21 * 17
    seen, loss = ground(0.8, 60)
    assert _look_around(loss, np.array([np.log(0.8), 60.001])).tolist() == [np.log(0.8), 60]


def test_a_descent_begins_with_the_steps_it_was_given_and_asks_no_more_than_it_may() -> None:
    seen, loss = ground(0.8, 60, power=2)
    start = np.array([np.log(0.7), 55.0])
    found = _descend(loss, start, (0.08, 6.0), 40)
    assert np.array(seen[:3]) - start == pytest.approx(np.array([[0, 0], [0.08, 0], [0, 6.0]]))
    assert len(seen) == 40
    assert found == pytest.approx([np.log(0.8), 60], abs=0.05)
    seen, loss = ground(0.8, 60, power=2)
    assert _descend(loss, start, (0.08, 6.0), 400) == pytest.approx([np.log(0.8), 60], abs=1e-7)
    assert len(seen) < 200


@pytest.mark.parametrize(("scale", "zero_point", "near"), [(0.02, -100, False), (2.0, 100, False), (0.52, 21, True)])
def test_what_was_planted_before_a_float_model_is_found_to_six_digits(
    scale: float, zero_point: int, *, near: bool
) -> None:
    model, data = LinearModel(), inputs()
    recorded = np.round(model.predict(quantize_anew(data, Quantization(scale, zero_point), takes_counts=False)), 6)
    found = fit_quantization(model.predict, data, recorded, model.quantization, takes_counts=False, near=near)
    assert (f"{found.scale:.6g}", found.zero_point) == (f"{scale:.6g}", zero_point)


def test_what_was_planted_before_a_model_of_counts_is_told_in_whole_numbers_where_they_fit_as_well() -> None:
    model, data = LinearModel(takes_counts=True), inputs()
    used = Quantization(0.28, 59)
    recorded = np.round(model.predict(quantize_anew(data, used, takes_counts=True)), 6)
    found = fit_quantization(model.predict, data, recorded, Quantization(1.0, 0.0), takes_counts=True, near=False)
    assert found == Quantization(pytest.approx(0.28, rel=1e-12), 59)
