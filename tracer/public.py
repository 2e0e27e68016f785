"""The public interface, for programs and notebooks: ``from tracer import open_run``."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from tracer.breakdown.kernel_level import KernelLevel
from tracer.captures.chosen_units import chosen_units
from tracer.errors import not_installed
from tracer.profiles.gpu_records import checked_notes
from tracer.profiles.open_profile import read_profile_file
from tracer.profiles.profile import PROFILE_TABLES, Profile, ProfileSummary
from tracer.report_types.breakdown import BreakdownReport
from tracer.report_types.report import Report
from tracer.reports.report import build_report
from tracer.reports.report_text import render_report
from tracer.reports.unit_report import breakdown_figures, profile_level, timeline_of
from tracer.reports.unit_text import render_breakdown
from tracer.runs.run_store import StoredRun, stored_run
from tracer.terminal_text import terminal

Form = Literal["pandas", "arrow"]
"""``pandas`` gives a ``pandas.DataFrame``, ``arrow`` a ``pyarrow.Table``."""


@dataclass(frozen=True)
class RunReport:
    """
    Where the time of a run went. A notebook shows it as the terminal does.

    ``figures`` is what ``kws-trace report --json`` prints, as typed dictionaries: times are nanoseconds (``_ns``),
    rates inferences per second (``_hz``), shares of 1. ``docs/report.schema.json`` has every key.
    """

    figures: Report

    def to_json(self) -> str:
        """The figures as JSON text."""
        return json.dumps(self.figures, indent=2)

    def text(self, width: int = 80) -> str:
        """The report as ``kws-trace report`` prints it, ``width`` characters wide."""
        out = io.StringIO()
        self.render(terminal(file=out, width=width))
        return out.getvalue()

    def render(self, console: Console, *, full_names: bool = False) -> None:
        """Print the report, the rate and the answer first; ``full_names`` shows every kernel, by its whole name."""
        render_report(self.figures, console, full_names=full_names)

    def _repr_html_(self) -> str:
        console = terminal(file=io.StringIO(), width=100, record=True)
        self.render(console)
        return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


@dataclass(frozen=True)
class OpenRun:
    """A run as it stood when it was opened; a table is read when it is first asked for. Nothing is written."""

    stored: StoredRun

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.stored.name

    def spans(self, form: Form = "pandas") -> Any:
        """
        One row a stage of an inference, and one a stage of the serial line (``inference`` null).

        Columns: ``run_id``, ``window``, ``inference``, ``stage``, ``start_ns``, ``duration_ns`` (nanoseconds of the
        recorder's clock), ``warmup``.
        """
        return _in_form(self.stored.spans(), form)

    def windows(self, form: Form = "pandas") -> Any:
        """One row a window; laps in microseconds (``_us``) as the host was told, other times in nanoseconds."""
        return _in_form(self.stored.windows(), form)

    def results(self, form: Form = "pandas") -> Any:
        """One row a window: the SHA-256 of its input, and the 12 probabilities."""
        return _in_form(self.stored.results(), form)

    def samples(self, form: Form = "pandas") -> Any:
        """Frequencies (Hz), temperatures (degrees Celsius) and power (mW) while it ran; no rows where none."""
        return _in_form(self.stored.samples(), form)

    def kernels(self, form: Form = "pandas") -> Any:
        """
        One row a name of the GPU kernels that the profiled inferences launched, the longest total first.

        ``total_ns``, ``mean_ns``, ``median_ns`` and ``ns_per_inference`` are nanoseconds; ``share`` is of all kernel
        time. No rows where the run has no GPU timeline.
        """
        return _in_form(pa.Table.from_pylist([dict(row) for row in self.report().figures["kernels"]]), form)

    def report(self, unprofiled: OpenRun | None = None) -> RunReport:
        """
        The figures of the run.

        Args:
            unprofiled: a run of the same configuration without a profiler, for the wall time beside the kernels.
        """
        return RunReport(build_report(self.stored, unprofiled.stored if unprofiled else None))


@dataclass(frozen=True)
class ProfileBreakdown:
    """
    Where the time of the units of any program went. A notebook shows it as the terminal does.

    ``figures`` is what ``kws-trace breakdown --json`` prints, as typed dictionaries: ``docs/breakdown.schema.json``
    has every key.
    """

    figures: BreakdownReport
    level: KernelLevel

    def to_json(self) -> str:
        """The figures as JSON text."""
        return json.dumps(self.figures, indent=2)

    def text(self, width: int = 80) -> str:
        """The breakdown as the command prints it, ``width`` characters wide."""
        out = io.StringIO()
        render_breakdown(self.figures, terminal(file=out, width=width))
        return out.getvalue()

    def units(self, form: Form = "pandas") -> Any:
        """One row a unit: ``unit`` (its number), ``thread``, ``start_ns``, ``wall_ns``, and nanoseconds by part."""
        level = self.level
        found, units, rows = level.breakdown, level.ranges.only(level.keep), level.work.inferences
        start = rows.start_ns - units.shifts(units.lane)
        known = {"unit": found.number, "thread": rows.thread, "start_ns": start, "wall_ns": found.wall_ns}
        return _in_form(pa.table({**known, **found.parts()}), form)

    def gains(self, form: Form = "pandas") -> Any:
        """
        One row a removal: what a unit would save without a part, by replay.

        Columns: ``name``, ``group`` (``change``, ``kind``, ``stage`` or ``bound``), ``gain_ns`` (mean; null where it
        cannot be told), ``low_ns`` and ``high_ns`` (95 % interval, with what the capture leaves open), ``rate_hz``
        (units a second then; null where too little would be left), ``bound`` (whether the gain is an upper bound) and
        ``reason``.
        """
        names = ("name", "group", "gain_ns", "low_ns", "high_ns", "rate_hz", "bound", "reason")
        rows = []
        for one in self.level.gains:
            low, high = one["interval_ns"] or (None, None)
            told = {**one, "low_ns": low, "high_ns": high}
            rows.append({name: told[name] for name in names})
        return _in_form(pa.Table.from_pylist(rows) if rows else pa.table({}), form)

    def _repr_html_(self) -> str:
        console = terminal(file=io.StringIO(), width=100, record=True)
        render_breakdown(self.figures, console)
        return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


@dataclass(frozen=True)
class OpenProfile:
    """A profile of any program, by any tool that ``open_profile`` reads; times are nanoseconds of its own clock."""

    profile: Profile | ProfileSummary

    def table(self, name: str, form: Form = "pandas") -> Any:
        """
        One of ``gpu_work``, ``api_calls``, ``nvtx_ranges`` and ``host_ops``, a row a piece.

        Raises:
            KeyError: if there is no table of that name.
            ProfileError: if the profile has totals and no timeline.
        """
        if name not in PROFILE_TABLES:
            raise KeyError(f"{name}: no table of a profile; there are {', '.join(PROFILE_TABLES)}")
        return _in_form(getattr(self._timeline(), name), form)

    def kernels(self, form: Form = "pandas") -> Any:
        """
        One row a kernel, with ``start_ns`` and ``end_ns``; of a profile without a timeline one row a kernel's name.

        The latter has ``name``, ``count``, ``total_ns`` and ``share`` (of the GPU's time).
        """
        if isinstance(self.profile, ProfileSummary):
            rows = [one for one in self.profile.rows if one.kind == "kernel"]
            names = ("name", "count", "total_ns", "share")
            return _in_form(pa.table({name: [getattr(one, name) for one in rows] for name in names}), form)
        work = self.profile.gpu_work
        return _in_form(work.filter(pc.equal(work["kind"], "kernel")), form)

    def notes(self) -> tuple[str, ...]:
        """What the file cannot tell, what the tool warned of, and the CUDA calls that have no GPU record."""
        return checked_notes(self.profile)

    def ranges(self, form: Form = "pandas") -> Any:
        """One row an NVTX range, of every domain, with ``start_ns`` and ``end_ns``."""
        return self.table("nvtx_ranges", form)

    def breakdown(
        self,
        unit_range: str | None = None,
        stages: Sequence[str] | None = None,
        *,
        unprofiled_wall_ns: float | None = None,
        skip: int = 0,
    ) -> ProfileBreakdown:
        """
        Where the time of a program's units went, as ``kws-trace breakdown`` prints it.

        Args:
            unit_range: the NVTX range whose instances are units: its name, or ``domain:name``, or a glob of ``*`` and
                ``?``; None for the outermost that repeats, and without ranges for synchronisations, or windows.
            stages: names of the ranges within a unit that are its stages; None for those that tile it.
            unprofiled_wall_ns: mean wall time of a unit without the profiler: the base of gains and busy share.
            skip: units left out at the start of each process or thread, as a program's warm-up.

        Raises:
            ProfileError: if the profile has no timeline, no such range, or units of one thread that overlap.
            UsageError: if a stage is in no unit, nothing is left to count, or the wall time cannot be.
        """
        profile = self._timeline()
        chosen = chosen_units(profile, unit_range, stages, skip)
        level = profile_level(profile, chosen, unprofiled_wall_ns)
        return ProfileBreakdown(breakdown_figures(level, chosen), level)

    def gains(self, unprofiled_wall_ns: float | None = None, form: Form = "pandas") -> Any:
        """``breakdown(unprofiled_wall_ns=...).gains(form)``."""
        return self.breakdown(unprofiled_wall_ns=unprofiled_wall_ns).gains(form)

    def _timeline(self) -> Profile:
        return timeline_of(self.profile)


def open_run(run: str | Path = "last", traces: str | Path = "traces") -> OpenRun:
    """
    Open a run.

    Args:
        run: its folder, its name within ``traces``, or ``last`` for the newest.
        traces: folder of the runs.

    Raises:
        RunError: if there is none, or it cannot be read.
    """
    return OpenRun(stored_run(run, Path(traces)))


def open_profile(path: str | Path) -> OpenProfile:
    """
    Read a profile: of nsys (SQLite, Parquet), nvprof, TensorFlow, PyTorch, JAX, ONNX Runtime or trtexec.

    Raises:
        ProfileError: if it is none of these, or damaged.
    """
    return OpenProfile(read_profile_file(Path(path)))


def _in_form(table: pa.Table, form: Form) -> Any:
    if form == "arrow":
        return table
    if find_spec("pandas") is None:
        raise not_installed('pandas (or ask for form="arrow")', "kws-trace[dashboard]")
    return table.to_pandas()
