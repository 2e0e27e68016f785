"""Runs tests against a change, in a copy of the tree: the tree itself is never written to."""

from __future__ import annotations

import compileall
import json
import math
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

import pytest

from tools.mutants.mutations import Mutation, statement_lines

KILLED, SURVIVED, TIMED_OUT, NO_TEST = "killed", "survived", "timed out", "no test imports it"
NOT_RUN = "no test runs its line"
LIVE = (SURVIVED, NOT_RUN, NO_TEST)
"""What became of the changes that nothing saw."""
_OUTCOMES: dict[int | None, str] = {
    None: TIMED_OUT,
    pytest.ExitCode.OK: SURVIVED,
    pytest.ExitCode.NO_TESTS_COLLECTED: NO_TEST,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of a file, and the test files that are to find it."""

    path: Path
    mutation: Mutation
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What a run of a file of tests on the unchanged tree showed.

    Args:
        outcome: ``SURVIVED`` where all passed.
        ran: per file of the product and per test (or the file of tests, for its fixtures) the lines that it ran.
        seconds: per test.
    """

    outcome: str
    ran: dict[str, dict[str, list[int]]]
    seconds: dict[str, float]

    def tests_of(self, path: Path, lines: Iterable[int]) -> dict[str, float]:
        """Those that ran one of the lines, with their seconds; a whole file for all of its own."""
        wanted = set(lines)
        tests = [test for test, ran in self.ran.get(str(path), {}).items() if wanted.intersection(ran)]
        whole = [test for test in tests if "::" not in test]
        return dict.fromkeys(whole, math.inf) or {test: self.seconds.get(test, 0.0) for test in tests}


class TreeCopy:
    """
    What git knows of a tree, changed or not, in a folder of its own, and a process that forks for each trial.

    Args:
        root: of the tree.
        folder: takes the copy.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)
        # Real files that some tests read stand beside the tree.
        beside = root.parent / "shared"
        if beside.is_dir() and not (folder.parent / "shared").exists():
            (folder.parent / "shared").symlink_to(beside.resolve())
        # By content: a change of the same length within the same second is compiled anew.
        by_content = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(folder, quiet=2, invalidation_mode=by_content)
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._forks = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forks.py"))],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._send, self._answers = cast("tuple[IO[str], IO[str]]", (self._forks.stdin, self._forks.stdout))

    def __enter__(self) -> TreeCopy:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # The end of its input is the end of it.
        with self._forks:
            self._send.close()

    def try_mutant(self, mutant: Mutant, seen: Mapping[str, Seen], timeout_s: float) -> str:
        """What became of it by the files of tests ``seen``: ``KILLED``, ``TIMED_OUT`` or one of ``LIVE``."""
        path = self.folder / mutant.path
        source = path.read_text(encoding="utf-8")
        lines = statement_lines(source, mutant.mutation.line)
        tests = {test: seconds for one in seen.values() for test, seconds in one.tests_of(mutant.path, lines).items()}
        if not tests:
            return NOT_RUN if seen else NO_TEST
        path.write_text(mutant.mutation.applied(source), encoding="utf-8")
        try:
            code = self._asked(tests=sorted(tests, key=tests.__getitem__), timeout_s=timeout_s)
            # A test whose name comes from what was changed is not found by it any more.
            code = (
                self._asked(tests=sorted(seen), timeout_s=timeout_s) if code == pytest.ExitCode.USAGE_ERROR else code
            )
            return _OUTCOMES.get(code, KILLED)
        finally:
            path.write_text(source, encoding="utf-8")

    def unchanged(self, test: str, product: str, timeout_s: float) -> Seen:
        """All the quick tests of a file in the copy as it is, and the lines of ``product`` that each runs."""
        with tempfile.TemporaryDirectory() as folder:
            seen = Path(folder) / "seen.json"
            code = self._asked(tests=[test], timeout_s=timeout_s, folder=product, seen=str(seen))
            kept = json.loads(seen.read_text(encoding="utf-8")) if seen.exists() else {"ran": {}, "seconds": {}}
        return Seen(_OUTCOMES.get(code, KILLED), **kept)

    def _asked(self, **asked: Any) -> int | None:
        self._send.write(f"{json.dumps(asked)}\n")
        self._send.flush()
        code: int | None = json.loads(self._answers.readline())
        return code
