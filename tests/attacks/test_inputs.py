"""Files that are none, that are too large or that never end: refused in a message, soon, in little memory."""

from __future__ import annotations

import contextlib
import io
import os
import re
import resource
import shutil
import socket
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.attacks.programs import SCRIPT, called, obeyed
from tests.conftest import ROOT
from tests.nsys_export import run_sql
from tracer import given_files

PATIENCE_S = 60
SHIPPED = ROOT / "runner/shipped/held_out.npz"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def folder(path: Path) -> None:
    path.mkdir()


KINDS: tuple[Callable[[Path], None], ...] = (fifo, device, unix_socket, folder)


def a_run(traces: Path) -> Path:
    shutil.copytree(ROOT / "traces/sample-cpu", traces / "run")
    return traces / "run"


def refused(*words: str | Path, code: int = 2) -> str:
    """What the real command says; it has little memory, and is not waited for for ever."""

    def little_memory() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))

    command = [SCRIPT, *map(str, words)]
    options = {"capture_output": True, "text": True, "timeout": PATIENCE_S, "preexec_fn": little_memory}
    done = subprocess.run(command, check=False, **options)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert "nobody foresaw" not in said
    assert obeyed(said) == []
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("make", KINDS[:3])
@pytest.mark.parametrize(
    "words",
    [
        ("kernels", "FILE"),
        ("report", "FILE"),
        ("session", "FILE"),
        ("accuracy", "last", "--dataset", "FILE.npz"),
        ("infer", "FILE"),
        ("infer", "--model", "FILE.tflite"),
        ("cost", "FILE.tflite"),
    ],
    ids=" ".join,
)
def test_what_is_no_file_is_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = next(word for word in words if word.startswith("FILE"))
    make(tmp_path / name)
    traces = ("--traces", str(ROOT / "traces")) if words[0] in ("accuracy", "report", "infer") else ()
    ended = called(*words, *traces)
    assert ended.code in (1, 2), ended.said
    assert name in ended.said
    assert "nobody foresaw" not in ended.said
    if words[0] not in ("report", "session"):
        assert re.search("named pipe|device|socket", " ".join(ended.said.split())), ended.said


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(
    "name", ["run.json", "spans/part.parquet", "journal-0.arrows", ".lock", "samples/part.parquet"]
)
def test_what_is_no_file_in_a_run_is_told_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run = a_run(tmp_path)
    path = next(iter((run / "spans").glob("part-*"))) if name.startswith("spans") else run / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    for words in (["report", "run"], ["runs"]):
        ended = called(*words, "--traces", tmp_path)
        assert ended.code in (0, 2), ended.said
        assert "nobody foresaw" not in ended.said
    if name.startswith("spans"):
        assert "damaged" in called("report", "run", "--traces", tmp_path).said


def test_a_device_is_not_read_by_the_real_command(tmp_path: Path) -> None:
    assert "it is a device, not a file" in refused("kernels", "/dev/zero")
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    said = refused("accuracy", ROOT / "traces/sample-cpu", "--dataset", tmp_path / "zero.npz")
    assert "it is a device, not a file" in said


def test_a_file_that_is_too_large_is_refused_unless_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.sqlite"
    with path.open("wb") as file:
        file.truncate(5 << 30)
    ended = called("kernels", path)
    assert ended.code == 2
    assert "5.37 GB are more than 4.29 GB, which `kws-trace --no-limits` reads" in " ".join(ended.said.split())
    monkeypatch.setattr(given_files, "_limits", {"on": True})
    ended = called("--no-limits", "kernels", path)
    assert "no-limits" not in ended.said
    assert ended.code == 2


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'x' AS value FROM n"


def test_a_view_that_never_ends_is_refused_by_its_name(tmp_path: Path) -> None:
    for table in ("StringIds", "StringTable", "CUPTI_ACTIVITY_KIND_KERNEL"):
        path = run_sql(tmp_path / f"{table}.sqlite", f"CREATE VIEW {table} AS {ENDLESS}")
        assert f"its {table} is no stored table" in refused("kernels", path)


def test_a_query_that_takes_more_steps_than_the_file_has_room_for_is_interrupted(tmp_path: Path) -> None:
    from tracer.errors import ProfileError
    from tracer.profiles.sqlite_file import connect, reading

    path = run_sql(tmp_path / "small.sqlite", "CREATE TABLE a (b)")
    with pytest.raises(ProfileError, match="takes more steps than the file has room for"), reading(path, "a"):
        connect(path).execute(f"SELECT max(id) FROM ({ENDLESS})").fetchall()


def test_names_of_a_damaged_schema_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    path = run_sql(tmp_path / "one.sqlite", 'CREATE VIEW "a\x1b[31m\x9b2J\u202e" AS SELECT 1')
    assert "its a" in refused("kernels", path)
    path.write_bytes(path.read_bytes().replace(b"SELECT 1", b"\x1b[31m \x07"))
    refused("kernels", path)


