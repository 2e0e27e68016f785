"""
The wall time of each inference that figures are made of, a file a run, kept in the cache folder beside the index.

Made when a run is first read, so that a percentile over a fleet does not sum the stages of every inference again. It
can be deleted at any time: a run whose file is gone is read anew, and where none can be kept the times are summed
from the runs' spans.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tracer.runs.run_index import index_path
from tracer.whole_files import written_whole


class KeptInferences:
    """Of the runs of one folder: Parquet files of ``run_id`` and ``wall_ns``, each named by its run's folder."""

    def __init__(self, traces: Path) -> None:
        self._folder = index_path(traces, "inferences")

    def keep(self, folder: Path, run_id: str, wall_ns: NDArray[np.int64]) -> dict[str, Any] | None:
        """``path``, ``bytes`` and ``crc32`` of what was written of a run; None where the disk does not take it."""
        path = self._path(folder)
        if path is None or not len(wall_ns):
            return None
        data = _packed(run_id, wall_ns)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path, shared=True, lasting=False) as temporary:
                temporary.write_bytes(data)
        except OSError:
            return None
        return {"path": str(path), "bytes": len(data), "crc32": zlib.crc32(data)}

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether the file of a row of ``fleet_row`` lies there, by its size; without inferences none is needed."""
        if not row.get("inferences"):
            return True
        kept = row["kept"]
        try:
            return kept is not None and os.stat(kept["path"]).st_size == kept["bytes"]  # noqa: PTH116 -- of thousands
        except OSError:
            return False

    def keep_only(self, folders: Iterable[Path]) -> None:
        """Remove the files of other runs: these are all that there are."""
        wanted = {self._path(folder) for folder in folders}
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir() if self._folder else ():
                if path not in wanted:
                    path.unlink(missing_ok=True)

    def _path(self, folder: Path) -> Path | None:
        name = hashlib.sha256(os.fsencode(folder.name)).hexdigest()[:32]
        return None if self._folder is None else self._folder / name


def whole_files(rows: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """
    The files of all rows that have inferences, each as it was written; None if one is not.

    One that is damaged is removed: the next question then reads its run anew.
    """
    needed = [row["kept"] for row in rows if row["inferences"]]
    whole = [kept is not None and _is_whole(Path(kept["path"]), kept["crc32"]) for kept in needed]
    return [kept["path"] for kept in needed] if all(whole) else None


def _packed(run_id: str, wall_ns: NDArray[np.int64]) -> bytes:
    name = pa.DictionaryArray.from_arrays(np.zeros(len(wall_ns), np.int32), [run_id])
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table({"run_id": name, "wall_ns": wall_ns}),
        sink,
        compression="none",
        use_dictionary=["run_id"],
        column_encoding={"wall_ns": "DELTA_BINARY_PACKED"},
    )
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _is_whole(path: Path, crc32: int) -> bool:
    try:
        if zlib.crc32(path.read_bytes()) == crc32:
            return True
        path.unlink()
    except OSError:
        pass
    return False
