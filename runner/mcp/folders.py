"""Which files may be read: those within the folders that the user gave, whatever a name or a link says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tracer.errors import UsageError

MOST_ENTRIES = 1_000_000
"""Of one folder that is looked through; more are refused."""


class Folders:
    """
    The runs folder and those that were allowed beside it.

    Raises:
        UsageError: if one of those is not there.
    """

    def __init__(self, traces: Path, more: Sequence[Path] = ()) -> None:
        for folder in more:
            if not folder.is_dir():
                raise UsageError(folder, "no such folder", "give --allow a folder that is there")
        self.traces = traces
        self._roots = [self._real(folder) for folder in (traces, *more)]

    def file(self, named: str) -> Path:
        """
        A file, or a folder with all that is in it, by its path, or its name in one of the folders.

        Returns:
            its real path.

        Raises:
            UsageError: if it is not there, or it or a part of it lies outside.
        """
        for place in [Path(named), *(root / named for root in self._roots)]:
            real = self._real(place)
            if self._holds(real) and self._there(real):
                self.check_tree(real)
                return real
        within = ", ".join(map(str, self._roots))
        raise UsageError(named, f"not in the folders that may be read ({within})", "restart with --allow FOLDER")

    def run(self, named: str) -> str:
        """
        A run or a set of launches, as ``stored_run`` and ``launch_set`` take it.

        Raises:
            UsageError: as ``file``; a name that is no path is theirs to find among the runs, which are all looked at.
        """
        place = Path(named)
        if len(place.parts) == 1 and named not in {".", ".."} and not self._there(self.traces / named):
            self.check_tree(self._roots[0])
            return named
        return str(self.file(named))

    def session(self, named: str) -> Path:
        """A session's log or folder; of a log, what lies beside it, which is read with it."""
        found = self.file(named)
        if not found.is_dir():
            for entry in os.scandir(found.parent):
                self._check(Path(entry.path), is_link=entry.is_symlink())
        return found

    def check_tree(self, folder: Path) -> None:
        """
        Refuse a folder in which a link leads outside.

        Raises:
            UsageError: if one does.
        """
        seen = 0
        for place, folders, files in os.walk(folder):
            for name in (*folders, *files):
                path = Path(place, name)
                self._check(path, is_link=path.is_symlink())
            seen += len(folders) + len(files)
            if seen > MOST_ENTRIES:
                raise UsageError(folder, "too many files are in it", "name a folder within it")

    def _check(self, path: Path, *, is_link: bool) -> None:
        if is_link and not self._holds(self._real(path)):
            raise UsageError(
                path, "this link leads outside the folders that may be read", "restart with --allow FOLDER"
            )

    def _holds(self, real: Path) -> bool:
        return any(real == root or root in real.parents for root in self._roots)

    @staticmethod
    def _there(path: Path) -> bool:
        return os.path.lexists(path)

    @staticmethod
    def _real(path: Path) -> Path:
        try:
            return path.resolve()
        except (OSError, RuntimeError, ValueError):
            raise UsageError(repr(str(path)), "no name that a file can have", "give its path") from None
