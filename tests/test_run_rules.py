"""Rules of a run on disk, each on a small case told whole: its tables, its names, what makes it whole."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.dashboard_runs import plain_run
from tests.recorded import STAGES, info, window
from tracer.errors import RunError
from tracer.runs.journal import JournalRow
from tracer.runs.launch_set import named_runs
from tracer.runs.overhead_store import keep_ledger, ledger_of
from tracer.runs.run_files import checked_run_name, held, is_locked, rename_run, run_folder
from tracer.runs.run_folder import make_run_folder, release_room, remove_run_folder
from tracer.runs.run_info import read_run_info
from tracer.runs.run_json import misfit
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter
from tracer.runs.tables import rows_table


def rows() -> list[JournalRow]:
    """A performance window of two inferences and a warm-up, an accuracy window, one that was cut, and the tail."""
    cut = replace(window(6, 1, 0, first=3), state="cut", probabilities=None, lap_end_us=None)
    tail = replace(cut, window=-1, inferences=0, edges=np.empty((0, len(STAGES) + 1), np.int64))
    given = [window(4, 2, 1, first=0), window(5, 1, 0, first=2), cut, tail]
    return [JournalRow.of(one, seq) for seq, one in enumerate(given)]


def test_windows_and_results_are_made_of_the_journal_without_its_tail_and_without_what_has_no_output():
    found = rows_table("windows", rows(), "id").to_pylist()
    assert [(one["window"], one["kind"], one["state"], one["inferences"], one["warmups"]) for one in found] == [
        (4, "performance", "complete", 2, 1),
        (5, "accuracy", "complete", 1, 0),
        (6, "accuracy", "cut", 1, 0),
    ]
    assert [one["run_id"] for one in found] == ["id"] * 3
    results = rows_table("results", rows(), "id").to_pylist()
    assert [(one["window"], one["input_sha256"], one["probabilities"][11]) for one in results] == [
        (4, f"{4:064x}", 1.0),
        (5, f"{5:064x}", 1.0),
    ]


def test_spans_say_which_inference_of_which_window_they_are_and_whether_it_warmed_up():
    found = rows_table("spans", rows()[:2], "id").to_pylist()
    runs = [one for one in found if one["stage"] == "session_run"]
    told = [(one["window"], one["inference"], one["warmup"], one["duration_ns"]) for one in runs]
    assert told == [(4, 0, True, 40_000), (4, 1, False, 40_000), (4, 2, False, 40_000), (5, 2, False, 40_000)]
    serial = {
        (one["window"], one["inference"], one["stage"], one["warmup"]) for one in found if "serial" in one["stage"]
    }
    assert serial == {(number, None, f"serial_{what}", False) for number in (4, 5) for what in ("read", "write")}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("../run", "'../run': a run is named by one folder, not by a path; choose one of the list"),
        ("none", "'none': no such run is in the traces folder; choose one of the list"),
        ("out", "'out': a link in it leads out of the traces folder; put the files there, not a link"),
    ],
)
def test_a_name_that_opens_no_run_is_refused_with_what_to_do(tmp_path: Path, name: str, text: str) -> None:
    traces = tmp_path / "traces"
    (plain_run(traces, "out") / "session").symlink_to(plain_run(tmp_path / "elsewhere", "secret"))
    with pytest.raises(RunError) as refused:
        run_folder(traces, name)
    assert str(refused.value) == text


def test_a_name_that_no_run_can_have_is_refused_with_the_rule(tmp_path: Path) -> None:
    rule = "a run's name is that of one folder: printable, without / and \\, of at most 200 bytes, and not `last`"
    with pytest.raises(RunError) as refused:
        checked_run_name("last")
    assert str(refused.value) == f"--name 'last': {rule}; give another"
    plain_run(tmp_path, "run")
    for new in ("last", "a/b", "a\\b", "é" * 101, "\n", "", ".", ".."):
        with pytest.raises(RunError) as refused:
            rename_run(tmp_path, "run", new)
        assert str(refused.value) == f"{new!r}: {rule}; give another"
    assert rename_run(tmp_path, "run", "é" * 100) == tmp_path / ("é" * 100)


def test_who_holds_the_lock_of_a_run_records_it(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    (tmp_path / ".lock").touch()
    assert not is_locked(tmp_path)
    with held(tmp_path, "run"):
        assert is_locked(tmp_path)
        with pytest.raises(RunError) as refused, held(tmp_path, "run"):
            pytest.fail("held twice")
    assert str(refused.value) == "'run': it is being recorded; end it first (Ctrl-C on its `kws-trace run`)"
    assert not is_locked(tmp_path)


def test_runs_are_looked_for_in_traces_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first", "second", "third"):
        plain_run(tmp_path / "traces", name)
    monkeypatch.chdir(tmp_path)
    assert [stored_run(name).name for name in ("first", "last", "traces/second")] == ["first", "third", "second"]
    assert recover_run("second").folder == Path("traces/second")


def test_a_link_within_the_traces_folder_is_followed(tmp_path: Path) -> None:
    inside = plain_run(tmp_path, "run")
    (inside / "session").symlink_to(plain_run(tmp_path, "other"))
    assert run_folder(tmp_path, "run") == inside


def test_a_run_that_was_closed_is_recovered_by_leaving_it_as_it_is(tmp_path: Path) -> None:
    folder = plain_run(tmp_path, "run")
    left = folder / ".room-for-journal"
    left.write_bytes(b"")
    before = (folder / "run.json").read_bytes()
    assert recover_run("run", tmp_path).info.state == "complete"
    assert (folder / "run.json").read_bytes() == before
    assert not left.exists()


def test_a_run_that_was_killed_before_a_window_is_recovered_and_counts_no_row(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path, "run", info(), print)
    for journal in writer.folder.glob("journal-*.arrows"):
        journal.unlink()
    # The lock of a process that was killed is nobody's.
    copied = tmp_path / "killed"
    copied.mkdir()
    os.link(writer.folder / "run.json", copied / "run.json")
    found = recover_run("killed", tmp_path)
    assert (found.info.state, found.info.journal["rows"]) == ("recovered", 0)
    assert read_run_info(copied / "run.json").not_recorded
    writer.close()


def test_a_name_means_a_set_of_launches_before_it_means_a_run(tmp_path: Path) -> None:
    plain_run(tmp_path, "run")
    assert [one.name for one in named_runs("run", tmp_path)] == ["run"]
    with pytest.raises(RunError, match="no such run"):
        named_runs("none", tmp_path)


def test_what_does_not_fit_a_pair_is_named_by_its_place():
    assert misfit([1, "a"], tuple[int, str], "pair") is None
    assert "pair[1]" in str(misfit([1, 2], tuple[int, str], "pair"))
    assert misfit([1], tuple[int, str], "pair") is not None


@pytest.mark.parametrize("lacking", ["sha256", "name", "device", None])
def test_a_run_has_the_ledger_of_its_configuration_and_of_an_unknown_one_none(
    tmp_path: Path, lacking: str | None
) -> None:
    run = stored_run(plain_run(tmp_path, "run"), tmp_path)
    model: dict[str, str | None] = {"sha256": "0" * 64, "name": "kws"}
    backend = {"name": "fake", "device": "CPU", "threads": 1}
    kept = {"model": {**model}, "backend": {**backend}, "stages_mode": "split", "conditions": []}
    assert keep_ledger(tmp_path / "deep" / "er", kept) == tmp_path / "deep" / "er" / "overhead.json"
    keep_ledger(tmp_path, kept)
    keep_ledger(tmp_path, {**kept, "stages_mode": "fused"})
    if lacking:
        # Not even that of what is called so.
        known = "model" if lacking == "sha256" else "backend"
        keep_ledger(tmp_path, {**kept, known: {**kept[known], lacking: "None"}})  # type: ignore[dict-item]
        (model if lacking == "sha256" else backend).pop(lacking)  # type: ignore[attr-defined]
    found = ledger_of(replace(run, info=replace(run.info, model=model, backend=backend)))
    assert found == (None if lacking else kept)


def test_a_run_is_shown_without_the_rows_of_its_tables(tmp_path: Path) -> None:
    run = stored_run(plain_run(tmp_path, "run"), tmp_path)
    before = repr(run)
    assert len(run.windows()) > 0
    assert repr(run) == before


def test_a_run_that_begins_keeps_room_for_its_end_and_gives_it_back(tmp_path: Path) -> None:
    folder, lock = make_run_folder(tmp_path / "traces" / "deep", "run", info())
    assert folder == tmp_path / "traces" / "deep" / "run"
    rooms = {".room-for-journal": 4 * 1024**2, ".room-for-run.json": 128 * 1024}
    assert {path.name: path.stat().st_size for path in folder.glob(".room-*")} == rooms
    assert is_locked(folder)
    release_room(folder, "run.json")
    release_room(folder, "run.json")
    assert sorted(path.name for path in folder.iterdir()) == [".lock", ".room-for-journal", "run.json"]
    remove_run_folder(folder, lock)
    assert list((tmp_path / "traces" / "deep").iterdir()) == []
