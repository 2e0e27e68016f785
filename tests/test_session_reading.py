"""Which of the logs at the paths of ``kws-trace session`` are judged, named or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.host.session_reading import judge, session_report
from tests.sessions import Plan, energyrunner_lines, write_log
from tracer.errors import SessionError

FOREIGN = "no line of it is of energyrunner or the MLCommons runner"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of two sessions and two logs of something else."""
    for name, lines in {
        "a": energyrunner_lines(Plan()),
        "b": ["hello"],
        "c": energyrunner_lines(Plan(seconds=(11.0, 11.1), counts=(2400, 2400))),
        "d": [],
    }.items():
        write_log(tmp_path / name, lines)
    return tmp_path


def test_a_log_below_a_folder_that_is_of_no_session_is_named_and_the_others_are_judged(folder: Path) -> None:
    found = judge([folder], None, folder)
    assert [audit.session.path.parent.name for audit in found.audits] == ["a", "c"]
    figures = session_report(found)
    assert [Path(one["path"]).parent.name for one in figures["sessions"]] == ["a", "c"]
    assert figures["unread"] == [
        {"path": str(log), "lines": [f"{log}: {FOREIGN}; name a session's folder or its log.txt"]}
        for log in (folder / "b" / "log.txt", folder / "d" / "log.txt")
    ]


@pytest.mark.parametrize("named", ["b", "b/log.txt"])
def test_a_log_that_is_named_itself_is_refused_beside_others_too(folder: Path, named: str) -> None:
    with pytest.raises(SessionError, match=FOREIGN):
        judge([folder / "a", folder / named], None, folder)


def test_a_folder_of_logs_of_no_session_is_refused_by_their_number_and_the_first(folder: Path) -> None:
    for name in ("a", "c"):
        (folder / name / "log.txt").unlink()
    with pytest.raises(SessionError) as raised:
        judge([folder], None, folder)
    assert str(raised.value) == (
        f"{folder}: 2 logs below it, and none of a session ({folder}/b/log.txt: {FOREIGN}); "
        "name a session's folder or its log"
    )
