"""Files that were dropped on a page: a session's are judged, a profile is broken down; nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tracer.errors import KwsTraceError, UsageError
from tracer.profiles.open_profile import read_profile_file
from tracer.reports.html.export import ProfilePage, profile_page
from tracer.reports.unit_report import timeline_of
from tracer.sessions.run_sessions import run_sessions

MOST_MB = 200
"""Of a file: what is dropped is held in memory."""
MOST_FILES = 20

File = tuple[str, bytes]


def is_session(names: Sequence[str]) -> bool:
    """Whether the files are those that a host leaves; a profile is one file that is none of these."""
    return any(name.endswith("log.txt") or name == "results.json" for name in names)


def dropped_session(files: Sequence[File]) -> list[str]:
    """What `kws-trace session` says of a session's files, a sentence each."""
    with tempfile.TemporaryDirectory(prefix="kws-trace-dropped-") as folder:
        place = Path(folder) / "session"
        place.mkdir()
        _write(place, files)
        told = [line for one in run_sessions(Path(folder)) for line in one["lines"]]
        return [line.replace(f"{folder}/", "") for line in told]


def dropped_profile(file: File) -> ProfilePage:
    """
    The page of a profile, as `kws-trace dashboard PROFILE` shows it.

    Raises:
        KwsTraceError: if it is none, or cannot be broken down.
    """
    with tempfile.TemporaryDirectory(prefix="kws-trace-dropped-") as folder:
        (path,) = _write(Path(folder), [file])
        try:
            return profile_page(timeline_of(read_profile_file(path)), None, None, None, 0)
        except KwsTraceError as error:
            raise UsageError(path.name, str(error).replace(f"{folder}/", ""), "drop a profile") from None


def _write(folder: Path, files: Sequence[File]) -> list[Path]:
    """A name comes from elsewhere: its last component alone, and none that is not printable."""
    if len(files) > MOST_FILES:
        raise UsageError("dropped files", f"they are {len(files)}", f"drop at most {MOST_FILES}")
    paths = []
    for place, (name, data) in enumerate(files):
        last = Path(name.replace("\\", "/")).name
        path = folder / (last if last.isprintable() and 0 < len(last.encode()) <= 200 else f"file-{place}")
        path.write_bytes(data)
        paths.append(path)
    return paths
