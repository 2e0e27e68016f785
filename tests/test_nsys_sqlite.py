"""The reader of Nsight Systems' SQLite export: what is written is read, by SQL's own count and sum."""

from __future__ import annotations

import csv
import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.needs import skip_without_nsys
from tests.nsys_export import SECRET, NsysExport
from tracer.profiles import nsys_sqlite
from tracer.profiles.nsys_sqlite import read_nsys_sqlite
from tracer.profiles.profile import PROFILE_TABLES, Profile
from tracer.profiles.sqlite_tree import UnusualFileError


@pytest.fixture(scope="module")
def h100(shared_data: Path) -> Path:
    """A real capture of two processes on two GPUs, exported by nsys 2026.2."""
    return shared_data / "nsys" / "h100_2gpu_1s.sqlite"


def rows(path: Path, query: str) -> list[tuple]:
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as database:
        return database.execute(query).fetchall()


def totals(table: pa.Table) -> dict:
    """Count and total time by name."""
    length = pc.subtract(table["end_ns"], table["start_ns"])
    sums = pa.table({"name": table["name"].cast(pa.string()), "length": length}).group_by("name")
    return {
        row["name"]: (row["length_count"], row["length_sum"])
        for row in sums.aggregate([("length", "count"), ("length", "sum")]).to_pylist()
    }


def same_tables(one: Profile, other: Profile) -> bool:
    return all(
        getattr(one, name).to_pylist() == getattr(other, name).to_pylist() and getattr(one, name).schema == schema
        for name, schema in PROFILE_TABLES.items()
    )


def small() -> NsysExport:
    """One inference of one process: a range, a launch on another thread, a kernel and a copy."""
    export = NsysExport()
    export.processes({7: "kws-trace"})
    export.ranges([100], [900], "inference", payload=[0], process=7, thread=7)
    export.calls([150, 170], [160, 180], "cudaLaunchKernel_v7000", process=7, thread=9, correlation_id=[1, 2])
    export.kernels([200], [300], "gemm", process=7, correlation_id=[1], device=1, stream=13)
    export.memcpys([310], [320], 1, 490, process=7, correlation_id=[2])
    return export


def leave_to_sqlite3(*_: object) -> pa.Table:
    raise UnusualFileError("a test")


