"""A ladder on disk: a folder ``NAME.ladder`` beside its runs, with the predictions, and the figures when it ends."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tracer.command_line import command_line
from tracer.errors import RunError, WriteError
from tracer.given_json import read_json
from tracer.runs.run_files import checked_run_name
from tracer.whole_files import write_json

if TYPE_CHECKING:
    from tracer.report_types.ladder import LadderReport, PredictedStep

SUFFIX = ".ladder"
PREDICTIONS, FIGURES, ONNX = "predictions.json", "ladder.json", "model.onnx"
"""The files in it; the last is the model that was converted for it, where one was."""


def ladder_folder(name: str, traces: Path) -> Path:
    """Where the ladder ``name`` lies."""
    return traces / f"{name}{SUFFIX}"


def new_ladder(name: str | None, traces: Path) -> tuple[str, Path]:
    """
    Name and folder of a ladder that is to be climbed; the folder is not made yet.

    Raises:
        RunError: if it can have no such name, or one of that name is there.
    """
    # Here: a list of runs, which names the ladders too, is made without it.
    from tracer.runs.run_info import default_run_name

    called = checked_run_name(f"{default_run_name()}-ladder" if name is None else name)
    folder = ladder_folder(called, traces)
    runs = list(traces.glob(f"{glob.escape(called)}-*/run.json"))
    if folder.exists() or runs:
        raise RunError(folder, "a ladder of that name exists, or runs of it", "give another --name, or remove it")
    return called, folder


def rung_run(name: str, rung: str, number: int) -> str:
    """Of the run of a rung in round ``number``; ``NAME-RUNG`` is the set of its launches."""
    # Here: a list of ladders opens no run, and starts without what does.
    from tracer.runs.launch_set import launch_name

    return launch_name(f"{name}-{rung}", number)


def captured_run(name: str, rung: str) -> str:
    """Of the run of a rung under the profiler."""
    return f"{name}-{rung}-profiled"


def write_predictions(folder: Path, steps: Sequence[PredictedStep]) -> None:
    """
    Write the predictions; they are on the disk when this returns.

    Raises:
        WriteError: if the disk does not take them.
    """
    _write(folder / PREDICTIONS, list(steps))


def write_ladder(folder: Path, report: LadderReport) -> None:
    """
    Write the figures.

    Raises:
        WriteError: if the disk does not take them.
    """
    _write(folder / FIGURES, report)


def read_ladder(name: str, traces: Path) -> LadderReport:
    """
    The figures of a ladder that has ended.

    Raises:
        RunError: if there can be or is none of that name, or it has no figures.
    """
    path = ladder_folder(checked_run_name(name), traces) / FIGURES
    try:
        told = read_json(path)
        whole = isinstance(told["rungs"], list) and isinstance(told["steps"], list)
    except FileNotFoundError:
        remedy = f"`{command_line('runs', traces=traces)}` lists them"
        raise RunError(path.parent, "there is no such ladder, or it did not end", remedy) from None
    except (OSError, ValueError, LookupError, TypeError):
        whole = False
    if not whole:
        raise RunError(path, "it cannot be read as a ladder's figures", "climb it again under another --name")
    return cast("LadderReport", told)


def list_ladders(traces: Path) -> list[dict[str, Any]]:
    """Of each ladder of a folder its name, whether it has figures, and the fastest rung of those that have."""
    found: list[dict[str, Any]] = []
    try:
        # As texts: a Path for each of 10,000 runs beside them takes as long as their index.
        called = sorted(name for name in os.listdir(traces) if name.endswith(SUFFIX))  # noqa: PTH208
    except OSError:
        return found
    for folder in (traces / one for one in called):
        if not (folder / PREDICTIONS).is_file():
            continue
        name, told = folder.name.removesuffix(SUFFIX), None
        with contextlib.suppress(RunError):
            told = read_ladder(name, traces)
        rungs = [] if told is None else told["rungs"]
        best = next((one for one in rungs if told and one["rung"] == told["fastest"]), None)
        found.append(
            {
                "name": name,
                "complete": told is not None and not told["stopped"],
                "rungs": [one["rung"] for one in rungs],
                "fastest": best["name"] if best else None,
                "rate_hz": best["rate_hz"] if best else None,
            }
        )
    return found


def _write(path: Path, what: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, what)
    except OSError as error:
        raise WriteError(
            path, "it cannot be written", error, "give --traces a folder that you may write to"
        ) from None
