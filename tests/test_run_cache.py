"""What is derived from a run is kept outside it, and its loss or damage changes no answer."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.gpu_runs import recorded_run
from tests.recorded import window
from tracer.reports.run_list import list_rows
from tracer.runs.run_cache import cache_folder, derived
from tracer.runs.run_store import StoredRun, stored_run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredRun:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return recorded_run(tmp_path / "traces", [window(0, 5), window(1, 1)])


class Counted:
    """Gives a value and counts how often it was asked for it."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, object]:
        self.times += 1
        return {"rate_hz": 23255.813953488374, "windows": 2, "none": None}


def entries() -> list[Path]:
    folder = cache_folder()
    assert folder is not None
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_value_is_computed_once_and_nothing_is_written_into_the_run(run: StoredRun) -> None:
    compute, before = Counted(), sorted(run.folder.rglob("*"))
    assert derived(run, "x-1", compute) == derived(run, "x-1", compute) == Counted()()
    assert compute.times == 1
    assert derived(run, "x-2", compute) == Counted()()
    assert compute.times == 2
    assert sorted(run.folder.rglob("*")) == before


def test_a_run_that_changed_is_derived_anew(run: StoredRun) -> None:
    compute = Counted()
    derived(run, "x-1", compute)
    os.utime(run.folder / "run.json", ns=(1, 1))
    derived(run, "x-1", compute)
    assert compute.times == 2


@pytest.mark.parametrize("damage", [b"", b"{", b"00000000\n[1]", b"\xff\xfe\n\x00", None])
def test_a_damaged_or_deleted_entry_is_computed_again(run: StoredRun, damage: bytes | None) -> None:
    compute = Counted()
    derived(run, "x-1", compute)
    (entry,) = entries()
    if damage is None:
        entry.unlink()
    else:
        entry.write_bytes(damage)
    assert derived(run, "x-1", compute) == Counted()()
    assert derived(run, "x-1", compute) == Counted()()
    assert compute.times == 2


def test_where_nothing_can_be_kept_the_value_is_computed_each_time(
    run: StoredRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    compute = Counted()
    assert derived(run, "x-1", compute) == derived(run, "x-1", compute) == Counted()()
    assert compute.times == 2


def test_a_run_that_is_being_recorded_is_not_kept(run: StoredRun) -> None:
    run.state = "recording"
    derived(run, "x-1", Counted())
    folder = cache_folder()
    assert folder is not None
    assert not folder.exists()


def test_an_id_that_leads_elsewhere_leads_nowhere(run: StoredRun, tmp_path: Path) -> None:
    path = run.folder / "run.json"
    path.write_text(path.read_text().replace(run.info.run_id, "../../../escape"), encoding="utf-8")
    derived(stored_run(run.folder), "x-1", Counted())
    assert all(path.is_relative_to(tmp_path / "cache" / "kws-trace") for path in entries())
    assert not (tmp_path.parent / "escape").exists()


def test_writers_at_one_entry_leave_it_whole(run: StoredRun) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(derived(run, "x-1", Counted())), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [Counted()()] * 8
    assert len(entries()) == 1


def test_the_list_of_runs_is_the_same_with_without_and_beside_its_cache(run: StoredRun) -> None:
    first = list_rows(run.folder.parent)
    assert (first[0]["windows"], first[0]["rate_hz"]) == (2, pytest.approx(1e9 / 43_000))
    assert len(entries()) == 1
    assert list_rows(run.folder.parent) == first
    run.folder.rename(run.folder.with_name("renamed"))
    assert list_rows(run.folder.parent) == [{**first[0], "name": "renamed"}]
