"""NVTX ranges of an Nsight Systems export, synthetic and captured."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.conftest import ROOT
from tests.needs import skip_without_nsys
from tests.nsys_export import NsysExport
from tests.nsys_in_memory import InMemory
from tests.nsys_large import large_export
from tracer.profiles.nsys_export import column_schema
from tracer.profiles.nsys_names import StringIds
from tracer.profiles.nsys_nvtx import NVTX_COLUMNS, nvtx_ranges
from tracer.profiles.nsys_processes import ProcessNumbers
from tracer.profiles.nsys_sqlite import read_nsys_sqlite
from tracer.profiles.profile import NVTX_RANGES, Profile

OWN = {"process": 7, "thread": 7}


def read(export: NsysExport, folder: Path) -> Profile:
    return read_nsys_sqlite(export.write(folder / "x.sqlite"))


def test_a_domain_is_named_by_the_process_that_made_it(tmp_path: Path) -> None:
    export = NsysExport()
    for process, name in ((7, "kws-trace"), (8, "NCCL")):
        place = {"domainId": 1, "globalTid": export.global_id(process, process)}
        export.add("NVTX_EVENTS", start=[0], eventType=75, text=name, **place)
        export.add("NVTX_EVENTS", start=[1], end=2, eventType=59, text="step", **place)
    ranges = read(export, tmp_path).nvtx_ranges
    assert ranges["domain"].to_pylist() == ["kws-trace", "NCCL"]


def test_a_domain_may_be_named_by_a_registered_string(tmp_path: Path) -> None:
    export = NsysExport()
    place = {"domainId": 3, "globalTid": export.global_id(7, 7)}
    export.add("NVTX_EVENTS", start=[0], eventType=75, textId=export.strings("kws-trace"), **place)
    export.add("NVTX_EVENTS", start=[1], end=2, eventType=59, text="step", **place)
    assert read(export, tmp_path).nvtx_ranges["domain"].to_pylist() == ["kws-trace"]


def test_the_default_domain_is_null_and_one_without_a_name_keeps_its_number(tmp_path: Path) -> None:
    export = NsysExport()
    export.ranges([1], [2], "plain", domain=None, **OWN)
    export.add("NVTX_EVENTS", start=[3], end=4, eventType=59, domainId=5, text="x", globalTid=export.global_id(7, 7))
    export.ranges([5], [6], "named", domain="kws-trace", **OWN)
    profile = read(export, tmp_path)
    assert profile.nvtx_ranges["domain"].to_pylist() == [None, "domain 5", "kws-trace"]
    assert "the export does not name the domain of 1 NVTX range" in profile.notes


def test_a_name_stands_in_the_row_or_is_registered_or_is_none(tmp_path: Path) -> None:
    export = NsysExport()
    export.ranges([1, 2], [9, 9], ["own", "both"], registered=False, **OWN)
    export.ranges([3, 4], [9, 9], ["registered", "both"], **OWN)
    export.add("NVTX_EVENTS", start=[5], end=9, eventType=59, globalTid=export.global_id(7, 7))
    names = read(export, tmp_path).nvtx_ranges["name"].combine_chunks()
    assert names.to_pylist() == ["own", "both", "registered", "both", None]
    assert len(names.dictionary) == 3


def test_ranges_are_read_without_the_columns_that_older_exports_lack() -> None:
    needed = {"start": [3, 9], "end": [5, 8], "eventType": [60, 59], "globalTid": [7 << 24 | 8] * 2}
    own = {"text": ["own", None], "textId": [None, 1], "domainId": [5, 0], "int64Value": [-4, None]}
    assert set(NVTX_COLUMNS) - needed.keys() - own.keys() == {"uint64Value", "int32Value", "uint32Value"}
    types = {"NvtxPushPopRange": 59, "NvtxStartEndRange": 60, "NvtxtPushPopRange": 70, "NvtxDomainCreate": 75}
    export = InMemory(StringIds={"id": [1], "value": ["registered"]})

    def ranges(columns: dict[str, list[Any]]) -> tuple[list[tuple[Any, ...]], list[str]]:
        rows = pa.table(columns, column_schema(list(columns)))
        table, notes = nvtx_ranges(export, rows, StringIds(export), types, ProcessNumbers([]), None)
        return [tuple(row.values()) for row in table.to_pylist()], notes

    backwards = "left out: 1 NVTX range with an end before the start"
    assert ranges(needed) == ([(7, 8, None, None, None, "start_end", 3, 5)], [backwards])
    nameless = "the export does not name the domain of 1 NVTX range"
    assert ranges(needed | own | {"end": [5, None]}) == (
        [
            (7, 8, "domain 5", "own", -4, "start_end", 3, 5),
            (7, 8, None, "registered", None, "push_pop", 9, None),
        ],
        [nameless],
    )
    nothing = nvtx_ranges(export, pa.table({}), StringIds(export), types, ProcessNumbers([]), None)
    assert (nothing[0].num_rows, nothing[0].schema, nothing[1]) == (0, NVTX_RANGES, [])


def test_a_payload_is_read_from_the_column_of_its_type(tmp_path: Path) -> None:
    export = NsysExport()
    for number, column in enumerate(["int64Value", "uint64Value", "int32Value", "uint32Value", "doubleValue"]):
        place = {"eventType": 59, "text": column, "globalTid": export.global_id(7, 7)}
        export.add("NVTX_EVENTS", start=[number], end=9, **{column: number + 10}, **place)
    assert read(export, tmp_path).nvtx_ranges["payload"].to_pylist() == [10, 11, 12, 13, None]


def test_a_range_that_the_capture_cut_has_no_end(tmp_path: Path) -> None:
    """nsys gives it none, or the end of the capture; where the process outlived that, under load, a later one."""
    export = NsysExport(duration_ns=1000)
    export.ranges([1], None, "never ended", style="start_end", **OWN)
    export.ranges([2], [1000], "cut", **OWN)
    export.ranges([3], [1200], "cut later", **OWN)
    export.ranges([4], [999], "whole", **OWN)
    assert read(export, tmp_path).nvtx_ranges["end_ns"].to_pylist() == [None, None, None, 999]


def test_marks_and_names_of_threads_are_no_ranges(tmp_path: Path) -> None:
    export = NsysExport()
    for event_type in (33, 34, 39, 76):
        export.add("NVTX_EVENTS", start=[1], eventType=event_type, text="x", globalTid=export.global_id(7, 7))
    export.ranges([1], [2], "range", **OWN)
    assert read(export, tmp_path).nvtx_ranges["name"].to_pylist() == ["range"]


def test_a_range_is_of_the_thread_that_began_it(tmp_path: Path) -> None:
    export = NsysExport()
    export.ranges([1], [2], "crosses", style="start_end", process=7, thread=8, end_thread=9)
    (row,) = read(export, tmp_path).nvtx_ranges.to_pylist()
    assert (row["style"], row["process"], row["thread"]) == ("start_end", 7, 8)


def test_event_types_are_those_that_the_export_names(tmp_path: Path) -> None:
    export = NsysExport()
    export.add("NVTX_EVENTS", start=[1], end=2, eventType=159, text="x", globalTid=export.global_id(7, 7))
    path = export.write(tmp_path / "x.sqlite")
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE ENUM_NSYS_EVENT_TYPE (id INTEGER PRIMARY KEY, name TEXT, label TEXT)")
        database.execute("INSERT INTO ENUM_NSYS_EVENT_TYPE VALUES (159, 'NvtxPushPopRange', '')")
    database.close()
    assert read_nsys_sqlite(path).nvtx_ranges["style"].to_pylist() == ["push_pop"]


def test_the_export_for_speed_has_a_call_for_each_kernel_and_two_ranges(tmp_path: Path) -> None:
    profile = read_nsys_sqlite(large_export(tmp_path / "x.sqlite", kernels=400))
    counts = [table.num_rows for table in (profile.gpu_work, profile.api_calls, profile.nvtx_ranges)]
    assert counts == [400, 400, 800]
    assert profile.gpu_work["process"].value_counts().to_pylist() == [
        {"values": 100, "counts": 200},
        {"values": 200, "counts": 200},
    ]
    launching, ranged = (set(table["thread"].to_pylist()) for table in (profile.api_calls, profile.nvtx_ranges))
    assert not launching & ranged


PROGRAM = """
import threading
from nvtx._lib import lib
from tracer.recording.nvtx_ranges import open_ranges

