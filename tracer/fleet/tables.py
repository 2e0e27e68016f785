"""The rows of a fleet as Arrow tables, for an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracer.fleet.fleet_row import PARTS
from tracer.fleet.kept_inferences import whole_files

_TEXTS = (
    "name folder run_id created host state model device model_sha256 runtime runtime_version power_mode timed "
    "stages_mode launch_set trust"
)
RUNS = pa.schema(
    [
        ("run", pa.int32()),
        *((name, pa.string()) for name in _TEXTS.split()),
        ("schema_version", pa.int32()),
        ("inferences", pa.int64()),
        ("median_ns", pa.float64()),
        ("p90_ns", pa.float64()),
        ("p99_ns", pa.float64()),
        ("rate_hz", pa.float64()),
        ("rule_valid", pa.bool_()),
        ("trusted", pa.bool_()),
    ]
)
"""One row a run; ``run`` is its number in this table, and no property of it."""

CONFIGURATION = ("device", "model_sha256", "runtime", "runtime_version", "power_mode", "timed", "stages_mode")
"""Columns of ``RUNS`` that are equal within a configuration."""

INFERENCE_WINDOWS = pa.schema([("run", pa.int32()), ("window", pa.int32())])
"""The windows that figures are made of: those of performance that no signal cut."""

PROFILED = pa.schema([("run", pa.int32()), ("part", pa.string()), ("mean_ns", pa.float64())])
"""Parts of a profiled inference, of runs with a capture."""


@dataclass(frozen=True, slots=True)
class FleetTables:
    """
    Tables of the runs, and of each table of a run the paths of all its Parquet files.

    ``kept`` gives the files of ``kept_inferences``, where each run that has inferences has a whole one; else None.
    """

    runs: pa.Table
    inference_windows: pa.Table
    profiled: pa.Table
    files: Mapping[str, Sequence[str]]
    kept: Callable[[], list[str] | None]


def fleet_tables(rows: Sequence[Mapping[str, Any]]) -> FleetTables:
    """Of rows as ``read_fleet`` gives them."""
    numbered = [{"run": number, **row} for number, row in enumerate(rows)]
    windows = [{"run": row["run"], "window": window} for row in numbered for window in row["windows"]]
    parts = [
        {"run": row["run"], "part": part, "mean_ns": mean_ns}
        for row in numbered
        for part, mean_ns in (row["parts"] or {}).items()
    ]
    files = {
        table: [str(Path(row["folder"]) / table / name) for row in rows for name in row["files"][table]]
        for table in PARTS
    }
    return FleetTables(
        pa.Table.from_pylist([{name: row.get(name) for name in RUNS.names} for row in numbered], RUNS),
        pa.Table.from_pylist(windows, INFERENCE_WINDOWS),
        pa.Table.from_pylist(parts, PROFILED),
        files,
        lambda: whole_files(rows),
    )
