"""
The journal: each finished window appended whole, as one Arrow IPC message, before the host hears of its end.

A process killed at any moment tears at most the last message; a reader takes the whole ones before it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tracer.schema import JOURNAL
from tracer.stages import SERIAL_STAGES
from tracer.window import RecordedWindow

_SERIAL_CODE = {name: code for code, name in enumerate(SERIAL_STAGES)}


def journal_batch(window: RecordedWindow, seq: int) -> pa.RecordBatch:
    """One row of the journal; the readings of the window are not copied."""
    edges = pa.array(np.ascontiguousarray(window.edges).reshape(-1))
    offsets = pa.array([0, len(edges)], pa.int64())
    values: dict[str, object] = {
        "seq": seq,
        "stages": list(window.stages),
        "serial_stage": [_SERIAL_CODE[span.stage] for span in window.serial],
        "serial_start_ns": [span.start_ns for span in window.serial],
        "serial_duration_ns": [span.duration_ns for span in window.serial],
    }
    columns = []
    for field in JOURNAL:
        if field.name == "edges":
            columns.append(pa.LargeListArray.from_arrays(offsets, edges))
        else:
            value = values[field.name] if field.name in values else getattr(window, field.name)
            columns.append(pa.array([value], field.type))
    return pa.RecordBatch.from_arrays(columns, schema=JOURNAL)


class JournalFile:
    """
    The file of one journal, appended with one write a batch.

    A write that fails is taken back, so that what follows it stays readable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._end = 0
        self.append_bytes(JOURNAL.serialize())

    def append(self, batch: pa.RecordBatch) -> None:
        """
        Append one batch.

        Raises:
            OSError: if the disk does not take it; the file is as before.
        """
        self.append_bytes(batch.serialize())

    def append_bytes(self, data: pa.Buffer) -> None:
        """Append ``data`` whole, or leave the file as it was and raise OSError."""
        view = memoryview(data)
        sent = 0
        try:
            while sent < len(view):
                sent += os.write(self._fd, view[sent:])
        except OSError:
            os.ftruncate(self._fd, self._end)
            raise
        self._end += len(view)

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._fd)


@dataclass(frozen=True, slots=True)
class JournalRows:
    """The whole batches of a journal, and the bytes after them that are none."""

    batches: list[pa.RecordBatch]
    torn_bytes: int


def read_journal(path: Path) -> JournalRows:
    """Every whole batch; a journal that is gone meanwhile, or holds not even its schema, has none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JournalRows([], 0)
    source = pa.BufferReader(data)
    batches: list[pa.RecordBatch] = []
    good = 0
    try:
        reader = pa.ipc.open_stream(source)
        good = source.tell()
        while True:
            batch = reader.read_next_batch()
            batch.validate(full=True)
            batches.append(batch)
            good = source.tell()
    except StopIteration:
        pass
    except (pa.ArrowException, OSError):
        # What is left is half a message: the window that was being written when the process ended.
        pass
    return JournalRows(batches, len(data) - good)
