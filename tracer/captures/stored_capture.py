"""Captures within a run: what a profiler recorded, stored beside the spans and read back in the readers' form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tracer.errors import CaptureError, first_line
from tracer.profiles.profile import PROFILE_TABLES, Profile
from tracer.runs.run_store import StoredRun
from tracer.runs.run_tables import read_table
from tracer.whole_files import written_whole

APART_NS = 1_000_000_000
"""Between captures laid behind one another."""

_PACKING = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}


def write_capture(folder: Path, number: int, profile: Profile, run_id: str) -> None:
    """
    Store the tables of a profile in the folder of a run, each whole or not at all.

    ``number`` counts the run's captures from 0; a part of that number is replaced.

    Raises:
        OSError: if the disk does not take it.
    """
    for name in PROFILE_TABLES:
        table = getattr(profile, name)
        ids = pa.DictionaryArray.from_arrays(pa.nulls(len(table), pa.int32()).fill_null(0), pa.array([run_id]))
        path = capture_path(folder, name, number)
        path.parent.mkdir(exist_ok=True)
        with written_whole(path) as temporary:
            pq.write_table(table.add_column(0, "run_id", ids), temporary, **_PACKING)


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


def read_captures(run: StoredRun) -> Profile:
    """
    All captures of a run as one profile; it has at least one.

    Raises:
        CaptureDamagedError: if a table cannot be read.
    """
    return joined([read_capture(run, number) for number in range(len(run.info.captures))])


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
    try:
        return read_table(path, PROFILE_TABLES[name])
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        remedy = "`kws-trace ingest` the profile again with --replace"
        raise CaptureError(path, f"damaged ({first_line(error)})", remedy) from None


def joined(captures: Sequence[Profile]) -> Profile:
    """
    Several captures of one run as one profile.

    Each has a clock and correlation ids of its own: the later ones are laid behind the earlier. No figure crosses
    from one to another. ``captures`` are of one profiler, one at least.
    """
    first = captures[0]
    if len(captures) == 1:
        return first
    tables: dict[str, list[pa.Table]] = {name: [] for name in PROFILE_TABLES}
    end, ids = 0, 0
    for capture in captures:
        shift = end + APART_NS - min(_edges(capture, pc.min, "start_ns"), default=0)
        for name, parts in tables.items():
            parts.append(_shifted(getattr(capture, name), shift, ids))
        end = max(end, shift + max(_edges(capture, pc.max, "end_ns"), default=0))
        ids += 1 + max(_edges(capture, pc.max, "correlation_id"), default=-1)
    whole = {name: pa.concat_tables(parts).unify_dictionaries() for name, parts in tables.items()}
    traced = frozenset.intersection(*(capture.traced for capture in captures))
    notes = tuple(dict.fromkeys(note for capture in captures for note in capture.notes))
    experimental = any(capture.experimental for capture in captures)
    return replace(first, traced=traced, notes=notes, experimental=experimental, **whole)


def _edges(capture: Profile, choose: Callable[..., pa.Scalar], column: str) -> list[int]:
    """The least or the greatest of a column in each table that has a value of it."""
    tables = [getattr(capture, name) for name, schema in PROFILE_TABLES.items() if column in schema.names]
    return [edge for table in tables if (edge := choose(table[column]).as_py()) is not None]


def _shifted(table: pa.Table, shift: int, ids: int) -> pa.Table:
    for name, step in (("start_ns", shift), ("end_ns", shift), ("correlation_id", ids)):
        if name in table.schema.names:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(name), pc.add(table[name], step))
    return table
