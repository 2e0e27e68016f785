"""A profile is known by what it holds, whatever its name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.test_nsys_refusals import run_sql, small
from tracer.errors import ProfileError
from tracer.profiles.open_profile import (
    NSYS_PARQUET,
    NSYS_SQLITE,
    NVPROF_SQLITE,
    NVPROF_TEXT,
    XPLANE,
    read_profile_file,
    recognise,
)
from tracer.profiles.profile import Profile

# The first bytes of a real xplane.pb: one plane of 8192 bytes, named /host:CPU.
XSPACE = b"\x0a\x8d\x40\x12\x09/host:CPU" + b"\x01" * 8192

KNOWN = (
    "give a SQLite or parquetdir export of nsys, an output of nvprof, TensorFlow's or JAX's xplane.pb, the JSON of "
    "PyTorch's, JAX's or ONNX Runtime's profiler, or of trtexec"
)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_an_nsys_export_is_opened_whatever_its_name(tmp_path: Path) -> None:
    path = small().write(tmp_path / "photo.jpg")
    assert recognise(path) == NSYS_SQLITE
    profile = read_profile_file(path)
    assert isinstance(profile, Profile)
    assert profile.gpu_work.num_rows == 1


def test_an_sqlite_file_with_nvprofs_table_of_strings_is_nvprofs(tmp_path: Path) -> None:
    path = run_sql(tmp_path / "x.sqlite", "CREATE TABLE StringTable (_id_ INTEGER, value TEXT)")
    assert recognise(path) == NVPROF_SQLITE


@pytest.mark.parametrize(
    "text",
    [
        "==4211== NVPROF is profiling process 4211, command: python3\n",
        "======== Profiling result:\n Time(%)      Time     Calls\n",
        "a program's own words\n" * 100_000 + '"Start","Duration","Grid X"\ns,ms,\n',
    ],
)
def test_a_text_with_nvprofs_words_is_nvprofs(tmp_path: Path, text: str) -> None:
    assert recognise(written(tmp_path / "x", text.encode())) == NVPROF_TEXT


def test_the_2021_summary_is_nvprofs(shared_data: Path) -> None:
    assert recognise(shared_data / "nvprof" / "summary.nvprof.txt") == NVPROF_TEXT


def test_an_xplane_is_known_by_its_first_field(tmp_path: Path) -> None:
    assert recognise(written(tmp_path / "x", XSPACE)) == XPLANE


def test_a_folder_is_parquet_or_tensorflows(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    pq.write_table(pa.table({"id": [1]}), tmp_path / "a" / "StringIds.parquet")
    assert recognise(tmp_path / "a") == NSYS_PARQUET
    deep = tmp_path / "b" / "plugins" / "profile" / "2026"
    deep.mkdir(parents=True)
    written(deep / "host.xplane.pb", XSPACE)
    assert recognise(tmp_path / "b") == XPLANE
    written(deep / "other.xplane.pb", XSPACE)
    with pytest.raises(ProfileError, match=r"holds 2 captures; give one of them, as .*other\.xplane\.pb"):
        read_profile_file(tmp_path / "b")


def test_captures_are_sought_no_deeper_than_where_their_profilers_put_them(tmp_path: Path) -> None:
    """``/`` or a home would be searched for minutes, and files vanish meanwhile."""
    deep = tmp_path / "run" / "plugins" / "profile" / "2026"
    (deep / "more").mkdir(parents=True)
    written(deep / "more" / "host.xplane.pb", XSPACE)
    with pytest.raises(ProfileError, match=r"neither Parquet files nor an xplane\.pb"):
        recognise(tmp_path)
    written(deep / "host.xplane.pb", XSPACE)
    assert recognise(tmp_path) == XPLANE


NONE = "this is no profile that is known here"


@pytest.mark.parametrize(
    ("content", "problem", "remedy"),
    [
        (b"", "the file is empty", KNOWN),
        (b"\x7fELF\0\0", NONE, KNOWN),
        (b"dear diary\n", NONE, KNOWN),
        (b"\n\n= 1 =\n", NONE, KNOWN),
        # nvprof's words in a file that is no text.
        (b"NVPROF\0", NONE, KNOWN),
        (b'{"traceEvents": []}', "this is a trace in Chrome's JSON, of no profiler that is read here", KNOWN),
        (b"\x1f\x8b\x08", "cannot be read (its gzip is cut off)", KNOWN),
        (
            b"NVIDIA Tegra Profiler Report 1.\0",
            "this is a report of nsys (.nsys-rep or .qdrep)",
            "export it first: `nsys export --type sqlite {}`",
        ),
        (
            b"U3w[END]NVIDIA Nsight Systems Stream\0",
            "this is what nsys records before it makes a report (.qdstrm)",
            "import it with `QdstrmImporter -i {}` of the same nsys, then `nsys export --type sqlite`",
        ),
    ],
)
def test_what_is_no_profile_is_refused_with_what_to_do(
    tmp_path: Path, content: bytes, problem: str, remedy: str
) -> None:
    path = written(tmp_path / "x", content)
    with pytest.raises(ProfileError) as told:
        recognise(path)
    assert str(told.value) == f"{path}: {problem}; {remedy.format(path)}"


def test_a_file_with_sqlites_first_bytes_alone_and_a_folder_without_a_profile_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no SQLite file"):
        read_profile_file(written(tmp_path / "x", b"SQLite format 3\0"))
    with pytest.raises(ProfileError) as told:
        recognise(tmp_path)
    assert str(told.value) == f"{tmp_path}: the folder holds neither Parquet files nor an xplane.pb; {KNOWN}"


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="none: cannot be read"):
        read_profile_file(tmp_path / "none")


def test_no_reader_is_imported_before_it_is_used() -> None:
    code = "import sys, tracer.profiles.open_profile; print([m for m in sys.modules if 'nsys' in m or 'torx' in m])"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("[3/8] Executing 'nvtxsum' stats report\n\n Time (%)  Total Time (ns)  Name\n", "nsys stats", "nsys-rep"),
        ("Time(%),Total Time (ns),Instances,Name\n53.1,440087,3,k\n", "nsys stats", "nsys-rep"),
        (" Time (%)  Total Time (ns)  Instances\n 53.1  44,0087,8248  1,3583\n", "nsys stats", "nsys-rep"),
        ('<?xml version="1.0"?>\n<session version="2" name="a.nvvp">\n', "Visual Profiler", "--export-profile"),
        (
            "======== CPU profiling result (bottom up):\nTime(%)  Time  Name\n",
            "sampling of the CPU",
            "--cpu-profiling",
        ),
    ],
)
def test_what_is_taken_for_a_profile_is_named_with_a_remedy(
    tmp_path: Path, text: str, what: str, remedy: str
) -> None:
    with pytest.raises(ProfileError, match=f"{what}.*; .*{remedy}"):
        recognise(written(tmp_path / "x.txt", text.encode()))


@pytest.mark.parametrize(
    ("name", "what"),
    [("nsys-stats-text-nano/stats.txt", "nsys stats"), ("nvvp-session-xml/profile.nvvp", "NVIDIA Visual Profiler")],
)
def test_real_files_that_are_no_profile_are_named(shared_data: Path, name: str, what: str) -> None:
    with pytest.raises(ProfileError, match=what):
        recognise(shared_data / "cases" / name)
