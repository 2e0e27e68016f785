"""
Messages of protobuf files, described in tables (``*_fields.csv``): reading one takes no import of what wrote it.

A table names the fields that are read; the others are passed over. Texts are taken as bytes, for they need not be
UTF-8, and maps as the lists of entries that they are on the wire.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

_TYPES = {"double": 1, "int64": 3, "uint64": 4, "bytes": 12}
"""Numbers of ``FieldDescriptorProto.Type``; any other type of a field is a message of the same table."""
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3


@cache
def message_class(table: Path, name: str) -> Any:
    """The class of a message, in a pool of its own: TensorFlow may have registered the same messages elsewhere."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name=table.name, package="kws_trace", syntax="proto2")
    described: dict[str, Any] = {}
    with table.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            message = described[row["message"]] = described.get(row["message"]) or file.message_type.add()
            message.name = row["message"]
            field = message.field.add(name=row["field"], number=int(row["number"]))
            field.label = _REPEATED if row["repeated"] else _OPTIONAL
            field.type = _TYPES.get(row["type"], _MESSAGE)
            if field.type == _MESSAGE:
                field.type_name = f".kws_trace.{row['type']}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"kws_trace.{name}"))


def parse(table: Path, name: str, data: bytes) -> Any | None:
    """A message of a table from its bytes; None where they are none."""
    from google.protobuf.message import DecodeError

    try:
        return message_class(table, name).FromString(data)
    except DecodeError:
        return None
