"""
The messages of ``xplane.proto``, described here so that reading a profile does not take an import of TensorFlow.

Source of names, numbers and types: ``tsl/profiler/protobuf/xplane.proto`` of TensorFlow 2.21. Texts are taken as
bytes: a kernel's name need not be UTF-8. The maps are read as the lists of entries that they are on the wire.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_INT64, _UINT64, _DOUBLE, _BYTES, _MESSAGE = 3, 4, 1, 12, 11

_FIELDS: dict[str, tuple[tuple[str, int, int | str, bool], ...]] = {
    "XSpace": (
        ("planes", 1, "XPlane", True),
        ("errors", 2, _BYTES, True),
        ("warnings", 3, _BYTES, True),
        ("hostnames", 4, _BYTES, True),
    ),
    "XPlane": (
        ("id", 1, _INT64, False),
        ("name", 2, _BYTES, False),
        ("lines", 3, "XLine", True),
        ("event_metadata", 4, "EventEntry", True),
        ("stat_metadata", 5, "StatEntry", True),
        ("stats", 6, "XStat", True),
    ),
    "XLine": (
        ("id", 1, _INT64, False),
        ("name", 2, _BYTES, False),
        ("timestamp_ns", 3, _INT64, False),
        ("events", 4, "XEvent", True),
    ),
    "XEvent": (
        ("metadata_id", 1, _INT64, False),
        ("offset_ps", 2, _INT64, False),
        ("duration_ps", 3, _INT64, False),
        ("stats", 4, "XStat", True),
    ),
    "XStat": (
        ("metadata_id", 1, _INT64, False),
        ("double_value", 2, _DOUBLE, False),
        ("uint64_value", 3, _UINT64, False),
        ("int64_value", 4, _INT64, False),
        ("str_value", 5, _BYTES, False),
        ("bytes_value", 6, _BYTES, False),
        ("ref_value", 7, _UINT64, False),
    ),
    "XEventMetadata": (("id", 1, _INT64, False), ("name", 2, _BYTES, False)),
    "XStatMetadata": (("id", 1, _INT64, False), ("name", 2, _BYTES, False)),
    "EventEntry": (("key", 1, _INT64, False), ("value", 2, "XEventMetadata", False)),
    "StatEntry": (("key", 1, _INT64, False), ("value", 2, "XStatMetadata", False)),
}


@cache
def space_class() -> Any:
    """The class of ``XSpace``, in a pool of its own: TensorFlow may have registered the same messages elsewhere."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="kws_trace/xplane.proto", package="kws_trace", syntax="proto2")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            field = described.field.add(name=name, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                field.type, field.type_name = _MESSAGE, f".kws_trace.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("kws_trace.XSpace"))
