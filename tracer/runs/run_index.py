"""
What lists show of every run of a folder, kept outside it: ``$XDG_CACHE_HOME/kws-trace/lists``, else in ``~/.cache``.

One file for a folder of runs, and others for what ``fleet`` derives, in ``fleet``, and for the lines of ``runs``, in
``told``. It can be deleted at any time, and whatever is wrong with it (a home that is read-only, a full disk, damage,
another version of this code) its runs are read anew.

Of each run it holds what ``run.json`` says, good while that file keeps its time, size and number; and what was
derived from the whole run, good while that holds of every file directly in its folder and in its sessions, and each
other folder in it keeps its time. All that writes into a run makes files or replaces them, which is seen. What is
not: a table that something else rewrites in place, and a file that gets its old time and size back.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tracer.errors import RunError
from tracer.runs.run_files import is_locked
from tracer.runs.run_info import read_run_info
from tracer.whole_files import written_whole

RACY_NS = 2_000_000_000
"""A file that changed so shortly before it was looked at may change again and keep its time: then nothing is kept."""

Progress = Callable[[int, int], None]
"""Is told how many runs were derived, and how many there are to derive."""


@dataclass(slots=True)
class _Kept:
    """The marks of a run's files, and as JSON what was read and derived under them; an empty mark fits nothing."""

    info_mark: str = ""
    info: str = ""
    mark: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class ListedRun:
    """
    A folder with a ``run.json``, and of that file the time of creation, name, id, state and set of launches.

    ``problem`` is set where it cannot be read; then the others are empty.
    """

    folder: Path
    created: str = ""
    name: str = ""
    run_id: str = ""
    state: str = ""
    launch_set: dict[str, Any] | None = None
    problem: tuple[str, str] | None = None

    @property
    def error(self) -> RunError | None:
        """What opening it raises, where ``run.json`` cannot be read."""
        return None if self.problem is None else RunError(self.folder / "run.json", *self.problem)


