"""Where derived values are kept, and of which runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.test_run_recovery import recording
from tracer.runs.run_cache import RunCache
from tracer.runs.run_index import cache_folder, index_path, racy
from tracer.runs.run_store import stored_run


def test_it_is_the_cache_of_the_user_or_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    for named, folder in (("/cache", "/cache"), ("cache", "/home/me/.cache"), ("", "/home/me/.cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        assert cache_folder() == Path(folder) / "kws-trace"
    # The first half of the SHA-256 of "/runs", as sha256sum says it.
    name = "29c3b69957369df5782bf14d2b1f5a16"
    assert index_path(Path("/proc/../runs"), "told") == Path("/home/me/.cache/kws-trace/told") / name
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/me/.cache/kws-trace")

    def nobody() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", nobody)
    assert (cache_folder(), index_path(Path("/runs"), "told")) == (None, None)


def test_what_changed_within_two_seconds_of_now_may_change_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10**18
    monkeypatch.setattr("time.time_ns", lambda: now)
    two = 2_000_000_000
    assert [racy(now + apart) for apart in (-two, 1 - two, 0, two - 1, two)] == [False, True, True, True, False]


def test_nothing_is_kept_of_a_run_that_is_recorded_or_changed_just_now(tmp_path: Path) -> None:
    recorder = recording(tmp_path / "traces", 0)
    kept = []
    for state in ("recording", "complete", "complete"):
        if not kept or kept[-1] is None:
            for path in recorder.folder.rglob("*"):
                os.utime(path, ns=(10**18, 10**18))
        run = stored_run("run", tmp_path / "traces")
        assert run.state == state
        RunCache([run], "kind").keep(state.encode())
        kept.append(RunCache([run], "kind").read())
        if state == "recording":
            recorder.close()
        else:
            (recorder.folder / "note.txt").touch()
    assert kept == [None, b"complete", None]
