"""Two profiles whose kernels differ by one factor were taken at two frequencies; otherwise they were not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tracer.kernels.profile_ratio import ProfileRatio, profile_ratio
from tracer.profiles.profile import ProfileSummary, SummaryRow

MEANS_US = (22.6, 8.2, 7.2, 12.9, 35.2, 6.2)
TWICE = "4 kernels in both; in the second they take 2.000 times as long"


def summary(means_us: Sequence[float], count: int = 1000) -> ProfileSummary:
    rows = [
        SummaryRow(
            "kernel", f"void space{number}::kernel{number}<float>(int)", count, round(mean * 1000 * count), None
        )
        for number, mean in enumerate(means_us)
    ]
    return ProfileSummary(Path("x"), "nvprof", tuple(rows))


@pytest.mark.parametrize("factor", [0.2, 1.5, 5.15])
def test_one_common_factor_is_a_probable_difference_of_frequency(factor: float) -> None:
    wobble = (1.0, 1.05, 0.97, 1.02, 0.99, 1.04)
    other = [factor * mean * noise for mean, noise in zip(MEANS_US, wobble, strict=True)]
    found = profile_ratio(summary(MEANS_US), summary(other, count=77))
    assert found.common
    assert found.factor == pytest.approx(factor, rel=0.05)
    assert "frequency of the GPU" in found.sentence()


def test_kernels_that_differ_each_by_another_factor_are_no_difference_of_frequency() -> None:
    other = [factor * mean for factor, mean in zip((1.0, 3.0, 0.5, 6.0, 1.2, 2.4), MEANS_US, strict=True)]
    found = profile_ratio(summary(MEANS_US), summary(other))
    assert not found.common
    assert "not a frequency" in found.sentence()


def test_equal_profiles_and_profiles_of_other_programs_say_nothing_of_a_frequency() -> None:
    assert not profile_ratio(summary(MEANS_US), summary(MEANS_US)).common
    assert profile_ratio(summary(MEANS_US), summary(())) == ProfileRatio(0, 0.0, 0.0)
    assert "too few" in profile_ratio(summary(MEANS_US[:2]), summary(MEANS_US[:2])).sentence()


@pytest.mark.parametrize(
    ("found", "common", "sentence"),
    [
        (ProfileRatio(1, 2.0, 0.0), False, "1 kernel in both: too few to compare"),
        (ProfileRatio(3, 2.0, 0.0), False, "3 kernels in both: too few to compare"),
        (
            ProfileRatio(4, 2.0, 0.15),
            True,
            f"{TWICE}, nearly all alike: probably another frequency of the GPU, so no figure of the two compares",
        ),
        (
            ProfileRatio(4, 2.0, 0.151),
            False,
            f"{TWICE} in the median, each by another factor: another load or another shape, not a frequency",
        ),
        (
            ProfileRatio(4, 1.09, 0.0),
            False,
            "4 kernels in both; in the second they take 1.090 times as long: no difference of frequency",
        ),
    ],
)
def test_a_ratio_says_what_it_means_from_four_kernels_and_a_tenth_on(
    found: ProfileRatio, common: bool, sentence: str
) -> None:
    assert (found.common, found.sentence()) == (common, sentence)


def test_a_factor_is_the_median_of_the_ratios_and_the_spread_their_median_distance_from_it() -> None:
    # 2, 2, 2.2, 3 and 4: the median is 2.2; 0.2, 0.2, 0, 0.8 and 1.8 from it, in the median 0.2.
    other = [mean * factor for mean, factor in zip(MEANS_US, (2.0, 2.0, 2.2, 3.0, 4.0), strict=False)]
    found = profile_ratio(summary(MEANS_US[:5]), summary(other))
    assert (found.kernels, found.factor, found.spread) == (5, pytest.approx(2.2), pytest.approx(0.2 / 2.2))
    assert ProfileRatio(4, 1.1, 0.0).common


def test_a_kernel_is_the_mean_of_its_variants_whatever_lies_around_its_name() -> None:
    rows = [
        ("void a::gemm<float>(int)", 3, 60),
        ("void b::c::gemm<half>(int)", 1, 60),
        ("relu", 2, 10),
        ("none", 0, 0),
    ]
    first = ProfileSummary(Path("x"), "nvprof", tuple(SummaryRow("kernel", *row, None) for row in rows))
    second = ProfileSummary(
        Path("y"), "nvprof", (SummaryRow("kernel", "gemm", 1, 60, None), SummaryRow("kernel", "relu", 1, 10, None))
    )
    # 120 ns of four calls against 60 of one, 5 against 10.
    assert profile_ratio(first, second) == ProfileRatio(2, 2.0, 0.0)
