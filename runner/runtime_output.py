"""What a runtime writes to this process's output, past Python: kept out of the way, and shown when it fails."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from tracer.terminal_text import say

SHOWN_BYTES = 16_384
"""Of the end of what was kept, shown after a failure."""

LOG_BYTES = 1_000_000
"""Of the end of what was kept, in a log."""


def tell(text: str) -> None:
    """A line on standard error: standard output belongs to results. Nobody may be there to read it."""
    with contextlib.suppress(OSError):
        say(text, err=True)


class RuntimeOutput:
    """Standard output and standard error of this process, by descriptor, which a runtime's own code writes to."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by __exit__
        self._screen = -1

    def __enter__(self) -> RuntimeOutput:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is written inside; shown if the block fails."""
        _flush()
        outputs: tuple[int, ...] = (os.dup(1), os.dup(2))
        self._screen = outputs[1]
        for number in (1, 2):
            os.dup2(self._file.fileno(), number)
        try:
            yield
        except Exception:
            self._give_back(outputs)
            outputs = ()
            if said := self.text(SHOWN_BYTES).strip("\n"):
                tell(said)
            raise
        finally:
            self._give_back(outputs)

    def _give_back(self, outputs: tuple[int, ...]) -> None:
        _flush()
        self._screen = -1
        for number, output in enumerate(outputs, 1):
            os.dup2(output, number)
            os.close(output)

    def say(self, text: str) -> None:
        """Write to standard error as it was, also while output is kept."""
        with contextlib.suppress(OSError):
            os.write(2 if self._screen < 0 else self._screen, text.encode())

    @contextmanager
    def screen(self) -> Iterator[TextIO]:
        """Standard error as it was, to draw on while output is kept."""
        with os.fdopen(os.dup(2 if self._screen < 0 else self._screen), "w", errors="replace") as stream:
            yield stream

    def text(self, most_bytes: int = LOG_BYTES) -> str:
        """The end of what was kept."""
        size = os.fstat(self._file.fileno()).st_size
        return os.pread(self._file.fileno(), most_bytes, max(0, size - most_bytes)).decode(errors="replace")


@contextmanager
def runtime_quiet() -> Iterator[RuntimeOutput]:
    """Keep what a runtime writes while the block loads or runs it; shown if the block fails."""
    with RuntimeOutput() as output, output.kept():
        yield output


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
