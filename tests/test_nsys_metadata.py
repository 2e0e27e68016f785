"""What an Nsight Systems export says of itself, each sentence whole, from tables in memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nsys_in_memory import InMemory
from tracer.errors import ProfileError
from tracer.profiles import nsys_metadata as metadata
from tracer.profiles.columns import copy_name
from tracer.profiles.nsys_names import StringIds

UNTESTED = "experimental: no real file of it has tested this reader"


def facts(**told: str | None) -> dict[str, list[Any]]:
    return {"name": list(told), "value": list(told.values())}


@pytest.mark.parametrize(
    ("schema", "notes", "experimental"),
    [
        ("3.25.1", (), False),
        ("3.26", ("schema 3.26 is newer than 3.25, the newest that was tried",), False),
        ("2.9", (), False),
        ("2.8", (f"schema 2.8 is older than 2.9, the oldest that was tried; {UNTESTED}",), True),
        ("123456789.1", None, True),
    ],
)
def test_a_schema_is_known_newer_or_older(schema: str, notes: tuple[str, ...] | None, experimental: bool) -> None:
    for table in ("EXPORT_META_DATA", "META_DATA_EXPORT"):
        told = facts(EXPORT_PRODUCT_NAME=None, EXPORT_PRODUCT_VERSION="2026.2", EXPORT_SCHEMA_VERSION=schema)
        export = InMemory(**{table: told})
        if notes is None:
            with pytest.raises(ProfileError) as refused:
                metadata.read_version(export)
            assert str(refused.value) == (
                f"x.sqlite: its schema {schema} is newer than the 3.x that is known here; "
                "export the report with nsys 2026.2 or older, or update kws-trace"
            )
            continue
        version = metadata.read_version(export)
        numbers = tuple(map(int, schema.split(".")[:2]))
        assert version == metadata.Version(numbers, f"2026.2 (schema {schema})", notes)  # type: ignore[arg-type]
        assert version.experimental is experimental


def test_an_export_without_a_schema_is_read_by_its_columns_and_one_of_another_program_is_refused() -> None:
    unsaid = f"the export does not say which schema it has: it is read by its columns; {UNTESTED}"
    for export in (InMemory(), InMemory(META_DATA_EXPORT={"name": ["EXPORT_SCHEMA_VERSION"]})):
        assert metadata.read_version(export) == metadata.Version(None, "version not recorded", (unsaid,))
        assert metadata.read_version(export).experimental
    for told, problem in (
        (facts(EXPORT_PRODUCT_NAME="NVIDIA Nsight Compute"), "it was exported by NVIDIA Nsight Compute"),
        *((facts(EXPORT_SCHEMA_VERSION=bad), f"its schema version reads {bad!r}") for bad in ("3", "3.x", "x.3")),
        (facts(EXPORT_SCHEMA_VERSION="3.1234567890"), "its schema version reads '3.1234567890'"),
    ):
        with pytest.raises(ProfileError) as refused:
            metadata.read_version(InMemory(META_DATA_EXPORT=told))
        remedy = "give what `nsys export --type sqlite` (or `parquetdir`) wrote"
        assert str(refused.value) == f"x.sqlite: {problem}; {remedy}"


def test_what_was_traced_is_what_was_asked_for_began_or_left_rows() -> None:
    asked = {"name": ["CAPTURE_EVENT_TYPE"] * 2 + ["OTHER"], "value": ["Cuda", "CuDNN", "NvtxEvents"]}
    export = InMemory(META_DATA_CAPTURE=asked)
    assert metadata.read_traced(export, StringIds(export), {}) == ({"cuda", "cudnn"}, ())
    begun = ["NVTX profiling initialization", "OS runtime libraries profiling initialization", "cuBLAS"]
    export = InMemory(
        StringIds={"id": [1, 2, 3], "value": begun}, PROFILER_OVERHEAD={"nameId": [1, None, 2, 3, 1, 9]}
    )
    note = (
        "the export does not say what was asked for, and holds no sign of {}: either it was not traced or the "
        "program made no use of it; capture with --trace=cuda,nvtx to be sure"
    )
    strings = StringIds(export)
    assert metadata.read_traced(export, strings, {"CUPTI_ACTIVITY_KIND_KERNEL": 0}) == (
        {"nvtx", "osrt"},
        (note.format("CUDA"),),
    )
    rows = {"CUPTI_ACTIVITY_KIND_KERNEL": 1, "CUBLAS_EVENTS": 1, "CUDNN_EVENTS": 0}
    assert metadata.read_traced(export, strings, rows) == ({"cuda", "cublas", "nvtx", "osrt"}, ())
    nothing = InMemory()
    assert metadata.read_traced(nothing, StringIds(nothing), {}) == (
        frozenset(),
        (note.format("CUDA"), note.format("NVTX")),
    )


def test_gpus_and_their_driver_are_told_in_a_sentence_each() -> None:
    gpus = {
        "id": [None, 3],
        "name": ["NVIDIA H200", "Orin"],
        "uuid": ["ab-cd", None],
        "smCount": [132, None],
        "clockRate": [1_980_000_000, None],
        "memoryBandwidth": [4_814_000_000_000, 0],
    }
    driver = facts(NvDriverVersion="570.86.15", CudaDriverVersion="12080", HOME="/home/somebody")
    assert metadata.read_gpus(InMemory(TARGET_INFO_GPU=gpus, TARGET_INFO_SYSTEM_ENV=driver)) == (
        "GPU 0: NVIDIA H200, GPU-ab-cd, 132 multiprocessors, clock up to 1,980 MHz, memory 4,814 GB/s",
        "GPU 3: Orin",
        "NVIDIA's driver 570.86.15, CUDA driver 12.8",
    )
    many = InMemory(TARGET_INFO_GPU={"id": list(range(6))}, TARGET_INFO_SYSTEM_ENV=facts(NvDriverVersion="a secret"))
    assert metadata.read_gpus(many) == tuple(f"GPU {number}: name not told" for number in range(5))
    assert metadata.read_gpus(InMemory()) == ()


def test_warnings_and_errors_are_told_once_and_the_rest_counted() -> None:
    def told(*rows: tuple[int, str | None]) -> tuple[str, ...]:
        severities, texts = (list(column) for column in zip(*rows, strict=True))
        return metadata.read_diagnostics(InMemory(DIAGNOSTIC_EVENT={"severity": severities, "text": texts}))

    assert told(
        (1, "all is well"), (2, "lost\n  a buffer"), (3, "no GPU"), (2, "lost a buffer"), (4, "x"), (3, None)
    ) == (
        "nsys warned: lost a buffer",
        "nsys warned: no GPU",
    )
    five = tuple(f"nsys warned: {number}" for number in range(5))
    assert told(*((2, str(number)) for number in range(5))) == five
    assert told(*((2, str(number)) for number in range(6))) == (*five, "nsys gave 1 more warning")
    assert told(*((3, str(number)) for number in range(7))) == (*five, "nsys gave 2 more warnings")


def test_a_duration_is_told_where_the_export_has_one() -> None:
    for durations, expected in (([10**9], 10**9), ([7, 7, None], 7), ([7, 8], None), ([], None), ([None], None)):
        assert metadata.read_duration(InMemory(ANALYSIS_DETAILS={"duration": durations})) == expected
    assert metadata.read_duration(InMemory(ANALYSIS_DETAILS={"other": [1]})) is None


def test_numbers_of_events_and_kinds_of_copies_are_the_exports_own_where_they_are_not_ours() -> None:
    own = {"name": ["NvtxPushPopRange", "NvtxDomainCreate", "Other"], "id": [159, None, 7]}
    assert metadata.read_event_types(InMemory(ENUM_NSYS_EVENT_TYPE=own)) == {
        "NvtxPushPopRange": 159,
        "NvtxStartEndRange": 60,
        "NvtxtPushPopRange": 70,
        "NvtxtStartEndRange": 71,
        "NvtxDomainCreate": 75,
    }
    labels = {"id": [1, 99, None, 100], "label": ["HtoD", "Device-to-Moon", "x", None]}
    assert metadata.read_memcpy_labels(InMemory(ENUM_CUDA_MEMCPY_OPER=labels)) == {
        0: "Unknown",
        1: "Host-to-Device",
        2: "Device-to-Host",
        3: "Host-to-Array",
        4: "Array-to-Host",
        5: "Array-to-Array",
        6: "Array-to-Device",
        7: "Device-to-Array",
        8: "Device-to-Device",
        9: "Host-to-Host",
        10: "Peer-to-Peer",
        11: "Unified Host-to-Device",
        12: "Unified Device-to-Host",
        13: "Unified Device-to-Device",
        99: "Device-to-Moon",
    }


def test_a_copy_is_named_by_both_of_its_places() -> None:
    ways = ("HtoD", "DtoH", "HtoA", "AtoH", "AtoA", "AtoD", "DtoA", "DtoD", "HtoH", "PtoP", "?", "Sideways")
    assert [copy_name(way) for way in ways] == [
        "[CUDA memcpy Host-to-Device]",
        "[CUDA memcpy Device-to-Host]",
        "[CUDA memcpy Host-to-Array]",
        "[CUDA memcpy Array-to-Host]",
        "[CUDA memcpy Array-to-Array]",
        "[CUDA memcpy Array-to-Device]",
        "[CUDA memcpy Device-to-Array]",
        "[CUDA memcpy Device-to-Device]",
        "[CUDA memcpy Host-to-Host]",
        "[CUDA memcpy Peer-to-Peer]",
        "[CUDA memcpy ?]",
        "[CUDA memcpy Sideways]",
    ]


def test_processes_are_those_that_have_a_number_and_a_name() -> None:
    rows = {"globalPid": [1 << 24, None, 2 << 24], "name": ["/usr/bin/python3", "x", None]}
    assert metadata.read_processes(InMemory(PROCESSES=rows)) == [(1 << 24, "/usr/bin/python3")]
    assert metadata.read_processes(InMemory(PROCESSES={"name": ["x"]})) == []
