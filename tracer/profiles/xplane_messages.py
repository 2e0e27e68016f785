"""
The messages of ``xplane.proto``, described in ``xplane_fields.csv``: reading a profile takes no import of TensorFlow.

Source of names, numbers and types: ``tsl/profiler/protobuf/xplane.proto`` of TensorFlow 2.21. Texts are taken as
bytes: a kernel's name need not be UTF-8. The maps are read as the lists of entries that they are on the wire.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

_TYPES = {"int64": 3, "uint64": 4, "double": 1, "bytes": 12}
"""Numbers of ``FieldDescriptorProto.Type``; any other type of a field is a message of the same table."""
_MESSAGE, _OPTIONAL, _REPEATED = 11, 1, 3


@cache
def space_class() -> Any:
    """The class of ``XSpace``, in a pool of its own: TensorFlow may have registered the same messages elsewhere."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="kws_trace/xplane.proto", package="kws_trace", syntax="proto2")
    described: dict[str, Any] = {}
    with Path(__file__).with_name("xplane_fields.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            name = row["message"]
            message = described[name] = described.get(name) or file.message_type.add(name=name)
            field = message.field.add(name=row["field"], number=int(row["number"]))
            field.label = _REPEATED if row["repeated"] else _OPTIONAL
            field.type = _TYPES.get(row["type"], _MESSAGE)
            if field.type == _MESSAGE:
                field.type_name = f".kws_trace.{row['type']}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("kws_trace.XSpace"))
