"""
Opens files that somebody named, or that came with a folder: regular files alone, of a size that can be read.

A named pipe would be waited for, a device read for ever. What is refused here is an ``OSError`` like any other that a
reader tells with its file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tracer.figure_text import count_text, size_text

LIMIT_BYTES = 4 << 30
"""Of a file, unless somebody says that he has the time and the memory."""

LONGEST_NAME = 1 << 16
"""Characters of a name; what is beyond is cut off."""

LONGEST_LINE = 1 << 20
"""Characters of a line of a profiler's text."""

MOST_ROWS = 20_000_000
"""Of one table of a file, at most that are read: a few bytes in a file are a hundred in memory."""

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_KERNELS = ("/proc", "/sys", "/sys/kernel/debug", "/sys/kernel/tracing")
"""File systems whose regular files are none: some wait for an event, some never end, and all say 0 bytes."""

_LEVELS = 4
"""Below a folder, for captures in ``RUN/plugins/profile/DATE``; a search in ``/`` would have no end."""

_limits = {"on": True}


def lift_limits() -> None:
    """Read files of any size, and of any number of rows, from here on in this process (``--no-limits``)."""
    _limits["on"] = False


def limited(limit: int) -> int | None:
    """``limit``, or None where limits were lifted."""
    return limit if _limits["on"] else None


def files_below(folder: Path, levels: int | None = None) -> Iterator[Path]:
    """
    The files in a folder and below it, down to so many levels, without the kernel's.

    What cannot be looked into, or goes meanwhile, is passed over; links to folders are not followed.
    """
    for at, folders, files in os.walk(folder):
        if at in _KERNELS:
            folders.clear()
            continue
        if levels is not None and len(Path(at).relative_to(folder).parts) == levels:
            folders.clear()
        yield from (Path(at, name) for name in files)


def xplanes_in(folder: Path) -> Iterator[Path]:
    """The captures of TensorFlow and JAX in a folder, or not far below it."""
    return (path for path in files_below(folder, _LEVELS) if path.name.endswith(".xplane.pb"))


def too_many_rows(count: int) -> str | None:
    """What is wrong with a table of so many rows; None where nothing is."""
    limit = limited(MOST_ROWS)
    if limit is None or count <= limit:
        return None
    return f"it has more than {count_text(limit)} rows, which `kws-trace --no-limits` reads"


def open_file(path: Path, limit_bytes: int = LIMIT_BYTES) -> IO[bytes]:
    """
    Open a regular file to be read.

    Raises:
        OSError: if it cannot be opened, is something else, or is larger than the limit.
    """
    # A pipe without a writer would not be opened before one comes.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    refused = _refusal(os.fstat(descriptor), limited(limit_bytes))
    if refused is not None:
        os.close(descriptor)
        raise OSError(*refused, str(path))
    return os.fdopen(descriptor, "rb")


def kind_of_no_file(mode: int) -> str | None:
    """What is wrong with what is no regular file, by its ``st_mode``; None where it is one."""
    if stat.S_ISREG(mode):
        return None
    return f"it is {_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file"


def _refusal(facts: os.stat_result, limit: int | None) -> tuple[int, str] | None:
    """The number of the error and what is wrong."""
    if stat.S_ISDIR(facts.st_mode):
        return errno.EISDIR, os.strerror(errno.EISDIR)
    if (problem := kind_of_no_file(facts.st_mode)) is not None:
        return errno.EINVAL, problem
    if facts.st_dev in _kernels_devices():
        return errno.EINVAL, "it is the kernel's, not a file on a disk"
    if limit is not None and facts.st_size > limit:
        return (
            errno.EFBIG,
            f"{size_text(facts.st_size)} are more than {size_text(limit)}, which `kws-trace --no-limits` reads",
        )
    return None


def _kernels_devices() -> set[int]:
    root = os.stat("/").st_dev  # noqa: PTH116 -- what is mounted in a container may be a plain folder
    found = set()
    for folder in _KERNELS:
        with contextlib.suppress(OSError):
            found.add(os.stat(folder).st_dev)  # noqa: PTH116
    return found - {root}


def check_file(path: Path) -> None:
    """
    Refuse what ``open_file`` would, for a library that opens the file itself.

    Raises:
        OSError: as ``open_file``.
    """
    open_file(path).close()


def read_file(path: Path, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """
    All of a regular file.

    Raises:
        OSError: as ``open_file``.
    """
    with open_file(path, limit_bytes) as file:
        return file.read()


def read_text_file(path: Path, limit_bytes: int = LIMIT_BYTES, errors: str = "strict") -> str:
    """
    All of a regular file as UTF-8, its lines ended by newlines.

    Raises:
        OSError: as ``open_file``.
        UnicodeDecodeError: if it is none, and ``errors`` is strict.
    """
    return read_file(path, limit_bytes).decode("utf-8", errors).replace("\r\n", "\n")
