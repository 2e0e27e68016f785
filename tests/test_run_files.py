"""A run's folder by its name alone: nothing outside the traces folder is opened, moved or removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard_runs import damaged_run, plain_run, recording_run
from tracer.errors import RunError
from tracer.runs.run_files import delete_run, is_run_name, rename_run, run_folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("around")
    plain_run(folder, "secret")
    plain_run(folder / "traces", "run")
    return folder


@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from(["..", ".", "secret", "run", "/", "\\", "\0", "traces", "~"]), max_size=6).map(
            "/".join
        ),
        st.lists(st.sampled_from(["..", "secret", "run", "/", "%2e", "\\"]), max_size=6).map("".join),
    )
)
@settings(max_examples=150)
def test_no_name_opens_anything_but_a_run_of_the_folder(shared: Path, name: str) -> None:
    traces = shared / "traces"
    try:
        found = run_folder(traces, name)
    except RunError:
        assert name != "run"
    else:
        assert found.resolve().parent == traces.resolve()
        assert name == "run"


def test_a_link_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = plain_run(tmp_path / "elsewhere", "secret")
    traces = tmp_path / "traces"
    inside = plain_run(traces, "run")
    (traces / "link").symlink_to(outside)
    with pytest.raises(RunError, match="leads out"):
        run_folder(traces, "link")
    (inside / "session").symlink_to(outside)
    with pytest.raises(RunError, match="leads out"):
        run_folder(traces, "run")


def test_what_is_deleted_is_the_run_and_not_what_its_links_lead_to(tmp_path: Path) -> None:
    outside = plain_run(tmp_path / "elsewhere", "secret")
    traces = tmp_path / "traces"
    plain_run(traces, "run")
    (traces / "link").symlink_to(outside)
    (traces / "run" / "session").symlink_to(outside)
    with pytest.raises(RunError):
        delete_run(traces, "link")
    delete_run(traces, "run")
    assert not (traces / "run").exists()
    assert (outside / "run.json").is_file()
    with pytest.raises(RunError):
        delete_run(traces, "../elsewhere/secret")
    assert (outside / "run.json").is_file()


def test_a_damaged_run_can_be_deleted_and_a_folder_that_is_no_run_cannot(tmp_path: Path) -> None:
    damaged_run(tmp_path, "damaged")
    delete_run(tmp_path, "damaged")
    (tmp_path / "papers").mkdir()
    with pytest.raises(RunError):
        delete_run(tmp_path, "papers")
    assert (tmp_path / "papers").is_dir()


def test_a_run_that_is_being_recorded_stays_where_it_is(tmp_path: Path) -> None:
    writer = recording_run(tmp_path, "now")
    for attempt in (lambda: delete_run(tmp_path, "now"), lambda: rename_run(tmp_path, "now", "then")):
        with pytest.raises(RunError, match="being recorded"):
            attempt()
    writer.close()
    assert rename_run(tmp_path, "now", "then") == tmp_path / "then"
    assert os.listdir(tmp_path) == ["then"]


@pytest.mark.parametrize("new", ["", ".", "..", "last", "a/b", "../b", "b\\c", "b\0", "b\n", "x" * 300])
def test_a_run_takes_no_name_that_is_none(tmp_path: Path, new: str) -> None:
    plain_run(tmp_path, "run")
    with pytest.raises(RunError):
        rename_run(tmp_path, "run", new)
    assert os.listdir(tmp_path) == ["run"]


def test_a_taken_name_is_refused_even_where_it_is_a_broken_link(tmp_path: Path) -> None:
    plain_run(tmp_path, "run")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for taken in ("run", "link", "file"):
        with pytest.raises(RunError, match="taken"):
            rename_run(tmp_path, "run", taken)
    assert is_run_name("20260131-235959-bench")
