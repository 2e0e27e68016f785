"""Files are there whole or as before, and what a killed writer left is removed; the disk that refuses is a fake."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import threading
from pathlib import Path
from unittest import mock

import pytest

from tracer import whole_files
from tracer.whole_files import digest, reserve, sweep, sync, write_json, written_whole


def refuses(number: int) -> mock.Mock:
    return mock.Mock(side_effect=OSError(number, os.strerror(number)))


def test_json_is_written_as_lines_that_end_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"é": [1]})
    assert path.read_bytes() == b'{\n  "\\u00e9": [\n    1\n  ]\n}\n'
    assert json.loads(path.read_text(encoding="utf-8")) == {"é": [1]}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_is_as_before_where_its_writer_fails(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    names = []

    def fail() -> None:
        with written_whole(path, shared=shared) as temporary:
            names.append(temporary)
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    writer = f".{os.getpid()}-{threading.get_ident()}" if shared else ""
    assert names == [tmp_path / f".file{writer}.new"]
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_of_a_shared_file_left_is_removed_after_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = tmp_path / "fi[l]e", 1_000_000.0
    monkeypatch.setattr(whole_files.time, "time", lambda: now)
    left = {name: tmp_path / f".fi[l]e.{name}.new" for name in ("1-2", "1-3", "other")}
    ages = {"1-2": 3600.5, "1-3": 3600.0, "other": 9999.0}
    for name, one in left.items():
        one.write_text("left")
        os.utime(one, (now - ages[name], now - ages[name]))
    other = tmp_path / ".file.1-2.new"
    other.write_text("of another file")
    os.utime(other, (0, 0))
    sweep(path)
    assert sorted(tmp_path.iterdir()) == sorted([left["1-3"], left["other"], other])


def test_no_file_takes_the_place_of_what_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind, told in (
        (tmp_path, IsADirectoryError, "Is a directory"),
        (Path("."), IsADirectoryError, "Is a directory"),
        (tmp_path / "pipe", FileExistsError, "a device, a pipe or a socket is there"),
    ):
        with pytest.raises(kind) as refused, written_whole(path):
            pass
        assert (refused.value.strerror, refused.value.filename) == (told, str(path))
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]


def test_a_disk_that_cannot_hold_a_folder_s_names_is_borne_and_one_that_fails_is_not(tmp_path: Path) -> None:
    open_files = len(os.listdir("/proc/self/fd"))
    for number in (errno.EINVAL, errno.EOPNOTSUPP):
        with mock.patch("os.fsync", refuses(number)):
            sync(tmp_path)
    with mock.patch("os.fsync", refuses(errno.EIO)), pytest.raises(OSError, match="Input/output error"):
        sync(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == open_files


def test_room_is_kept_on_the_disk_or_no_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "room"
    reserve(path, 5000)
    assert (path.stat().st_size, path.stat().st_mode & 0o777) == (5000, 0o644 & ~umask())
    with pytest.raises(FileExistsError):
        reserve(path, 1)
    path.unlink()
    with mock.patch("os.posix_fallocate", refuses(errno.ENOSPC)), pytest.raises(OSError, match="No space"):
        reserve(path, 5000)
    assert not path.exists()
    with mock.patch("os.posix_fallocate", refuses(errno.EOPNOTSUPP)):
        reserve(path, 5000)
    assert path.stat().st_size == 0


def umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now


def test_a_digest_is_that_of_the_whole_file() -> None:
    zeros = bytes((1 << 20) + 1)
    assert digest(io.BytesIO(zeros)) == hashlib.sha256(zeros).hexdigest()
