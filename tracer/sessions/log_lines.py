"""The lines of a host's log, 64 KB at a time: memory does not grow with the file, half a line is never given out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tracer.errors import SessionError, told_unreadable
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


class Block(NamedTuple):
    """Lines that follow one another, ``number`` that of the first; ``ended`` and ``whole`` as of a ``Line``."""

    number: int
    texts: list[str]
    ended: bool = True
    whole: bool = True

    @property
    def lines(self) -> list[Line]:
        """Each line by itself."""
        return [Line(number, text, self.ended, self.whole) for number, text in enumerate(self.texts, self.number)]


def read_lines(path: Path) -> Iterator[Line]:
    """
    Lines of a file, CR LF or LF, in one pass; bytes that are no UTF-8 become U+FFFD.

    Raises:
        SessionError: if the file cannot be read.
    """
    return (line for block in read_blocks(path) for line in block.lines)


def read_blocks(path: Path) -> Iterator[Block]:
    """
    The lines of ``read_lines``, those together that were read together; one whose end is not in the same chunk alone.

    Raises:
        SessionError: if the file cannot be read.
    """
    number, rest, dropped = 1, bytearray(), False
    with told_unreadable(SessionError, path, "name a session's folder or its log"), open_file(path) as file:
        while chunk := file.read(CHUNK):
            first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
            if first >= 0:
                yield _block(number, rest + chunk[:first], ended=True, dropped=dropped)
                rest, dropped, number = bytearray(), False, number + 1
            if last > first:
                # Within a chunk no line is longer than what is kept; a newline ends half a character, too.
                texts = chunk[first + 1 : last].decode("utf-8", "replace").split("\n")
                yield Block(number, [text.rstrip("\r") for text in texts] if b"\r" in chunk else texts)
                number += len(texts)
            rest += chunk[last + 1 :]
            if len(rest) > LONGEST:
                del rest[LONGEST:]
                dropped = True
    if rest:
        yield _block(number, rest, ended=False, dropped=dropped)


def _block(number: int, data: bytearray, *, ended: bool, dropped: bool) -> Block:
    whole = not dropped and len(data) <= LONGEST
    return Block(number, [bytes(data[:LONGEST]).rstrip(b"\r").decode("utf-8", "replace")], ended, whole)
