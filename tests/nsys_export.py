"""
Builds SQLite exports as Nsight Systems writes them, from the columns that real exports have.

``NsysExport`` collects rows and writes a new file, or adds to a real one (``onto``). Every argument takes one value
for all rows or a sequence; times are nanoseconds.

    export = NsysExport()
    export.ranges([100], [900], "inference", payload=[0], process=7, thread=7)
    export.calls([150], [160], "cudaLaunchKernel_v7000", process=7, thread=9, correlation_id=[1])
    export.kernels([200], [300], "gemm", process=7, correlation_id=[1])
    export.write(tmp_path / "x.sqlite")
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tests.nsys_columns import COLUMNS, MEMCPY_KINDS, NOT_IN_3_0, declarations, insert_rows

Ints: TypeAlias = "int | Sequence[int] | NDArray[np.int64]"
Names: TypeAlias = "str | Sequence[str] | tuple[list[str], NDArray[np.int64]]"
"""Of each row; or the distinct names and, of each row, its index among them."""

EVENT_TYPES = {"push_pop": 59, "start_end": 60}
SECRET = "hunter2-of-the-environment"
"""Stands in the environment of the capture: no reader may give it."""


class NsysExport:
    """
    Rows of an export, kept in memory until ``write`` or ``onto``.

    Args:
        schema: ``3.25.0`` (nsys 2026.2) or ``3.0.0`` (2022.4: no ``META_DATA_CAPTURE``, fewer columns).
        capture: what was asked for, as ``META_DATA_CAPTURE`` has it.
        machine: upper bits of the global ids.
        without: columns that this export does not have, as older ones lack some.
        duration_ns: of the capture.
    """

    def __init__(
        self,
        schema: str = "3.25.0",
        capture: Sequence[str] = ("NvtxEvents", "Cuda"),
        machine: int = 1,
        without: Sequence[str] = (),
        duration_ns: int = 10**12,
    ) -> None:
        self.schema = schema
        self.capture = capture
        self.machine = machine
        self.without = {*without, *(NOT_IN_3_0 if schema.startswith("3.0.") else ())}
        self.duration_ns = duration_ns
        self.lazy = True
        self._strings: dict[str, int] = {}
        self._first_string = 1
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._domains: dict[tuple[str, int], int] = {}

    def global_id(self, process: Ints, thread: Ints = 0, machine: int | None = None) -> Any:
        """What the export calls ``globalPid`` (thread 0) or ``globalTid``."""
        place = (self.machine if machine is None else machine) << 48
        return place | (np.asarray(process, np.int64) << 24) | np.asarray(thread, np.int64)

    def add(self, table: str, **columns: Any) -> None:
        """Add rows to a table by its own column names; lists and arrays are of each row."""
        self._rows.setdefault(table, []).append(columns)

    def strings(self, names: Names) -> Any:
        """Ids in ``StringIds`` of each row's name."""
        if isinstance(names, tuple):
            return np.array([self._string(name) for name in names[0]], np.int64)[names[1]]
        return self._string(names) if isinstance(names, str) else [self._string(name) for name in names]

    def processes(self, names: dict[int, str]) -> None:
        """Name processes by id."""
        for process, name in names.items():
            self.add("PROCESSES", globalPid=[int(self.global_id(process))], pid=process, name=name)

    def kernels(
        self,
        start_ns: Ints,
        end_ns: Ints,
        name: Names,
        *,
        process: Ints,
        correlation_id: Ints | None,
        device: Ints = 0,
        stream: Ints = 7,
        **more: Any,
    ) -> None:
        """Kernels; ``more`` are columns of the table by their own names."""
        ids = self.strings(name)
        self._activity("KERNEL", start_ns, end_ns, process, correlation_id, device, stream, demangledName=ids, **more)

    def memcpys(
        self,
        start_ns: Ints,
        end_ns: Ints,
        kind: Ints,
        size: Ints,
        *,
        process: Ints,
        correlation_id: Ints | None,
        device: Ints = 0,
        stream: Ints = 7,
    ) -> None:
        """Copies of a kind (1 to the device, 2 from it) and of ``size`` bytes each."""
        more = {"copyKind": kind, "bytes": size}
        self._activity("MEMCPY", start_ns, end_ns, process, correlation_id, device, stream, **more)

    def memsets(
        self,
        start_ns: Ints,
        end_ns: Ints,
        size: Ints,
        *,
        process: Ints,
        correlation_id: Ints | None,
        stream: Ints = 7,
    ) -> None:
        """Memsets of ``size`` bytes each."""
        self._activity("MEMSET", start_ns, end_ns, process, correlation_id, 0, stream, bytes=size)

    def graphs(
        self, start_ns: Ints, end_ns: Ints, graph: Ints, *, process: Ints, correlation_id: Ints, stream: Ints = 7
    ) -> None:
        """CUDA graphs traced as one block."""
        self._activity("GRAPH_TRACE", start_ns, end_ns, process, correlation_id, 0, stream, graphId=graph)

    def calls(
        self, start_ns: Ints, end_ns: Ints, name: Names, *, process: Ints, thread: Ints, correlation_id: Ints | None
    ) -> None:
        """Calls of the CUDA runtime or driver; real names end in ``_v3020`` and the like."""
        ids = {"globalTid": self.global_id(process, thread), "correlationId": correlation_id}
        self.add("CUPTI_ACTIVITY_KIND_RUNTIME", start=start_ns, end=end_ns, nameId=self.strings(name), **ids)

    def ranges(
        self,
        start_ns: Ints,
        end_ns: Ints | None,
        name: Names,
        *,
        process: Ints,
        thread: Ints,
        domain: str | None = "kws-trace",
        payload: Ints | None = None,
        style: str = "push_pop",
        end_thread: Ints | None = None,
        registered: bool = True,
    ) -> None:
        """NVTX ranges; ``end_ns=None`` leaves them open, ``registered=False`` writes each name into its row."""
        self.add(
            "NVTX_EVENTS",
            start=start_ns,
            end=end_ns,
            eventType=EVENT_TYPES[style],
            globalTid=self.global_id(process, thread),
            endGlobalTid=None if end_thread is None else self.global_id(process, end_thread),
            domainId=0 if domain is None else self._domain(domain, process),
            int64Value=payload,
            **({"textId": self.strings(name)} if registered else {"text": _spelled(name)}),
        )

    def host_ops(self, table: str, start_ns: Ints, end_ns: Ints, name: Names, *, process: Ints, thread: Ints) -> None:
        """Rows of ``OSRT_API``, ``CUDNN_EVENTS`` or ``CUBLAS_EVENTS``."""
        ids = {"nameId": self.strings(name), "globalTid": self.global_id(process, thread)}
        self.add(table, start=start_ns, end=end_ns, **ids)

    def write(self, path: Path) -> Path:
        """Write a new export, with the metadata of a capture."""
        with sqlite3.connect(path) as database:
            self._write_metadata(database)
            self._write_rows(database)
        database.close()
        return path

    def onto(self, path: Path) -> Path:
        """Add the rows to an export that nsys wrote; tables that it lacks are made, columns that it lacks are not."""
        with sqlite3.connect(path) as database:
            self._first_string = database.execute("SELECT max(id) + 1 FROM StringIds").fetchone()[0]
            self._write_rows(database)
        database.close()
        return path

    def _activity(
        self,
        kind: str,
        start_ns: Ints,
        end_ns: Ints,
        process: Ints,
        correlation_id: Ints | None,
        device: Ints,
        stream: Ints,
        **more: Any,
    ) -> None:
        if kind == "KERNEL":
            more.setdefault("shortName", more["demangledName"])
        self.add(
            f"CUPTI_ACTIVITY_KIND_{kind}",
            start=start_ns,
            end=end_ns,
            globalPid=self.global_id(process),
            correlationId=correlation_id,
            deviceId=device,
            streamId=stream,
            contextId=1,
            **more,
        )

    def _string(self, name: str) -> int:
        return self._strings.setdefault(name, len(self._strings) + 1)

    def _domain(self, name: str, processes: Ints) -> int:
        known = {other: number for (other, _), number in self._domains.items()}
        number = known.get(name, len(known) + 1)
        for process in np.unique(np.asarray(processes, np.int64)).tolist():
            if (name, process) not in self._domains:
                self._domains[name, process] = number
                row = {"eventType": 75, "domainId": number, "globalTid": [int(self.global_id(process, process))]}
                self.add("NVTX_EVENTS", start=0, text=name, **row)
        return number

    def _write_metadata(self, database: sqlite3.Connection) -> None:
        # The name of this table changed between 2022.4 and the releases that add the other one.
        old = self.schema.startswith("3.0.")
        export = "EXPORT_META_DATA" if old else "META_DATA_EXPORT"
        database.execute(f"CREATE TABLE {export} (name TEXT NOT NULL, value TEXT)")
        facts = {"EXPORT_PRODUCT_NAME": "NVIDIA Nsight Systems", "EXPORT_SCHEMA_VERSION": self.schema}
        facts |= {"EXPORT_PRODUCT_VERSION": "2022.4.2.1" if old else "2026.2.1.210"}
        facts |= {"EXPORT_LAZY" if old else "EXPORT_PARAM_LAZY": "true" if self.lazy else "false"}
        database.executemany(f"INSERT INTO {export} VALUES (?, ?)", facts.items())
        if not old:
            database.execute("CREATE TABLE META_DATA_CAPTURE (name TEXT NOT NULL, value TEXT)")
            asked = [("CAPTURE_EVENT_TYPE", name) for name in self.capture]
            asked.append(("PROCESS_0:ENVIRONMENT_VARIABLE", f'TOKEN="{SECRET}"'))
            database.executemany("INSERT INTO META_DATA_CAPTURE VALUES (?, ?)", asked)
        self.add("ANALYSIS_DETAILS", globalVid=[self.machine << 48], duration=self.duration_ns, stopTime=10**9)
        self.add("TARGET_INFO_SYSTEM_ENV", devStateName=["env"], name="TOKEN", value=SECRET)
        database.execute(
            "CREATE TABLE ENUM_CUDA_MEMCPY_OPER (id INTEGER NOT NULL PRIMARY KEY, name TEXT, label TEXT)"
        )
        if not old:
            labels = [(number, f"KIND_{number}", label) for number, label in enumerate(MEMCPY_KINDS)]
            database.executemany("INSERT INTO ENUM_CUDA_MEMCPY_OPER VALUES (?, ?, ?)", labels)

    def _write_rows(self, database: sqlite3.Connection) -> None:
        database.execute(
            "CREATE TABLE IF NOT EXISTS StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL)"
        )
        rows = [(number + self._first_string - 1, name) for name, number in self._strings.items()]
        database.executemany("INSERT INTO StringIds VALUES (?, ?)", rows)
        for table in sorted({*self._rows, *(COLUMNS if not self.lazy else ())}):
            declared = declarations(table, self.without)
            columns = ", ".join(f"{name} {kind}" for name, kind in declared.items())
            database.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
            there = [(row[1], bool(row[3])) for row in database.execute(f"PRAGMA table_info({table})")]
            for part in self._rows.get(table, []):
                insert_rows(database, table, there, self._moved(part))

    def _moved(self, part: dict[str, Any]) -> dict[str, Any]:
        """Ids of strings, past those that the file has."""
        strings = ("nameId", "textId", "demangledName", "shortName")
        return {
            name: np.asarray(value) + self._first_string - 1 if name in strings and value is not None else value
            for name, value in part.items()
        }


def _spelled(names: Names) -> str | list[str]:
    if isinstance(names, tuple):
        return [names[0][code] for code in names[1].tolist()]
    return names if isinstance(names, str) else list(names)


def run_sql(path: Path, *statements: str) -> Path:
    """Change or make a SQLite file."""
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return path
