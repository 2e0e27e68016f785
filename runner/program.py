"""
The program ``kws-trace``: an ending signal ends it without a traceback, also while it imports.

What happens before this module, Python's own start, is told by Python.
"""

import os
import signal
from types import FrameType
from typing import NoReturn

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C; `kill`; a terminal or an ssh session that goes."""

INTERRUPTED = 130
"""As a shell tells what SIGINT ended: 128 and the signal's number."""


def leave_on_signals() -> list[signal.Signals]:
    """
    Let a signal end this process at once; returns those that are not ignored, as by `nohup` or in the background.

    Python's own way with SIGINT raises an exception wherever it stands, which imports print, or catch and go on.
    """
    heard = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _leave)
    return heard


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


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 -- as signal calls it
    os._exit(128 + number)


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 -- as signal calls it
    raise SystemExit(128 + number)
