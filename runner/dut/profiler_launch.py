"""A run with a profiler, nsys or TensorFlow's own, and what it saw taken into the run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.dut.run_job import RunJob, no_ranges, refuse_without_ranges, serve_run
from runner.inference.models import ModelChoice
from runner.nsys.command import estimated_bytes, refuse_too_old
from runner.nsys.installation import Nsys, find_nsys, give_to_caller, refuse_without_root
from runner.nsys.launch import announcement, remove_if_empty, run_under_nsys, without_profiler_options
from runner.nsys.reports import read_any_profile
from runner.runtime_output import tell
from tracer.captures.import_profile import ingest
from tracer.command_line import command_line
from tracer.errors import ProfileError, ProfilerError, RunError, UsageError
from tracer.figure_text import count_text, counted, interval_text, ppm_text, time_text
from tracer.profiles.gpu_records import unrecorded
from tracer.profiles.nsys_metadata import UNSAID
from tracer.profiles.profile import Profile, ProfileSummary
from tracer.recording.nvtx_ranges import open_ranges
from tracer.runs.run_files import checked_run_name
from tracer.runs.run_folder import exists_error
from tracer.runs.run_info import given_run_name
from tracer.runs.run_store import StoredRun, stored_run

LAUNCHER_OPTIONS = {
    "--nsys": False,
    "--preset": True,
    "--name": True,
    "--capture-inferences": True,
    "--capture-windows": True,
    "--profiler-pairs": True,
}
"""Options that the launcher obeys and does not hand on to its DUT, and whether a value follows."""


_GPU_DEVICES = ("nvidia[0-9]*", "nvhost-gpu", "nvgpu", "nvmap", "dxg")
"""Of a PC, of Jetsons, and of Windows below a Linux."""

_KINDS = {
    "litert": "LiteRT",
    "onnxruntime": "ONNX Runtime",
    "tensorflow-c": "TensorFlow's C library",
    "tensorrt": "TensorRT",
}


def refuse_impossible(job: RunJob, profiler: str) -> None:
    """
    Say before a run starts what would leave it without a capture.

    Raises:
        UsageError: for options that contradict the profiler, or if nsys would see no range.
        RunError: if the run's name is taken.
    """
    if not job.capture.inferences:
        raise UsageError(
            "--capture-inferences 0", "nothing would be captured", "give a number, or leave out the profiler"
        )
    if profiler == "nsys":
        refuse_without_ranges(job)
        if open_ranges() is None:
            raise no_ranges()
    elif job.choice.kind != "tensorflow":
        raise UsageError(
            "--profiler tensorflow",
            f"{job.choice.path.name} runs on {_KINDS[job.choice.kind]}, of which TensorFlow's profiler sees nothing",
            "name a SavedModel (--backend tensorflow takes the shipped one), or use --nsys",
        )
    name = job.name or ""
    if (job.traces / name).exists():
        raise exists_error(job.traces / name)
    folder = profile_folder(job.traces, name)
    if folder.exists() and any(folder.iterdir()):
        raise RunError(folder, "profiles of an earlier run are there", "give another --name, or remove it")


def _why_no_kernel(choice: ModelChoice, devices: Path = Path("/dev")) -> str | None:
    """Why a capture will hold no GPU work, known before the run; None where it may hold some."""
    if choice.kind == "onnxruntime" and choice.provider in (None, "cpu"):
        return f"{choice.path.name} runs on ONNX Runtime's CPU provider; --provider cuda takes it to the GPU"
    if choice.kind == "litert":
        return f"{choice.path.name} runs on LiteRT, on the CPU; --backend tensorflow takes a SavedModel to the GPU"
    if choice.device is not None and "CPU" in choice.device.upper():
        return f"--device {choice.device} keeps the model from the GPU; leave it out"
    if not any(path for kind in _GPU_DEVICES for path in devices.glob(kind)):
        return f"no NVIDIA GPU is in {devices}; on a CPU --profiler tensorflow captures TensorFlow's operations"
    return None


def _nothing_captured(name: str, traces: Path) -> ProfilerError:
    hint = command_line("report", name, traces=traces)
    return ProfilerError(
        f"{name}: nothing was captured: no host sent `infer` with more than one inference, or the run was ended "
        f"before a capture was; the run itself is complete: `{hint}` reads it"
    )


def serve_under_nsys(job: RunJob, preset: str, arguments: Sequence[str]) -> int:
    """
    Run the DUT under nsys, then take what it captured into the run.

    ``arguments`` are those of this command line, after the program.

    Returns:
        The exit code: of the DUT, or 1 where it was well and nothing could be ingested.

    Raises:
        KwsTraceError: before the run, if nsys or a permission is missing; after it, if its capture is not whole.
    """
    name = checked_run_name(given_run_name(job.name))
    job = replace(job, name=name)
    refuse_impossible(job, "nsys")
    nsys = find_nsys()
    refuse_too_old(nsys)
    refuse_without_root(arguments, os.environ)
    capture = job.capture
    size = estimated_bytes(preset, capture.inferences, capture.captures)
    if why := _why_no_kernel(job.choice):
        tell(f"no kernel will be captured: {why}")
    tell(announcement(nsys, preset, capture.sentence, size))
    folder, run_folder = profile_folder(job.traces, name), job.traces / name
    kept = without_profiler_options(arguments, LAUNCHER_OPTIONS)
    kept += ["--capture-inferences", str(capture.inferences), "--capture-windows", str(capture.windows)]
    kept += ["--profiler-pairs", str(capture.pairs)]
    made = _first_missing(job.traces)
    try:
        code, reports = run_under_nsys(nsys, preset, capture.captures, name, folder, kept)
        if not (run_folder / "run.json").is_file():
            remove_if_empty(folder)
            return code or 1  # the DUT has said why
        _take_in_captured(stored_run(run_folder), reports, nsys, folder)
    finally:
        ours = (run_folder, folder) if made is None else (made,)
        give_to_caller([path for path in ours if path.exists()], os.environ)
    return code


def _take_in_captured(run: StoredRun, reports: list[Path], nsys: Nsys, folder: Path) -> None:
    whole = _whole_captures(run, reports)
    if not whole:
        remove_if_empty(folder)
        raise _nothing_captured(run.name, run.folder.parent)
    take_in(run, whole, nsys)
    tell(f"captured: {folder} holds the reports for Nsight's own viewer (they name this process's environment)")


def serve_with_tensorflow(job: RunJob, port: str, baud: int, vendor: str) -> int:
    """Be the DUT with TensorFlow's profiler, then take what it captured into the run."""
    name = checked_run_name(given_run_name(job.name))
    folder = profile_folder(job.traces, name)
    job = replace(job, name=name, profile_folder=folder)
    refuse_impossible(job, "tensorflow")
    code = serve_run(job, port, baud, vendor)
    if not (job.traces / name).exists():
        return code  # it was ended before it was ready
    paths = sorted(folder.rglob("*.xplane.pb"))
    if not paths:
        remove_if_empty(folder)
        raise _nothing_captured(name, job.traces)
    take_in(stored_run(job.traces / name), paths)
    return code


