"""
What a profiler's summary says of an inference: GPU time, its share, and what is not GPU work.

A summary has totals alone. Where its rows were cut, its ``Time(%)`` column still tells the whole: the listed time
divided by the listed shares.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import Any

from tracer.errors import ProfileError
from tracer.figure_text import number_text, share_text, time_text
from tracer.kernels.kernel_names import short_name
from tracer.profiles.gpu_records import absence
from tracer.profiles.profile import ProfileSummary

NS_PER_MS = 1e6
NAME_WIDTH = 34


@dataclass(frozen=True, slots=True)
class WorkShare:
    """One kernel, copy or set: its time an inference, its share of the GPU's time, its calls an inference."""

    kind: str
    name: str
    ns_per_inference: float
    share: float | None
    calls_per_inference: float


@dataclass(frozen=True, slots=True)
class GpuShare:
    """
    The figures of a summary, an inference; nanoseconds.

    Args:
        inferences: how many the program ran, warm-ups and all: the summary counts them all.
        listed_ns: GPU time of the rows that are listed.
        listed_share: the sum of their ``Time(%)``, between 0 and 1; None where the summary has no shares.
        gpu_ns: GPU time by the ``Time(%)`` column; the listed time where it has no shares.
        wall_ns: wall time; None where nobody gave it.
        cpu_ns: CPU time; None where nobody gave it.
        work: a row each, the longest first.
    """

    inferences: int
    listed_ns: float
    listed_share: float | None
    gpu_ns: float
    wall_ns: float | None
    cpu_ns: float | None
    work: tuple[WorkShare, ...]
    notes: tuple[str, ...]

    @property
    def share_of_wall(self) -> float | None:
        """Part of the wall time in which the GPU worked; None without the wall time."""
        return None if self.wall_ns is None else self.gpu_ns / self.wall_ns

    @property
    def not_gpu_share_of_cpu(self) -> float | None:
        """Part of the CPU time that is not GPU work, by the whole GPU time; None without the CPU time."""
        return None if self.cpu_ns is None else 1 - self.gpu_ns / self.cpu_ns

    @property
    def not_gpu_share_of_cpu_listed(self) -> float | None:
        """The same by the listed rows alone, as the report of 2021 reckoned."""
        return None if self.cpu_ns is None else 1 - self.listed_ns / self.cpu_ns

    def as_json(self) -> dict[str, Any]:
        """For programs: nanoseconds an inference, shares between 0 and 1, null where not known."""
        shares = ("share_of_wall", "not_gpu_share_of_cpu", "not_gpu_share_of_cpu_listed")
        return {**asdict(self), **{name: getattr(self, name) for name in shares}}


def summary_figures(
    summary: ProfileSummary, inferences: int, wall_ms: float | None = None, cpu_ms: float | None = None
) -> GpuShare:
    """
    Put a summary on one inference.

    Args:
        summary: of a program that ran nothing but inferences on the GPU.
        inferences: that it ran in all, positive.
        wall_ms: wall time of them all, milliseconds.
        cpu_ms: CPU time of them all, milliseconds, as ``clock()`` gives it.

    Raises:
        ProfileError: if a figure is not positive, or the summary lists no GPU work.
    """
    _refuse_nonsense(summary, inferences, wall_ms, cpu_ms)
    rows = [row for row in summary.rows if row.kind != "api"]
    listed = sum(row.total_ns for row in rows)
    shares = [row.share for row in rows if row.share is not None]
    listed_share = sum(shares) if len(shares) == len(rows) and sum(shares) > 0 else None
    # Shares are printed to a hundredth of a percent: rows that are all there need not add up to the last digit.
    whole = listed_share is None or listed_share > 1 - 0.0001 * len(rows)
    gpu = listed if whole or listed_share is None else listed / listed_share
    work = tuple(
        WorkShare(row.kind, row.name, row.total_ns / inferences, row.share, row.count / inferences)
        for row in sorted(rows, key=lambda row: -row.total_ns)
    )
    wall, cpu = (None if told is None else told * NS_PER_MS for told in (wall_ms, cpu_ms))
    return GpuShare(
        inferences=inferences,
        listed_ns=listed / inferences,
        listed_share=listed_share,
        gpu_ns=gpu / inferences,
        wall_ns=None if wall is None else wall / inferences,
        cpu_ns=None if cpu is None else cpu / inferences,
        work=work,
        notes=_notes(summary, gpu, wall, cpu),
    )


