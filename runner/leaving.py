"""The signals that end a program of ours, and how one ends it at once; loaded first, it imports next to nothing."""

import os
import signal
from types import FrameType
from typing import NoReturn

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C; `kill`; a terminal or an ssh session that goes."""


def leave_on_signals() -> list[signal.Signals]:
    """
    Let a signal end this process at once; returns those that are not ignored, as by `nohup` or in the background.

    Python's own way with SIGINT raises an exception wherever it stands, which imports print, or catch and go on.
    """
    heard = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _leave)
    return heard


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 -- as signal calls it
    # As a shell tells what a signal ended.
    os._exit(128 + number)
