"""The folder of a run that begins: made, locked, with room kept on the disk for its end."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path

from tracer.errors import RunError
from tracer.runs.run_files import checked_run_name
from tracer.runs.run_info import RunInfo, write_run_info
from tracer.whole_files import reserve, sync

ROOM_BYTES = {"journal": 4 << 20, "run.json": 128 << 10}
"""Kept on the disk from the start, and released at the end if it is full: for what waits, and for saying so."""


def exists_error(path: Path) -> RunError:
    """The run's folder is there already."""
    return RunError(path, "a run of that name exists", "give another --name, or remove it")


def not_recordable(path: Path, error: OSError) -> RunError:
    """Nothing can be written there."""
    problem = f"cannot record here ({error.strerror or error})"
    return RunError(path, problem, "give a folder you can write with --traces")


def free_run_name(traces: Path, name: str) -> str:
    """
    The name, if a run of it could be made in ``traces`` now: asked before a model is loaded for it.

    Raises:
        RunError: if no run can have the name, one has it, or nothing can be written there.
    """
    folder = traces / checked_run_name(name)
    if os.path.lexists(folder):
        raise exists_error(folder)
    nearest = next(path for path in (traces.absolute(), *traces.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        number = errno.EACCES if nearest.is_dir() else errno.ENOTDIR
        raise not_recordable(traces, OSError(number, os.strerror(number)))
    return name


def make_run_folder(traces: Path, name: str, info: RunInfo) -> tuple[Path, int]:
    """
    Make the run's folder, and ``traces`` if need be, lock it and write ``run.json``.

    Returns:
        The folder, and the open file that holds its lock.

    Raises:
        RunError: if no run can have the name, the folder exists, or it cannot be made or written.
    """
    folder = traces / checked_run_name(name)
    try:
        traces.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        if folder.is_dir():
            raise exists_error(folder) from None
        raise not_recordable(traces, error) from None
    lock = None
    try:
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(lock, fcntl.LOCK_EX)
        for what, size_bytes in ROOM_BYTES.items():
            reserve(_room(folder, what), size_bytes)
        write_run_info(folder / "run.json", info)
        sync(traces)
    except OSError as error:
        remove_run_folder(folder, lock)
        raise not_recordable(folder, error) from None
    return folder, lock


def remove_run_folder(folder: Path, lock: int | None) -> None:
    """Take back what ``make_run_folder`` made, where nothing was recorded yet."""
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def release_room(folder: Path, what: str) -> None:
    """Give the disk back what was kept for ``what``, a key of ``ROOM_BYTES``."""
    # Who cannot remove it has as little room as before.
    with contextlib.suppress(OSError):
        _room(folder, what).unlink()


def _room(folder: Path, what: str) -> Path:
    return folder / f".room-for-{what}"
