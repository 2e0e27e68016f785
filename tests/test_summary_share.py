"""What a summary says of an inference: the figures of 2021, shares, and rows that were cut off."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_nvprof_text import OLDER, summary
from tracer.errors import ProfileError
from tracer.kernels.summary_share import GpuShare, render_summary, summary_figures
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
    for rows in ((), (SummaryRow("api", "cudaFree", 1, 9_000_000, None),)):
        with pytest.raises(ProfileError, match="no GPU work"):
            summary_figures(ProfileSummary(Path("x"), "nvprof", rows), 1)


def test_a_summary_with_cut_rows_is_put_on_one_inference() -> None:
    """Rows of 8 and 2 ms with 40 and 10 % of the GPU's time, so 20 ms in all, of four inferences in 16 and 40 ms."""
    rows = (
        SummaryRow("memset", "[CUDA memset]", 2, 2_000_000, 0.1),
        SummaryRow("api", "cudaFree", 1, 9_000_000, None),
        SummaryRow("kernel", f"void {'n' * 30}::{'k' * 40}<int>(float)", 6, 8_000_000, 0.4),
    )
    figures = summary_figures(ProfileSummary(Path("x"), "nvprof", rows), 4, wall_ms=16, cpu_ms=40)
    assert figures.as_json() == {
        "inferences": 4,
        "listed_ns": 2_500_000,
        "listed_share": 0.5,
        "gpu_ns": 5_000_000,
        "wall_ns": 4_000_000,
        "cpu_ns": 10_000_000,
        "work": tuple(
            {"kind": kind, "name": name, "ns_per_inference": ns, "share": share, "calls_per_inference": calls}
            for kind, name, ns, share, calls in (
                ("kernel", rows[2].name, 2_000_000, 0.4, 1.5),
                ("memset", "[CUDA memset]", 500_000, 0.1, 0.5),
            )
        ),
        "notes": figures.notes,
        "share_of_wall": 1.25,
        "not_gpu_share_of_cpu": 0.5,
        "not_gpu_share_of_cpu_listed": 0.75,
    }
    assert render_summary(figures)[:8] == [
        "GPU: 5.00 ms an inference by the Time(%) column",
        "     2.50 ms in the rows listed (50.0 %)",
        "GPU busy 125.0 % of 4.00 ms wall time an inference",
        "50.0 % of the CPU time (10.00 ms an inference) is not GPU work",
        "",
        "kernel, copy or set                an inference    share  calls/inference",
        f"{'k' * 31}...      2.00 ms  40.00 %             1.50",
        "[CUDA memset]                         500.00 us  10.00 %             0.50",
    ]
    said = " ".join(figures.notes)
    assert "more GPU time than wall time: streams overlapped, or the two are not of the same run" in said
    assert "CPU time is no wall time: while the CPU waits asleep for the GPU, it stands still" in said
    assert figures.notes[:2] == (
        "frequencies not recorded",
        "a summary has no timeline: it gives no stage, no gap and no kind of overhead",
    )


@pytest.mark.parametrize(("kind", "noted"), [("memcpy", False), ("memset", True)])
def test_that_no_copy_is_listed_is_noted_where_there_is_none(kind: str, noted: bool) -> None:
    rows = (SummaryRow("kernel", "k", 1, 2_000_000, 0.9), SummaryRow(kind, "[CUDA]", 1, 1000, 0.1))
    notes = summary_figures(ProfileSummary(Path("x"), "nvprof", rows), 1).notes
    assert [note for note in notes if "copy" in note] == (
        ["no copy and no CUDA call recorded: the program made none, or the tool did not record them"] if noted else []
    )


def test_a_summary_without_shares_tells_the_rows_listed() -> None:
    rows = (SummaryRow("kernel", "k", 1, 2_000_000, None),)
    figures = summary_figures(ProfileSummary(Path("x"), "nvprof", rows), 1)
    assert (figures.listed_share, figures.gpu_ns) == (None, 2_000_000)
    assert render_summary(figures)[:2] == [
        "GPU: 2.00 ms an inference in the rows listed; the summary has no shares",
        "no share of wall time: give it with --wall-ms",
    ]


def test_shares_that_lack_no_more_than_their_rounding_are_of_the_whole_and_zeros_are_none() -> None:
    def figures(*shares: float, **told: float) -> GpuShare:
        rows = tuple(SummaryRow("kernel", f"k{place}", 1, 1_000_000, share) for place, share in enumerate(shares))
        return summary_figures(ProfileSummary(Path("x"), "nvprof", rows), 1, **told)

    assert figures(0.3333, 0.3333, 0.3332).gpu_ns == 3_000_000
    assert figures(0.3333, 0.3333, 0.333).gpu_ns > 3_000_000
    assert figures(0.0, 0.0).listed_share is None
    # As much GPU time as wall time is no contradiction.
    assert not any("more GPU time" in note for note in figures(1.0, wall_ms=1).notes)


def test_a_figure_that_cannot_be_is_named_with_its_remedy() -> None:
    read = ProfileSummary(Path("x"), "nvprof", (SummaryRow("kernel", "k", 1, 2, None),))
    for words, problem in (
        ({"inferences": 0}, "0 inferences: give the number that the program ran (--inferences)"),
        ({"inferences": 1, "wall_ms": 0.0}, "--wall-ms 0.0: give the time of all inferences in milliseconds"),
        ({"inferences": 1, "cpu_ms": math.inf}, "--cpu-ms inf: give the time of all inferences in milliseconds"),
    ):
        with pytest.raises(ProfileError) as told:
            summary_figures(read, **words)  # type: ignore[arg-type]
        assert str(told.value) == problem