def render_summary(figures: GpuShare) -> list[str]:
    """The figures as lines of at most 80 columns."""
    lines = [f"GPU: {time_text(figures.gpu_ns)} an inference by the Time(%) column"]
    if figures.listed_share is None:
        lines = [f"GPU: {time_text(figures.gpu_ns)} an inference in the rows listed; the summary has no shares"]
    elif figures.listed_ns != figures.gpu_ns:
        lines.append(f"     {time_text(figures.listed_ns)} in the rows listed ({share_text(figures.listed_share)})")
    if figures.share_of_wall is not None and figures.wall_ns is not None:
        lines.append(
            f"GPU busy {share_text(figures.share_of_wall)} of {time_text(figures.wall_ns)} wall time an inference"
        )
    else:
        lines.append("no share of wall time: give it with --wall-ms")
    if figures.not_gpu_share_of_cpu is not None and figures.cpu_ns is not None:
        lines.append(
            f"{share_text(figures.not_gpu_share_of_cpu)} of the CPU time ({time_text(figures.cpu_ns)} an inference) "
            "is not GPU work"
        )
    lines += ["", f"{'kernel, copy or set':<{NAME_WIDTH}} {'an inference':>12} {'share':>8} {'calls/inference':>16}"]
    lines += [_work_line(work) for work in figures.work]
    notes = [line for note in figures.notes for line in wrap(f"Note: {note}", 80, subsequent_indent="      ")]
    return [*lines, "", *notes]


def _refuse_nonsense(summary: ProfileSummary, inferences: int, wall_ms: float | None, cpu_ms: float | None) -> None:
    if inferences <= 0:
        raise ProfileError(f"{inferences} inferences: give the number that the program ran (--inferences)")
    for flag, told in (("--wall-ms", wall_ms), ("--cpu-ms", cpu_ms)):
        if told is not None and not 0 < told < float("inf"):
            raise ProfileError(f"{flag} {told}: give the time of all inferences in milliseconds")
    if not any(row.kind != "api" for row in summary.rows):
        raise ProfileError(
            summary.path, f"no GPU work in this summary: {absence(summary, 'launch')}", "record the program again"
        )


def _notes(summary: ProfileSummary, gpu: float, wall: float | None, cpu: float | None) -> tuple[str, ...]:
    notes = [
        "frequencies not recorded",
        "a summary has no timeline: it gives no stage, no gap and no kind of overhead",
    ]
    if not any(row.kind == "memcpy" for row in summary.rows):
        notes.append(absence(summary, "copy"))
    if wall is not None and gpu > wall:
        notes.append("more GPU time than wall time: streams overlapped, or the two are not of the same run")
    if cpu is not None:
        notes.append("CPU time is no wall time: while the CPU waits asleep for the GPU, it stands still")
    return tuple(notes)


def _work_line(work: WorkShare) -> str:
    cells = f"{time_text(work.ns_per_inference):>12} {share_text(work.share, 2):>8}"
    return f"{_column_name(work.name):<{NAME_WIDTH}} {cells} {number_text(work.calls_per_inference, 2):>16}"


def _column_name(name: str) -> str:
    shorter = short_name(name)
    if len(shorter) > NAME_WIDTH:
        shorter = shorter.rpartition("::")[2]
    return shorter if len(shorter) <= NAME_WIDTH else shorter[: NAME_WIDTH - 3] + "..."
