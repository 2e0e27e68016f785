"""Taking profiles into a run: what stands in it after, and what becomes of it when something fails."""

from __future__ import annotations

import errno
import fcntl
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.cli import app
from runner.dut.profiler_launch import take_in
from tests.gpu_runs import (
    EXECUTOR,
    PROCESS,
    Clock,
    add_ranges,
    capture_window,
    captured_windows,
    export_of,
    ranges_of,
    recorded_run,
    usual_windows,
)
from tests.ingested import contents, refused
from tests.nsys_export import SECRET, NsysExport
from tests.recorded import window
from tracer.captures import import_profile
from tracer.captures.stored_capture import capture_path, read_capture
from tracer.errors import CaptureError, RunError, WriteError
from tracer.profiles.profile import PROFILE_TABLES
from tracer.recording.window import RecordedWindow
from tracer.reports.report import build_report
from tracer.reports.report_text import render_report
from tracer.runs.run_store import StoredRun, stored_run


@pytest.fixture
def windows() -> list[RecordedWindow]:
    return usual_windows(captures=2)


@pytest.fixture
def run(tmp_path: Path, windows: list[RecordedWindow]) -> StoredRun:
    return recorded_run(tmp_path / "traces", windows)


@pytest.fixture
def exports(tmp_path: Path, windows: list[RecordedWindow]) -> list[Path]:
    """An export of each capture, each on a clock of its own, with a kernel an inference."""
    paths = []
    for number, one in enumerate(captured_windows(windows)):
        clock = Clock(offset_ns=-number * 10**12, rate_ppm=30.0 * number)
        export = export_of(one, clock)
        at = clock.of(one.edges[:, 1]) + 2_000
        ids = np.arange(len(at)) + 1
        export.calls(at, at + 1_000, "cudaLaunchKernel_v7000", process=PROCESS, thread=EXECUTOR, correlation_id=ids)
        export.kernels(at + 4_000, at + 9_000, "gemm", process=PROCESS, correlation_id=ids)
        paths.append(export.write(tmp_path / f"capture-{number}.sqlite"))
    return paths


def test_several_captures_are_stored_with_what_their_reader_gave(run: StoredRun, exports: list[Path]) -> None:
    before = contents(run)
    ingested = take_in(run, exports)
    assert [facts["inferences"] for facts in ingested.info.captures] == [23, 23]
    assert [facts["first_inference"] for facts in ingested.info.captures] == [12, 47]
    assert [facts["gpu_work"] for facts in ingested.info.captures] == [23, 23]
    assert [facts["process"] for facts in ingested.info.captures] == [PROCESS, PROCESS]
    assert [round(facts["clock"]["rate_ppm"]) for facts in ingested.info.captures] == pytest.approx([0, 30], abs=40)
    assert all(facts["clock"]["outside_ns"] <= 2 for facts in ingested.info.captures)
    for number, path in enumerate(exports):
        profile = read_capture(ingested, number)
        assert profile.source == "nsys"
        assert {"cuda", "nvtx"} <= profile.traced
        assert ingested.info.captures[number]["file"] == path.name
        assert profile.gpu_work["name"].to_pylist() == ["gemm"] * 23
    # What was recorded stays as it was.
    changed = {name for name, data in contents(run).items() if before.get(name) != data}
    assert changed == {
        "run.json",
        *(f"{table}/capture-{number:06d}.parquet" for table in PROFILE_TABLES for number in (0, 1)),
    }


def test_the_order_in_which_captures_are_named_does_not_matter(run: StoredRun, exports: list[Path]) -> None:
    forward = build_report(take_in(run, exports))
    backward = build_report(take_in(stored_run(run.folder), exports[::-1], replace_old=True))
    assert forward["gpu"] == backward["gpu"]
    assert forward["kernels"] == backward["kernels"]


def test_nothing_of_the_environment_that_an_export_holds_enters_the_run(run: StoredRun, exports: list[Path]) -> None:
    assert all(SECRET.encode() in path.read_bytes() for path in exports)
    take_in(run, exports)
    assert not any(SECRET.encode() in data for data in contents(run).values())


def test_a_run_that_has_captures_takes_others_only_in_their_place(run: StoredRun, exports: list[Path]) -> None:
    take_in(run, exports)
    said = refused(run, exports[:1], CaptureError)
    assert said == "run: it has 2 captures; --replace removes them first"
    replaced = take_in(stored_run(run.folder), exports[1:], replace_old=True)
    assert [facts["first_inference"] for facts in replaced.info.captures] == [47]
    assert sorted(path.name for path in (run.folder / "gpu_work").iterdir()) == ["capture-000000.parquet"]


def test_one_capture_that_is_wrong_keeps_the_others_out_too(
    tmp_path: Path, run: StoredRun, exports: list[Path]
) -> None:
    other = export_of(capture_window(3, 47, seed=99)).write(tmp_path / "other.sqlite")
    said = refused(run, [exports[0], other], CaptureError)
    assert said.startswith(f"{other}: its clock and the run's do not fit")
    take_in(run, exports)
    refused(run, [exports[0], other], CaptureError, replace_old=True)
    assert build_report(stored_run(run.folder))["gpu"]["inferences"] == 40


