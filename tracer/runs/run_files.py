"""
The folder of a run as a file: what it may be called, found by its name alone, renamed, deleted.

A name comes from a form or from an address and is untrusted: it is that of a folder directly within the traces
folder, never a path, and nothing that lies elsewhere is opened, moved or removed, whatever links say.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tracer.errors import RunError

NAME_RULE = "a run's name is that of one folder: printable, without / and \\, of at most 200 bytes, and not `last`"


def is_run_name(name: str) -> bool:
    """Whether a run can have the name; 200 bytes leave room for what stands beside its folder."""
    if name in ("", ".", "..", "last") or not name.isprintable() or "/" in name or "\\" in name:
        return False
    return len(os.fsencode(name)) <= 200


def checked_run_name(name: str) -> str:
    """
    The name, if a run can have it.

    Raises:
        RunError: otherwise.
    """
    if not is_run_name(name):
        raise RunError(f"--name {name!r}", NAME_RULE, "give another")
    return name


def locked_error(run: object) -> RunError:
    """A run that is being recorded cannot be rewritten."""
    return RunError(run, "it is being recorded", "end it first (Ctrl-C on its `kws-trace run`)")


def is_locked(folder: Path) -> bool:
    """Whether a recorder holds the run."""
    try:
        lock = os.open(folder / ".lock", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
    return False


def run_folder(traces: Path, name: str) -> Path:
    """
    The folder of a run, by its name alone.

    Raises:
        RunError: if ``name`` is no name, if no run answers to it, or if it or what is in it is a link that
            leaves the traces folder.
    """
    if not is_run_name(name):
        raise RunError(repr(name), "a run is named by one folder, not by a path", "choose one of the list")
    folder = traces / name
    try:
        there = folder.is_dir() and (folder / "run.json").exists()
        outside = there and _leaves(traces.resolve(), folder)
    except OSError:
        # A name too long for the file system, or a folder that we may not read.
        there, outside = False, False
    if not there:
        raise RunError(repr(name), "no such run is in the traces folder", "choose one of the list")
    if outside:
        raise RunError(repr(name), "a link in it leads out of the traces folder", "put the files there, not a link")
    return folder


def _leaves(root: Path, folder: Path) -> bool:
    """Whether the folder, or anything in it, is a link to what is not within ``root``."""
    if folder.resolve().parent != root:
        return True
    for place, folders, files in os.walk(folder):
        for entry in (*folders, *files):
            path = Path(place) / entry
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                return True
    return False


def rename_run(traces: Path, name: str, new: str) -> Path:
    """
    Give a run another name.

    Raises:
        RunError: if it is being recorded, if ``new`` is no name or is taken, or if the disk does not do it.
    """
    folder = run_folder(traces, name)
    if not is_run_name(new):
        raise RunError(repr(new), NAME_RULE, "give another")
    target = traces / new
    with held(folder, name):
        if os.path.lexists(target):
            raise RunError(repr(new), "it is taken", "give another name")
        try:
            folder.rename(target)
        except OSError as error:
            raise RunError(repr(name), f"it cannot be renamed ({error.strerror})", "the run is as it was") from None
    return target


def delete_run(traces: Path, name: str) -> None:
    """
    Remove a run from the disk. Links are removed, never what they lead to.

    Raises:
        RunError: if it is being recorded, if it is a link itself, or if the disk does not do it.
    """
    folder = traces / name
    if not is_run_name(name) or folder.is_symlink() or not os.path.lexists(folder / "run.json"):
        raise RunError(repr(name), "no such run is in the traces folder", "choose one of the list")
    with held(folder, name):
        try:
            # First what makes it a run: a removal that is cut short leaves no half of one in the lists.
            (folder / "run.json").unlink()
            shutil.rmtree(folder)
        except OSError as error:
            raise RunError(
                repr(name), f"it cannot be removed whole ({error.strerror})", f"remove {folder} by hand"
            ) from None


@contextlib.contextmanager
def held(folder: Path, name: str) -> Iterator[None]:
    """Hold the run's lock, so that no recorder begins to write meanwhile; a run without one is held by nobody."""
    try:
        lock = os.open(folder / ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise locked_error(repr(name)) from None
    finally:
        os.close(lock)
