"""Starting nsys, by whoever needs it: a start that fails before the program below it begins is made once again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

from runner.children import end_child
from runner.runtime_output import tell

LOOK_S = 0.05
"""Between two looks at whether the program has begun."""


def start_nsys(start: Callable[[], subprocess.Popen[Any]], begun: Callable[[], bool]) -> subprocess.Popen[Any]:
    """
    Start nsys, and wait until the program that it runs has begun, or nsys has ended.

    nsys 2022.4 now and then ends with 1 and ``sem_open: No such file or directory``: its agent opens a semaphore that
    its launcher is about to make. The program does not run then, and the next start succeeds. Nothing was measured
    yet, so any error of nsys at this point is answered by one more start, which is said on standard error.

    Args:
        start: starts nsys; called twice at most.
        begun: whether the program has begun, or need not be waited for.
    """
    process = _started(start, begun)
    if process.returncode is None or process.returncode <= 0 or begun():
        return process
    tell(f"nsys: it ended with {process.returncode} before what it runs had begun; it is started once again")
    return _started(start, begun)


def _started(start: Callable[[], subprocess.Popen[Any]], begun: Callable[[], bool]) -> subprocess.Popen[Any]:
    process = start()
    try:
        while process.poll() is None and not begun():
            time.sleep(LOOK_S)
    except BaseException:
        end_child(process)
        raise
    return process