class RunIndex:
    """
    The index of one folder of runs; ``listed`` has those of now, oldest first, however old the file is.

    Each ``kind`` of what is derived has a file of its own.
    """

    def __init__(self, traces: Path, kind: str = "lists") -> None:
        self._path = index_path(traces, kind)
        self._kept = _read(self._path)
        self._changed = False
        there = dict(_folders(traces))
        for name in self._kept.keys() - there.keys():
            del self._kept[name]
            self._changed = True
        found = [self._listed(traces / name, mark) for name, mark in there.items()]
        self.listed = sorted(found, key=lambda one: (one.created, one.folder))
        self._save()

    def rows(
        self,
        derive: Callable[[Path], dict[str, Any]],
        progress: Progress,
        usable: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> Iterator[tuple[Path, dict[str, Any]]]:
        """
        The folder of each run that can be read and what ``derive`` makes of it, in the order of ``listed``.

        Its ``state`` says whether the run is being recorded: then, and where it ends with a ``RunError``, nothing is
        kept. What was made so far is kept too where this is ended early. A kept row that is not ``usable`` is made
        anew.
        """
        readable = [one for one in self.listed if one.problem is None]
        marks = {one.folder: _mark(one.folder) for one in readable}
        rows = {one.folder: self._held(one, marks[one.folder]) for one in readable}
        stale = {folder for folder, row in rows.items() if row is None or not usable(row)}
        done = 0
        try:
            for folder, held in rows.items():
                if held is not None and folder not in stale:
                    yield folder, held
                    continue
                progress(done, len(stale))
                done += 1
                with contextlib.suppress(RunError):
                    row = derive(folder)
                    if row["state"] != "recording":
                        kept = self._kept[folder.name]
                        kept.mark, kept.row, self._changed = marks[folder], json.dumps(row), True
                    yield folder, row
        finally:
            self._save()

    def _listed(self, folder: Path, mark: str) -> ListedRun:
        kept = self._kept.setdefault(folder.name, _Kept())
        if not mark or kept.info_mark != mark:
            kept.info_mark, kept.info, kept.mark, kept.row = mark, json.dumps(_facts(folder)), "", ""
            self._changed = True
        return ListedRun(folder, **json.loads(kept.info))

    def _held(self, one: ListedRun, mark: str) -> dict[str, Any] | None:
        kept = self._kept[one.folder.name]
        # Of a run that was not closed the lock alone tells whether somebody still records it.
        fits = bool(mark) and kept.mark == mark and not (one.state == "recording" and is_locked(one.folder))
        return json.loads(kept.row) if fits else None

    def _save(self) -> None:
        if not self._changed or self._path is None:
            return
        lines = [
            "\t".join((name, kept.info_mark, kept.info, kept.mark, kept.row))
            for name, kept in self._kept.items()
            if kept.info_mark
        ]
        data = "\n".join(lines).encode()
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(self._path, shared=True, lasting=False) as temporary:
                temporary.write_bytes(_head(data) + data)
        self._changed = False


def cache_folder() -> Path | None:
    """Where derived values go; None where there is neither the variable nor a home."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        # The XDG base directory specification: a relative path is to be ignored.
        return (named if named.is_absolute() else Path.home() / ".cache") / "kws-trace"
    except RuntimeError:
        return None


def index_path(traces: Path, kind: str) -> Path | None:
    """Where what is kept of a kind for a folder of runs lies; None where there is no cache folder."""
    folder = cache_folder()
    name = hashlib.sha256(os.fsencode(os.path.realpath(traces))).hexdigest()[:32]
    return None if folder is None else folder / kind / name


def _read(path: Path | None) -> dict[str, _Kept]:
    """By name; nothing where there is no index, or none of this version that is whole."""
    if path is None:
        return {}
    try:
        data = path.read_bytes()
        head, _, body = data.partition(b"\n")
        if head + b"\n" != _head(body):
            return {}
        rows = [line.split("\t") for line in body.decode().split("\n") if line]
        return {name: _Kept(*fields) for name, *fields in rows}
    except (OSError, ValueError, TypeError):
        return {}


def _head(body: bytes) -> bytes:
    return f"kws-trace list {code_mark(Path(__file__).parent.parent)} {zlib.crc32(body):08x}\n".encode()


@cache
def code_mark(root: Path) -> str:
    """Of the modules that derive: another version of them may say something else of the same run."""
    facts = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(root.rglob("*.py"))]
    return _hashed(facts)


def _folders(traces: Path) -> Iterator[tuple[str, str]]:
    """Name of each folder that has a ``run.json``, and the mark of that file."""
    with contextlib.suppress(OSError), os.scandir(traces) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                # As text: a Path for each of 10,000 costs more than what it is asked for.
                facts = os.stat(f"{entry.path}/run.json")  # noqa: PTH116
                # A name that is no text cannot be kept.
                fits = entry.name.isprintable() and not racy(facts.st_mtime_ns)
                yield entry.name, f"{facts.st_mtime_ns}.{facts.st_size}.{facts.st_ino}" if fits else ""


def _facts(folder: Path) -> dict[str, Any]:
    try:
        info = read_run_info(folder / "run.json")
    except RunError as error:
        return {"problem": (error.problem, error.remedy)}
    names = ("created", "name", "run_id", "state", "launch_set")
    return {name: getattr(info, name) for name in names}


def _mark(folder: Path) -> str:
    """Of the files of a run; empty where one of them changed just now, or cannot be looked at."""
    try:
        facts = sorted(_looked_at(str(folder)))
    except OSError:
        return ""
    newest = max((mtime_ns for _, mtime_ns, _ in facts), default=0)
    return "" if racy(newest) else _hashed(facts)


def _looked_at(folder: str) -> Iterator[tuple[str, int, int]]:
    """Name, time and size of what lies in the folder and in its sessions, which a host fills while a DUT is done."""
    with os.scandir(folder) as entries:
        for entry in entries:
            facts = entry.stat()
            yield entry.name, facts.st_mtime_ns, facts.st_size
            if entry.name.startswith("session") and entry.is_dir():
                for name, mtime_ns, size in _looked_at(entry.path):
                    yield f"{entry.name}/{name}", mtime_ns, size


def racy(mtime_ns: int) -> bool:
    """Whether a file changed so shortly ago that it may change again and keep its time."""
    return abs(time.time_ns() - mtime_ns) < RACY_NS


def _hashed(facts: object) -> str:
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
