"""Where runs are brought from: a folder of this machine, or what an fsspec URL names."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote, unquote

from runner.given_paths import refuse_impossible_path
from tracer.errors import RunError, UsageError, WriteError, first_line, not_installed
from tracer.whole_files import digest

CHUNK_BYTES = 1 << 20

_MARKS = ("ETag", "etag", "md5Hash", "checksum", "Content-MD5")

Tell = Callable[[int], None]
"""Is told how many bytes came since it was told before."""


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """
    A file of a run: ``path`` is ``NAME/...`` within the folder of runs, ``mtime_ns`` its time there.

    ``mark`` is what else tells one content from another without reading it (an ETag); empty where nothing does.
    """

    path: str
    size: int
    mtime_ns: int
    mark: str = ""

    @property
    def run(self) -> str:
        """The name of its run."""
        return self.path.partition("/")[0]


class Place(Protocol):
    """A folder of runs somewhere."""

    @property
    def name(self) -> str:
        """What errors call it."""

    def files(self) -> list[PlacedFile]:
        """Every regular file in a folder of it; links are not followed."""

    def fetch(self, files: Sequence[PlacedFile], into: Path, tell: Tell) -> str | None:
        """
        Bring files, each with its time, under a folder here; what is there already whole is left as it is.

        Returns:
            Why some did not come; None if all did.

        Raises:
            WriteError: if the disk here does not take them.
        """

    def digests(self, files: Sequence[PlacedFile]) -> dict[str, str]:
        """SHA-256 by path of those that are there, of what lies there now."""


def is_here(file: PlacedFile, into: Path) -> bool:
    """Whether a file came whole before, as it is there now."""
    try:
        facts = (into / file.path).stat()
    except OSError:
        return False
    return (facts.st_size, facts.st_mtime_ns) == (file.size, file.mtime_ns)


def keep(file: PlacedFile, source: IO[bytes], into: Path, tell: Tell) -> None:
    """
    Write what a file holds under a folder here, whole or not at all.

    Raises:
        WriteError: if the disk does not take it.
    """
    path = into / file.path
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = temporary.open("wb")
    except OSError as error:
        raise not_taken(path, error) from None
    with target:
        while chunk := source.read(CHUNK_BYTES):
            try:
                target.write(chunk)
            except OSError as error:
                raise not_taken(path, error) from None
            tell(len(chunk))
    os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
    temporary.replace(path)


def not_taken(path: Path, error: OSError) -> WriteError:
    """The disk here did not take what came."""
    return WriteError(path, "the disk did not take it", error, "make room, and give the same command: it goes on")


class _OpenedPlace(ABC):
    """A place whose files are opened one by one."""

    @abstractmethod
    def _open(self, file: PlacedFile) -> IO[bytes]:
        """What a file holds."""

    def fetch(self, files: Sequence[PlacedFile], into: Path, tell: Tell) -> str | None:
        """As ``Place``."""
        for file in files:
            if is_here(file, into):
                tell(file.size)
                continue
            try:
                with self._open(file) as source:
                    keep(file, source, into, tell)
            except WriteError:
                raise
            except Exception as error:  # each file system has errors of its own
                return f"{file.path}: {first_line(error)}"
        return None

    def digests(self, files: Sequence[PlacedFile]) -> dict[str, str]:
        """As ``Place``; each is read again."""
        found = {}
        for file in files:
            with contextlib.suppress(OSError), self._open(file) as source:
                found[file.path] = digest(source)
        return found


class FolderPlace(_OpenedPlace):
    """A folder of this machine, a mounted card or share among them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.name = folder, str(folder)
        refuse_impossible_path("SOURCE", folder, folder=True)
        if not folder.is_dir():
            raise UsageError(folder, "no such folder", "give HOST:DIR, a folder, or a URL")

    def files(self) -> list[PlacedFile]:
        """As ``Place``."""
        found = []
        for place, _, names in os.walk(self._folder):
            for name in names:
                path = Path(place, name)
                facts = path.lstat()
                if not path.is_symlink() and path.is_file():
                    inside = str(path.relative_to(self._folder))
                    found.append(PlacedFile(inside, facts.st_size, facts.st_mtime_ns))
        return found

    def _open(self, file: PlacedFile) -> IO[bytes]:
        return (self._folder / file.path).open("rb")


class UrlPlace(_OpenedPlace):
    """A folder behind a URL, by fsspec: object stores, SFTP, and what else has a package for it."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise not_installed("fsspec", "kws-trace[fleet]") from None
        self.name = url
        try:
            self._system, root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UsageError(url, first_line(error), "install what fsspec asks for, or give HOST:DIR") from None
        self._root = str(root).rstrip("/")
        # Of HTTP the paths are addresses, in which names are quoted.
        self._quotes = url.partition(":")[0] in ("http", "https")

    def files(self) -> list[PlacedFile]:
        """As ``Place``."""
        try:
            self._system.invalidate_cache()
            # A web server's list of a folder has links that sort it, and no sizes: each file is asked for its own.
            told = {
                path: self._system.info(path) if one.get("size") is None else one
                for path, one in self._find().items()
                if not (self._quotes and "?" in path[len(self._root) :])
            }
        except FileNotFoundError as error:
            raise RunError(self.name, f"it is not there ({first_line(error)})", "look at its name") from None
        except Exception as error:  # each file system has errors of its own
            remedy = "look at its name and your access"
            raise RunError(self.name, f"cannot be listed ({first_line(error)})", remedy) from None
        return [self._placed(path, facts) for path, facts in told.items()]

    def _find(self) -> dict[str, dict[str, Any]]:
        """Every file by path, or an error: the walk that most file systems inherit leaves out what it cannot read."""
        from fsspec.asyn import AsyncFileSystem
        from fsspec.spec import AbstractFileSystem

        finds = [getattr(type(self._system), name, None) for name in ("find", "_find")]
        inherited = (AbstractFileSystem.find, getattr(AsyncFileSystem, "_find"), None)  # noqa: B009 -- as its own do
        if any(one not in inherited for one in finds):
            return dict(self._system.find(self._root, detail=True))
        found: dict[str, dict[str, Any]] = {}
        folders, seen = [self._root], {self._root}
        for folder in folders:  # it grows by what is found
            within = {str(one["name"]).rstrip("/"): one for one in self._system.ls(folder, detail=True)}
            more = {path for path, one in within.items() if one["type"] == "directory"} - seen
            found |= {path: one for path, one in within.items() if one["type"] != "directory"}
            folders.extend(more)
            seen |= more
        return found

    def _placed(self, path: str, facts: dict[str, Any]) -> PlacedFile:
        inside = path[len(self._root) :].lstrip("/")
        size = facts.get("size")
        if size is None:
            raise UsageError(self.name, f"it does not tell the size of {inside}", "bring the runs another way")
        marks = "".join(str(facts[key]) for key in _MARKS if facts.get(key))
        return PlacedFile(unquote(inside) if self._quotes else inside, int(size), _mtime_ns(facts), marks)

    def _open(self, file: PlacedFile) -> IO[bytes]:
        path = quote(file.path) if self._quotes else file.path
        opened: IO[bytes] = self._system.open(f"{self._root}/{path}", "rb")
        return opened


def _mtime_ns(facts: dict[str, Any]) -> int:
    for key in ("mtime", "LastModified", "last_modified", "updated", "created", "Last-Modified"):
        value = facts.get(key)
        if key == "Last-Modified" and isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = parsedate_to_datetime(value)
        if isinstance(value, datetime):
            return int(value.timestamp() * 1e9)
        if isinstance(value, int | float):
            return int(value * 1e9)
    return 0
