"""
The program ``kws-trace``: an ending signal ends it without a traceback, also while it imports.

What happens before this module, Python's own start, is told by Python.
"""

import signal
import time
from types import FrameType

from runner.leaving import leave_on_signals

AGAIN_S = 2.0
"""After an ending signal in which another changes nothing: Ctrl-C twice is not to end the taking back it began."""


def main() -> None:
    """Run the command line, which takes back what it began; it may take the signals for its own, to end in order."""
    heard = leave_on_signals()
    from runner import cli

    taken: list[float] = []

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- as signal calls it
        if taken and time.monotonic() - taken[-1] < AGAIN_S:
            return
        taken.append(time.monotonic())
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    try:
        for number in heard:
            signal.signal(number, end)
        cli.main()
    finally:
        # Python's end has nothing to tell either.
        leave_on_signals()
