"""What the pages of a run show is derived before it is asked for, unless a run is being recorded."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path

import pytest

from dashboard.looks import LOOKS
from dashboard.pages.preparation import Preparation, prepare
from tests import dashboard_runs as runs
from tests.children import wait_until
from tests.test_dashboard import opened
from tracer.runs.run_cache import fingerprint


@pytest.fixture
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(LOOKS, "_kept", OrderedDict())
    runs.plain_run(tmp_path / "traces", "before")
    runs.gpu_run(tmp_path / "traces", "gpu", created="2036-02-01T00:00:00.000+00:00")
    for path in (tmp_path / "traces").rglob("*"):
        os.utime(path, ns=(10**18, 10**18))  # what changed just now is not kept
    return tmp_path / "traces"


def test_the_pages_of_the_newest_run_find_all_that_they_show(traces: Path) -> None:
    marks = {name: fingerprint(traces / name) for name in ("before", "gpu")}
    prepare(traces, None, lambda: True)
    assert {name: fingerprint(traces / name) for name in marks} == marks
    held = set(LOOKS.held())
    assert held
    for page in ("overview", "stages", "kernels", "limits", "compare"):
        shown = opened(page, traces)
        assert not shown.exception
        assert shown.selectbox(key="run_widget").value == "gpu"
        assert set(LOOKS.held()) == held, page


def test_while_the_newest_run_is_being_recorded_nothing_is_derived(traces: Path) -> None:
    writer = runs.recording_run(traces, "now")
    prepare(traces, "gpu", lambda: True)
    writer.close()
    assert not LOOKS.held()


def test_it_ends_with_the_thing_at_which_another_run_is_asked_for(traces: Path) -> None:
    turns = iter([True, True, False])
    prepare(traces, "gpu", lambda: next(turns))
    assert len(LOOKS.held()) == 2


def test_the_run_that_is_looked_at_comes_after_the_newest(traces: Path) -> None:
    before = threading.active_count()
    preparation = Preparation()
    preparation.look_at("before")
    assert threading.active_count() == before  # nothing was begun
    preparation = Preparation()
    preparation.begin(traces)
    preparation.look_at("before")

    def stages_of_before() -> bool:
        return any("_first" in str(key[0]) and key[-1] == traces / "before" for key in LOOKS.held())

    wait_until(stages_of_before, "the other run is prepared")


def test_a_folder_without_runs_or_with_a_damaged_one_is_no_error(tmp_path: Path) -> None:
    prepare(tmp_path, None, lambda: True)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{", encoding="utf-8")
    prepare(tmp_path, None, lambda: True)
    prepare(tmp_path, "bad", lambda: True)
