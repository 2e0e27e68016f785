"""Takes a profile into a run: refused where its ranges are not, all of them, the run's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any

from tracer.arrow_arrays import encode
from tracer.captures.clock_fit import fit_clock, recorded_stages, span_edges
from tracer.captures.inference_ranges import InferenceRanges, stage_ranges, verify_ranges
from tracer.captures.stored_capture import remove_captures, write_capture
from tracer.command_line import command_line
from tracer.errors import CaptureError, WriteError
from tracer.figure_text import counted
from tracer.profiles.profile import Profile
from tracer.recording.nvtx_ranges import DOMAIN
from tracer.runs.run_files import locked_error
from tracer.runs.run_info import write_run_info
from tracer.runs.run_store import StoredRun, stored_run
from tracer.stages import INFERENCE


def _ranges_missing(profile: Profile) -> CaptureError:
    if "nvtx" not in profile.traced and profile.source == "nsys":
        why, remedy = "NVTX was not traced", "capture with --trace=cuda,nvtx"
    elif profile.source == "nvprof":
        why, remedy = "it holds no ranges of ours", "let nvprof write --export-profile FILE, with NVTX"
    elif DOMAIN in encode(profile.nvtx_ranges, "domain").values.to_pylist():
        why, remedy = f"domain {DOMAIN} has no `inference` in it", "capture while a host sends `infer`"
    elif others := len(profile.nvtx_ranges):
        why = f"it holds {counted(others, 'NVTX range')} of another program and none of the domain {DOMAIN}"
        remedy = f"`{command_line('kernels', str(profile.path))}` reads it; `kws-trace run --nsys` captures a run"
    else:
        why = f"no NVTX range of the domain {DOMAIN} arrived"
        remedy = f"run without --no-nvtx, and see `{command_line('doctor')}` for whether this nvtx and nsys fit"
    return CaptureError(profile.path, why, remedy)


def ingest(run: StoredRun, profiles: Sequence[Profile], *, replace_old: bool = False) -> StoredRun:
    """
    Store profiles of a run in it.

    All are checked before the first is written, in the order of their inferences.

    Args:
        run: complete or recovered.
        profiles: each of another stretch of it.
        replace_old: take out the captures that it has.

    Returns:
        The run as it is then.

    Raises:
        RunError: if it is being recorded.
        CaptureError: if it has captures and ``replace_old`` is false, if two profiles have an inference in common, or
            if a profile is not of this run, or not whole.
        ProfileError: as ``inference_ranges.stage_ranges``.
        WriteError: if the disk does not take it; the run then has no capture.
    """
    if run.state == "recording":
        raise locked_error(run.folder)
    if run.info.captures and not replace_old:
        there = f"it has {counted(len(run.info.captures), 'capture')}"
        raise CaptureError(run.name, there, "--replace removes them first")
    found = sorted(((_checked(run, one), one) for one in profiles), key=lambda pair: pair[0]["first_inference"])
    _refuse_twice(found)
    try:
        if run.info.captures:
            # First its captures go from `run.json`: whatever happens then, it names none that is not there.
            write_run_info(run.folder / "run.json", replace(run.info, captures=[]))
            remove_captures(run.folder)
        for number, (_, profile) in enumerate(found):
            write_capture(run.folder, number, profile, run.info.run_id)
        write_run_info(run.folder / "run.json", replace(run.info, captures=[facts for facts, _ in found]))
    except OSError as error:
        remedy = "make room, or copy the run to where it can be written, and ingest again"
        raise WriteError(run.folder, "the capture is not stored", error, remedy) from None
    return stored_run(run.folder)


def _refuse_twice(found: Sequence[tuple[dict[str, Any], Profile]]) -> None:
    for (facts, earlier), (others, later) in pairwise(found):
        if others["first_inference"] < facts["first_inference"] + facts["inferences"]:
            problem = f"inference {others['first_inference']} is in {earlier.path} too"
            raise CaptureError(later.path, problem, "name each stretch of the run once")


def _checked(run: StoredRun, profile: Profile) -> dict[str, Any]:
    ranges = stage_ranges(profile)
    if not len(ranges):
        raise _ranges_missing(profile)
    stages = [stage for stage in recorded_stages(run, ranges.numbers) if stage != INFERENCE]
    problems = verify_ranges(ranges, _expected(run, ranges), stages)
    if problems:
        raise CaptureError(str(profile.path), "; ".join(problems), "capture again, or name the run that was captured")
    clock = fit_clock(str(profile.path), ranges, span_edges(run, ranges.numbers))
    return {
        "source": profile.source,
        "version": profile.version,
        "traced": sorted(profile.traced),
        "experimental": profile.experimental,
        "notes": list(profile.notes),
        "process": ranges.process,
        "first_inference": int(ranges.numbers[0]),
        "inferences": len(ranges),
        "clock": asdict(clock),
        "gpu_work": len(profile.gpu_work),
        "file": profile.path.name,
        "ingested": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
    }


def _expected(run: StoredRun, ranges: InferenceRanges) -> int | None:
    """How many inferences the capture should have: those of the run's capture that it begins in, if any."""
    first, begin = int(ranges.numbers[0]), 0
    for window in run.windows().to_pylist():
        count = int(window["warmups"] + window["inferences"])
        if window["kind"] == "capture" and begin <= first < begin + count:
            return count
        begin += count
    return None
