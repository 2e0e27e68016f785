"""
What is slow to derive from a run, kept outside it: ``$XDG_CACHE_HOME/kws-trace``, else ``~/.cache/kws-trace``.

It can be deleted at any time. Whatever is wrong with it (a home that is read-only, a full disk, a damaged entry), the
value is computed again, and the reader notices nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.runs.run_store import StoredRun
from tracer.whole_files import written_whole


def cache_folder() -> Path | None:
    """Where derived values go; None where there is neither the variable nor a home."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        # The XDG base directory specification: a relative path is to be ignored.
        return (named if named.is_absolute() else Path.home() / ".cache") / "kws-trace"
    except RuntimeError:
        return None


def derived(run: StoredRun, what: str, compute: Callable[[], Any]) -> Any:
    """
    A value that is derived from a run: kept from an earlier time, or computed and kept.

    ``what`` names the value and the version of how it is computed, as ``list-1``, and is part of a file's name;
    ``compute`` gives what is plain enough for JSON. A run that is being recorded changes: nothing of it is kept.
    """
    folder = cache_folder()
    if folder is None or run.state == "recording":
        return compute()
    try:
        path = folder / _hashed(run.info.run_id) / f"{what}-{_content(run.folder)}.json"
    except OSError:
        return compute()
    with contextlib.suppress(OSError, ValueError):
        check, _, text = path.read_text(encoding="utf-8").partition("\n")
        if check == _check(text):
            return json.loads(text)
    value = compute()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value)
        with written_whole(path, shared=True, lasting=False) as temporary:
            temporary.write_text(f"{_check(text)}\n{text}", encoding="utf-8")
    return value


def _content(folder: Path) -> str:
    """Of the files of a run: their names, sizes and times of change."""
    facts = [
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    ]
    return _hashed(repr(facts))


def _hashed(text: str) -> str:
    # A run's id comes from its file and is no name of a path that we trust.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _check(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
