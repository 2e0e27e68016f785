"""The signals that end a run, and how one ends a process that has nothing to keep yet."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from runner.leaving import ENDING


def ending_signals() -> tuple[signal.Signals, ...]:
    """SIGINT, SIGTERM, and SIGHUP, which comes when a terminal or an ssh session goes, unless `nohup` took it out."""
    return tuple(
        number for number in ENDING if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    )


@contextmanager
def ending_signals_to(take: Callable[[int], None]) -> Iterator[None]:
    """Hand the number of each ending signal to ``take`` inside the block; call from the main thread."""

    def taken(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- as signal calls it
        take(number)

    before = {number: signal.signal(number, taken) for number in ending_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_at_once(clean: Callable[[], None]) -> Iterator[None]:
    """
    Let an ending signal end this process inside the block, with 128 and its number, after ``clean``.

    A handler in Python waits until a call into C returns, which may be half a minute while a runtime loads. A thread
    that waits on the descriptor that the signal is written to waits for the interpreter's lock alone. Handlers must
    be installed; call from the main thread.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    waiting = threading.Thread(target=_end_on_signal, args=(reader, clean), daemon=True)
    waiting.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.write(writer, b"\0")
        waiting.join()
        os.close(reader)
        os.close(writer)


def _end_on_signal(reader: int, clean: Callable[[], None]) -> None:
    while (number := os.read(reader, 1)[0]) != 0:
        if number in ENDING:
            with contextlib.suppress(Exception):
                clean()
            # Not sys.exit: the main thread is inside a runtime, which may not be left by an exception.
            os._exit(128 + number)
