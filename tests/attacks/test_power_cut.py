"""What a disk holds after a power cut: only what was synced, as far as anybody promised; a run of it reads."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import info, window
from tracer.errors import RunError
from tracer.runs import run_writer
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter


class Disk:
    """
    What is safe of a folder: of a file its content, of a folder its names, each as it was when it was last synced.

    ``at_each_call`` is told after each sync, renaming and removal; ``calls`` names them in order.
    """

    def __init__(self, root: Path, at_each_call: Callable[[Disk], None]) -> None:
        self.root, self._at_each_call = root, at_each_call
        self.calls: list[str] = []
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._held: dict[int, int] = {}
        """Descriptors by inode: the number of a file that is removed would else be given to another."""
        self._note_names(root)

    def synced(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self._note_names(path)
        else:
            self._hold(path)
            self._contents[os.fstat(descriptor).st_ino] = path.read_bytes()
        self.called("sync", path)

    def called(self, what: str, path: Path) -> None:
        if path.is_relative_to(self.root):
            self.calls.append(f"{what} {path.relative_to(self.root)}")
            self._at_each_call(self)

    def _hold(self, path: Path) -> None:
        if path.stat().st_ino not in self._held:
            self._held[path.stat().st_ino] = os.open(path, os.O_RDONLY)

    def let_go(self) -> None:
        """Give the numbers free."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def _note_names(self, folder: Path) -> None:
        for path in (folder, *folder.iterdir()):
            self._hold(path)
        self._names[folder.stat().st_ino] = {path.name: path.stat().st_ino for path in folder.iterdir()}

    def after_a_cut(self, target: Path, *, names_as_they_are: bool) -> None:
        """
        Make ``target`` what is found after it.

        Names that were not synced may be there or not: here either all of them are, or none.
        """
        shutil.rmtree(target, ignore_errors=True)
        self._restore(self.root, self.root.stat().st_ino, target, now=names_as_they_are)

    def _restore(self, folder: Path, inode: int, target: Path, *, now: bool) -> None:
        target.mkdir()
        current = {path.name: path.stat().st_ino for path in folder.iterdir()} if folder.is_dir() else {}
        folders = {path.stat().st_ino: path for path in self.root.rglob("*") if path.is_dir()}
        for name, found in (current if now else self._names.get(inode, {})).items():
            if found in folders:
                self._restore(folders[found], found, target / name, now=now)
            else:
                (target / name).write_bytes(self._contents.get(found, b""))


@contextmanager
def disk(root: Path, at_each_call: Callable[[Disk], None] = lambda _: None) -> Iterator[Disk]:
    root.mkdir()
    made = Disk(root, at_each_call)
    real = {"fsync": os.fsync, "replace": Path.replace, "unlink": Path.unlink}

    def fsync(descriptor: int) -> None:
        real["fsync"](descriptor)
        made.synced(descriptor)

    def replaced(path: Path, target: Path) -> Any:
        done = real["replace"](path, target)
        made.called("rename", Path(target))
        return done

    def unlinked(path: Path, **options: Any) -> None:
        real["unlink"](path, **options)
        made.called("remove", path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "unlink", unlinked)
        try:
            yield made
        finally:
            made.let_go()


def record(traces: Path, windows: int, promised: list[int]) -> None:
    """A run that syncs after each window and makes parts after every second; ``promised`` grows with what is safe."""
    writer = RunWriter.create(traces, "run", info(), lambda _: None)
    for number in range(windows):
        writer.append(window(number, first=4 * number))
        writer.make_parts_if_due()
        promised.append(number)
    writer.close()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_writer, "SYNC_S", 0.0)
    monkeypatch.setattr(run_writer, "PART_SPANS", 25)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("names_as_they_are", [False, True])
def test_a_power_cut_at_any_step_takes_no_window_that_was_synced(tmp_path: Path, names_as_they_are: bool) -> None:
    promised: list[int] = []
    cuts = 0

    def cut(made: Disk) -> None:
        nonlocal cuts
        made.after_a_cut(tmp_path / "after", names_as_they_are=names_as_they_are)
        try:
            run = stored_run("run", tmp_path / "after")
        except RunError:
            assert not promised
            return
        found = run.windows()["window"].to_pylist()
        assert found == list(range(len(found)))
        assert len(found) >= len(promised)
        spans = run.spans().to_pandas()
        assert len(spans[spans.inference.notna()]) == 12 * len(found)
        assert not [sentence for sentence in run.dropped if "missing" in sentence or "damaged" in sentence]
        assert recover_run("run", tmp_path / "after").windows()["window"].to_pylist() == found
        cuts += 1

    with disk(tmp_path / "traces", cut):
        record(tmp_path / "traces", 5, promised)
    assert cuts > 30


@pytest.mark.usefixtures("often")
def test_parts_and_their_folders_are_synced_before_the_journal_goes(tmp_path: Path) -> None:
    with disk(tmp_path / "traces") as made:
        record(tmp_path / "traces", 2, [])
    going = made.calls.index("remove run/journal-0.arrows")
    before = made.calls[:going]
    for table in ("spans", "windows", "results"):
        part = f"run/{table}/part-000000000000-000000000001.parquet"
        in_order = [
            f"sync run/{table}/.part-000000000000-000000000001.parquet.new",
            f"rename {part}",
            f"sync run/{table}",
        ]
        places = [before.index(call) for call in in_order]
        assert places == sorted(places)


def test_the_journal_is_synced_between_windows_and_not_more_often_than_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(run_writer.time, "monotonic", lambda: now[0])
    with disk(tmp_path / "traces") as made:
        writer = RunWriter.create(tmp_path / "traces", "run", info(), lambda _: None)
        del made.calls[:]
        for number, passed_s in enumerate((0.5, 0.4, 0.2, 2.0)):
            now[0] += passed_s
            writer.append(window(number, first=4 * number))
            assert made.calls.count("sync run/journal-0.arrows") == (number == 3)
            writer.make_parts_if_due()
        assert made.calls == ["sync run/journal-0.arrows"] * 2
        writer.close()
