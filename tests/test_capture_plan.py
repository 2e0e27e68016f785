"""When captures are due: spread over the first windows, within the patience of hosts, the rest at the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.dut.capture_plan import GAP_LIMIT_S, CaptureChoice, CapturePlan


def test_thirty_pairs_are_six_after_each_of_five_windows() -> None:
    plan = CapturePlan(CaptureChoice(40, 5, 30))
    made = []
    for _ in range(7):
        due = plan.after_window()
        made.append(due)
        for _ in range(due):
            plan.done(1.0)
    assert made == [6, 6, 6, 6, 6, 0, 0]
    assert plan.left == 0


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 12), st.data())
def test_what_a_window_had_no_time_for_is_made_up_later_and_no_more_than_was_chosen(
    pairs: int, windows: int, seen: int, data: st.DataObject
) -> None:
    plan = CapturePlan(CaptureChoice(40, windows, pairs))
    for _ in range(seen):
        due = plan.after_window()
        assert 0 <= due <= pairs - plan.made
        for _ in range(data.draw(st.integers(0, due))):
            plan.done(1.0)
    assert plan.left == (pairs - plan.made if seen else 0)


def test_without_pairs_one_capture_follows_a_window_and_none_is_left_for_the_end() -> None:
    plan = CapturePlan(CaptureChoice(200, 2))
    for _ in range(2):
        assert plan.after_window() == 1
        assert plan.sides() == ("capture",)
        plan.done(1.0)
    assert plan.after_window() == 0
    assert plan.left == 0


def test_which_side_comes_first_alternates() -> None:
    plan = CapturePlan(CaptureChoice(40, 1, 3))
    sides = []
    for _ in range(3):
        sides.append(plan.sides())
        plan.done(1.0)
    assert sides == [("capture", "uncaptured"), ("uncaptured", "capture"), ("capture", "uncaptured")]


def test_no_pair_is_begun_that_would_outlast_the_patience_of_a_host() -> None:
    plan = CapturePlan(CaptureChoice(40, 1, 9))
    assert plan.has_time(0.0)
    plan.done(6.0)
    assert plan.has_time(GAP_LIMIT_S - 6.0)
    assert not plan.has_time(GAP_LIMIT_S - 5.9)
