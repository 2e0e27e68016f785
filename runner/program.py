"""
The program ``kws-trace``: an ending signal ends it without a traceback, also while it imports.

What happens before this module, Python's own start, is told by Python.
"""

import signal
from types import FrameType
from typing import NoReturn

from runner.leaving import leave_on_signals


def main() -> None:
    """Run the command line, which takes back what it began; it may take the signals for its own, to end in order."""
    heard = leave_on_signals()
    from runner import cli

    try:
        for number in heard:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else _exit)
        cli.main()
    finally:
        # Python's end has nothing to tell either.
        leave_on_signals()


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 -- as signal calls it
    raise SystemExit(128 + number)
