"""What may be opened of what somebody named: regular files alone, of a size and of texts that can be read."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from tracer import given_files
from tracer.given_files import (
    LIMIT_BYTES,
    check_file,
    kind_of_no_file,
    lift_limits,
    limited,
    open_file,
    read_file,
    read_text_file,
    too_many_rows,
    xplanes_in,
)
from tracer.given_json import parsed_json, read_json
from tracer.profiles.json_events import text
from tracer.profiles.nvprof_text import LONGEST_LINE


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test lifts is as it was behind it."""
    monkeypatch.setattr(given_files, "_limits", {"on": True})


def refusal(path: Path, limit_bytes: int = LIMIT_BYTES) -> tuple[int | None, str | None]:
    with pytest.raises(OSError, match=r"\w") as told:
        open_file(path, limit_bytes)
    assert told.value.filename == str(path)
    return told.value.errno, told.value.strerror


def test_a_regular_file_is_opened_for_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n\xc3\xa9\n")
    with open_file(path) as file:
        assert (file.mode, file.read()) == ("rb", b"a\r\n\xc3\xa9\n")
    assert read_file(path) == b"a\r\n\xc3\xa9\n"
    assert read_text_file(path) == "a\n\u00e9\n"
    path.write_bytes(b"\xff")
    assert read_text_file(path, errors="replace") == "\ufffd"
    with pytest.raises(UnicodeDecodeError):
        read_text_file(path)
    check_file(path)
    assert kind_of_no_file(path.stat().st_mode) is None


def test_what_is_no_regular_file_is_refused_by_what_it_is(tmp_path: Path) -> None:
    assert refusal(tmp_path) == (errno.EISDIR, "Is a directory")
    os.mkfifo(tmp_path / "pipe")
    # Nobody writes into it: who waited for that would wait for ever.
    assert refusal(tmp_path / "pipe") == (errno.EINVAL, "it is a named pipe, not a file")
    assert refusal(Path("/dev/null")) == (errno.EINVAL, "it is a device, not a file")
    assert refusal(Path("/proc/self/status")) == (errno.EINVAL, "it is the kernel's, not a file on a disk")
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(tmp_path / "line"))
        assert kind_of_no_file((tmp_path / "line").stat().st_mode) == "it is a socket, not a file"
    assert refusal(tmp_path / "none")[0] == errno.ENOENT


def test_a_file_beyond_the_limit_is_refused_until_limits_are_lifted(tmp_path: Path, limits: None) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")
    told = "4 bytes are more than 3 bytes, which `kws-trace --no-limits` reads"
    assert refusal(path, 3) == (errno.EFBIG, told)
    assert read_file(path, 4) == b"1234"
    with path.open("r+b") as file:
        file.truncate((4 << 30) + 1)
    assert refusal(path)[0] == errno.EFBIG
    assert (limited(7), too_many_rows(20_000_000)) == (7, None)
    assert too_many_rows(20_000_001) == "it has more than 20,000,000 rows, which `kws-trace --no-limits` reads"
    lift_limits()
    assert (limited(7), too_many_rows(20_000_001)) == (None, None)
    check_file(path)


def test_a_refused_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        assert refusal(path, 3)[0] == errno.EFBIG
        assert refusal(tmp_path)[0] == errno.EISDIR
    assert len(os.listdir("/proc/self/fd")) == before


def test_captures_of_tensorflow_are_found_below_a_folder_and_not_without_an_end(tmp_path: Path) -> None:
    deep = tmp_path / "run" / "plugins" / "profile" / "date"
    (deep / "deeper").mkdir(parents=True)
    for folder in (tmp_path, deep, deep / "deeper"):
        (folder / "host.xplane.pb").write_bytes(b"")
        (folder / "host.xplane.pb.gz").write_bytes(b"")
    assert sorted(xplanes_in(tmp_path)) == [tmp_path / "host.xplane.pb", deep / "host.xplane.pb"]
    assert list(xplanes_in(Path("/proc"))) == []


def test_a_name_and_a_line_have_a_length_that_is_told() -> None:
    assert text("a" * 70_000) == "a" * 65_536
    assert LONGEST_LINE == 2**20


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('{"a": 1, "b": 2, "c": {"d": 1}, "b": 3}', "it has 'b' twice"),
        ('{"a": {"long": 1, "long": 2}}', "it has 'long' twice"),
        ("[NaN]", "NaN is no number"),
        ("-Infinity", "-Infinity is no number"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
def test_json_that_does_not_mean_one_thing_is_refused(said: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        parsed_json(said)
    assert str(refused.value) == told


def test_json_is_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": [1, 2.5, null, true, "\xc3\xa9"], "b": {"a": 1}}')
    assert read_json(path) == {"a": [1, 2.5, None, True, "\u00e9"], "b": {"a": 1}}
    with pytest.raises(OSError, match=r"more than 3 bytes"):
        read_json(path, 3)
