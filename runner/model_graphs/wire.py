"""
The protobuf wire format, as far as a SavedModel needs it: so it is read without TensorFlow, which takes 8 s to load.

Format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


class WireError(ValueError):
    """The bytes are no protobuf message."""


@dataclass(frozen=True, slots=True)
class Message:
    """The fields of a message, by number, each a list in the order of the file."""

    numbers: dict[int, list[int]] = field(default_factory=dict)
    chunks: dict[int, list[bytes]] = field(default_factory=dict)

    def number(self, field_number: int, default: int = 0) -> int:
        """The last varint of a field; ``default`` where there is none."""
        return self.numbers.get(field_number, [default])[-1]

    def text(self, field_number: int) -> str:
        """The last string of a field; empty where there is none."""
        return self.chunks.get(field_number, [b""])[-1].decode("utf-8", "replace")

    def texts(self, field_number: int) -> list[str]:
        """Every string of a field."""
        return [chunk.decode("utf-8", "replace") for chunk in self.chunks.get(field_number, [])]

    def message(self, field_number: int) -> Message:
        """The last message of a field; an empty one where there is none."""
        return parse(self.chunks.get(field_number, [b""])[-1])

    def messages(self, field_number: int) -> list[Message]:
        """Every message of a field."""
        return [parse(chunk) for chunk in self.chunks.get(field_number, [])]

    def mapping(self, field_number: int) -> dict[str, Message]:
        """A map field from strings to messages: each entry is a message of a key (1) and a value (2)."""
        return {entry.text(1): entry.message(2) for entry in self.messages(field_number)}

    def integers(self, field_number: int) -> list[int]:
        """A repeated integer field, packed or not, as signed 64-bit values."""
        values = list(self.numbers.get(field_number, []))
        for chunk in self.chunks.get(field_number, []):
            position = 0
            while position < len(chunk):
                value, position = _varint(chunk, position)
                values.append(value)
        return [signed(value) for value in values]


def signed(value: int) -> int:
    """A varint as the int64 that it stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def parse(data: bytes) -> Message:
    """
    Fields of a message; 32 and 64 bit fields are passed over.

    Raises:
        WireError: if the bytes are none.
    """
    numbers: dict[int, list[int]] = defaultdict(list)
    chunks: dict[int, list[bytes]] = defaultdict(list)
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError("a field has the number 0")
        if kind == 0:
            value, position = _varint(data, position)
            numbers[number].append(value)
            continue
        if kind == 2:
            size, position = _varint(data, position)
            chunks[number].append(data[position : position + size])
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise WireError(f"a field has the wire type {kind}")
        position += size
        if position > len(data):
            raise WireError("a field reaches past the end")
    return Message(dict(numbers), dict(chunks))


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if position >= len(data):
            raise WireError("it ends within a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
    raise WireError("a number is longer than 10 bytes")
