"""What a person wrote of a run: one text file in its folder, which nothing but a person's own act writes."""

from __future__ import annotations

import os
from pathlib import Path

from tracer.errors import RunError
from tracer.figure_text import count_text
from tracer.harmless_text import harmless
from tracer.runs.run_files import run_folder
from tracer.whole_files import written_whole

FILE = "note.txt"
MOST_BYTES = 4_000
"""Of its UTF-8 text: a few paragraphs, shown whole wherever the run is."""


def read_note(folder: Path) -> str | None:
    """
    The note of the run in ``folder``; None without one, and where it is no text of at most ``MOST_BYTES``.

    What a terminal would obey is replaced in it.
    """
    try:
        handle = os.open(folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            data = file.read(MOST_BYTES + 2).removesuffix(b"\n")
        text = harmless(data.decode()).strip()
    except (OSError, ValueError):
        return None
    return text if text and len(data) <= MOST_BYTES else None


def note_lines(note: str | None) -> list[str]:
    """What a person wrote of a run, its lines behind one word."""
    return [] if note is None else [f"Note by hand: {' / '.join(filter(None, note.splitlines()))}"]


def write_note(traces: Path, name: str, text: str) -> None:
    """
    Keep a note in the run ``name``, in place of the one that is there; an empty one removes it.

    Raises:
        RunError: if there is no such run, the text is too long, or the disk does not take it.
    """
    folder = run_folder(traces, name)
    told = harmless("\n".join(line.rstrip() for line in text.splitlines()).strip())
    if len(told.encode()) > MOST_BYTES:
        raise RunError(repr(name), f"the note is of more than {count_text(MOST_BYTES)} bytes", "shorten it")
    path = folder / FILE
    try:
        if not told:
            path.unlink(missing_ok=True)
            return
        with written_whole(path, shared=True) as new:
            new.write_bytes(f"{told}\n".encode())
    except OSError as error:
        raise RunError(path, f"it cannot be written ({error.strerror})", "the note is as it was") from None
