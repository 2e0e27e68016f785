"""The lines of a host's log, one at a time: memory does not grow with the file, half a line is never given out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tracer.errors import SessionError
from tracer.given_files import open_file

CHUNK = 1 << 16
LONGEST = 1 << 16
"""Bytes of a line that are kept; no line of a figure is near this long."""


class Line(NamedTuple):
    """
    A line without its end, numbered from 1.

    ``ended`` is false for a last line without a newline: the file may have been cut inside it, and since a cut
    number is still a number, no figure is taken from such a line. ``whole`` is false where bytes beyond ``LONGEST``
    were dropped; no figure is taken from it either.
    """

    number: int
    text: str
    ended: bool = True
    whole: bool = True


def read_lines(path: Path) -> Iterator[Line]:
    """
    Lines of a file, CR LF or LF, in one pass; bytes that are no UTF-8 become U+FFFD.

    Raises:
        SessionError: if the file cannot be read.
    """
    number, rest, dropped = 0, bytearray(), False
    try:
        with open_file(path) as file:
            while chunk := file.read(CHUNK):
                first, *ends = chunk.split(b"\n")
                if not ends:
                    ends, tail = [], first
                else:
                    number += 1
                    yield _line(number, rest + first, ended=True, dropped=dropped)
                    rest, dropped, tail = bytearray(), False, ends.pop()
                # Within a chunk no line is longer than what is kept; a newline ends half a character, too.
                whole = b"\n".join(ends).decode("utf-8", "replace").split("\n") if ends else []
                for number, piece in enumerate(whole, number + 1):  # noqa: B020 -- it goes on counting
                    yield Line(number, piece.rstrip("\r"))
                rest += tail
                if len(rest) > LONGEST:
                    del rest[LONGEST:]
                    dropped = True
    except OSError as error:
        raise SessionError(path, error.strerror or "unreadable", "name a session's folder or its log") from None
    if rest:
        yield _line(number + 1, rest, ended=False, dropped=dropped)


def _line(number: int, data: bytearray, *, ended: bool, dropped: bool) -> Line:
    whole = not dropped and len(data) <= LONGEST
    return Line(number, bytes(data[:LONGEST]).rstrip(b"\r").decode("utf-8", "replace"), ended, whole)
