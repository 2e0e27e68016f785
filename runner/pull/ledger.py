"""Which runs came: a line each, of what their files were like there and of their id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from runner.pull.places import PlacedFile


class Ledger:
    """Is only added to; a line that a kill tore, or the whole file gone, means that the run is read again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs: dict[str, str] = {}
        with suppress(OSError):
            lines = [line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines()]
            self._runs = {words[0]: words[1] for words in lines if len(words) == 2}

    def run_of(self, mark: str) -> str | None:
        """The id of the run whose files were like this."""
        return self._runs.get(mark)

    def add(self, mark: str, run_id: str) -> None:
        """Keep that a run is here."""
        self._runs[mark] = run_id
        # A disk that does not take it costs reading the run again.
        with suppress(OSError), self._path.open("a", encoding="ascii") as file:
            file.write(f"\n{mark} {run_id}\n")


def fingerprint(files: Iterable[PlacedFile]) -> str:
    """Of a run's files by names, sizes and times, without their content."""
    facts = [(file.path.partition("/")[2], file.size, file.mtime_ns, file.mark) for file in files]
    return hashlib.sha256(repr(sorted(facts)).encode("utf-8", "surrogateescape")).hexdigest()
