"""A disk that is full, at whatever write: the run reads, and what it says of itself is true."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.attacks.programs import dut
from tests.recorded import info, window
from tests.serial_client import Client
from tracer.errors import RunError
from tracer.runs import journal, run_writer, tables
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter

WINDOWS = 6


class Disk:
    """Counts what is written through the seams of the recorder, and refuses those that ``refuses`` names."""

    def __init__(self, refuses: Callable[[int], bool]) -> None:
        self.writes, self._refuses = 0, refuses

    def guarded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guard(*arguments: Any, **options: Any) -> Any:
            self.writes += 1
            if self._refuses(self.writes - 1):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **options)

        return guard


@contextmanager
def disk(refuses: Callable[[int], bool] = lambda _: False) -> Iterator[Disk]:
    made = Disk(refuses)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.os, "write", made.guarded(os.write))
        patch.setattr(journal.os, "fsync", made.guarded(os.fsync))
        patch.setattr(Path, "write_text", made.guarded(Path.write_text))
        patch.setattr(Path, "mkdir", made.guarded(Path.mkdir))
        patch.setattr(tables, "write_spans", made.guarded(tables.write_spans))
        patch.setattr(pq, "write_table", made.guarded(pq.write_table))
        patch.setattr(run_writer, "JournalFile", made.guarded(run_writer.JournalFile))
        yield made


def recorded(traces: Path, monkeypatch: pytest.MonkeyPatch, refuses: Callable[[int], bool]) -> tuple[str, int]:
    """A run of ``WINDOWS`` windows that makes parts twice; what it says that it lacks, and how often it wrote."""
    monkeypatch.setattr(run_writer, "PART_SPANS", 40)
    monkeypatch.setattr(run_writer, "SYNC_S", 0.0)
    writer = RunWriter.create(traces, "run", info(), lambda _: None)
    with disk(refuses) as made:
        for number in range(WINDOWS):
            writer.append(window(number, first=4 * number))
            writer.make_parts_if_due()
        return writer.close(), made.writes


def holds(traces: Path, lacks: str) -> None:
    """What was counted and what is there are all; figures of no window are there in part."""
    run = stored_run("run", traces)
    spans = run.spans().to_pandas()
    found = run.windows()["window"].to_pylist()
    assert sorted(spans[spans.inference.notna()].window.unique()) == found == run.results()["window"].to_pylist()
    assert not spans[spans.inference.notna()].duplicated(["inference", "stage"]).any()
    lost = re.search(r"(?:window (\d+)|(\d+) windows), .*which the disk did not take", lacks)
    count = 0 if lost is None else 1 if lost[1] else int(lost[2])
    assert len(found) + count == WINDOWS
    assert not [sentence for sentence in run.dropped if "missing" in sentence]
    # Where even run.json was refused it is not known how the run ended, and nothing else is said.
    if run.info.state != "recording":
        assert run.dropped == lacks.split("; ") if lacks else run.dropped == []
        assert run.state == ("recovered" if run_writer.WAITING in lacks else "complete")
    again = recover_run("run", traces)
    assert again.windows()["window"].to_pylist() == found
    left = [path.name for path in again.folder.rglob("*") if path.name.startswith(".") or "journal" in path.name]
    assert left == [".lock"]


def test_a_run_on_a_good_disk_lacks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacks, writes = recorded(tmp_path, monkeypatch, lambda _: False)
    assert lacks == ""
    assert writes > 20
    holds(tmp_path, lacks)


def test_any_one_write_that_is_refused_leaves_a_run_that_reads_and_counts_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, writes = recorded(tmp_path / "good", monkeypatch, lambda _: False)
    for failing in range(writes):
        lacks, _ = recorded(tmp_path / str(failing), monkeypatch, lambda number, one=failing: number == one)
        holds(tmp_path / str(failing), lacks)


def test_a_disk_that_is_full_from_any_write_on_leaves_a_run_that_reads_and_counts_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, writes = recorded(tmp_path / "good", monkeypatch, lambda _: False)
    for first in range(writes):
        lacks, _ = recorded(tmp_path / str(first), monkeypatch, lambda number, one=first: number >= one)
        holds(tmp_path / str(first), lacks)


def test_a_run_without_room_for_its_last_word_does_not_begin(tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(5 << 20))
    with pytest.raises(RunError, match="No space left"):
        RunWriter.create(small_disk, "run", info(), lambda _: None)
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs a small disk, which only root may mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def filled(folder: Path) -> None:
    """What is left of the disk is taken."""
    with (folder / "filler").open("ab", buffering=0) as file, pytest.raises(OSError, match="space"):  # noqa: PT012
        while True:
            file.write(bytes(4096))


def test_a_full_disk_is_told_by_the_dut_and_the_run_says_what_it_lacks(tmp_path: Path, small_disk: Path) -> None:
    with dut(tmp_path, "--traces", str(small_disk / "traces")) as child:
        with Client(tmp_path / "dut") as client:
            client.load(bytes(490))
            client.ask(b"infer 20 1%")
            filled(small_disk)
            for _ in range(6):
                client.ask(b"infer 500 0%")
        (small_disk / "traces/run/.room-for-journal").unlink()
        filled(small_disk)
        child.send_signal(signal.SIGTERM)
        assert child.stderr is not None
        said = child.stderr.read()
        assert child.wait(120) == 1
    assert "run complete" not in said
    assert "run ended" in said
    run = stored_run("run", small_disk / "traces")
    found = run.windows()["window"].to_pylist()
    lost = re.search(r"lacks (?:(\d+) windows, from \d+ to \d+|window \d+), which the disk did not take", said)
    count = 0 if lost is None else int(lost[1] or 1)
    assert len(found) + count == 7
    assert run.info.state == "recovered"
    assert not [sentence for sentence in run.dropped if "killed" in sentence]
    (small_disk / "filler").unlink()
    assert recover_run("run", small_disk / "traces").windows()["window"].to_pylist() == found
