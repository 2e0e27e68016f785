"""
Runs pytest in forks of one process that has paid for what is not of the tree; a line of JSON in, a line of JSON out.

A script of its own: it is started in the copy of a tree, which need not hold ``tools``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import Phase, settings

IMPORTED_ONCE = (
    *("numpy", "pandas", "pyarrow.parquet", "pyarrow.compute", "duckdb", "rich.console", "typer.testing"),
    *("google.protobuf.message", "jsonschema", "xdist"),
)


class Lines:
    """
    A plugin of pytest: which test ran which line of the folder, and how long each test took.

    Args:
        folder: lines of files below it count.
        file: of tests.
    """

    def __init__(self, folder: str, file: str) -> None:
        self.folder = f"{Path(folder).resolve()}{os.sep}"
        self.root = f"{Path.cwd().resolve()}{os.sep}"
        self.ran: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self.seconds: dict[str, float] = defaultdict(float)
        # What runs when a module is imported, or in a fixture, may be looked at by every test of the file.
        self.file = self.test = file

    def start(self) -> None:
        """From here on, in every thread."""
        threading.settrace(self._called)
        sys.settrace(self._called)

    def _called(self, frame: FrameType, _event: str, _value: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(self.folder):
            return None
        at_import = frame.f_code.co_name == "<module>"
        lines = self.ran[name.removeprefix(self.root)][self.file if at_import else self.test]
        lines.add(frame.f_lineno)

        def line(frame: FrameType, _event: str, _value: object) -> Any:
            lines.add(frame.f_lineno)
            return line

        return line

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Until its call the lines are the file's."""
        self.test = self.file

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """From here on the lines are the test's own."""
        self.test = item.nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Its seconds, fixtures and all."""
        self.seconds[report.nodeid] += report.duration


class FirstFailure:
    """A plugin of pytest: a property that fails has failed, nobody wants the smallest input."""

    def pytest_sessionstart(self) -> None:
        """After the tree's own profile was loaded."""
        settings.register_profile("mutants", settings(phases=(Phase.explicit, Phase.generate), database=None))
        settings.load_profile("mutants")


def tested(asked: dict[str, Any]) -> None:
    """The child's whole life: pytest, what it saw, the code."""
    os.setsid()
    empty = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(empty, number)
    plugins: list[object] = [FirstFailure()]
    lines = Lines(asked["folder"], asked["tests"][0]) if asked.get("folder") else None
    if lines:
        plugins.append(lines)
        lines.start()
    words = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist"]
    code = pytest.main([*words, *asked["tests"]], plugins)
    sys.settrace(None)
    if lines:
        ran = {name: {test: sorted(found) for test, found in of.items()} for name, of in lines.ran.items()}
        Path(asked["seen"]).write_text(json.dumps({"ran": ran, "seconds": lines.seconds}), encoding="utf-8")
    os._exit(code)


def outcome(asked: dict[str, Any]) -> int | None:
    """The child's exit code; ``None`` where it took longer than it may."""
    child = os.fork()
    if child == 0:
        try:
            tested(asked)
        finally:
            os._exit(99)
    ends = time.monotonic() + asked["timeout_s"]
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.02)
    # The session is the child's own: what it started and left goes with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not ended:
        os.waitpid(child, 0)
        return None
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())
    for name in IMPORTED_ONCE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for text in sys.stdin:
        sys.stdout.write(f"{json.dumps(outcome(json.loads(text)))}\n")
        sys.stdout.flush()
