"""The answer of each tool: the figures that its command prints as JSON, and the findings in them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from runner.mcp.findings import (
    Finding,
    compare_findings,
    doctor_findings,
    gain_findings,
    note_findings,
    session_findings,
    slowest_finding,
    trust_findings,
    verdict_findings,
)
from runner.mcp.folders import Folders
from tracer.unit_words import unit_words

if TYPE_CHECKING:
    from tracer.profiles.profile import Profile, ProfileSummary

Answer = dict[str, Any]

MOST_ROWS = 1000
"""Rows of a table in one answer; how many were left out is told."""


class Answers:
    """One method a tool; each reads within ``folders`` alone and writes nothing there."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    def runs(self) -> Answer:
        """List the runs, oldest first, each with its rate, its judgement and its state."""
        from tracer.reports.run_list import list_runs

        self._folders.check_tree(self._folders.traces)
        listed = list_runs(self._folders.traces)
        left_out = max(0, len(listed.rows) - MOST_ROWS)
        return {"runs": listed.rows[-MOST_ROWS:], "left_out": left_out, "damaged": listed.damaged}

    def report(self, run: str = "last") -> Answer:
        """
        Say where the time of a run went: stages, windows, GPU and overhead, gains, and whether to trust it.

        ``run`` is its name, its folder, or ``last``. Times are nanoseconds (``_ns``), rates inferences a second.
        """
        from tracer.reports.report import build_report
        from tracer.runs.run_store import stored_run

        figures = build_report(stored_run(self._folders.run(run), self._folders.traces))
        found = [*trust_findings(figures["trust"]), *verdict_findings(figures), *gain_findings(figures["gains"])]
        return _answer(figures, [*found, *note_findings(figures["notes"])])

    def compare(self, runs: list[str], threshold: float = 0.02) -> Answer:
        """
        Say whether runs, or sets of launches, are slower or faster than the oldest of them, and what that carries.

        ``threshold`` is the share of a figure below which a difference counts as none.
        """
        from tracer.reports.compare_report import compare_sides, launches_of
        from tracer.runs.launch_set import is_launch_set, named_runs

        traces = self._folders.traces
        sides = [
            launches_of(named_runs(named, traces), named if is_launch_set(named, traces) else None)
            for named in map(self._folders.run, runs)
        ]
        figures = compare_sides(sides, threshold, None)
        return _answer(figures, compare_findings(figures))

    def breakdown(
        self, profile: str, unit_range: str | None = None, stages: list[str] | None = None, skip: int = 0
    ) -> Answer:
        """
        Say where the units of any GPU program spent their time, by a profile: GPU busy, overhead by kind, gains.

        ``unit_range`` is the NVTX range whose instances are units (its name, or domain:name; * and ? match), by
        default the outermost that repeats; ``stages`` the ranges within; ``skip`` leaves out units at the start.
        """
        from tracer.reports.unit_report import build_breakdown

        figures = build_breakdown(self._profile(profile), unit_range, stages, skip=skip)
        words = unit_words(figures["range"]["unit"])
        found = [*verdict_findings(figures, words), *gain_findings(figures["gains"], words)]
        slowest = figures["slowest"]
        if slowest is not None:
            found.append(slowest_finding(slowest, words))
        return _answer(figures, [*found, *note_findings([figures["range"]["sentence"], *figures["notes"]])])

    def kernels(self, profile: str, by: Literal["kernel", "range", "api"] = "kernel") -> Answer:
        """
        List the GPU kernels of a profile (nsys, nvprof, TensorFlow, PyTorch, JAX, ONNX Runtime, trtexec).

        ``by`` groups them by name, by the range that launched them, or by CUDA call.
        """
        from tracer.kernels.kernel_listing import list_kernels

        listing = list_kernels(self._profile(profile), by, copies=True)
        rows = json.loads(listing.json())
        figures = {"by": by, "rows": rows[:MOST_ROWS], "left_out": max(0, len(rows) - MOST_ROWS)}
        return _answer(figures, note_findings(listing.notes))

    def session(self, path: str) -> Answer:
        """Judge a benchmark session from its raw lines, or each in a folder: rate, clock, rules, Top-1, AUC."""
        from runner.host.session_reading import judge, session_report

        figures = session_report(judge([self._folders.session(path)], None, self._folders.traces))
        return _answer(figures, [one for each in figures["sessions"] for one in session_findings(each)])

    def doctor(self) -> Answer:
        """Examine this machine before a session: runtimes, profiler, power, clocks, temperature, load, disk."""
        from runner.doctor.checks import worst
        from runner.doctor.examination import Settings, examine
        from runner.doctor.machine import Machine

        # TensorFlow is not imported: it takes seconds, and the runs say which they had.
        checks = examine(Machine(), Settings(traces=self._folders.traces, tensorflow=False))
        lines = [check.as_json() for check in checks]
        return _answer({"state": worst(list(checks)), "findings": lines}, doctor_findings(lines))

    def _profile(self, named: str) -> Profile | ProfileSummary:
        from runner.nsys.reports import read_any_profile

        return read_any_profile(self._folders.file(named), work_in=Path(tempfile.gettempdir()))


def _answer(figures: Any, findings: Iterable[Finding]) -> Answer:
    return {"findings": list(findings), "figures": figures}