def _whole_captures(run: StoredRun, reports: list[Path]) -> list[Path]:
    """Without the report of a capture that a signal cut: the last inference in it has no end."""
    windows = [window for window in run.windows().to_pylist() if window["kind"] == "capture"]
    if len(windows) != len(reports):
        return reports
    for window, report in zip(windows, reports, strict=True):
        if window["state"] != "complete":
            tell(f"{report}: left out: the run was ended in the middle of this capture")
    return [path for window, path in zip(windows, reports, strict=True) if window["state"] == "complete"]


def _first_missing(folder: Path) -> Path | None:
    """The outermost folder that has to be made for ``folder``; None where it is there."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    return missing[-1] if missing else None


def take_in(
    run: StoredRun,
    paths: Sequence[Path],
    nsys: Nsys | None = None,
    *,
    replace_old: bool = False,
) -> StoredRun:
    """
    Ingest profiles of a run; reports of nsys are exported by the installed one first, beside the run.

    ``replace_old`` takes out the captures that the run has; ``nsys`` is found when it is needed.
    """
    # Exports of nsys 2022 do not say what was asked for; a run that we profiled ourselves does.
    asked = frozenset((run.info.profiler or {}).get("traced", ()))
    profiles = [_with_asked(read_profile(path, run.folder, nsys), asked) for path in paths]
    run = ingest(run, profiles, replace_old=replace_old)
    tell(_taken_in(run.info.captures))
    for profile in profiles:
        if (lost := unrecorded(profile)) is not None:
            tell(f"{profile.path.name}: {lost}")
    return run


def _taken_in(captures: Sequence[Mapping[str, Any]]) -> str:
    """What the captures of a run hold, in a sentence."""
    inferences, work = (sum(facts[key] for facts in captures) for key in ("inferences", "gpu_work"))
    clocks = [facts["clock"] for facts in captures]
    rates = [clock["rate_ppm"] for clock in clocks]
    outside = time_text(max(clock["outside_ns"] for clock in clocks))
    return (
        f"{counted(len(captures), 'capture')}: {counted(inferences, 'inference')}, {count_text(work)} kernels and "
        f"copies; clocks fit within {outside}, rate {interval_text(min(rates), max(rates), ppm_text)}"
    )


def _with_asked(profile: Profile, asked: frozenset[str]) -> Profile:
    notes = tuple(note for note in profile.notes if not (asked and note.startswith(UNSAID)))
    return replace(profile, traced=profile.traced | asked, notes=notes)


def read_profile(path: Path, work_beside: Path, nsys: Nsys | None = None) -> Profile:
    """
    A profile with a timeline, from whatever file; an export is made beside ``work_beside``.

    Raises:
        ProfileError: if it has no timeline.
        KwsTraceError: if it cannot be read.
    """
    profile = read_any_profile(path, nsys, work_beside.parent)
    if isinstance(profile, ProfileSummary):
        raise ProfileError(
            path, "a summary has totals and no timeline", "`kws-trace report FILE --inferences N` says what it can"
        )
    return profile


def profile_folder(traces: Path, name: str) -> Path:
    """Where a profiler's own files go: beside the run, never in it, as they may name the environment."""
    return traces / f"{name}.profile"
