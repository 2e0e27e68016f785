"""Processes that we start: their command lines, and how one that should have ended is ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TERMINATED_S = 10.0
"""For a child to end after SIGTERM."""


NOBODYS_FOLDER = Path("/")
"""Where programs of others are started: nsys has a Python of its own, which imports from the current folder."""

_START = Path(__file__).resolve().with_name("start.py")

_PATH_WITHOUT_FOLDER = """\
import sys
sys.path[:] = [path for path in sys.path if path]
if {root!r} not in sys.path:
    sys.path.insert(0, {root!r})
"""


def module_command(module: str, *arguments: str, folder: Path | None = None) -> list[str]:
    """
    ``python -m MODULE ARGUMENTS`` of a module of ours, without the current folder on the path of imports.

    ``folder`` is where it works, for a child of a program that is started in ``NOBODYS_FOLDER``.
    """
    place = [] if folder is None else ["-C", str(folder)]
    return [sys.executable, str(_START), *place, module, *arguments]


def code_command(code: str) -> tuple[str, ...]:
    """``python -c CODE``, without the current folder on the path of imports."""
    return (sys.executable, "-c", _PATH_WITHOUT_FOLDER.format(root=str(_START.parent.parent)) + code)


def asked(
    command: Sequence[str], limit_s: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """
    What a program answers that is given nothing to read, in nobody's folder; without ``environment`` in the C locale.

    Raises:
        OSError: if it does not start, as one that is not installed.
        subprocess.TimeoutExpired: if it has not ended in time; it is ended.
    """
    return subprocess.run(
        list(command),
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=limit_s,
        cwd=NOBODYS_FOLDER,
        env={**os.environ, "LC_ALL": "C"} if environment is None else environment,
    )


def end_child(process: subprocess.Popen[Any], patience_s: float = 0.0) -> None:
    """Wait so long for a child to end by itself; then terminate it, then kill it: it does not live on."""
    for limit_s, force in ((patience_s, process.terminate), (TERMINATED_S, process.kill)):
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            force()
        else:
            return
    process.wait()
