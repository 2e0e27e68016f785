"""
Events of a JSON file that is an array of objects, or an object that holds one under ``traceEvents``.

The second is the form of the Trace Event Format of Chrome, in which PyTorch and XLA write; the first its short form,
and what ONNX Runtime and ``trtexec`` write. A trace of 200 MB is ten times as large as Python's objects: one event at
a time is in memory here.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any

from tracer.errors import ProfileError
from tracer.figure_text import size_text
from tracer.given_files import LIMIT_BYTES, LONGEST_NAME, limited, open_file
from tracer.profiles.columns import LARGEST

Event = dict[str, Any]

GZIP = b"\x1f\x8b"

_CHUNK = 1 << 22
_LONGEST_EVENT = 1 << 26
"""Characters of one event, or of one value beside the events."""
_BLANKS = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,]*")


class _NotJsonError(Exception):
    """Not what the grammar has at this place."""


def _refuse_constant(name: str) -> None:
    raise _NotJsonError(f"it holds {name} for a number")


# Digits after the point are kept as they stand: a float has too few for microseconds since 1970.
_DECODER = json.JSONDecoder(parse_float=str, parse_constant=_refuse_constant, strict=False)


def unpacked(file: IO[bytes]) -> IO[bytes] | gzip.GzipFile:
    """What an open file holds: unpacked where it is gzip."""
    begin = file.read(2)
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if begin == GZIP else file


class JsonEvents:
    """
    The events of one file, in their order.

    ``beside`` has, once all were read, the values that stand beside ``traceEvents``; empty for an array.
    """

    def __init__(self, path: Path, remedy: str) -> None:
        self.path, self.remedy = path, remedy
        self.beside: Event = {}
        self._text = ""
        self._at = 0
        self._ended = False
        self._source: Iterator[str] = iter(())

    def __iter__(self) -> Iterator[Event]:
        """
        One object after the other; empty ones, with which XLA ends its array, are left out.

        Raises:
            ProfileError: if the file cannot be read, is not of this form, or ends in the middle.
        """
        try:
            with open_file(self.path) as file, closing(unpacked(file)) as plain:
                self._source = self._chunks(plain)
                yield from self._all()
        except (_NotJsonError, RecursionError, EOFError, zlib.error, ValueError) as error:
            said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise self.damaged(f"it cannot be read as JSON ({said})") from None
        except OSError as error:
            raise ProfileError(self.path, f"cannot be read ({error.strerror or error})", self.remedy) from None

    def damaged(self, problem: str) -> ProfileError:
        """The error for what cannot be."""
        return ProfileError(self.path, f"{problem}: damaged, or cut off", self.remedy)

    def _chunks(self, file: IO[bytes] | gzip.GzipFile) -> Iterator[str]:
        decoder, size = codecs.getincrementaldecoder("utf-8-sig")("replace"), 0
        while data := file.read(_CHUNK):
            size += len(data)
            limit = limited(LIMIT_BYTES)
            if limit is not None and size > limit:
                raise OSError(0, f"it unpacks to more than {size_text(limit)}, which `kws-trace --no-limits` reads")
            yield decoder.decode(data)

    def _more(self) -> bool:
        """Read on; what was used up is thrown away."""
        if len(self._text) - self._at > _LONGEST_EVENT:
            raise _NotJsonError(f"a value of more than {size_text(_LONGEST_EVENT)}, or none")
        chunk = next(self._source, None)
        if chunk is None:
            self._ended = True
            return False
        self._text, self._at = self._text[self._at :] + chunk, 0
        return True

    def _skip(self, blanks: re.Pattern[str]) -> str:
        """The character behind blanks, which is not used up; empty at the end."""
        while True:
            found = blanks.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _expect(self, wanted: str) -> None:
        found = self._skip(_BLANKS)
        if found != wanted:
            raise _NotJsonError(f"{found!r} in the place of {wanted!r}" if found else "it ends in the middle")
        self._at += 1

    def _value(self) -> Any:
        """The value that begins here; more is read while it may only be cut off."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise _NotJsonError(error.msg) from None
                continue
            # A number may go on behind the end of what was read.
            if end == len(self._text) and not self._ended and not isinstance(value, (dict, list, str)):
                self._more()
                continue
            self._at = end
            return value

    def _all(self) -> Iterator[Event]:
        if self._skip(_BLANKS) == "[":
            yield from self._array()
            return
        self._expect("{")
        while self._skip(_BETWEEN) == '"':
            key = self._value()
            self._expect(":")
            if self._skip(_BLANKS) == "[" and key == "traceEvents":
                yield from self._array()
            else:
                self.beside[key] = self._value()
        self._expect("}")

    def _array(self) -> Iterator[Event]:
        self._expect("[")
        while self._skip(_BETWEEN) == "{":
            event = self._value()
            if event:
                yield event
        self._expect("]")


def text(value: object, longest: int = LONGEST_NAME) -> str:
    """A name of the file; what is no text is written as one, half of a surrogate pair is replaced."""
    if type(value) is str and len(value) <= longest and value.isascii():
        return value
    plain = value if isinstance(value, str) else str(value)
    return plain[:longest].encode("utf-8", "replace").decode()


def whole(value: object) -> int | None:
    """A whole number, or a text of one; None for anything else, and for what no column can hold."""
    if type(value) is int:
        return value if -LARGEST < value < LARGEST else None
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return None


def scaled(value: object, digits: int) -> int | None:
    """
    A number times ``10 ** digits``, exactly as far as its text goes, rounded to a whole one; None if it is none.

    ``value`` is an integer, or the text of a number.
    """
    if type(value) is int:
        return value * 10**digits if abs(value) < LARGEST else None
    if not isinstance(value, str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() > 18:
        return None
    return int(number.scaleb(digits).to_integral_value()) if number else 0


def interval_ns(event: Event) -> tuple[int, int] | None:
    """
    Start and end of a complete event, from its ``ts`` and ``dur`` in microseconds; None if they cannot be.

    Both are cut to the nanosecond after they were added, so that what nests in the file nests here.
    """
    start, length = scaled(event.get("ts"), 6), scaled(event.get("dur", 0), 6)
    if start is None or length is None or length < 0:
        return None
    begin, end = start // 1000, (start + length) // 1000
    return (begin, end) if -LARGEST < begin <= end < LARGEST else None
