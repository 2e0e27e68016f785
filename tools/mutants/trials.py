"""Runs tests against a change, in a copy of the tree: the tree itself is never written to."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.mutations import Mutation

KILLED, SURVIVED, TIMED_OUT, NO_TEST = "killed", "survived", "timed out", "no test imports it"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of a file, and the test files that are to find it."""

    path: Path
    mutation: Mutation
    tests: tuple[str, ...]


class TreeCopy:
    """
    What git knows of a tree, changed or not, in a folder of its own.

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

    def try_mutant(self, mutant: Mutant, timeout_s: float) -> str:
        """What became of it: ``KILLED``, ``SURVIVED``, ``TIMED_OUT`` or ``NO_TEST``."""
        if not mutant.tests:
            return NO_TEST
        path = self.folder / mutant.path
        source = path.read_text(encoding="utf-8")
        path.write_text(mutant.mutation.applied(source), encoding="utf-8")
        try:
            return self.run(mutant.tests, timeout_s)
        finally:
            path.write_text(source, encoding="utf-8")

    def run(self, tests: tuple[str, ...], timeout_s: float) -> str:
        """``SURVIVED`` if all the quick tests of these files pass in the copy as it is."""
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-m", "not slow", "--hypothesis-seed=0"]
        command += ["-p", "no:cacheprovider", "-p", "no:xdist", *tests]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        child = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return TIMED_OUT
        finally:
            # The session is the child's own: what it started and left goes with it.
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    child.wait()
        # 5: no quick test in these files.
        return {0: SURVIVED, 5: NO_TEST}.get(code, KILLED)
