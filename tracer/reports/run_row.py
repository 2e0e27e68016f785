"""What a list shows of one run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tracer.reports.run_trust import stored_trust
from tracer.runs.launch_set import launch_number, set_name
from tracer.runs.run_note import read_note
from tracer.runs.run_store import stored_run
from tracer.runs.windows import asked_windows, official_rate_hz, performance_windows


def run_row(folder: Path) -> dict[str, Any]:
    """
    How a run was made and what came of it, as plain values.

    ``rate_hz`` is the median of its complete performance windows, ``rates_hz`` are theirs in order, ``trust`` is the
    judgement that its report has, ``note`` what a person wrote of it, ``bytes`` its size on disk.

    Raises:
        RunError: if it is gone, or its ``run.json`` cannot be read.
    """
    run = stored_run(folder)
    launch = launch_number(run.info.launch_set)
    return {
        "created": run.info.created,
        "state": run.state,
        "model": run.info.model.get("name"),
        "backend": run.info.backend.get("name"),
        "timed": run.info.timed,
        "stages": run.info.stages_mode,
        "launch_set": None if launch is None else {**asdict(launch), "name": set_name(run.info)},
        "windows": len(asked_windows(run.each_window)),
        "rate_hz": official_rate_hz(run.each_window),
        "rates_hz": [one.rate_hz for one in performance_windows(run.each_window) if one.rate_hz is not None],
        "trust": stored_trust(run),
        "note": read_note(folder),
        "bytes": sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file()),
    }
