"""What was reported of a run is read again while nothing changed, and is the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboard.run_reading import read_report, recorded_report
from tests.dashboard_runs import gpu_run, recovered_run
from tracer.reports.kept_report import kept_figures, kept_report
from tracer.runs.run_cache import RunCache
from tracer.runs.run_store import StoredRun, stored_run


def aged(folder: Path) -> StoredRun:
    for path in folder.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))
    return stored_run(folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(("read", "name"), [(kept_report, "build_report"), (kept_figures, "compared_figures")])
def test_what_was_made_is_read_again_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[StoredRun], Any], name: str
) -> None:
    run = aged(gpu_run(tmp_path, "gpu"))
    first = read(run)
    monkeypatch.setattr(f"tracer.reports.report.{name}", lambda _: pytest.fail("made again"))
    assert json.dumps(read(run)) == json.dumps(first)
    (run.folder / "note.txt").write_text("x", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match="made again"):
        read(aged(run.folder))


def test_what_opening_a_run_found_missing_is_not_kept(tmp_path: Path) -> None:
    run = aged(recovered_run(tmp_path, "killed"))
    assert run.dropped
    kept_report(run)
    assert RunCache([run], "report").read() is None


def test_what_one_opening_found_is_told_though_another_s_report_is_kept(tmp_path: Path) -> None:
    folder = gpu_run(tmp_path, "gpu")
    kept_report(aged(folder))
    run = aged(folder)
    run.dropped.append("of this opening")
    assert kept_report(run)["left_out"]["dropped"] == ["of this opening"]


OF_CAPTURES = {"gpu", "overhead", "kernels", "copies", "kernels_by_stage", "api", "gains"}


def test_what_was_recorded_is_the_same_without_the_captures_until_the_whole_is_kept(tmp_path: Path) -> None:
    run = aged(gpu_run(tmp_path, "gpu"))
    recorded = recorded_report(run)
    assert recorded is not None
    whole = read_report(run).report
    assert {key for key, value in whole.items() if recorded[key] != value} <= OF_CAPTURES  # type: ignore[literal-required]
    assert whole["gpu"] is not None
    assert recorded_report(run) is None


def test_a_report_that_a_page_made_is_the_command_line_s_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = aged(gpu_run(tmp_path, "gpu"))
    page = read_report(run).report
    monkeypatch.setattr("tracer.reports.report.build_report", lambda _: pytest.fail("made again"))
    assert json.dumps(kept_report(run)) == json.dumps(page)
