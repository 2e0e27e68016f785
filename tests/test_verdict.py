"""Which candidate is meant: whole conclusions over candidates whose errors are given, at and about each limit."""

from __future__ import annotations

import numpy as np
import pytest

from tracer.accuracy.explanations import Explanation
from tracer.accuracy.mistakes import OTHER_MODEL, RAW, TRANSPOSED, UNSIGNED, Mistakes
from tracer.accuracy.verdict import Conclusion, judge, likeness

VARIED = np.random.default_rng(1).random((200, 12))
ALIKE = np.tile(VARIED[:1], (200, 1))


def candidate(
    wrong: int, mistakes: Mistakes = (), count: int = 200, model: str = "own", **more: float
) -> Explanation:
    """One that misses the first vectors, so many, and gives the others to the last digit."""
    return Explanation(model, mistakes, np.where(np.arange(count) < wrong, 0.5, 0.0), **more)


def told(
    candidates: dict[str, Explanation], recorded: np.ndarray = VARIED, decimals: int = 3
) -> tuple[str, str, float, str | None, str | None, list[str]]:
    """What was concluded: kind, the best one, the tolerance, the rival, who comes next, and who is as good."""
    found: Conclusion = judge(list(candidates.values()), recorded, decimals)
    names = {id(one): name for name, one in candidates.items()}
    rival, runner_up = (None if one is None else names[id(one)] for one in (found.rival, found.runner_up))
    alike = [names[id(one)] for one in found.alike]
    return found.kind, names[id(found.best)], pytest.approx(found.tolerance), rival, runner_up, alike


def test_nineteen_of_twenty_vectors_are_enough_and_fewer_are_not() -> None:
    raw = candidate(12, (RAW,), 20)
    # Who has a mistake more than the best does not come next.
    assert told({"right": candidate(1, count=20), "raw": raw}, VARIED[:20]) == (
        *("as_it_should_be", "right", 1e-3, None, None),
        [],
    )
    assert told({"right": candidate(2, count=20), "raw": raw}, VARIED[:20]) == (
        *("not_reproduced", "right", 1e-2, None, None),
        [],
    )


def test_of_shares_half_a_percent_apart_the_fewer_mistakes_count_and_else_the_larger_share() -> None:
    raw = candidate(0, (RAW,))
    assert told({"right": candidate(1), "raw": raw})[:2] == ("as_it_should_be", "right")
    # Two vectors are too few to say that it was the mistake, three are not.
    assert told({"right": candidate(2), "raw": raw}) == ("undecided", "raw", 1e-3, "right", "right", [])
    assert told({"right": candidate(3), "raw": raw}) == ("mistake", "raw", 1e-3, None, "right", [])


def test_what_neither_reproduces_is_no_evidence_for_a_mistake() -> None:
    # The right way misses five, the mistake three of them.
    raw = Explanation("own", (RAW,), np.r_[0.0, 0.0, 0.5, 0.5, 0.5, np.zeros(195)])
    assert told({"right": candidate(5), "raw": raw}) == ("undecided", "raw", 1e-3, "right", "right", [])


def test_the_strictest_digits_at_which_one_reproduces_enough_tell() -> None:
    right = Explanation("own", (), np.full(200, 4e-3))
    raw = Explanation("own", (RAW,), np.full(200, 1e-5))
    assert told({"right": right, "raw": raw}, decimals=6) == ("mistake", "raw", 1e-5, None, "right", [])
    # What agrees by chance to two digits does not count there.
    loose = Explanation("own", (RAW,), np.full(200, 2e-3), 1e-3)
    assert told({"right": right, "loose": loose}, decimals=6)[:3] == ("as_it_should_be", "right", 1e-2)


def test_another_mistake_as_good_leaves_it_undecided_and_one_with_more_mistakes_does_not() -> None:
    right, raw = candidate(200), candidate(0, (RAW,))
    both, swapped = candidate(0, (UNSIGNED, RAW)), candidate(1, (TRANSPOSED,))
    assert told({"right": right, "raw": raw, "both": both}) == ("mistake", "raw", 1e-3, None, "right", ["both"])
    assert told({"right": right, "raw": raw, "swapped": swapped}) == (
        *("undecided", "raw", 1e-3, "swapped", "swapped"),
        [],
    )


def test_the_same_mistake_of_another_model_is_a_rival_and_comes_next() -> None:
    right, raw = candidate(200), candidate(0, (RAW,))
    other = candidate(1, (RAW,), model="other")
    assert told({"right": right, "raw": raw, "other": other}) == ("undecided", "raw", 1e-3, "other", "other", [])
    named = candidate(0, (OTHER_MODEL,), model="other")
    assert told({"right": right, "named": named}) == ("mistake", "named", 1e-3, None, "right", [])


def test_results_that_are_alike_whatever_the_input_decide_for_no_mistake() -> None:
    right, raw, both = candidate(200), candidate(0, (RAW,)), candidate(0, (UNSIGNED, RAW))
    assert told({"right": right, "raw": raw, "both": both}, ALIKE) == (
        *("undecided", "raw", 1e-3, "both", "right"),
        ["both"],
    )
    # Where nothing else is as good, it is its own rival.
    assert told({"right": right, "raw": raw}, ALIKE) == ("undecided", "raw", 1e-3, "raw", "right", [])


@pytest.mark.parametrize(("wrong", "nearest"), [(100, "right"), (101, "raw")])
def test_where_nothing_reproduces_enough_a_mistake_must_be_nearer_by_a_twentieth(wrong: int, nearest: str) -> None:
    candidates = {"right": candidate(wrong), "raw": candidate(90, (RAW,))}
    other = None if nearest == "right" else "right"
    assert told(candidates) == ("not_reproduced", nearest, 1e-2, None, other, [])


def test_a_candidate_that_agrees_by_chance_to_two_digits_is_not_the_nearest() -> None:
    twice = candidate(20, (RAW,), loosest=1e-3)
    assert told({"right": candidate(190), "twice": twice})[:2] == ("not_reproduced", "right")


def test_results_are_held_against_those_of_inputs_one_two_and_three_sevenths_of_the_pass_away() -> None:
    turns = np.array([0.0, 0.5] * 3 + [0.0])[:, None] * np.ones(12)
    # Of seven vectors that alternate one is as the one before, five as the second before, three as the third.
    assert likeness(turns, 1e-3) == pytest.approx((1 + 5 + 3) / 21)
    assert likeness(turns, 0.5) == 1
    assert likeness(turns[:1], 1e-3) == 0
    assert likeness(turns[[0, 2]], 1e-3) == 1
