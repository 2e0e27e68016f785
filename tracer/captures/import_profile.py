"""Takes a profile into a run: refused where its ranges are not, all of them, the run's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

from tracer.captures.clock_fit import CaptureMismatchError, fit_clock, recorded_stages, span_edges
from tracer.captures.inference_ranges import InferenceRanges, stage_ranges, verify_ranges
from tracer.captures.stored_capture import remove_captures, write_capture
from tracer.errors import KwsTraceError
from tracer.profiles.arrow_arrays import encode
from tracer.profiles.profile import Profile
from tracer.recording.nvtx_ranges import DOMAIN
from tracer.runs.run_info import write_run_info
from tracer.runs.run_store import RunLockedError, StoredRun, open_run
from tracer.stages import INFERENCE


class RangesMissingError(KwsTraceError):
    """A capture has none of our ranges."""

    def __init__(self, profile: Profile) -> None:
        if "nvtx" not in profile.traced and profile.source == "nsys":
            why, remedy = "NVTX was not traced", "capture with --trace=cuda,nvtx"
        elif profile.source == "nvprof":
            why, remedy = "it holds no ranges of ours", "let nvprof write --export-profile FILE, with NVTX"
        elif DOMAIN in encode(profile.nvtx_ranges, "domain").values.to_pylist():
            why, remedy = f"domain {DOMAIN} has no `inference` in it", "capture while a host sends `infer`"
        else:
            why = f"no NVTX range of the domain {DOMAIN} arrived"
            remedy = "run without --no-nvtx, and see `kws-trace doctor` for whether this nvtx and nsys fit"
        super().__init__(f"{profile.path}: {why}; {remedy}")


class AlreadyIngestedError(KwsTraceError):
    """The run has captures."""

    def __init__(self, run: StoredRun) -> None:
        super().__init__(f"{run.name}: it has {len(run.info.captures)} captures; --replace takes them out first")


class CaptureTwiceError(KwsTraceError):
    """Two captures have the same inferences."""

    def __init__(self, first: Path, second: Path, number: int) -> None:
        super().__init__(f"{second}: inference {number} is in {first} too; name each stretch of the run once")


class CaptureNotStoredError(KwsTraceError):
    """The disk did not take a capture."""

    exit_code = 1

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"{folder}: the capture is not stored ({error.strerror or error}); make room, or copy the run to where "
            "it can be written, and ingest again"
        )


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
        RunLockedError: if it is being recorded.
        AlreadyIngestedError: if it has captures and ``replace_old`` is false.
        CaptureTwiceError: if two profiles have an inference in common.
        RangesMissingError, CaptureMismatchError: if a profile is not of this run, or not whole.
        OverlappingInferencesError, SeveralProcessesError: as ``inference_ranges.stage_ranges``.
        CaptureNotStoredError: if the disk does not take it; the run then has no capture.
    """
    if run.state == "recording":
        raise RunLockedError(run.folder)
    if run.info.captures and not replace_old:
        raise AlreadyIngestedError(run)
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
        raise CaptureNotStoredError(run.folder, error) from None
    return open_run(run.folder)


def _refuse_twice(found: Sequence[tuple[dict[str, Any], Profile]]) -> None:
    for (facts, earlier), (others, later) in pairwise(found):
        if others["first_inference"] < facts["first_inference"] + facts["inferences"]:
            raise CaptureTwiceError(earlier.path, later.path, others["first_inference"])


def _checked(run: StoredRun, profile: Profile) -> dict[str, Any]:
    ranges = stage_ranges(profile)
    if not len(ranges):
        raise RangesMissingError(profile)
    stages = [stage for stage in recorded_stages(run, ranges.numbers) if stage != INFERENCE]
    problems = verify_ranges(ranges, _expected(run, ranges), stages)
    if problems:
        raise CaptureMismatchError(
            str(profile.path), "; ".join(problems), "capture again, or name the run that was captured"
        )
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
