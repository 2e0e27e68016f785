"""
What lists show of every run of a folder, kept outside it: ``$XDG_CACHE_HOME/kws-trace/lists``, else in ``~/.cache``.

One file for a folder of runs, and others for what ``fleet`` derives, in ``fleet``, and for the lines of ``runs``, in
``told``. It can be deleted at any time, and whatever is wrong with it (a home that is read-only, a full disk, damage,
another of the ``VERSIONS``) its runs are read anew.

Of each run it holds what ``run.json`` says, good while that file keeps its time, size and number; and what was
derived from the whole run, good while its folder keeps its time, and so what is in it its names, and each file
directly in it and in its sessions its time and size, and each other folder in it its time. All that writes into a run
makes files or replaces them, which is seen. What is not: a table that something else rewrites in place, and a file or
folder that gets its old time and size back.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from tracer.errors import RunError
from tracer.runs.run_files import is_locked
from tracer.whole_files import sweep, written_whole

VERSIONS = {"listed": 1, "lists": 1, "told": 1, "fleet": 1}
"""Of each kind: to be raised with every change by which the same run gives another row."""

FORMAT = 2
"""Of the file, whatever is kept in it."""

RACY_NS = 2_000_000_000
"""A file that changed so shortly before it was looked at may change again and keep its time: then nothing is kept."""

Row = dict[str, Any]

Progress = Callable[[int, int], None]
"""Is told how many runs were derived, and how many there are to derive."""


@dataclass(slots=True)
class _Kept:
    """
    The marks of a run's files, and what was read and derived under them; an empty mark fits nothing.

    ``info`` is what a ``ListedRun`` says of the file, ``names`` are those of the files and folders that ``mark`` is
    of, ``row`` is JSON, of which few are asked for. A mark that still fits is of what did not change just now, or it
    would not have been kept.
    """

    info_mark: str = ""
    info: tuple[Any, ...] = ()
    mark: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    row: str = ""


class ListedRun(NamedTuple):
    """
    A folder with a ``run.json``, and of that file the time of creation, name, id, state and set of launches.

    ``called`` is the folder's own name, within ``traces``. ``problem`` is set where the file cannot be read; then the
    others are empty. A tuple: 10,000 of them are made in a third of a frozen dataclass's time.
    """

    traces: Path
    called: str
    created: str = ""
    name: str = ""
    run_id: str = ""
    state: str = ""
    launch_set: dict[str, Any] | None = None
    problem: tuple[str, str] | None = None

    @property
    def folder(self) -> Path:
        """Made when it is asked for: of 10,000 it takes as long as reading the index."""
        return self.traces / self.called

    @property
    def error(self) -> RunError | None:
        """What opening it raises, where ``run.json`` cannot be read."""
        return None if self.problem is None else RunError(self.folder / "run.json", *self.problem)


class RunIndex:
    """
    The index of one folder of runs; ``listed`` has those of now, oldest first, however old the file is.

    Each ``kind`` of what is derived has a file of its own.
    """

    def __init__(self, traces: Path, kind: str = "listed") -> None:
        self._path, self._title = index_path(traces, kind), f"kws-trace {kind} {FORMAT}.{VERSIONS[kind]}"
        self._kept = _read(self._path, self._title)
        self._changed = False
        self._began_ns = time.time_ns()
        there = dict(_folders(traces))
        for name in self._kept.keys() - there.keys():
            del self._kept[name]
            self._changed = True
        self._traces, self._root = traces, str(traces)
        found = [self._listed(name, *mark) for name, mark in there.items()]
        self.listed = sorted(found, key=attrgetter("created", "called"))
        self._save()

    def rows(
        self, derive: Callable[[Path], Row], progress: Progress, usable: Callable[[Row], bool] = lambda _: True
    ) -> Iterator[tuple[str, Row]]:
        """
        The folder's name of each run that can be read, and what ``derive`` makes of it, in the order of ``listed``.

        Its ``state`` says whether the run is being recorded: then, and where it ends with a ``RunError``, nothing is
        kept. What was made so far is kept too where this is ended early. A kept row that is not ``usable`` is made
        anew.
        """
        readable = [one for one in self.listed if one.problem is None]
        held = self._held(readable, usable)
        done, stale = 0, held.count(None)
        try:
            for one, row in zip(readable, held, strict=True):
                if row is not None:
                    yield one.called, row
                    continue
                progress(done, stale)
                done += 1
                with contextlib.suppress(RunError):
                    yield one.called, self._derived(one.folder, derive)
        finally:
            self._save()

    def _listed(self, called: str, mark: str, mtime_ns: int) -> ListedRun:
        kept = self._kept.get(called)
        if kept is None or kept.info_mark != mark:
            kept = self._kept[called] = _Kept(info=_facts(self._traces / called))
            # A name that is no text cannot be kept; what changed since the look began may change again.
            if called.isprintable() and not self._began_ns - RACY_NS < mtime_ns < time.time_ns() + RACY_NS:
                kept.info_mark = mark
            self._changed = True
        return ListedRun(self._traces, called, *kept.info)

    def _held(self, runs: Sequence[ListedRun], usable: Callable[[Row], bool]) -> list[Row | None]:
        """The kept row of each run; None where it is to be made."""
        fits = [self._fits(one) for one in runs]
        # As one text: the parser begins 10,000 times in the time of a third of what it reads.
        texts = [self._kept[one.called].row for one, fit in zip(runs, fits, strict=True) if fit]
        rows: Iterator[Row] = iter(json.loads(f"[{','.join(texts)}]"))
        held = [next(rows) if fit else None for fit in fits]
        return [row if row is not None and usable(row) else None for row in held]

    def _fits(self, one: ListedRun) -> bool:
        kept = self._kept[one.called]
        if not kept.mark or _mark(f"{self._root}/{one.called}", kept.names) != kept.mark:
            return False
        # Of a run that was not closed the lock alone tells whether somebody still records it.
        return one.state != "recording" or not is_locked(one.folder)

    def _derived(self, folder: Path, derive: Callable[[Path], Row]) -> Row:
        names, mark = _looked_at(str(folder))
        row = derive(folder)
        if row["state"] != "recording":
            kept = self._kept[folder.name]
            kept.mark, kept.names, kept.row, self._changed = mark, names, json.dumps(row), True
        return row

    def _save(self) -> None:
        if not self._changed or self._path is None:
            return
        kept = {name: one for name, one in self._kept.items() if one.info_mark}
        data = "\n".join((json.dumps(_columns(kept)), *(one.row for one in kept.values()))).encode()
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(self._path, shared=True, lasting=False) as temporary:
                temporary.write_bytes(_head(self._title, data) + data)
            sweep(self._path)
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


def _read(path: Path | None, title: str) -> dict[str, _Kept]:
    """By name; nothing where there is no index, or none of this version that is whole."""
    if path is None:
        return {}
    try:
        data = path.read_bytes()
        head, _, body = data.partition(b"\n")
        if head + b"\n" != _head(title, body):
            return {}
        facts, *rows = body.decode().split("\n")
        called, info_marks, marks, lists, which, infos = json.loads(facts)
        names = map(lists.__getitem__, which)
        each = zip(info_marks, zip(*infos, strict=True), marks, names, rows, strict=True)
        return dict(zip(called, itertools.starmap(_Kept, each), strict=True))
    except (OSError, ValueError, TypeError, AttributeError, LookupError):
        return {}


def _columns(kept: dict[str, _Kept]) -> list[Any]:
    """What ``_read`` takes apart: columns, which are parsed in half of the time of objects; a list of names once."""
    runs = kept.values()
    lists: dict[tuple[str, ...], int] = {}
    which = [lists.setdefault(tuple(one.names), len(lists)) for one in runs]
    infos = list(zip(*(one.info for one in runs), strict=True))
    return [list(kept), [one.info_mark for one in runs], [one.mark for one in runs], list(lists), which, infos]


def _head(title: str, body: bytes) -> bytes:
    return f"{title} {zlib.crc32(body):08x}\n".encode()


def _folders(traces: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """Name of each folder that has a ``run.json``, and the mark of that file and its time."""
    with contextlib.suppress(OSError), os.scandir(traces) as entries:
        for entry in entries:
            try:
                # As text: a Path for each of 10,000 costs more than what it is asked for.
                facts = os.stat(f"{entry.path}/run.json")  # noqa: PTH116
            except OSError:
                continue
            mtime_ns = facts.st_mtime_ns
            yield entry.name, (f"{mtime_ns}.{facts.st_size}.{facts.st_ino}", mtime_ns)


def _facts(folder: Path) -> tuple[Any, ...]:
    """Of a ``ListedRun`` from its time of creation on."""
    # Here: a list of which nothing is new is made without what a run.json may hold.
    from tracer.runs.run_info import read_run_info

    try:
        info = read_run_info(folder / "run.json")
    except RunError as error:
        return "", "", "", "", None, (error.problem, error.remedy)
    return info.created, info.name, info.run_id, info.state, info.launch_set, None


def _mark(folder: str, names: list[str]) -> list[int]:
    """Time and size of a run's folder and of what lies in it, one after another; empty where one cannot be had."""
    found: list[int] = []
    try:
        for path in (folder, *[f"{folder}/{name}" for name in names]):
            facts = os.stat(path)  # noqa: PTH116 -- of tens of thousands
            found += (facts.st_mtime_ns, facts.st_size)
    except OSError:
        return []
    return found


def _looked_at(folder: str) -> tuple[list[str], list[int]]:
    """What lies in a run's folder now, and the mark of it; that is empty where some of it changed just now."""
    try:
        names = sorted(_names(folder))
    except OSError:
        return [], []
    mark = _mark(folder, names)
    return names, [] if any(map(racy, mark[::2])) else mark


def _names(folder: str) -> Iterator[str]:
    """
    What lies in a run's folder and in its sessions, which a host fills while a DUT is done.

    Not ``run.json``, which has a mark of its own, and not what is hidden, which says nothing of the run.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == "run.json" or entry.name.startswith("."):
                continue
            yield entry.name
            if entry.name.startswith("session") and entry.is_dir():
                yield from (f"{entry.name}/{name}" for name in _names(entry.path))


def racy(mtime_ns: int) -> bool:
    """Whether a file changed so shortly ago that it may change again and keep its time."""
    return abs(time.time_ns() - mtime_ns) < RACY_NS
