"""
What was derived from a whole run, kept outside it: ``$XDG_CACHE_HOME/kws-trace/summaries``, else in ``~/.cache``.

One file a run, kind and version of this code. It can be deleted at any time, and whatever is wrong with it (a home
that is read-only, a full disk, damage) the run is read anew. What is kept is good while each file of the run keeps
its name, size and time; a run that is being recorded, or of which a file changed just now, is not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from tracer.runs.overhead_store import FILE as LEDGERS
from tracer.runs.run_index import cache_folder, racy
from tracer.runs.run_store import StoredRun
from tracer.whole_files import written_whole

Made = TypeVar("Made")

MOST = 200
"""Files that are kept; of more the oldest go. One takes some 100 kB."""


_Fact = tuple[str, int, int]
"""Of a file its path, its size and its time."""


def fingerprint(folder: Path) -> str:
    """Changes whenever a file of the run does, or that of the ledgers beside it: name, size and time, as a hash."""
    return _hashed(_facts(folder))


def _facts(folder: Path) -> list[_Fact]:
    return [*_files(str(folder)), *_fact(str(folder.parent / LEDGERS))]


@cache
def _code_mark(root: Path) -> str:
    """Of the modules that derive: another version of them may say something else of the same run."""
    return _hashed(_files(str(root), ".py"))


def _files(root: str, ending: str = "") -> list[_Fact]:
    """
    Of each file below a folder with this ``ending``, by their paths.

    As texts: a ``Path`` for each of our own modules takes longer than reading what is kept.
    """
    found: list[_Fact] = []
    folders, known = [root], set()
    while folders:
        folder = folders.pop()
        with contextlib.suppress(OSError):  # gone since it was listed
            here = os.stat(folder)  # noqa: PTH116
            if (here.st_dev, here.st_ino) in known:  # a link leads back to it
                continue
            known.add((here.st_dev, here.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        folders.append(entry.path)
                    elif entry.name.endswith(ending):
                        found += _fact(entry.path)
    return sorted(found)


def _fact(path: str) -> list[_Fact]:
    """Of the file that a link leads to; of one that leads nowhere the link's own; none where nothing is there."""
    for look in (os.stat, os.lstat):
        with contextlib.suppress(OSError):
            facts = look(path)
            return [(path, facts.st_size, facts.st_mtime_ns)]
    return []


def _hashed(facts: Iterable[_Fact]) -> str:
    found = hashlib.sha256()
    for path, size, mtime_ns in facts:
        found.update(f"{path}\0{size}\0{mtime_ns}\n".encode(errors="surrogateescape"))
    return found.hexdigest()


class RunCache:
    """
    What is kept of one run, or of several together.

    Args:
        runs: as they were opened.
        kind: of what is derived; each has a file of its own.
        code: folder of the modules that derive it, where not ``tracer`` alone: another version of them may say
            something else.
    """

    def __init__(self, runs: Sequence[StoredRun], kind: str, code: Path | None = None) -> None:
        self._path: Path | None = None
        folder = cache_folder()
        if folder is None or any(run.state == "recording" for run in runs):
            return
        facts = [fact for run in runs for fact in _facts(run.folder)]
        if any(racy(at) for _, _, at in facts):
            return
        # A run that was not closed is told by its lock alone, which is no file's time.
        code_marks = [_code_mark(one) for one in (Path(__file__).parent.parent, code) if one is not None]
        key = (kind, *(f"{run.info.run_id} {run.state}" for run in runs), _hashed(facts), *code_marks)
        name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:32]
        self._path = folder / "summaries" / name

    def kept_or_made(
        self, make: Callable[[], Made], packed: Callable[[Made], bytes], unpacked: Callable[[bytes], Made]
    ) -> Made:
        """What was kept, else what ``make`` gives, which is kept then."""
        data = self.read()
        if data is not None:
            return unpacked(data)
        found = make()
        if self._path is not None:
            self.keep(packed(found))
        return found

    def read(self) -> bytes | None:
        """What was kept; None where there is nothing that is whole."""
        if self._path is None:
            return None
        try:
            head, _, data = self._path.read_bytes().partition(b"\n")
        except OSError:
            return None
        return data if head == _head(data) else None

    def keep(self, data: bytes) -> None:
        """Keep it, if the disk takes it."""
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(self._path, shared=True, lasting=False) as temporary:
                temporary.write_bytes(_head(data) + b"\n" + data)
            by_age = sorted((one.stat().st_mtime_ns, one) for one in self._path.parent.iterdir())
            for _, path in by_age[:-MOST]:
                path.unlink()


def _head(data: bytes) -> bytes:
    return f"kws-trace summary {zlib.crc32(data):08x}".encode()
