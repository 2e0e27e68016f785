"""nvprof's SQLite: work, calls, ranges and payloads, by a builder of such a file; and files that are none."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from tests.work import calls_made
from tracer.errors import ProfileError
from tracer.profiles.cupti_names import call_name, callback_names
from tracer.profiles.demangle import demangle
from tracer.profiles.nvprof_sqlite import read_nvprof_sqlite
from tracer.profiles.profile import GPU_WORK, NVTX_RANGES

KIND = "CUPTI_ACTIVITY_KIND_"
EPOCH = 1_600_000_000_000_000_000
TABLES = {
    "StringTable": "_id_ INTEGER PRIMARY KEY, value TEXT",
    f"{KIND}CONCURRENT_KERNEL": "_id_ INTEGER PRIMARY KEY, start INT, end INT, completed INT, deviceId INT, "
    "contextId INT, streamId INT, correlationId INT, name INT",
    f"{KIND}MEMCPY": "_id_ INTEGER PRIMARY KEY, copyKind INT, bytes INT, start INT, end INT, deviceId INT, "
    "contextId INT, streamId INT, correlationId INT",
    f"{KIND}MEMSET": "_id_ INTEGER PRIMARY KEY, bytes INT, start INT, end INT, deviceId INT, streamId INT, "
    "correlationId INT",
    f"{KIND}RUNTIME": "_id_ INTEGER PRIMARY KEY, cbid INT, start INT, end INT, processId INT, threadId INT, "
    "correlationId INT, returnValue INT",
    f"{KIND}DRIVER": "_id_ INTEGER PRIMARY KEY, cbid INT, start INT, end INT, processId INT, threadId INT, "
    "correlationId INT, returnValue INT",
    f"{KIND}MARKER": "_id_ INTEGER PRIMARY KEY, flags INT, timestamp INT, id INT, objectKind INT, objectId BLOB, "
    "name INT, domain INT",
    f"{KIND}MARKER_DATA": "_id_ INTEGER PRIMARY KEY, flags INT, id INT, payloadKind INT, payload BLOB",
}
STRINGS = {1: "_Z3addPfi", 2: "kws-trace", 3: "inference", 4: "session_run", 5: "loose"}
THREAD = 0xF2345678


def build(path: Path, inferences: int = 2, *, without: tuple[str, ...] = ()) -> Path:
    """Inferences of 100 us: a copy, a kernel and a set each, launched in ``session_run`` on another thread."""
    with closing(sqlite3.connect(path)) as connection:
        for name, columns in TABLES.items():
            if name not in without:
                connection.execute(f"CREATE TABLE {name} ({columns})")

        def insert(table: str, rows: list[dict[str, object]]) -> None:
            if table in without:
                return
            names = list(rows[0])
            marks = ", ".join("?" * len(names))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", [list(row.values()) for row in rows]
            )

        insert("StringTable", [{"_id_": key, "value": value} for key, value in STRINGS.items()])
        marks, data, calls, driver, copies, kernels, sets = ([] for _ in range(7))
        owner = struct.pack("<IIi", 77, THREAD, 0)
        for number in range(inferences):
            at, mark, launch = EPOCH + 100_000 * number, 2 * number, 10 * number + 1
            for end, offset, which, name in ((0, 0, 0, 3), (0, 10, 1, 4), (1, 80, 1, 0), (1, 90, 0, 0)):
                marks.append(
                    {
                        "flags": 4 if end else 2,
                        "timestamp": at + 1000 * offset,
                        "id": mark + which,
                        "objectKind": 2,
                        "objectId": owner,
                        "name": name,
                        "domain": 2,
                    }
                )
            data.append({"flags": 0, "id": mark, "payloadKind": 4, "payload": struct.pack("<q", number)})
            for into, call, offset, length in ((calls, 41, 20, 2), (calls, 211, 25, 4), (driver, 307, 26, 2)):
                times = {"start": at + 1000 * offset, "end": at + 1000 * (offset + length)}
                which = {41: 0, 211: 1, 307: 2}[call]
                who = {"processId": 77, "threadId": 5, "correlationId": launch + which}
                into.append({"cbid": call, "returnValue": 0, **times, **who})
            where = {"deviceId": 0, "streamId": 13}
            copy = {"copyKind": 1, "bytes": 1960, "start": at + 21_000, "end": at + 24_000, "correlationId": launch}
            copies.append({**copy, **where})
            kernels.append(
                {"start": at + 30_000, "end": at + 42_000, "correlationId": launch + 1, "name": 1, **where}
            )
            sets.append({"bytes": 64, "start": at + 43_000, "end": at + 44_000, "correlationId": launch + 9, **where})
        insert(f"{KIND}MARKER", [*marks, {**marks[0], "id": 999_999, "name": 5, "domain": 0, "objectKind": 1}])
        insert(f"{KIND}MARKER_DATA", data)
        insert(f"{KIND}RUNTIME", calls)
        insert(f"{KIND}DRIVER", driver)
        insert(f"{KIND}MEMCPY", copies)
        insert(f"{KIND}CONCURRENT_KERNEL", kernels)
        insert(f"{KIND}MEMSET", sets)
        connection.commit()
    return path


def test_work_has_names_bytes_processes_and_the_launch_it_came_from(tmp_path: Path) -> None:
    profile = read_nvprof_sqlite(build(tmp_path / "a.nvvp", 1))
    assert profile.gpu_work.schema == GPU_WORK
    keys = ("process", "stream", "kind", "name", "bytes", "start_ns", "end_ns", "correlation_id")
    assert [tuple(row[key] for key in keys) for row in profile.gpu_work.to_pylist()] == [
        (77, 13, "kernel", "add(float*, int)", None, EPOCH + 30_000, EPOCH + 42_000, 2),
        (77, 13, "memcpy", "[CUDA memcpy Host-to-Device]", 1960, EPOCH + 21_000, EPOCH + 24_000, 1),
        (77, 13, "memset", "[CUDA memset]", 64, EPOCH + 43_000, EPOCH + 44_000, 10),
    ]
    assert [(row["name"], row["correlation_id"], row["thread"]) for row in profile.api_calls.to_pylist()] == [
        ("cudaMemcpyAsync", 1, 5),
        ("cudaLaunchKernel", 2, 5),
        ("cuLaunchKernel", 3, 5),
    ]
    assert profile.traced == {"cuda", "nvtx"}
    assert not profile.experimental


def test_what_a_row_leaves_out_is_null_or_said_not_to_be_known(tmp_path: Path) -> None:
    path = build(tmp_path / "a.nvvp", 1)
    with closing(sqlite3.connect(path)) as connection:
        for change in (
            f"UPDATE {KIND}CONCURRENT_KERNEL SET name = 99, correlationId = 0, end = start",
            f"UPDATE {KIND}MEMCPY SET copyKind = 11, correlationId = 77",
            f"UPDATE {KIND}RUNTIME SET end = start",
            f"UPDATE {KIND}DRIVER SET processId = 78",
            f"UPDATE {KIND}MARKER_DATA SET payloadKind = 2",
            f"ALTER TABLE {KIND}MARKER DROP COLUMN domain",
        ):
            connection.execute(change)
        connection.commit()
    profile = read_nvprof_sqlite(path)
    assert [tuple(row.values()) for row in profile.gpu_work.to_pylist()] == [
        (0, 0, 13, "kernel", "kernel#99", None, EPOCH + 30_000, EPOCH + 30_000, None),
        (0, 0, 13, "memcpy", "[CUDA memcpy ?]", 1960, EPOCH + 21_000, EPOCH + 24_000, 77),
        (0, 0, 13, "memset", "[CUDA memset]", 64, EPOCH + 43_000, EPOCH + 44_000, 10),
    ]
    assert [tuple(row.values())[:6] for row in profile.api_calls.to_pylist()] == [
        (77, 5, "cudaMemcpyAsync", EPOCH + 20_000, EPOCH + 20_000, 1),
        (77, 5, "cudaLaunchKernel", EPOCH + 25_000, EPOCH + 25_000, 2),
        (78, 5, "cuLaunchKernel", EPOCH + 26_000, EPOCH + 28_000, 3),
    ]
    assert [tuple(row.values()) for row in profile.nvtx_ranges.to_pylist()] == [
        (77, THREAD, None, "inference", None, "push_pop", EPOCH, EPOCH + 90_000),
        (77, THREAD, None, "session_run", None, "push_pop", EPOCH + 10_000, EPOCH + 80_000),
        (77, THREAD, None, "loose", None, "start_end", EPOCH, None),
    ]


def test_ranges_are_paired_by_id_and_carry_domain_payload_and_thread(tmp_path: Path) -> None:
    ranges = read_nvprof_sqlite(build(tmp_path / "a.nvvp", 2)).nvtx_ranges
    assert ranges.schema == NVTX_RANGES
    keys = ("thread", "domain", "name", "payload", "style")
    rows = ranges.to_pylist()
    assert [tuple(row[key] for key in keys) for row in rows] == [
        (THREAD, "kws-trace", "inference", 0, "push_pop"),
        (THREAD, "kws-trace", "session_run", None, "push_pop"),
        (THREAD, "kws-trace", "inference", 1, "push_pop"),
        (THREAD, "kws-trace", "session_run", None, "push_pop"),
        (THREAD, None, "loose", None, "start_end"),
    ]
    assert (rows[0]["start_ns"], rows[0]["end_ns"]) == (EPOCH, EPOCH + 90_000)
    assert rows[-1]["end_ns"] is None


def test_a_thread_has_one_number_in_calls_and_ranges_though_nvprof_signs_one_of_them(tmp_path: Path) -> None:
    path = build(tmp_path / "a.nvvp", 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {KIND}RUNTIME SET threadId = ?", (THREAD - 2**32,))
        connection.commit()
    profile = read_nvprof_sqlite(path)
    assert profile.api_calls.to_pylist()[0]["thread"] == profile.nvtx_ranges.to_pylist()[0]["thread"]


def test_what_was_not_traced_is_told_from_what_did_not_happen(tmp_path: Path) -> None:
    no_ranges = read_nvprof_sqlite(build(tmp_path / "a.nvvp", without=(f"{KIND}MARKER", f"{KIND}MARKER_DATA")))
    assert no_ranges.traced == {"cuda"}
    cuda = tuple(name for name in TABLES if name not in {"StringTable", f"{KIND}MARKER", f"{KIND}MARKER_DATA"})
    assert read_nvprof_sqlite(build(tmp_path / "b.nvvp", without=cuda)).traced == {"nvtx"}
    with pytest.raises(ProfileError, match="no CUDA activity and no ranges"):
        read_nvprof_sqlite(build(tmp_path / "c.nvvp", without=tuple(TABLES)[1:]))


def test_kernels_without_times_are_counted_and_left_out(tmp_path: Path) -> None:
    path = build(tmp_path / "a.nvvp", 2)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE {KIND}CONCURRENT_KERNEL SET start = 0, end = 0 WHERE _id_ = 1")
        connection.commit()
    profile = read_nvprof_sqlite(path)
    assert profile.gpu_work.num_rows == 5
    assert profile.notes == ("1 kernel or copy without times is left out: nvprof's buffers ran over",)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (f"UPDATE {KIND}CONCURRENT_KERNEL SET end = start - 1", "ends before it starts"),
        (f"UPDATE {KIND}RUNTIME SET end = start - 1", "ends before it starts"),
        (f"UPDATE {KIND}MARKER SET timestamp = 1 WHERE flags = 4", "ends before it starts"),
        (f"UPDATE {KIND}MEMCPY SET bytes = 'many'", "no whole numbers"),
        (f"UPDATE {KIND}MEMCPY SET deviceId = 4611686018427387903", "cannot be read"),
        (f"ALTER TABLE {KIND}RUNTIME RENAME COLUMN cbid TO other", "no column cbid"),
        ("ALTER TABLE StringTable RENAME TO StringIds", "Nsight Systems"),
        ("DROP TABLE StringTable", "no export of nvprof"),
        ("ALTER TABLE StringTable RENAME COLUMN value TO other", "no _id_ and value"),
    ],
)
def test_a_file_that_breaks_its_form_is_refused_with_the_place(tmp_path: Path, change: str, problem: str) -> None:
    path = build(tmp_path / "broken.nvvp")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(ProfileError, match=problem) as raised:
        read_nvprof_sqlite(path)
    assert "broken.nvvp" in str(raised.value)


def test_a_path_may_hold_anything_and_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "50% of?#a b"
    folder.mkdir()
    path = build(folder / "x?mode=rwc#%41.nvvp")
    before = path.read_bytes()
    path.chmod(0o400)
    assert read_nvprof_sqlite(path).gpu_work.num_rows == 6
    assert [file.name for file in folder.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = build(tmp_path / "a.nvvp").read_bytes()
    cut = tmp_path / "cut.nvvp"
    for size in [*range(120), *range(120, len(whole), 97), len(whole) - 1]:
        cut.write_bytes(whole[:size])
        with pytest.raises(ProfileError, match=r"cut\.nvvp"):
            read_nvprof_sqlite(cut)


def test_a_flipped_bit_gives_a_profile_or_a_profile_error_and_nothing_else(tmp_path: Path) -> None:
    whole = build(tmp_path / "a.nvvp").read_bytes()
    file = tmp_path / "flipped.nvvp"
    places = [*range(100), *(place for place in range(100, len(whole)) if whole[place])]
    for place in places[::3]:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with contextlib.suppress(ProfileError):
            assert read_nvprof_sqlite(file).source == "nvprof"


@pytest.mark.parametrize("data", [b"", b"==1== Profiling result:\n", bytes(200), b"SQLite format 3\0"])
def test_another_kind_of_file_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "other.nvvp"
    file.write_bytes(data)
    with pytest.raises(ProfileError, match=r"other\.nvvp"):
        read_nvprof_sqlite(file)
    with pytest.raises(ProfileError, match="No such file"):
        read_nvprof_sqlite(tmp_path / "none.nvvp")


def test_calls_are_named_by_their_ids_and_an_unknown_one_by_its_number() -> None:
    assert call_name("runtime", 211) == call_name("runtime", 214) == "cudaLaunchKernel"
    assert call_name("driver", 307) == "cuLaunchKernel"
    assert [call_name("runtime", number) for number in (1, 2, 28, 171, 205)] == [
        "cudaDriverGetVersion",
        "cudaRuntimeGetVersion",
        "cudaHostGetDevicePointer",
        "cudaProfilerStart",
        "cudaDeviceGetStreamPriorityRange",
    ]
    assert call_name("runtime", 9999) == "cudaRuntime#9999"
    assert call_name("driver", 9999) == "cudaDriver#9999"
    assert not any("_v" in name or "_pt" in name for name in callback_names().values())


def test_names_of_cpp_are_demangled_and_others_left_alone() -> None:
    assert demangle("_ZN10tensorflow14BiasNCHWKernelIfEEviPKT_S3_PS1_ii").startswith(
        "void tensorflow::BiasNCHWKernel<float>(int, float const*"
    )
    assert demangle("volta_sgemm_32x32_nn") == "volta_sgemm_32x32_nn"
    assert demangle("_Zwrong") == "_Zwrong"


def test_the_work_grows_with_the_rows_and_not_with_their_square(tmp_path: Path) -> None:
    spent = []
    for inferences in (500, 4000):
        path = build(tmp_path / f"{inferences}.nvvp", inferences)
        spent.append(calls_made(lambda: read_nvprof_sqlite(path)))  # noqa: B023 -- called at once
    assert spent[1] < 9 * spent[0]