ranges = open_ranges()
inference = ranges.attributes("inference")
stages = [ranges.attributes(name) for name in ("host_to_device", "session_run", "readback")]
for number in range(25):
    inference.payload = number
    ranges.push(inference, ranges.domain)
    for stage in stages:
        stage.payload = number
        ranges.push(stage, ranges.domain)
        ranges.pop(ranges.domain)
    ranges.pop(ranges.domain)
handle = lib.start_range(ranges.attributes("crosses"), ranges.domain)
number = handle[0] if isinstance(handle, tuple) else handle
thread = threading.Thread(target=lib.end_range, args=(number, ranges.domain))
thread.start()
thread.join()
ranges.push(ranges.attributes("left open"), ranges.domain)
"""
IMPORTER = Path("/usr/lib/nsight-systems/host-linux-x64/QdstrmImporter")
"""Where Debian's nsys has it; its `nsys profile` does not find it."""


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of a program of ours by the installed nsys, without a GPU."""
    skip_without_nsys()
    folder = tmp_path_factory.mktemp("capture")
    program = folder / "program.py"
    program.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{PROGRAM}")
    trace = ["-t", "nvtx", "-s", "none", "--cpuctxsw=none", "-o", str(folder / "x")]
    # It fails where it does not find its importer, after it has recorded.
    command = ["nsys", "profile", *trace, sys.executable, str(program)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if not (folder / "x.nsys-rep").exists():
        assert (folder / "x.qdstrm").exists(), made.stdout + made.stderr
        command = [str(IMPORTER), "-i", str(folder / "x.qdstrm"), "-o", str(folder / "x.nsys-rep")]
        subprocess.run(command, check=True, capture_output=True)
    for lazy in ("true", "false"):
        name = str(folder / f"lazy-{lazy}.sqlite")
        command = ["nsys", "export", "-q", "true", f"--lazy={lazy}", "-t", "sqlite", "-o", name]
        subprocess.run([*command, str(folder / "x.nsys-rep")], check=True, capture_output=True)
    return folder


def test_ranges_that_nsys_recorded_are_all_read_with_their_payloads(captured: Path) -> None:
    profile = read_nsys_sqlite(captured / "lazy-true.sqlite")
    ranges = profile.nvtx_ranges
    assert set(ranges["domain"].to_pylist()) == {"kws-trace"}
    for name in ("inference", "host_to_device", "session_run", "readback"):
        assert ranges.filter(pc.equal(ranges["name"], name))["payload"].to_pylist() == list(range(25)), name
    inference = ranges.filter(pc.equal(ranges["name"], "inference"))
    start, end = (inference[name].to_numpy() for name in ("start_ns", "end_ns"))
    assert bool((start < end).all())
    assert bool((end[:-1] < start[1:]).all())
    assert len(np.unique(inference["thread"].to_numpy())) == 1
    assert "python" in profile.processes[inference["process"][0].as_py()]


def test_what_nsys_closed_itself_reads_as_open_and_what_another_thread_closed_does_not(captured: Path) -> None:
    ranges = read_nsys_sqlite(captured / "lazy-true.sqlite").nvtx_ranges
    ends = dict(zip(ranges["name"].to_pylist(), ranges["end_ns"].to_pylist(), strict=True))
    assert ends["left open"] is None
    assert ends["crosses"] is not None
    assert [name for name, end in ends.items() if end is None] == ["left open"]


def test_the_empty_tables_of_a_capture_do_not_say_that_cuda_was_traced(captured: Path) -> None:
    """Without ``--lazy`` nsys makes them all; this capture asked for NVTX alone."""
    for name in ("lazy-true.sqlite", "lazy-false.sqlite"):
        profile = read_nsys_sqlite(captured / name)
        assert profile.traced == {"nvtx"}
        assert any("no sign of CUDA" in note for note in profile.notes)
        assert profile.gpu_work.num_rows == 0