def test_the_same_stretch_named_twice_is_refused(run: StoredRun, exports: list[Path]) -> None:
    said = refused(run, [*exports, exports[0]], CaptureError)
    assert said == f"{exports[0]}: inference 12 is in {exports[0]} too; name each stretch of the run once"


def test_a_run_that_is_being_recorded_takes_none(run: StoredRun, exports: list[Path]) -> None:
    info = run.folder / "run.json"
    info.write_text(info.read_text().replace('"complete"', '"recording"', 1))
    with (run.folder / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(run, exports, RunError)
    assert len(take_in(stored_run(run.folder), exports).info.captures) == 2


def test_a_capture_by_hand_of_the_whole_run_has_windows_of_both_kinds(tmp_path: Path) -> None:
    """`nsys profile kws-trace run` sees every inference: no capture window says how many there should be."""
    windows = [capture_window(0, 0, 10, 2), capture_window(1, 12, 10, 2)]
    windows = [replace(one, kind="performance") for one in windows]
    run = recorded_run(tmp_path / "traces", windows)
    export, clock = NsysExport(), Clock()
    for one in windows:
        add_ranges(export, ranges_of(one, clock))
    run = take_in(run, [export.write(tmp_path / "x.sqlite")])
    assert [facts["inferences"] for facts in run.info.captures] == [24]
    assert build_report(run)["gpu"]["inferences"] == 20


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_does_not_take_a_capture_leaves_a_run_without_one(
    run: StoredRun, exports: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(run, exports)
    monkeypatch.setattr(import_profile, "write_capture", full_disk)
    with pytest.raises(WriteError, match="No space left") as caught:
        take_in(stored_run(run.folder), exports, replace_old=True)
    assert caught.value.exit_code == 1
    again = stored_run(run.folder)
    assert again.info.captures == []
    assert build_report(again)["gpu"] is None
    monkeypatch.undo()
    assert len(take_in(again, exports).info.captures) == 2


def test_a_part_that_the_disk_takes_in_half_leaves_none_of_it(
    run: StoredRun, exports: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(WriteError):
        take_in(run, exports)
    assert not [path for path in run.folder.rglob("*capture-*") if path.is_file()]


@pytest.mark.parametrize("table", sorted(PROFILE_TABLES))
def test_a_damaged_part_is_named_whatever_befell_it(run: StoredRun, exports: list[Path], table: str) -> None:
    run = take_in(run, exports)
    part = capture_path(run.folder, table, 1)
    data = part.read_bytes()
    quarter = len(data) // 4
    flipped = data[:quarter] + bytes(255 - byte for byte in data[quarter : 3 * quarter]) + data[3 * quarter :]
    for damage in (b"", data[: len(data) // 2], data[:-1], flipped, None):
        part.unlink()
        if damage is not None:
            part.write_bytes(damage)
        with pytest.raises(CaptureError) as caught:
            read_capture(run, 1)
        assert str(caught.value).startswith(f"{part}: damaged (")
        assert str(caught.value).endswith("`kws-trace ingest` the profile again with --replace")


def test_a_report_of_a_damaged_capture_says_so_and_stands_otherwise(run: StoredRun, exports: list[Path]) -> None:
    plain = build_report(run)
    run = take_in(run, exports)
    part = capture_path(run.folder, "gpu_work", 1)
    part.write_bytes(part.read_bytes()[:50])
    report = build_report(stored_run(run.folder))
    assert report["gpu"] is None
    assert report["kernels"] == []
    assert report["capture_problem"].startswith(f"{part}: damaged (")
    assert report["stages"] == plain["stages"]
    out = io.StringIO()
    render_report(report, Console(file=out, width=80))
    assert "No GPU timeline:" in out.getvalue()
    assert part.name in out.getvalue().replace("\n", "")
    assert "Stages of an inference" in out.getvalue()


def test_the_command_ingests_reports_and_refuses_by_exit_code(
    tmp_path: Path, run: StoredRun, exports: list[Path]
) -> None:
    traces = ["--traces", str(run.folder.parent)]
    done = CliRunner().invoke(app, ["ingest", "run", *map(str, exports), *traces])
    assert done.exit_code == 0, done.output
    assert "kernels and copies; clocks fit within" in done.stderr
    said = CliRunner().invoke(app, ["report", "run", *traces], env={"COLUMNS": "80"})
    assert said.exit_code == 0, said.output
    assert "GPU busy" in said.stdout
    again = CliRunner().invoke(app, ["ingest", "run", str(exports[0]), *traces])
    assert isinstance(again.exception, CaptureError)


def test_an_aborted_window_that_was_profiled_is_in_no_figure(tmp_path: Path) -> None:
    whole, cut = capture_window(0, 0, 10, 2), capture_window(1, 12, 7, 2)
    cut = replace(cut, state="aborted", probabilities=None)
    run = recorded_run(tmp_path / "traces", [whole, cut, window(2, 10, 2, first=21)])
    export, clock = NsysExport(), Clock()
    for one in (whole, cut):
        add_ranges(export, ranges_of(one, clock))
    path = export.write(tmp_path / "x.sqlite")
    # No capture window holds both: the profile is one of the whole run, made by hand.
    run = recorded_run(tmp_path / "by-hand", [replace(whole, kind="performance"), cut, window(2, 10, 2, first=21)])
    assert build_report(take_in(run, [path]))["gpu"]["inferences"] == 10
