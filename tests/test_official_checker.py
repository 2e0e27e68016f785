"""MLPerf Tiny's checker is read for what it says: its exit code tells nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.submission.job import check_job
from runner.submission.official_checker import ask_checker, read_verdict
from tests.needs import official_checker
from tests.submissions import RULES, Submission
from tracer.errors import ProcessError, SubmissionError, UsageError

OK = """\
INFO:main:---
INFO:main:Results closed/Acme/results/board/kws 4147.428
INFO:main:Results=1, NoResults=0
INFO:main:SUMMARY: submission looks OK
"""
MISMATCH = "ERROR:main:closed/Acme/results/board/kws/accuracy has file list mismatch ({'notes.txt'})\n"


def stand_in(path: Path, said: str, options: str = "") -> Path:
    """A checker that says this and ends with 0; its options stand in ``options``."""
    path.write_text(f"import sys\nopen({str(path) + '.options'!r}, 'w').write(repr(sys.argv[1:]))\n{options}\n")
    with path.open("a") as file:
        file.write(f"sys.stderr.write({said!r})\n")
    return path


def test_its_summary_its_errors_and_its_count_decide() -> None:
    found = read_verdict(OK)
    assert found is not None
    assert (found.ok, found.results) == (True, ("closed/Acme/results/board/kws 4147.428",))
    for said in (MISMATCH + OK, OK.replace("looks OK", "has errors"), OK.replace("Results=1", "Results=0")):
        found = read_verdict(said)
        assert found is not None
        assert not found.ok
        assert found.refusals(Path("checker.py"))
    assert read_verdict("Traceback\n") is None


def test_it_is_asked_with_the_tree_and_the_round(tmp_path: Path) -> None:
    checker = stand_in(tmp_path / "checker.py", OK)
    assert ask_checker(checker, tmp_path, RULES).ok
    options = (tmp_path / "checker.py.options").read_text()
    assert f"'--input', '{tmp_path}', '--version', 'v1.4'" in options


def test_one_that_is_not_there_or_does_not_come_to_its_end_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        ask_checker(tmp_path / "none.py", tmp_path, RULES)
    with pytest.raises(ProcessError, match="no module named pandas"):
        ask_checker(stand_in(tmp_path / "c.py", "", "sys.exit('no module named pandas')"), tmp_path, RULES)


def test_what_it_refuses_is_refused(tmp_path: Path) -> None:
    sound = Submission(tmp_path)
    sound.write()
    assert check_job(sound.tree, stand_in(tmp_path / "good.py", OK), RULES)["official"]
    with pytest.raises(SubmissionError, match=r"official-checker: bad\.py: .*file list mismatch"):
        check_job(sound.tree, stand_in(tmp_path / "bad.py", MISMATCH + OK), RULES)


@pytest.mark.slow
def test_the_real_one_passes_our_tree_and_refuses_a_file_too_many(tmp_path: Path) -> None:
    checker = official_checker()
    sound = Submission(tmp_path)
    sound.write()
    assert ask_checker(checker, sound.tree, RULES).ok
    (sound.tree / "closed/Acme/results/board/kws/accuracy/notes.txt").touch()
    assert not ask_checker(checker, sound.tree, RULES).ok
