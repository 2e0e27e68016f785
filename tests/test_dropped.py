"""What is dropped on the Runs page: judged or broken down as the commands do it, and nothing of it stays."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.dropped import MOST_FILES, dropped_profile, dropped_session, is_session
from tests.gpu_runs import capture_window, gpu_export
from tests.sessions import accuracy_plan, energyrunner_lines, write_log
from tracer.errors import KwsTraceError
from tracer.profiles.open_profile import read_profile_file
from tracer.reports.unit_report import build_breakdown
from tracer.sessions.run_sessions import run_sessions


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, which is empty again after each test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_files_of_a_session_are_judged_as_the_command_judges_its_folder(tmp_path: Path, temporary: Path) -> None:
    log = write_log(tmp_path / "session", energyrunner_lines(accuracy_plan()))
    expected = [line for one in run_sessions(tmp_path) for line in one["lines"]]
    assert any("Top-1" in line for line in expected)
    assert dropped_session([("log.txt", log.read_bytes())]) == expected
    assert not list(temporary.iterdir())


def test_a_profile_is_broken_down_as_the_command_does_it(tmp_path: Path, temporary: Path) -> None:
    path = gpu_export(capture_window(0, 0, inferences=20, warmups=0)).write(tmp_path / "capture.sqlite")
    page = dropped_profile((path.name, path.read_bytes()))
    assert page.figures == build_breakdown(read_profile_file(path))
    assert not list(temporary.iterdir())


def test_names_lead_nowhere_and_what_is_nothing_is_told_without_a_folder(tmp_path: Path, temporary: Path) -> None:
    assert "no line of it" in dropped_session([("../../log.txt", b"nonsense")])[0]
    for name in ("../x.sqlite", "..\\x.sqlite", "a\0b", "", "x" * 400):
        with pytest.raises(KwsTraceError) as told:
            dropped_profile((name, b"nonsense"))
        assert str(temporary) not in str(told.value)
    with pytest.raises(KwsTraceError, match="at most"):
        dropped_session([("log.txt", b"")] * (MOST_FILES + 1))
    assert not list(temporary.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]


def test_a_session_is_known_by_its_log_or_its_results() -> None:
    assert is_session(["script.async", "log.txt"])
    assert is_session(["results.json"])
    assert not is_session(["trace.json"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "capture.sqlite"
    return gpu_export(capture_window(0, 0, inferences=3, warmups=0)).write(path).read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["a.sqlite", "a.csv", "a.json", "a.db", "a.nvvp", "a.xplane.pb"]) | st.text(max_size=20),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=20),
    kept=st.floats(0, 1),
)
def test_a_damaged_profile_is_a_page_or_one_error_and_nothing_of_it_stays(
    whole: bytes, temporary: Path, name: str, changes: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(whole[: round(len(whole) * kept)])
    for place, value in changes:
        if data:
            data[int(place * len(data))] = value
    try:
        page = dropped_profile((name, bytes(data)))
    except KwsTraceError as error:
        assert str(temporary) not in str(error)  # noqa: PT017 -- it may also be read
    else:
        assert page.figures["count"]
    assert not list(temporary.iterdir())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    names=st.lists(
        st.sampled_from(["log.txt", "results.json", "results.txt", "../log.txt", "/log.txt", "a\0"])
        | st.text(max_size=10),
        max_size=4,
    ),
    data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")),
)
def test_whatever_is_dropped_as_a_session_is_told_in_sentences_or_in_one_error(
    temporary: Path, names: list[str], data: bytes
) -> None:
    try:
        told = dropped_session([(name, data) for name in names])
    except KwsTraceError as error:
        told = [str(error)]
    assert all(str(temporary) not in line for line in told)
    assert not list(temporary.iterdir())
