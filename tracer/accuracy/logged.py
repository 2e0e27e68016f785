"""The output vectors in a log of energyrunner or of the MLCommons runner, with the input that each belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracer.classes import CLASSES
from tracer.errors import KwsTraceError

_LOAD = re.compile(r"(?:\bbload\b|Loading file ).*?([^\"'/\\\s\[\]]+\.bin)")
"""energyrunner: ``Command "bload dut "/path/tst_000000_Stop_7.bin""``; MLCommons: ``Loading file tst_...bin``."""
_RESULTS = re.compile(r"m-results\s*[-:]\s*\[([^\]]*)\]")
_INFERS = re.compile(r"m-infer-done|Running inference|Throughput")

Logged = tuple[str | None, NDArray[np.float64]]


class SessionLogError(KwsTraceError):
    """A log that is not there, not readable, or holds no results."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}; name a session's folder or its log.txt, or a run of ours")
        self.path = path


def logged_results(path: Path) -> Iterator[Logged]:
    """
    Read a log line by line and give each output vector once.

    Args:
        path: of the log.

    Yields:
        The file name of the input that was loaded last (None where the log names none), and its float64 (12,).
        Vectors without twelve numbers, and lines that were cut, are left out.

    Raises:
        SessionLogError: if the file cannot be read.
    """
    name, inferred, before = None, True, ""
    try:
        with path.open(encoding="utf-8", errors="replace", newline=None) as lines:
            for line in lines:
                load = _LOAD.search(line)
                if load:
                    name, inferred = load[1], True
                elif _INFERS.search(line):
                    inferred = True
                found = _RESULTS.search(line)
                # The command `results` prints again what `infer` printed: a vector counts once.
                if not found or (not inferred and found[1] == before):
                    continue
                inferred, before = False, found[1]
                vector = _numbers(found[1])
                if vector is not None:
                    yield name, vector
    except OSError as error:
        raise SessionLogError(path, error.strerror or "unreadable") from None


def _numbers(text: str) -> NDArray[np.float64] | None:
    try:
        values = np.array([float(word) for word in text.split(",")])
    except ValueError:
        return None
    return values if values.shape == (CLASSES,) else None
