"""What the runs of a ladder recorded."""

from __future__ import annotations

from tracer.ladder.build import Launch
from tracer.ladder.predictions import Captured
from tracer.reports.report import build_report
from tracer.reports.run_trust import stored_trust
from tracer.runs.run_store import StoredRun
from tracer.runs.windows import official_rate_hz
from tracer.sessions.run_sessions import newest_accuracy, run_sessions


def launch_of(run: StoredRun, number: int) -> Launch:
    """The launch of round ``number``."""
    backend = run.info.backend
    accuracy = newest_accuracy(run_sessions(run.folder))
    words = (backend.get("name"), backend.get("version"), backend.get("way"))
    return Launch(
        run.name,
        number,
        run.info.created,
        official_rate_hz(run.each_window),
        " ".join(str(one) for one in words if one) or None,
        backend.get("device"),
        accuracy["top1"] if accuracy else None,
        accuracy["vectors"] if accuracy else None,
        (backend.get("known_answers") or {}).get("largest_difference"),
        stored_trust(run),
    )


def captured_of(run: StoredRun) -> Captured:
    """The GPU's work of a run under the profiler, and the gains that its report predicts."""
    report = build_report(run)
    gpu = report["gpu"]
    busy = gpu["busy_ns"]["mean"] if gpu is not None and gpu["has_gpu_work"] else None
    return Captured(run.name, busy, report["kernels_by_stage"], report["gains"] if busy else [])
