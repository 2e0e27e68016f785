"""
The program ``kws-trace``: Ctrl-C ends it without a traceback, also while it imports.

What happens before this module, Python's own start, is told by Python.
"""

import os
import signal
from types import FrameType


def leave_on_interrupt() -> bool:
    """
    Let SIGINT end this process at once; False where it is ignored, as by what a shell put into the background.

    Python's own way raises an exception wherever it stands, which imports print, or catch and go on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return False
    signal.signal(signal.SIGINT, _leave)
    return True


def main() -> None:
    """Run the command line; it may take the signal for its own, to end in order."""
    heard = leave_on_interrupt()
    from runner import cli

    try:
        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.main()
    finally:
        # Python's end has nothing to tell either.
        if heard:
            leave_on_interrupt()


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- as signal calls it
    # As a shell ends what a signal ended.
    os._exit(128 + number)
