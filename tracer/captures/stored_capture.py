"""Captures within a run: what a profiler recorded, stored beside the spans and read back in the readers' form."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracer.errors import CaptureError
from tracer.profiles.profile import PROFILE_TABLES, Profile
from tracer.runs.run_store import StoredRun

_PACKING = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}


def write_capture(folder: Path, number: int, profile: Profile, run_id: str) -> None:
    """
    Store the tables of a profile in a run, each whole or not at all.

    Args:
        folder: of the run.
        number: of the capture, from 0; a part of that number is replaced.
        profile: what a reader gave.
        run_id: of the run.

    Raises:
        OSError: if the disk does not take it.
    """
    for name in PROFILE_TABLES:
        table = getattr(profile, name)
        ids = pa.DictionaryArray.from_arrays(pa.nulls(len(table), pa.int32()).fill_null(0), pa.array([run_id]))
        path = capture_path(folder, name, number)
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        try:
            pq.write_table(table.add_column(0, "run_id", ids), temporary, **_PACKING)
            os.replace(temporary, path)  # noqa: PTH105 -- one step, over what is there
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


def read_capture(run: StoredRun, number: int) -> Profile:
    """
    A capture in the form in which its reader gave it; ``path`` is the run's folder.

    Raises:
        CaptureError: if one of its tables cannot be read.
    """
    facts = run.info.captures[number]
    tables: dict[str, Any] = {name: _read(capture_path(run.folder, name, number), name) for name in PROFILE_TABLES}
    return Profile(
        path=run.folder,
        source=str(facts.get("source", "")),
        version=str(facts.get("version", "")),
        traced=frozenset(facts.get("traced", ())),
        experimental=bool(facts.get("experimental", False)),
        notes=tuple(facts.get("notes", ())),
        **tables,
    )


def capture_path(folder: Path, table: str, number: int) -> Path:
    """Where a table of a capture lies."""
    return folder / table / f"capture-{number:06d}.parquet"


def remove_captures(folder: Path) -> None:
    """
    Take every capture out of a run's folder; ``run.json`` is the caller's.

    Raises:
        OSError: if a file cannot be removed.
    """
    for name in PROFILE_TABLES:
        for path in (folder / name).glob("*capture-*.parquet*"):
            path.unlink()


def _read(path: Path, name: str) -> pa.Table:
    schema = PROFILE_TABLES[name]
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(columns=schema.names).select(schema.names).cast(schema)
        # Checksums are of pages: damage to what describes them may still point outside a dictionary.
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        remedy = "`kws-trace ingest` the profile again with --replace"
        raise CaptureError(path, f"damaged ({problem})", remedy) from None
    return table
