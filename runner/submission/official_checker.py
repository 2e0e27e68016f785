"""MLPerf Tiny's own ``submission_checker.py``, given by its path: run, and read for what it says."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tracer.errors import ProcessError, UsageError, last_line
from tracer.submission.refusals import Refusal
from tracer.submission.rounds import Round

LIMIT_S = 300
_SUMMARY = re.compile(r"SUMMARY: submission (looks OK|has errors)")
_COUNT = re.compile(r"Results=(\d+), NoResults=(\d+)")
_ERROR = re.compile(r"(?:ERROR|CRITICAL):\w*:(.*)")


@dataclass(frozen=True, slots=True)
class OfficialVerdict:
    """What the checker said: ``ok``, its results by their folders, its errors."""

    ok: bool
    results: tuple[str, ...]
    errors: tuple[str, ...]

    def refusals(self, checker: Path) -> list[Refusal]:
        """As refusals; none where it found nothing."""
        if self.ok:
            return []
        errors = self.errors or ("it gives no result of this tree",)
        return [Refusal("official-checker", checker.name, one, "mend what it names") for one in errors]


def read_verdict(said: str) -> OfficialVerdict | None:
    """
    What the checker's log says; None where it did not come to its summary.

    Its exit code is 0 whatever it finds, and its summary says that a tree looks OK though a folder lacks a file or
    no result was found: each line of an error counts, and so does the number of results.
    """
    summary, count = _SUMMARY.search(said), _COUNT.search(said)
    if summary is None or count is None:
        return None
    errors = [one.strip() for one in _ERROR.findall(said) if "SUMMARY" not in one]
    results = tuple(re.findall(r"INFO:\w*:Results (\S+ \S.*)", said))
    ok = summary[1] == "looks OK" and not errors and int(count[1]) > 0
    return OfficialVerdict(ok, results, tuple(errors))


def ask_checker(checker: Path, tree: Path, rules: Round) -> OfficialVerdict:
    """
    Run the checker on a tree, with this Python; it needs pandas.

    Raises:
        UsageError: if it is not there.
        ProcessError: if it did not come to its end.
    """
    if not checker.is_file():
        raise UsageError(
            checker, "there is no such file", "name tools/submission/submission_checker.py of mlcommons/tiny"
        )
    with tempfile.TemporaryDirectory() as scratch:
        # Python must leave no folder of compiled files beside somebody's checker.
        command = [sys.executable, "-B", str(checker.absolute()), "--input", str(tree.absolute())]
        command += ["--version", f"v{rules.name}", "--csv", str(Path(scratch) / "summary.csv")]
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=scratch, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise ProcessError(checker, f"it took more than {LIMIT_S} s", "try it by hand") from None
    verdict = read_verdict(done.stderr + done.stdout)
    if verdict is None:
        last = last_line(done.stderr, "it said nothing")
        raise ProcessError(checker, f"it came to no summary ({last})", "it needs Python with pandas; try it by hand")
    return verdict