def read_through_sqlite3(path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    with monkeypatch.context() as patch:
        patch.setattr(nsys_sqlite, "read_pages", leave_to_sqlite3)
        return read_nsys_sqlite(path)


def test_kernels_of_a_real_capture_have_the_counts_and_totals_that_sql_gives(h100: Path) -> None:
    profile = read_nsys_sqlite(h100)
    query = 'SELECT value, count(*), sum("end" - start) FROM CUPTI_ACTIVITY_KIND_KERNEL JOIN StringIds '
    expected = {name: (count, total) for name, count, total in rows(h100, query + "ON id = demangledName GROUP BY 1")}
    assert totals(profile.gpu_work.filter(pc.equal(profile.gpu_work["kind"], "kernel"))) == expected
    assert (profile.source, profile.version) == ("nsys", "2026.2.1.210 (schema 3.25.0)")
    assert profile.traced == {"cuda", "nvtx"}
    assert not profile.experimental
    assert profile.notes == ("NVIDIA's driver 580.95.05, CUDA driver 13.0",)


def test_copies_of_a_real_capture_are_named_and_summed_by_kind(h100: Path) -> None:
    profile = read_nsys_sqlite(h100)
    query = "SELECT '[CUDA memcpy ' || label || ']', sum(bytes) FROM CUPTI_ACTIVITY_KIND_MEMCPY JOIN "
    expected = dict(rows(h100, query + "ENUM_CUDA_MEMCPY_OPER ON id = copyKind GROUP BY 1"))
    expected |= dict(rows(h100, "SELECT '[CUDA memset]', sum(bytes) FROM CUPTI_ACTIVITY_KIND_MEMSET"))
    work = profile.gpu_work.filter(pc.is_valid(profile.gpu_work["bytes"]))
    sums = pa.table({"name": work["name"].cast(pa.string()), "bytes": work["bytes"]}).group_by("name")
    assert {row["name"]: row["bytes_sum"] for row in sums.aggregate([("bytes", "sum")]).to_pylist()} == expected
    assert set(work["kind"].unique().to_pylist()) == {"memcpy", "memset"}


def test_every_piece_of_gpu_work_of_a_real_capture_finds_its_call_as_sql_finds_it(h100: Path) -> None:
    profile = read_nsys_sqlite(h100)
    calls = set(zip(*(profile.api_calls[name].to_pylist() for name in ("process", "correlation_id")), strict=True))
    work = list(zip(*(profile.gpu_work[name].to_pylist() for name in ("process", "correlation_id")), strict=True))
    join = "JOIN CUPTI_ACTIVITY_KIND_RUNTIME r ON g.correlationId = r.correlationId AND g.globalPid >> 24 = "
    expected = sum(
        rows(h100, f"SELECT count(*) FROM CUPTI_ACTIVITY_KIND_{kind} g {join} r.globalTid >> 24")[0][0]
        for kind in ("KERNEL", "MEMCPY", "MEMSET")
    )
    assert sum(pair in calls for pair in work) == expected > 0
    assert len({process for process, _ in work}) == 2
    assert set(profile.processes) >= {process for process, _ in work}


def test_ranges_of_a_real_capture_are_those_that_sql_counts(h100: Path) -> None:
    ranges = read_nsys_sqlite(h100).nvtx_ranges
    query = 'SELECT text, count(*), sum("end" - start) FROM NVTX_EVENTS WHERE eventType = 59 GROUP BY 1'
    assert totals(ranges) == {name: (count, total) for name, count, total in rows(h100, query)}
    assert ranges["domain"].null_count == ranges.num_rows


def test_pages_and_sqlite3_give_the_same_of_a_real_capture(h100: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert same_tables(read_nsys_sqlite(h100), read_through_sqlite3(h100, monkeypatch))


def test_a_process_and_a_thread_are_the_operating_systems_own_numbers(tmp_path: Path) -> None:
    profile = read_nsys_sqlite(small().write(tmp_path / "x.sqlite"))
    assert profile.gpu_work["process"].to_pylist() == [7, 7]
    assert profile.api_calls.select(["process", "thread"]).to_pylist() == [{"process": 7, "thread": 9}] * 2
    assert profile.processes == {7: "kws-trace"}


def test_processes_of_two_machines_with_one_number_are_kept_apart(tmp_path: Path) -> None:
    export = small()
    export.machine = 2
    export.kernels([400], [500], "gemm", process=7, correlation_id=[1])
    export.kernels([400], [500], "gemm", process=8, correlation_id=[1])
    profile = read_nsys_sqlite(export.write(tmp_path / "x.sqlite"))
    kernels = profile.gpu_work.filter(pc.equal(profile.gpu_work["kind"], "kernel"))
    assert kernels["process"].to_pylist() == [(1 << 24) + 7, (2 << 24) + 7, 8]
    assert profile.processes == {(1 << 24) + 7: "kws-trace"}
    assert any("several machines" in note for note in profile.notes)


def test_a_call_loses_the_version_that_cuda_appends_and_keeps_the_rest_of_its_name(tmp_path: Path) -> None:
    export = NsysExport()
    names = ["cudaMemcpyAsync_v3020", "cudaMemcpyAsync_v10000", "cudaLaunchKernel_ptsz_v7000", "cuMemcpyHtoD_v2"]
    export.calls([1, 2, 3, 4], [5, 5, 5, 5], names, process=7, thread=7, correlation_id=[1, 2, 3, 4])
    calls = read_nsys_sqlite(export.write(tmp_path / "x.sqlite")).api_calls
    whole = ["cudaMemcpyAsync", "cudaMemcpyAsync", "cudaLaunchKernel_ptsz", "cuMemcpyHtoD_v2"]
    assert calls["name"].to_pylist() == whole
    assert len(calls["name"].combine_chunks().dictionary) == 3


def test_a_graph_traced_as_one_block_is_work_of_its_launch_and_a_note_says_what_is_hidden(tmp_path: Path) -> None:
    export = NsysExport()
    export.calls([10], [20], "cudaGraphLaunch_v10000", process=7, thread=7, correlation_id=[5])
    export.graphs([30], [90], 4, process=7, correlation_id=[5])
    profile = read_nsys_sqlite(export.write(tmp_path / "x.sqlite"))
    (graph,) = profile.gpu_work.to_pylist()
    assert (graph["kind"], graph["name"], graph["correlation_id"]) == ("graph", "[CUDA graph 4]", 5)
    assert any("--cuda-graph-trace=node" in note for note in profile.notes)


def test_calls_of_the_system_and_of_libraries_are_host_operations(tmp_path: Path) -> None:
    export = NsysExport(capture=("NvtxEvents", "OS runtime libraries", "CuDNN", "CuBLAS"))
    export.host_ops("OSRT_API", [1], [2], "poll", process=7, thread=8)
    export.host_ops("CUDNN_EVENTS", [3], [4], "cudnnConvolutionForward", process=7, thread=9)
    profile = read_nsys_sqlite(export.write(tmp_path / "x.sqlite"))
    operations = [(row["kind"], row["name"], row["thread"]) for row in profile.host_ops.to_pylist()]
    assert operations == [("os", "poll", 8), ("library", "cudnnConvolutionForward", 9)]
    assert profile.traced == {"nvtx", "osrt", "cudnn", "cublas"}


def test_gpu_work_without_a_process_takes_that_of_its_call(tmp_path: Path) -> None:
    export = NsysExport(without=("globalPid", "demangledName"))
    export.calls(
        [10, 10, 11], [20, 20, 21], "cudaLaunchKernel", process=[7, 8, 8], thread=7, correlation_id=[5, 6, 5]
    )
    export.kernels([30, 40, 50], [35, 45, 55], "gemm", process=7, correlation_id=[6, 5, 9])
    profile = read_nsys_sqlite(export.write(tmp_path / "x.sqlite"))
    assert profile.gpu_work["process"].to_pylist() == [8, 0, 0], "id 5 is of two processes, id 9 of none"
    assert profile.gpu_work["name"].to_pylist() == ["gemm"] * 3
    assert any("2 pieces of GPU work" in note for note in profile.notes)


def test_gpu_work_without_a_process_is_of_the_only_one_that_there_is(tmp_path: Path) -> None:
    export = NsysExport(without=("globalPid",))
    export.calls([10], [20], "cudaLaunchKernel", process=7, thread=7, correlation_id=[5])
    export.kernels([30, 40], [35, 45], "gemm", process=7, correlation_id=[5, 6])
    assert read_nsys_sqlite(export.write(tmp_path / "x.sqlite")).gpu_work["process"].to_pylist() == [7, 7]


def test_a_row_that_ends_before_it_starts_is_left_out_and_said(tmp_path: Path) -> None:
    export = small()
    export.kernels([400], [399], "gemm", process=7, correlation_id=[1])
    export.ranges([400], [399], "bad", process=7, thread=7)
    profile = read_nsys_sqlite(export.write(tmp_path / "x.sqlite"))
    assert profile.gpu_work["start_ns"].to_pylist() == [200, 310]
    assert profile.nvtx_ranges["name"].to_pylist() == ["inference"]
    assert len([note for note in profile.notes if "left out" in note]) == 2


def test_a_name_that_is_not_in_the_export_says_so(tmp_path: Path) -> None:
    export = small()
    export.add("CUPTI_ACTIVITY_KIND_KERNEL", start=[1], end=2, demangledName=99, globalPid=export.global_id(7))
    profile = read_nsys_sqlite(export.write(tmp_path / "x.sqlite"))
    assert "[string 99 is not in the export]" in profile.gpu_work["name"].to_pylist()
    assert "1 row names a string that is not in the export" in profile.notes


def test_a_path_of_any_characters_is_read_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c#d%20e&mode=rwc"
    folder.mkdir()
    path = small().write(folder / "x y?#%.sqlite")
    before = path.read_bytes()
    path.chmod(0o400)
    folder.chmod(0o500)
    profile = read_nsys_sqlite(path)
    folder.chmod(0o700)
    assert profile.gpu_work.num_rows == 2
    assert os.listdir(folder) == [path.name]
    assert path.read_bytes() == before


def test_nothing_of_the_environment_enters_a_profile(tmp_path: Path) -> None:
    path = small().write(tmp_path / "x.sqlite")
    assert SECRET.encode() in path.read_bytes()
    profile = read_nsys_sqlite(path)
    tables = [str(getattr(profile, name).to_pylist()) for name in PROFILE_TABLES]
    assert SECRET not in " ".join([repr(profile), *tables])


def test_an_export_of_2022_has_other_metadata_and_fewer_columns_and_reads_the_same(tmp_path: Path) -> None:
    old = small()
    old.schema = "3.0.0"
    old.without = NsysExport("3.0.0").without
    profile = read_nsys_sqlite(old.write(tmp_path / "old.sqlite"))
    assert same_tables(profile, read_nsys_sqlite(small().write(tmp_path / "new.sqlite")))
    assert profile.version == "2022.4.2.1 (schema 3.0.0)"


def test_rows_added_to_an_export_are_read_beside_its_own(tmp_path: Path, h100: Path) -> None:
    path = Path(shutil.copy(h100, tmp_path / "x.sqlite"))
    path.chmod(0o600)
    profile = read_nsys_sqlite(small().onto(path))
    assert profile.gpu_work.num_rows == read_nsys_sqlite(h100).gpu_work.num_rows + 2
    assert profile.gpu_work["name"].to_pylist().count("gemm") == 1
    assert profile.nvtx_ranges.filter(pc.equal(profile.nvtx_ranges["domain"], "kws-trace")).num_rows == 1


numbers = st.integers(min_value=0, max_value=2**40)
row = st.tuples(numbers, numbers, st.sampled_from([7, 8, 2**23]), st.integers(0, 2**24 - 1), st.text(max_size=8))


@given(given_rows=st.lists(row, min_size=1, max_size=12), registered=st.booleans(), fast=st.booleans())
@settings(max_examples=30, deadline=None)
def test_what_an_export_holds_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[tuple], registered: bool, fast: bool
) -> None:
    start, length, process, thread, name = (list(column) for column in zip(*given_rows, strict=True))
    name = [text.replace("\0", "0").encode("utf-8", "replace").decode() for text in name]
    end = [a + b for a, b in zip(start, length, strict=True)]
    export = NsysExport(duration_ns=2**50)
    export.ranges(start, end, name, process=process, thread=thread, payload=length, registered=registered)
    export.kernels(start, end, name, process=process, correlation_id=thread)
    path = export.write(tmp_path_factory.mktemp("x") / "x.sqlite")
    with pytest.MonkeyPatch.context() as patch:
        if not fast:
            patch.setattr(nsys_sqlite, "read_pages", leave_to_sqlite3)
        profile = read_nsys_sqlite(path)
    ranges, kernels = profile.nvtx_ranges.to_pydict(), profile.gpu_work.to_pydict()
    assert (ranges["start_ns"], ranges["end_ns"], ranges["payload"]) == (start, end, length)
    assert (ranges["process"], ranges["thread"], ranges["name"]) == (process, thread, name)
    assert (kernels["start_ns"], kernels["end_ns"], kernels["process"]) == (start, end, process)
    assert (kernels["name"], kernels["correlation_id"]) == (name, thread)


@pytest.mark.parametrize(
    ("report", "table", "kind"),
    [("gpukernsum", "gpu_work", "kernel"), ("cudaapisum", "api_calls", None), ("nvtxppsum", "nvtx_ranges", None)],
)
def test_counts_and_totals_are_those_of_nsys_own_summary(
    tmp_path: Path, h100: Path, report: str, table: str, kind: str | None
) -> None:
    skip_without_nsys()
    # A copy: nsys writes indices into the file that it sums up.
    copy = Path(shutil.copy(h100, tmp_path / "x.sqlite"))
    copy.chmod(0o600)
    command = ["nsys", "stats", "--report", report, "--format", "csv", "-q", "-o", "-", str(copy)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected: dict[str, tuple[int, int]] = {}
    for line in csv.DictReader(printed[printed.index("Time (%)") :].splitlines()):
        name = re.sub(r"_v\d{5,}$", "", line.get("Name") or line["Range"])  # 2022.4 strips four digits alone
        count, total = expected.get(name.removeprefix(":"), (0, 0))
        number = int(line.get("Instances") or line["Num Calls"])
        expected[name.removeprefix(":")] = (count + number, total + int(line["Total Time (ns)"]))
    rows_of_ours = getattr(read_nsys_sqlite(h100), table)
    if kind:
        rows_of_ours = rows_of_ours.filter(pc.equal(rows_of_ours["kind"], kind))
    assert totals(rows_of_ours) == expected


def test_many_rows_that_were_read_slowly_are_told_with_what_was_unusual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small().write(tmp_path / "x.sqlite")
    assert not any("slow" in note for note in read_nsys_sqlite(path).notes)
    monkeypatch.setattr(nsys_sqlite, "_SLOW_ROWS", 2)
    told = [note for note in read_through_sqlite3(path, monkeypatch).notes if "slow" in note]
    calls = "2 rows of CUPTI_ACTIVITY_KIND_RUNTIME were read through sqlite3, which is slow, because of a test"
    assert calls in told
    assert not any("KERNEL" in note for note in told)
