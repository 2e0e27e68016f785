"""A run with a profiler, nsys or TensorFlow's own, and what it saw taken into the run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.nsys.installation import Nsys, find_nsys, give_to_caller, refuse_without_root
from runner.nsys.launch import announcement, run_under_nsys, without_profiler_options
from runner.nsys.reports import export_sqlite, is_report
from runner.run_job import RunJob, serve_run, tell
from tracer.errors import KwsTraceError
from tracer.ingest import ingest
from tracer.profiles.nsys_capture import UNSAID
from tracer.profiles.open_profile import open_profile
from tracer.profiles.profile import Profile, ProfileError, ProfileSummary
from tracer.run_info import default_run_name
from tracer.run_store import StoredRun, open_run

LAUNCHER_OPTIONS = {
    "--nsys": False,
    "--preset": True,
    "--name": True,
    "--capture-inferences": True,
    "--capture-windows": True,
}
"""Options that the launcher obeys and does not hand on to its DUT, and whether a value follows."""


class NothingCapturedError(KwsTraceError):
    """A profiled run ended without a capture."""

    exit_code = 1

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: nothing was captured: no host sent `infer` with more than one inference, or it ended before; "
            "the run itself is complete"
        )


def serve_under_nsys(job: RunJob, preset: str, arguments: Sequence[str]) -> int:
    """
    Run the DUT under nsys, then take what it captured into the run.

    Args:
        job: of the run; its capture says how much.
        preset: ``light`` or ``deep``.
        arguments: of this command line, after the program.

    Returns:
        The exit code: of the DUT, or 1 where it was well and nothing could be ingested.

    Raises:
        KwsTraceError: before the run, if nsys or a permission is missing; after it, if its capture is not whole.
    """
    nsys = find_nsys()
    refuse_without_root(arguments, os.environ)
    name = job.name or default_run_name()
    capture = job.capture
    tell(announcement(nsys, preset, capture.inferences, capture.windows))
    folder = profile_folder(job.traces, name)
    kept = without_profiler_options(arguments, LAUNCHER_OPTIONS)
    kept += ["--capture-inferences", str(capture.inferences), "--capture-windows", str(capture.windows)]
    try:
        code, reports = run_under_nsys(nsys, preset, capture.windows, name, folder, kept)
        if not (job.traces / name / "run.json").is_file():
            _remove_if_empty(folder)
            return code or 1
        if not reports:
            _remove_if_empty(folder)
            raise NothingCapturedError(name)
        take_in(open_run(job.traces / name), reports, nsys)
        tell(f"captured: {folder} holds the reports for Nsight's own viewer (they name this process's environment)")
    finally:
        give_to_caller([path for path in (job.traces / name, folder) if path.exists()], os.environ)
    return code


def serve_with_tensorflow(job: RunJob, port: str, baud: int, vendor: str) -> int:
    """
    Be the DUT with TensorFlow's profiler, then take what it captured into the run.

    Raises:
        KwsTraceError: as ``serve_run``, and if the capture is not whole.
    """
    name = job.name or default_run_name()
    folder = profile_folder(job.traces, name)
    job = replace(job, name=name, profile_folder=folder)
    code = serve_run(job, port, baud, vendor)
    paths = sorted(folder.rglob("*.xplane.pb"))
    if not paths:
        _remove_if_empty(folder)
        raise NothingCapturedError(name)
    take_in(open_run(job.traces / name), paths)
    return code


def take_in(
    run: StoredRun,
    paths: Sequence[Path],
    nsys: Nsys | None = None,
    *,
    replace_old: bool = False,
) -> StoredRun:
    """
    Ingest profiles of a run; reports of nsys are exported by the installed one first, beside the run.

    Args:
        run: complete or recovered.
        paths: each of another stretch of it.
        nsys: of this machine; found when it is needed.
        replace_old: take out the captures that the run has.

    Raises:
        KwsTraceError: if one cannot be read, or is not of this run.
    """
    # Exports of nsys 2022 do not say what was asked for; a run that we profiled ourselves does.
    asked = frozenset((run.info.profiler or {}).get("traced", ()))
    profiles = [_with_asked(read_profile(path, run.folder, nsys), asked) for path in paths]
    run = ingest(run, profiles, replace_old=replace_old)
    for number, facts in enumerate(run.info.captures):
        clock = facts["clock"]
        tell(
            f"capture {number}: {facts['inferences']} inferences from {facts['first_inference']}, "
            f"{facts['gpu_work']} kernels and copies; clocks fit within {clock['outside_ns']:.0f} ns, "
            f"rate {clock['rate_ppm']:+.1f} ppm"
        )
    return run


def _with_asked(profile: Profile, asked: frozenset[str]) -> Profile:
    notes = tuple(note for note in profile.notes if not (asked and note.startswith(UNSAID)))
    return replace(profile, traced=profile.traced | asked, notes=notes)


def read_profile(path: Path, work_beside: Path, nsys: Nsys | None = None) -> Profile:
    """
    A profile with a timeline, from whatever file.

    Args:
        path: of the profile.
        work_beside: a path beside which a folder for the export may be made.
        nsys: of this machine; found when it is needed.

    Raises:
        ProfileError: if it has no timeline.
        KwsTraceError: if it cannot be read.
    """
    if is_report(path) and path.is_file():
        folder = work_beside.parent / f".{work_beside.name}.export"
        folder.mkdir(exist_ok=True)
        try:
            profile = replace(open_profile(export_sqlite(nsys or find_nsys(), path, folder)), path=path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    else:
        profile = open_profile(path)
    if isinstance(profile, ProfileSummary):
        raise ProfileError(
            path, "a summary has totals and no timeline", "`kws-trace report FILE --inferences N` says what it can"
        )
    return profile


def profile_folder(traces: Path, name: str) -> Path:
    """Where a profiler's own files go: beside the run, never in it, as they may name the environment."""
    return traces / f"{name}.profile"


def _remove_if_empty(folder: Path) -> None:
    for path in folder.glob("*.log"):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
