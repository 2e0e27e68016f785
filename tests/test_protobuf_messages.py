"""Messages described in a table are read from the bytes that protobuf's encoding gives them."""

from __future__ import annotations

import struct
from pathlib import Path

from tracer.protobuf_messages import parse

TABLE = """\
message,field,number,type,repeated
Outer,share,1,double,
Outer,signed,2,int64,
Outer,large,3,uint64,
Outer,name,4,bytes,
Outer,inner,5,Inner,
Outer,many,6,Inner,1
Outer,counts,7,int64,1
Inner,signed,1,int64,
"""


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number has 64 bits."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def field(number: int, wire: int, data: bytes) -> bytes:
    """Wire 0 is a varint, 1 are eight bytes, 2 is a length and as many bytes."""
    return varint(number << 3 | wire) + (varint(len(data)) if wire == 2 else b"") + data


def test_each_type_of_a_field_is_read(tmp_path: Path) -> None:
    table = tmp_path / "fields.csv"
    table.write_text(TABLE, encoding="utf-8")
    inner = [field(1, 0, varint(number)) for number in (7, -8)]
    data = field(1, 1, struct.pack("<d", 0.125)) + field(2, 0, varint(-5)) + field(3, 0, varint((1 << 64) - 1))
    data += field(4, 2, b"\xff\xfe") + field(5, 2, inner[0]) + field(6, 2, inner[0]) + field(6, 2, inner[1])
    data += field(7, 0, varint(3)) + field(7, 0, varint(4)) + field(9, 2, b"passed over")
    found = parse(table, "Outer", data)
    assert found is not None
    assert (found.share, found.signed, found.large, found.name) == (0.125, -5, (1 << 64) - 1, b"\xff\xfe")
    assert (found.inner.signed, [one.signed for one in found.many], list(found.counts)) == (7, [7, -8], [3, 4])
    assert not parse(table, "Outer", b"").HasField("inner")  # type: ignore[union-attr]
    assert parse(table, "Outer", data[:-1]) is None
