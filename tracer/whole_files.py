"""Files that are there whole or not at all, whoever reads or kills meanwhile, and after a power cut."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

CANNOT = (errno.EINVAL, errno.EOPNOTSUPP)
"""How a file system refuses what it does not know."""

NEW = ".*.new"
"""Pattern of what a writer that was killed leaves beside its file."""

_KILLED_S = 3600.0
"""No writer takes as long as this over a file that several write: what is older was left by one that was killed."""


@contextlib.contextmanager
def written_whole(path: Path, *, shared: bool = False, lasting: bool = True) -> Iterator[Path]:
    """
    Write a file under another name beside ``path``, and put it in its place when the block ends.

    What is there is replaced in one step. Yields the name to write to, one of its own for each of several writers of
    a ``shared`` file. A ``lasting`` one is on the disk when the block has ended, and its name too.

    Raises:
        OSError: if the disk does not take it; then ``path`` is as before, or only its folder could not be synced.
            If a folder, a device, a pipe or a socket is there, which a file in its place would end.
    """
    _refuse_what_is_no_file(path)
    writer = f".{os.getpid()}-{threading.get_ident()}" if shared else ""
    temporary = path.with_name(f".{path.name}{writer}.new")
    if shared and lasting:
        sweep(path)
    try:
        yield temporary
        if lasting:
            sync(temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if lasting:
        sync(path.parent)


def write_json(path: Path, value: Any, **how: bool) -> None:
    """Write one JSON document as ``written_whole``, which ``how`` is for, writes a file."""
    with written_whole(path, **how) as temporary:
        temporary.write_bytes(f"{json.dumps(value, indent=2)}\n".encode())


def digest(source: IO[bytes]) -> str:
    """SHA-256 of what a file holds."""
    found = hashlib.sha256()
    while chunk := source.read(1 << 20):
        found.update(chunk)
    return found.hexdigest()


def sweep(path: Path) -> None:
    """Remove what writers of a shared file left that were killed; where that fails, it stays."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*-*.new"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _KILLED_S:
                left.unlink()


def _refuse_what_is_no_file(path: Path) -> None:
    if not path.name or path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise FileExistsError(errno.EEXIST, "a device, a pipe or a socket is there", str(path))


def sync(path: Path) -> None:
    """
    Have the disk hold a file's content, or a folder's names.

    Raises:
        OSError: if it does not take it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems of networks cannot do it of a folder.
        if error.errno not in CANNOT:
            raise
    finally:
        os.close(descriptor)


def reserve(path: Path, size_bytes: int) -> None:
    """
    Keep room on the disk under a name: who removes the file has it.

    Raises:
        OSError: if there is none; then no file is left.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError as error:
        if error.errno not in CANNOT:
            path.unlink()
            raise
    finally:
        os.close(descriptor)
