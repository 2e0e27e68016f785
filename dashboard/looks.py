"""
Looks at runs, and what was derived of them: once for all visitors of the pages, who wait for one another.

A run that is being recorded is another with every window. It is looked at anew when ``REFRESH_S`` have passed, and
besides what was derived of it since has had as long a rest as it took: however many visitors there are, and however
large it grows, at most half of a core goes into it. Of a run that changed the newest of each thing is kept.
"""

from __future__ import annotations

import itertools
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from tracer.runs.run_cache import fingerprint
from tracer.runs.run_files import is_locked
from tracer.runs.run_store import StoredRun, stored_run

Made = TypeVar("Made")

REFRESH_S = 2.0
"""Between two looks at a run that is being recorded."""

LONGEST_S = 60.0
"""After which it is looked at anew, whatever was derived meanwhile."""

MOST_BYTES = 256 << 20
"""Of what is kept derived; beyond, what was asked for least recently goes."""

MOST_RUNS = 64
"""That are kept open, all but one without their tables."""

MOST_TABLE_BYTES = 64 << 20
"""Of the tables of the run that was derived from last: the next page of it reads them again where they are larger."""


@dataclass(slots=True)
class Look:
    """
    A run as it stood; a later look has a higher ``number``, and ``mark`` tells one state of its files from another.

    ``run`` is for what the pages read themselves; what is derived is derived of the ``reader``, which has the tables.
    """

    run: StoredRun
    mark: str
    number: int
    began: float
    until: float
    spent_s: float = 0.0
    deriving: int = 0
    reader: StoredRun | None = None


@dataclass(slots=True)
class _Folder:
    """Of a run: one at a time opens it or derives from it."""

    turn: threading.RLock = field(default_factory=threading.RLock)
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    numbers: tuple[int, ...]
    value: Any
    size: int


class Looks:
    """The looks of a process; ``clock`` gives seconds, ``cpu`` those that a thread has worked."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._clock, self._cpu, self._most_bytes = clock, cpu, most_bytes
        self._lock, self._numbers = threading.Lock(), itertools.count()
        self._folders: OrderedDict[Path, _Folder] = OrderedDict()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._read_last: Look | None = None

    def at(self, folder: Path) -> Look:
        """
        The run in ``folder`` as it stands, or as it stood a moment ago where it grows.

        Raises:
            RunError: if it cannot be opened.
        """
        mine = self._folder(folder)
        found = self._still(mine.look)
        if found is not None:
            return found
        with mine.turn:
            found = self._still(mine.look)
            if found is None:
                # First the mark: a run that changes while it is opened is opened again.
                mark = fingerprint(folder)
                now = self._clock()
                found = Look(stored_run(folder), mark, next(self._numbers), now, now + REFRESH_S)
                mine.look = found
            return found

    def derived(
        self,
        looks: Sequence[Look],
        what: Hashable,
        make: Callable[..., Made],
        waiting: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> Made:
        """
        What ``make`` derives of the runs of ``looks``, or derived of these looks or later ones before.

        Args:
            looks: at every run that is read; what is derived within reads no other.
            what: names it.
            make: is given the runs.
            waiting: around the making, or the wait for another's.
        """
        key, numbers = (what, *(look.run.folder for look in looks)), tuple(look.number for look in looks)
        found = self._of(key, numbers)
        if found is None:
            with waiting(), ExitStack() as turns:
                # All in one order, so that no two wait for each other.
                for folder in sorted({look.run.folder for look in looks}):
                    turns.enter_context(self._folder(folder).turn)
                found = self._of(key, numbers)
                if found is None:
                    with ExitStack() as reading:
                        value = make(*(reading.enter_context(self._reading(look)) for look in looks))
                    found = self._keep(key, _Kept(numbers, value, size_of(value)))
        made: Made = found.value
        return made

    def held(self) -> dict[Hashable, int]:
        """What is kept derived, and how many bytes each has."""
        with self._lock:
            return {key: one.size for key, one in self._kept.items()}

    def _folder(self, folder: Path) -> _Folder:
        with self._lock:
            found = self._folders.setdefault(folder, _Folder())
            self._folders.move_to_end(folder)
            while len(self._folders) > MOST_RUNS:
                self._folders.popitem(last=False)
            return found

    def _still(self, look: Look | None) -> Look | None:
        """The last look, where it stands for the run as it is."""
        if look is None:
            return None
        folder, recording = look.run.folder, look.run.state == "recording"
        if recording != is_locked(folder):
            return None
        if recording and (look.deriving or self._clock() < look.until):
            return look
        return look if fingerprint(folder) == look.mark else None

    @contextmanager
    def _reading(self, look: Look) -> Iterator[StoredRun]:
        """The run to derive from, whose tables are read once for what is derived within; the turn is held."""
        with self._lock:
            look.deriving += 1
            look.reader = look.reader or replace(look.run, dropped=list(look.run.dropped), _tables={})
            reader = look.reader
        began = self._cpu()
        try:
            yield reader
        finally:
            look.deriving -= 1
            if not look.deriving:
                self._drop_tables(look)
                look.spent_s += self._cpu() - began
                rest = self._clock() + look.spent_s
                look.until = min(max(look.until, rest), look.began + LONGEST_S)

    def _drop_tables(self, look: Look) -> None:
        """Of the run before, and of this one where they are large."""
        with self._lock:
            before, self._read_last = self._read_last, look
            if before is not None and before is not look and not before.deriving:
                before.reader = None
            if look.reader is not None and look.reader.table_bytes > MOST_TABLE_BYTES:
                look.reader = None

    def _of(self, key: Hashable, numbers: tuple[int, ...]) -> _Kept | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None or any(kept < asked for kept, asked in zip(found.numbers, numbers, strict=True)):
                return None
            self._kept.move_to_end(key)
            return found

    def _keep(self, key: Hashable, kept: _Kept) -> _Kept:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(one.size for one in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)
        return kept


class _Counted:
    """A file that counts what is written."""

    size = 0

    def write(self, data: Any) -> None:
        """Count it."""
        self.size += memoryview(data).nbytes


def size_of(value: Any) -> int:
    """Bytes of a value, as it would be pickled: about what its arrays, tables and texts hold."""
    counted = _Counted()
    pickle.Pickler(counted, pickle.HIGHEST_PROTOCOL).dump(value)
    return counted.size


LOOKS = Looks()
"""Those of the dashboard."""
