"""Processes that we started: how one that should have ended is ended."""

from __future__ import annotations

import subprocess
from typing import Any

TERMINATED_S = 10.0
"""For a child to end after SIGTERM."""


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
