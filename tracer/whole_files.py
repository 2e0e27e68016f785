"""Files that are there whole or not at all, whoever reads or kills meanwhile."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written_whole(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """
    Write a file under another name beside ``path``, and put it in its place when the block ends.

    What is there is replaced in one step. Yields the name to write to, one of its own for each of several writers of
    a ``shared`` file.

    Raises:
        OSError: if the disk does not take it; then ``path`` is as before.
    """
    writer = f".{os.getpid()}-{threading.get_ident()}" if shared else ""
    temporary = path.with_name(f".{path.name}{writer}.new")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
