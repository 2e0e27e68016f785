"""
The journal: each finished window appended whole, as one Arrow IPC message, before the host hears of its end.

A process killed at any moment tears at most the last message; a reader takes the whole ones before it.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.errors import MalformedTraceError
from tracer.given_files import read_file
from tracer.recording.window import RecordedWindow
from tracer.runs.schema import JOURNAL
from tracer.stages import SERIAL_STAGES
from tracer.whole_files import sync

_SERIAL_CODE = {name: code for code, name in enumerate(SERIAL_STAGES)}
_INT, _LIST, _TEXT = pa.int64(), pa.large_list(pa.int64()), pa.string()
_FACTS = tuple(name for name in RecordedWindow.__slots__ if name not in ("edges", "serial"))


@dataclass(frozen=True, slots=True)
class JournalRow:
    """
    One window as the journal keeps it.

    ``facts`` are the fields of ``RecordedWindow`` but for ``edges`` (int64, one row an inference, not copied) and
    ``serial`` (int64, one row a span: place in ``SERIAL_STAGES``, start, duration). Window -1 is the tail of a run:
    serial spans after its last window.
    """

    seq: int
    facts: dict[str, Any]
    edges: NDArray[np.int64]
    serial: NDArray[np.int64]

    @classmethod
    def of(cls, window: RecordedWindow, seq: int) -> JournalRow:
        """The row of ``window``, the ``seq``-th of its run."""
        flat: list[int] = []
        for span in window.serial:
            flat += (_SERIAL_CODE[span.stage], span.start_ns, span.duration_ns)
        facts = {name: getattr(window, name) for name in _FACTS}
        return cls(seq, facts, np.ascontiguousarray(window.edges), np.array(flat, np.int64).reshape(-1, 3))

    @classmethod
    def read(cls, batch: pa.RecordBatch) -> JournalRow:
        """
        The row that ``batch`` holds.

        Raises:
            MalformedTraceError: if its bytes are not the ones that were written.
        """
        seq, text, check = (batch.column(name)[0].as_py() for name in ("seq", "facts", "check"))
        edges, serial = (batch.column(name).flatten().to_numpy() for name in ("edges", "serial"))
        if check != _check(seq, text, edges, serial):
            raise MalformedTraceError(f"journal row {seq}: its checksum is another")
        facts = json.loads(text)
        return cls(seq, facts, edges.reshape(-1, len(facts["stages"]) + 1), serial.reshape(-1, 3))

    @property
    def spans(self) -> int:
        """Spans that the row will make."""
        return len(self.edges) * len(self.facts["stages"]) + len(self.serial)

    @property
    def nbytes(self) -> int:
        """Memory that it holds, about."""
        return int(self.edges.nbytes) + int(self.serial.nbytes) + 1000

    def message(self) -> pa.Buffer:
        """The row as one IPC message."""
        text = _encode(self.facts)
        edges, serial = self.edges.ravel(), self.serial.ravel()
        numbers = np.array([self.seq, _check(self.seq, text, edges, serial)])
        columns = [
            _ints(numbers[:1]),
            _one_text(text.encode()),
            _ints(numbers[1:]),
            _one_list(edges),
            _one_list(serial),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=JOURNAL).serialize()


class JournalFile:
    """
    The file of one journal, appended with one write a window.

    A write that fails is taken back, so that what follows it stays readable.

    Raises:
        OSError: if it cannot be made; then it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._end = 0
        self._torn = False
        self._unsynced = False
        try:
            self.append(JOURNAL.serialize())
            self.sync()
            sync(path.parent)
        except OSError:
            os.close(self._fd)
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    def append(self, message: pa.Buffer) -> None:
        """
        Append ``message`` whole.

        Raises:
            OSError: if the disk does not take it; the file reads as before.
        """
        if self._torn:
            os.ftruncate(self._fd, self._end)
        self._torn = True
        view = memoryview(message)
        sent = 0
        try:
            while sent < len(view):
                sent += os.write(self._fd, view[sent:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._end)
            raise
        self._end += len(view)
        self._torn = False
        self._unsynced = True

    def sync(self) -> None:
        """
        Have the disk hold what was appended: until then a power cut takes it, a kill does not.

        Raises:
            OSError: if it does not take it.
        """
        if self._unsynced:
            os.fsync(self._fd)
            self._unsynced = False

    def close(self) -> None:
        """Close the file; it stays."""
        with contextlib.suppress(OSError):
            # A file system of a network refuses here what it took before: parts or the next sync tell of it.
            os.close(self._fd)


@dataclass(frozen=True, slots=True)
class JournalRows:
    """The whole rows of a journal, and the bytes after them that are none."""

    rows: list[JournalRow]
    torn_bytes: int


def read_journal(path: Path) -> JournalRows:
    """
    Every whole row; a journal that is gone meanwhile, or holds not even its schema, has none.

    Raises:
        OSError: if it is there and cannot be read.
    """
    try:
        data = read_file(path)
    except FileNotFoundError:
        return JournalRows([], 0)
    source = pa.BufferReader(data)
    rows: list[JournalRow] = []
    good = 0
    try:
        reader = pa.ipc.open_stream(source)
        if reader.schema != JOURNAL:
            return JournalRows([], len(data))
        good = source.tell()
        while True:
            batch = reader.read_next_batch()
            batch.validate(full=True)
            rows.append(JournalRow.read(batch))
            good = source.tell()
    except StopIteration:
        pass
    except (pa.ArrowException, OSError, MalformedTraceError, ValueError, LookupError):
        # What is left is half a message: the window that was being written when the process ended.
        pass
    return JournalRows(rows, len(data) - good)


def _check(seq: int, text: str, edges: NDArray[np.int64], serial: NDArray[np.int64]) -> int:
    return zlib.crc32(serial.data, zlib.crc32(edges.data, zlib.crc32(f"{seq}{text}".encode())))


def _ints(values: NDArray[np.int64]) -> pa.Array:
    # pa.array costs 3 to 6 us each time, a host waits for the sum of them, and this 1 us.
    return pa.Array.from_buffers(_INT, len(values), [None, pa.py_buffer(values)])


def _one_list(values: NDArray[np.int64]) -> pa.Array:
    """A column of one row, which holds all of ``values``."""
    offsets = pa.py_buffer(np.array([0, len(values)]))
    return pa.Array.from_buffers(_LIST, 1, [None, offsets], children=[_ints(values)])


def _one_text(text: bytes) -> pa.Array:
    offsets = pa.py_buffer(np.array([0, len(text)], np.int32))
    return pa.Array.from_buffers(_TEXT, 1, [None, offsets, pa.py_buffer(text)])


def _plain(value: Any) -> Any:
    """A NumPy number as the Python number that JSON knows."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no fact of a window")


_encode = json.JSONEncoder(default=_plain).encode
