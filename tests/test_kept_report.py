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
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.kept_report import kept_comparison, kept_figures, kept_report
from tracer.runs.run_cache import RunCache
from tracer.runs.run_store import StoredRun, stored_run


def aged(folder: Path, *more: Path) -> StoredRun:
    for path in (*folder.rglob("*"), *more):
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


def test_a_comparison_is_read_again_until_a_run_of_it_changes_or_another_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (aged(gpu_run(tmp_path, name)) for name in ("one", "other"))
    sides = [("one", [one]), ("called", [other])]
    first = kept_comparison(sides, 0.02, None)
    assert first == compare_sides([launches_of(runs, name) for name, runs in sides], 0.02)
    monkeypatch.setattr("tracer.reports.compare_report.compare_sides", lambda *_: pytest.fail("made again"))
    assert json.dumps(kept_comparison(sides, 0.02, None)) == json.dumps(first)
    (other.folder / "note.txt").write_text("x", encoding="utf-8")
    changed = [sides[0], ("called", [aged(other.folder)])]
    others = [(sides, 0.03, None), (sides, 0.02, "called"), (sides[::-1], 0.02, None), (changed, 0.02, None)]
    others.append(([("one", [one, other])], 0.02, None))
    for asked in others:
        with pytest.raises(pytest.fail.Exception, match="made again"):
            kept_comparison(*asked)


def test_a_file_that_a_run_links_to_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, elsewhere = gpu_run(tmp_path / "traces", "gpu"), tmp_path / "elsewhere"
    (folder / "gpu_work").rename(elsewhere)
    (folder / "gpu_work").symlink_to(elsewhere)
    (folder / "spans" / "back").symlink_to(folder)
    first = kept_report(aged(folder, *elsewhere.iterdir()))
    monkeypatch.setattr("tracer.reports.report.build_report", lambda _: pytest.fail("made again"))
    assert kept_report(stored_run(folder)) == first
    os.utime(next(elsewhere.iterdir()), ns=(10**18, 10**18 + 1))
    with pytest.raises(pytest.fail.Exception, match="made again"):
        kept_report(stored_run(folder))


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
