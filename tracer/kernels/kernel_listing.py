"""What ``kws-trace kernels`` prints: the rows for a profile, or why it cannot give them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from rich.console import Console

from tracer.errors import ProfileError
from tracer.figure_text import counted
from tracer.kernels.kernel_tables import calls_by_name, copies_by_name, kernels_by_name, ops_by_name, without_timeline
from tracer.kernels.kernel_text import render_calls, render_copies, render_kernels, render_notes, render_ranges
from tracer.kernels.range_tables import work_by_range
from tracer.profiles.gpu_records import checked_notes
from tracer.profiles.profile import Profile, ProfileSummary
from tracer.terminal_text import csv_text, first_rows, print_lines

By = Literal["kernel", "range", "api"]


@dataclass(frozen=True, slots=True)
class KernelListing:
    """
    Rows of one table, and notes.

    Args:
        rows: see ``kernels_by_name``, ``work_by_range`` and ``calls_by_name``.
        copies: of the table by kernel, printed below it; None where there is none, or they are not shown apart.
        ops: the rows are operations on a CPU, of a profile that traced no GPU.
        of_all: shares are of all GPU work, as a summary prints them; else of the kernels', and of the copies', own.
    """

    by: By
    rows: pa.Table
    copies: pa.Table | None
    notes: tuple[str, ...]
    ops: bool = False
    of_all: bool = False

    def json(self) -> str:
        """A list of objects, in the order of the table."""
        return json.dumps(self.rows.to_pylist(), indent=2) + "\n"

    def csv(self) -> str:
        """A line of names, then one a row; null is empty, and control characters of a name are replaced."""
        return csv_text(self.rows.column_names, (row.values() for row in self.rows.to_pylist()))

    def render(self, console: Console, *, full_names: bool, whole: bool = False) -> None:
        """As a table for a terminal, notes last; ``whole``: with every row."""
        places, more = first_rows(range(len(self.rows)), console, whole=whole)
        rows: list[dict[str, Any]] = self.rows.slice(0, len(places)).to_pylist()
        if self.by == "api":
            render_calls(rows, console)
        elif self.by == "range":
            render_ranges(rows, console, full_names=full_names)
        else:
            kernels = "Kernels (share of all GPU work)" if self.of_all else "Kernels"
            title = "Operations on the CPU" if self.ops else kernels
            render_kernels(rows, console, full_names=full_names, title=title)
        print_lines(console, [more] if more else [])
        if self.copies is not None:
            render_copies(self.copies.to_pylist(), console, of_all=self.of_all)
        render_notes(self.notes, console)


def list_kernels(
    profile: Profile | ProfileSummary,
    by: By = "kernel",
    *,
    thread_wise: bool = False,
    domain: str | None = None,
    copies: bool = False,
) -> KernelListing:
    """
    The rows for ``profile``.

    Args:
        profile: what a reader gave.
        by: kernel, range or api.
        thread_wise: by range: Nsight's own rule.
        domain: by range: only ranges of this NVTX domain.
        copies: copies and sets among the rows.

    Raises:
        ProfileError: if a summary is asked for ranges, or has no rows of CUDA calls, or the capture did not trace
            what is asked for; nothing traced is no empty table.
    """
    if isinstance(profile, ProfileSummary):
        return _of_summary(profile, by, copies=copies)
    notes = checked_notes(profile)
    if by == "kernel" and "cuda" not in profile.traced and not len(profile.gpu_work) and "ops" in profile.traced:
        return KernelListing(by, ops_by_name(profile), None, notes, ops=True)
    _refuse_untraced(profile, by)
    if by == "range":
        found = work_by_range(profile, thread_wise=thread_wise, domain=domain, copies=copies)
        told = _range_notes(profile, found.unlaunched, found.ambiguous)
        return KernelListing(by, found.rows, None, (*notes, *told))
    if by == "api":
        return KernelListing(by, calls_by_name(profile), None, notes)
    return _by_kernel(profile, copies=copies)


def _by_kernel(profile: Profile | ProfileSummary, *, copies: bool) -> KernelListing:
    rows, moved = kernels_by_name(profile), copies_by_name(profile)
    absent = (*(() if len(rows) else ("launch",)), *(() if len(moved) else ("copy", "memset")))
    if copies:
        rows = pa.concat_tables([rows, moved], promote_options="default")
    below = None if copies or not len(moved) else moved
    of_all = isinstance(profile, ProfileSummary)
    return KernelListing("kernel", rows, below, checked_notes(profile, absent), of_all=of_all)


def _of_summary(summary: ProfileSummary, by: By, *, copies: bool) -> KernelListing:
    if by == "range":
        raise without_timeline(summary, "kernels by range")
    if by == "kernel":
        return _by_kernel(summary, copies=copies)
    rows = calls_by_name(summary)
    if not len(rows):
        raise without_timeline(summary, "CUDA calls, of which it lists none")
    return KernelListing(by, rows, None, checked_notes(summary))


def _refuse_untraced(profile: Profile, by: By) -> None:
    tables = {"kernel": profile.gpu_work, "range": profile.nvtx_ranges, "api": profile.api_calls}
    needed = {"kernel": "CUDA work", "range": "NVTX ranges", "api": "CUDA calls"}
    for one in dict.fromkeys(("kernel", by)):
        traced = ("nvtx" if one == "range" else "cuda") in profile.traced
        if not traced and not len(tables[one]):
            raise ProfileError(
                profile.path, f"it traced no {needed[one]}", "capture with `nsys profile --trace=cuda,nvtx`"
            )


def _range_notes(profile: Profile, unlaunched: int, ambiguous: int) -> list[str]:
    notes = []
    if not len(profile.nvtx_ranges):
        notes.append("no NVTX range was pushed while the capture lasted")
    if unlaunched:
        work = counted(unlaunched, "piece of GPU work has", "pieces of GPU work have")
        notes.append(f"{work} no CUDA call in the capture and so no range")
    if ambiguous:
        were = counted(ambiguous, "was", "were")
        notes.append(f"{were} launched by a thread without a range while several others had one: in no range")
    return notes