def test_names_of_a_megabyte_are_cut_and_take_little_memory(tmp_path: Path) -> None:
    from tracer.profiles.nsys_export import fetch_existing
    from tracer.profiles.nsys_sqlite import SqliteExport
    from tracer.profiles.sqlite_file import sqlite_columns

    path = run_sql(tmp_path / "names.sqlite", "CREATE TABLE StringIds (id INTEGER, value TEXT)")
    with sqlite3.connect(path) as made:
        made.executemany(
            "INSERT INTO StringIds VALUES (?, ?)", [(number, "\u00e9" * (1 << 20)) for number in range(20)]
        )
    made.close()
    rows = fetch_existing(SqliteExport(path, sqlite_columns(path)), "StringIds", ("id", "value"))
    assert {len(one.encode()) for one in rows["value"].to_pylist()} == {given_files.LONGEST_NAME}


def test_a_table_of_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_files, "MOST_ROWS", 1000)
    pq.write_table(pa.table({"id": pa.array(range(1001))}), tmp_path / "StringIds.parquet")
    said = " ".join(called("kernels", tmp_path).said.split())
    assert "it has more than 1,000 rows, which `kws-trace --no-limits` reads" in said


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def test_an_npz_that_unpacks_to_a_gigabyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("inputs.npy", "w") as file:
        for _ in range(1 << 10):
            file.write(bytes(1 << 20))
    assert path.stat().st_size < 2 << 20
    assert "it unpacks to 1.07 GB, more than" in refused("accuracy", ROOT / "traces/sample-cpu", "--dataset", path)


def test_an_npz_whose_header_promises_terabytes_is_refused(tmp_path: Path) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|i1", "fortran_order": False, "shape": (1 << 40, 490)})
    path = tmp_path / "promise.npz"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("inputs.npy", head.getvalue())
    refused("accuracy", ROOT / "traces/sample-cpu", "--dataset", path)


@pytest.mark.parametrize("kept", [0, 1, 100, 10_000])
def test_an_npz_that_is_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.npz"
    path.write_bytes(SHIPPED.read_bytes()[:kept])
    ended = called("accuracy", ROOT / "traces/sample-cpu", "--dataset", path)
    assert (ended.code, "nobody foresaw" in ended.said) == (2, False), ended.said
    assert "cut.npz" in ended.said


def test_an_npz_that_is_damaged_at_any_byte_is_refused_or_read(tmp_path: Path) -> None:
    from runner.dataset import load_dataset
    from tracer.errors import DatasetError

    whole = npz(
        tmp_path / "whole.npz",
        inputs=np.zeros((2, 490), np.int8),
        labels=np.array([0, 11]),
        names=np.array(["a.bin", "b.bin"]),
    ).read_bytes()
    path = tmp_path / "damaged.npz"
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        with contextlib.suppress(DatasetError):
            assert len(load_dataset(path).names) == 2


@pytest.mark.parametrize(
    "arrays",
    [
        {"inputs": np.zeros((2, 490), np.int8), "labels": np.array([0, 12]), "names": np.array(["a", "b"])},
        {"inputs": np.zeros((2, 490), np.int8), "labels": np.array([0, -1]), "names": np.array(["a", "b"])},
        {"inputs": np.zeros((2, 490), np.int8), "labels": np.array(0), "names": np.array(["a", "b"])},
        {"inputs": np.zeros((2, 490), np.int8), "labels": np.array([0, 1]), "names": np.array("a")},
        {"inputs": np.full((2, 490), np.nan), "labels": np.array([0, 1]), "names": np.array(["a", "b"])},
        {"inputs": np.full((2, 490), 300), "labels": np.array([0, 1]), "names": np.array(["a", "b"])},
        {"inputs": np.array(["x"]), "labels": np.array(["y"]), "names": np.array([1])},
        {"inputs": np.zeros((0, 490), np.int8), "labels": np.zeros(0, int), "names": np.zeros(0, "U1")},
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    from runner.dataset import load_dataset
    from tracer.errors import DatasetError

    with pytest.raises(DatasetError, match=r"kinds\.npz"):
        load_dataset(npz(tmp_path / "kinds.npz", **arrays))


LINES = {
    "a superscript": "a.bin,12,\u00b2\n",
    "many digits": f"a.bin,12,{'1' * 5000}\n",
    "a NUL": "a\0b.bin,12,1\n",
    "an escape": "a\x1b[31m\x9b2J\u202e.bin,12,1\n",
    "a long field": f"{'a' * 200_000}.bin,12,1\n",
    "a path": "../../etc/passwd,12,1\n",
    "a quote left open": '"a.bin,12,1\nb.bin,12,2\n',
    "another alphabet's digit": "a.bin,12,\u0663\n",
    "no text": "\udcff\udcfe,12,1\n",
    "minus": "a.bin,12,-1\n",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_of_the_labels_that_is_none_is_refused_and_not_shown_raw(tmp_path: Path, line: str) -> None:
    (tmp_path / "y_labels.csv").write_bytes(line.encode("utf-8", "surrogateescape"))
    ended = called("accuracy", ROOT / "traces/sample-cpu", "--dataset", tmp_path)
    assert (ended.code, "nobody foresaw" in ended.said) == (2, False), ended.said
    assert "y_labels.csv" in ended.said
    assert obeyed(ended.said) == []


@pytest.mark.parametrize(
    "text", [b"x" * (2 << 20), b"==1== NVPROF\n" + b"y" * (2 << 20), b"==1== Profiling result:\0"]
)
def test_a_text_with_a_line_of_megabytes_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "profile.txt"
    path.write_bytes(text)
    ended = called("kernels", path)
    assert (ended.code, "nobody foresaw" in ended.said) == (2, False)
