"""What the readers of Nsight Systems exports refuse, with what message, and what they say they do not know."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.nsys.installation import Nsys
from runner.nsys.reports import export_sqlite
from tests.nsys_export import NsysExport, run_sql
from tracer.errors import KwsTraceError, ProfileError
from tracer.profiles.nsys_sqlite import read_nsys_sqlite


def small(**options: object) -> NsysExport:
    export = NsysExport(**options)
    export.ranges([100], [900], "inference", payload=[0], process=7, thread=7)
    export.calls([150], [160], "cudaLaunchKernel_v7000", process=7, thread=9, correlation_id=[1])
    export.kernels([200], [300], "gemm", process=7, correlation_id=[1])
    return export


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"none\.sqlite: cannot be read \(No such file"):
        read_nsys_sqlite(tmp_path / "none.sqlite")


def test_a_folder_is_no_sqlite_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        read_nsys_sqlite(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "is empty"), (b"NVIDIA" * 50, "no SQLite file"), (b"SQLi", "no")]
)
def test_a_file_that_is_no_sqlite_file_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(content)
    with pytest.raises(ProfileError, match=problem):
        read_nsys_sqlite(path)


def test_a_sqlite_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = run_sql(tmp_path / "x.sqlite", "CREATE TABLE cats (name TEXT)")
    with pytest.raises(ProfileError, match="none of the tables of an Nsight Systems export"):
        read_nsys_sqlite(path)


def test_an_export_of_another_product_is_refused(tmp_path: Path) -> None:
    path = small().write(tmp_path / "x.sqlite")
    run_sql(path, "UPDATE META_DATA_EXPORT SET value = 'Nsight Graphics' WHERE name = 'EXPORT_PRODUCT_NAME'")
    with pytest.raises(ProfileError, match="Nsight Graphics"):
        read_nsys_sqlite(path)


def test_a_newer_major_schema_is_refused_and_a_newer_minor_one_is_noted(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"schema 4\.0\.0 is newer.*update kws-trace"):
        read_nsys_sqlite(small(schema="4.0.0").write(tmp_path / "4.sqlite"))
    profile = read_nsys_sqlite(small(schema="3.26.1").write(tmp_path / "3.sqlite"))
    assert any("3.26.1 is newer than 3.25" in note for note in profile.notes)
    assert not profile.experimental


def test_a_schema_older_than_any_real_file_is_read_as_an_experiment(tmp_path: Path) -> None:
    profile = read_nsys_sqlite(small(schema="2.7.1").write(tmp_path / "x.sqlite"))
    assert profile.experimental
    assert profile.gpu_work.num_rows == 1
    assert any("2.7.1 is older" in note for note in profile.notes)


def test_an_export_that_is_still_being_written_is_refused(tmp_path: Path) -> None:
    path = small().write(tmp_path / "x.sqlite")
    (tmp_path / "x.sqlite-journal").write_bytes(b"x")
    with pytest.raises(ProfileError, match="has not ended"):
        read_nsys_sqlite(path)


def test_a_table_without_a_column_that_it_needs_is_refused_by_name(tmp_path: Path) -> None:
    path = small(without=("streamId",)).write(tmp_path / "x.sqlite")
    with pytest.raises(ProfileError, match="CUPTI_ACTIVITY_KIND_KERNEL has no column streamId"):
        read_nsys_sqlite(path)
    path = small(without=("eventType",)).write(tmp_path / "z.sqlite")
    with pytest.raises(ProfileError, match="NVTX_EVENTS has no column eventType"):
        read_nsys_sqlite(path)
    path = small(without=("shortName", "demangledName")).write(tmp_path / "y.sqlite")
    with pytest.raises(ProfileError, match="has no column demangledName or shortName"):
        read_nsys_sqlite(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 'noon'", "KERNEL.start holds something that is not a whole"),
        ("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = 1.5", "KERNEL.start holds something that is not a whole"),
        ("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET deviceId = 1 << 40", "numbers that cannot be"),
        ("UPDATE NVTX_EVENTS SET globalTid = NULL", "NVTX_EVENTS.globalTid is null"),
        ("UPDATE StringIds SET value = x'FF'", "StringIds.value holds something that is not text"),
        ("UPDATE StringIds SET value = CAST(x'FF' AS TEXT)", None),
    ],
)
def test_values_that_nsys_does_not_write_are_refused_by_name(
    tmp_path: Path, change: str, problem: str | None
) -> None:
    path = run_sql(small().write(tmp_path / "x.sqlite"), change)
    if problem is None:
        assert read_nsys_sqlite(path).gpu_work.num_rows == 1
    else:
        with pytest.raises(ProfileError, match=problem):
            read_nsys_sqlite(path)


def test_a_cut_export_is_refused_at_any_length(tmp_path: Path) -> None:
    whole = small().write(tmp_path / "x.sqlite").read_bytes()
    path = tmp_path / "cut.sqlite"
    for length in range(1, len(whole), 509):
        path.write_bytes(whole[:length])
        with pytest.raises(ProfileError):
            read_nsys_sqlite(path)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 40))
def test_a_damaged_export_is_read_or_refused_with_a_message(
    tmp_path_factory: pytest.TempPathFactory, seed: int, flips: int
) -> None:
    """A flipped bit of a number cannot be told; whatever else it does, it ends in our own error."""
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(_whole(folder))
    chance = random.Random(seed)
    for _ in range(flips):
        # Half of them in what describes the rest: the header and the first page's list of tables.
        place = chance.randrange(len(content) if chance.random() < 0.5 else 1024)
        content[place] ^= 1 << chance.randrange(8)
    path = folder / "damaged.sqlite"
    path.write_bytes(content)
    try:
        profile = read_nsys_sqlite(path)
    except ProfileError as error:
        said = str(error)
    else:
        profile.gpu_work.validate(full=True)
        said = str(profile.path)
    assert str(path) in said


def _whole(folder: Path) -> bytes:
    path = folder / "whole.sqlite"
    if not path.exists():
        small().write(path)
    return path.read_bytes()


def test_what_was_traced_is_told_by_the_capture_and_not_by_its_tables(tmp_path: Path) -> None:
    asked = NsysExport(capture=("Cuda",)).write(tmp_path / "asked.sqlite")
    profile = read_nsys_sqlite(asked)
    assert profile.traced == {"cuda"}, "asked for, though nothing happened and no table is there"
    assert profile.notes == ()
    empty = NsysExport(capture=("NvtxEvents",))
    empty.lazy = False
    profile = read_nsys_sqlite(empty.write(tmp_path / "empty.sqlite"))
    assert profile.traced == {"nvtx"}, "tables are there, and empty, of what nobody asked for"


def test_an_export_of_2022_is_known_to_have_traced_what_it_entered_the_start_of(tmp_path: Path) -> None:
    export = NsysExport("3.0.0")
    for name in ("CUDA profiling initialization", "cuDNN profiling initialization"):
        export.add("PROFILER_OVERHEAD", start=[1], end=2, nameId=export.strings(name))
    profile = read_nsys_sqlite(export.write(tmp_path / "x.sqlite"))
    assert profile.traced == {"cuda", "cudnn"}
    assert [note for note in profile.notes if "no sign of NVTX" in note]
    assert not [note for note in profile.notes if "CUDA:" in note]


def test_warnings_of_nsys_are_handed_on_once_each(tmp_path: Path) -> None:
    path = small().write(tmp_path / "x.sqlite")
    run_sql(
        path,
        "CREATE TABLE DIAGNOSTIC_EVENT (severity INTEGER NOT NULL, text TEXT NOT NULL)",
        "INSERT INTO DIAGNOSTIC_EVENT VALUES (1, 'started'), (2, 'events were lost'), (2, 'events were lost')",
    )
    assert read_nsys_sqlite(path).notes == ("nsys warned: events were lost",)


@pytest.mark.parametrize(
    ("recorded", "problem"),
    [
        ("2024@2@3@38-242334140272v0", r"nsys 2024\.2\.3 recorded it, and the installed one is 2022\.4\.2\.1"),
        ("2022@4@2@1-df9881f", r"the export of here failed; it said: Version number is invalid"),
        ("of nothing", r"here\.nsys-rep: no report of nsys \(the export of here failed\)"),
    ],
)
def test_a_report_of_a_newer_nsys_than_the_installed_one_is_said_to_be_one(
    tmp_path: Path, recorded: str, problem: str
) -> None:
    report, program = tmp_path / "here.nsys-rep", tmp_path / "nsys"
    report.write_bytes(f"NVIDIA Tegra Profiler Report {recorded}.\n".encode() + b"\x0b\x8c")
    program.write_text("#!/bin/sh\necho Version number is invalid >&2\nexit 1\n")
    program.chmod(0o755)
    nsys = Nsys(program, "2022.4.2.1-df9881f", frozenset(), frozenset(), None)
    with pytest.raises(KwsTraceError, match=problem):
        export_sqlite(nsys, report, tmp_path)
