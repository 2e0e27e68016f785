"""What a summary says of an inference: the figures of 2021, shares, and rows that were cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_nvprof_text import OLDER, summary
from tracer.errors import ProfileError
from tracer.kernels.summary_share import render_summary, summary_figures
from tracer.profiles.nvprof_text import read_nvprof_text
from tracer.profiles.profile import ProfileSummary, SummaryRow


def test_the_summary_of_2021_gives_its_figures(shared_data: Path) -> None:
    read = read_nvprof_text(shared_data / "nvprof" / "summary.nvprof.txt")
    assert isinstance(read, ProfileSummary)
    figures = summary_figures(read, 1001, cpu_ms=4527.335)
    assert figures.gpu_ns == pytest.approx(421_000, abs=500)
    assert figures.listed_ns == pytest.approx(397_000, abs=500)
    assert figures.listed_share == pytest.approx(0.942, abs=0.0005)
    assert figures.not_gpu_share_of_cpu == pytest.approx(0.907, abs=0.0005)
    assert figures.not_gpu_share_of_cpu_listed == pytest.approx(0.912, abs=0.0005)
    assert figures.share_of_wall is None
    lines = render_summary(figures)
    assert lines[:4] == [
        "GPU: 421.32 us an inference by the Time(%) column",
        "     396.80 us in the rows listed (94.2 %)",
        "no share of wall time: give it with --wall-ms",
        "90.7 % of the CPU time (4.52 ms an inference) is not GPU work",
    ]
    assert "Note: frequencies not recorded" in lines
    assert max(map(len, lines)) <= 80
    assert [work.calls_per_inference for work in figures.work[:3]] == [4.0, 9.0, 9.0]


def test_a_share_of_wall_time_takes_the_wall_time(tmp_path: Path) -> None:
    figures = summary_figures(summary(tmp_path, OLDER), 2, wall_ms=16)
    assert figures.gpu_ns == figures.listed_ns == 2_000_000
    assert figures.share_of_wall == 0.25
    assert figures.not_gpu_share_of_cpu is None
    assert any("GPU busy 25.0 % of 8.00 ms wall time" in line for line in render_summary(figures))


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12), st.integers(1, 5000), st.data())
def test_rows_cut_off_do_not_change_the_whole(totals: list[int], inferences: int, data: st.DataObject) -> None:
    whole = sum(totals)
    rows = tuple(SummaryRow("kernel", f"k{i}", 1, total, total / whole) for i, total in enumerate(totals))
    kept = rows[: data.draw(st.integers(1, len(rows)))]
    figures = summary_figures(ProfileSummary(Path("x"), "nvprof", kept), inferences)
    # A list that lacks less than the shares' own rounding is taken for whole.
    assert figures.gpu_ns * inferences == pytest.approx(whole, rel=0.0001 * len(rows) + 1e-9)


def test_figures_that_cannot_be_are_refused(tmp_path: Path) -> None:
    read = summary(tmp_path, OLDER)
    for wrong in ({"inferences": 0}, {"inferences": 1, "wall_ms": 0.0}, {"inferences": 1, "cpu_ms": float("nan")}):
        with pytest.raises(ProfileError):
            summary_figures(read, **wrong)
    with pytest.raises(ProfileError, match="no GPU work"):
        summary_figures(ProfileSummary(Path("x"), "nvprof", ()), 1)
