"""What waiting calls wait for, and whose GPU work is, from tables of an Nsight Systems export in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.nsys_in_memory import InMemory
from tests.profiles import call
from tracer.profiles import nsys_export
from tracer.profiles.nsys_export import fetch_existing, filled, require_columns, whole
from tracer.profiles.nsys_processes import ProcessNumbers, processes_by_launch, thread_numbers
from tracer.profiles.nsys_syncs import NO_STREAM, with_syncs
from tracer.profiles.profile import API_CALLS

LATE = 2**32 - 7
"""A correlation id late in the life of a process: they have 32 bits."""


def ids(*places: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """Global ids of machine, process and thread."""
    return np.array([machine << 48 | process << 24 | thread for machine, process, thread in places], np.int64)


def test_a_call_waits_for_the_stream_and_the_event_of_the_row_of_its_process_and_id() -> None:
    def rows(*told: tuple[int, int, int, int]) -> dict[str, list[Any]]:
        process, correlation, stream, event = (list(column) for column in zip(*told, strict=True))
        pids = ids(*((0, one, 0) for one in process)).tolist()
        return {"globalPid": pids, "correlationId": correlation, "streamId": stream, "eventId": event}

    names = {
        LATE: "cudaStreamSynchronize",
        LATE + 1: "cudaEventSynchronize",
        3: "cuStreamWaitEvent",
        4: "cudaEventRecordWithFlags",
        5: "cuCtxSynchronize",
        6: "cudaStreamSynchronize",
        7: "cudaLaunchKernel",
    }
    made = [call(name, 0, 1, one, process=process) for process in (100, 101) for one, name in names.items()]
    made.append(call("cudaThreadSynchronize", 0, 1, None))
    calls = pa.Table.from_pylist(made, API_CALLS)
    waits = rows(
        (101, LATE, 21, NO_STREAM),
        (100, LATE, 20, NO_STREAM),
        (100, LATE + 1, NO_STREAM, 8),
        (101, LATE + 1, NO_STREAM, 9),
        (100, 3, 13, 5),
        (100, 7, 13, 5),
    )
    export = InMemory(CUPTI_ACTIVITY_KIND_SYNCHRONIZATION=waits, CUPTI_ACTIVITY_KIND_CUDA_EVENT=rows((101, 4, 0, 6)))
    found = with_syncs(calls, export, ProcessNumbers([]))
    assert [tuple(row.values())[-3:] for row in found.to_pylist()] == [
        ("stream", 20, None),
        ("event", None, 8),
        ("stream_wait", 13, 5),
        (None, None, None),
        ("device", None, None),
        (None, None, None),
        (None, None, None),
        ("stream", 21, None),
        ("event", None, 9),
        (None, None, None),
        ("record", 0, 6),
        ("device", None, None),
        (None, None, None),
        (None, None, None),
        ("device", None, None),
    ]


def test_without_the_columns_that_tell_it_nothing_is_said_of_waits() -> None:
    calls = pa.Table.from_pylist([call("cudaDeviceSynchronize", 0, 1, 1)], API_CALLS)
    lacking = InMemory(CUPTI_ACTIVITY_KIND_SYNCHRONIZATION={"correlationId": [1], "globalPid": [0], "streamId": [7]})
    for export in (InMemory(), lacking):
        assert with_syncs(calls, export, ProcessNumbers([])) is calls


def test_a_number_used_on_two_machines_keeps_the_machine_in_front() -> None:
    given = ids((0, 7, 1), (0, 8, 2), (1, 8, 3), (1, 9, 0xFFFFFF))
    apart = ProcessNumbers([given[:1], given[1:2], np.zeros(0, np.int64), given[2:]])
    assert apart.process(given).tolist() == [7, 8, (1 << 24) + 8, 9]
    assert apart.notes == (
        "processes of several machines have one number: they are numbered machine * 2^24 + number",
    )
    assert thread_numbers(given).tolist() == [1, 2, 3, 0xFFFFFF]
    one = ProcessNumbers([given[2:], ids((1, 8, 9), (1, 8, 3))])
    assert (one.process(given[2:]).tolist(), one.notes) == ([8, 9], ())
    within = ProcessNumbers([ids((0, 5, 0), (3, 6, 0), (1, 6, 0))])
    assert within.process(ids((0, 5, 0), (3, 6, 0), (1, 6, 0))).tolist() == [5, (3 << 24) + 6, (1 << 24) + 6]


@pytest.mark.parametrize(
    ("calls", "processes", "expected"),
    [
        ([1, 2, 2], [100, 100, 100], ([100, 100, 100, 100], 0)),
        ([1, 2, 2, 3, 3], [100, 101, 101, 100, 101], ([100, 101, 0, 0], 2)),
        ([3, 3], [100, 101], ([0, 0, 0, 0], 4)),
        ([], [], ([0, 0, 0, 0], 4)),
    ],
)
def test_work_is_of_the_only_process_with_a_call_of_its_id(
    calls: list[int], processes: list[int], expected: tuple[list[int], int]
) -> None:
    """Work of the ids 1, 2, 3 and 9: of the last there is no call, and 3 is of two processes where there are two."""
    work = np.array([1, 2, 3, 9], np.int64)
    found, unknown = processes_by_launch(work, np.array(calls, np.int64), np.array(processes, np.int64))
    assert (found.tolist(), unknown) == expected


def test_columns_that_lack_and_cells_that_are_null_are_filled_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    export = InMemory(T={"start": [1, None], "text": ["abcdef", None]}, Empty={"text": []})
    rows = fetch_existing(export, "T", ("start", "end", "text"))
    assert rows.to_pydict() == {"start": [1, None], "text": ["abcdef", None]}
    assert (filled(rows, "start", -1).tolist(), filled(rows, "end", -1).tolist()) == ([1, -1], [-1, -1])
    assert fetch_existing(export, "U", ("start",)).num_columns == 0
    assert fetch_existing(export, "Empty", ("text",)).num_rows == 0
    with pytest.raises(nsys_export.ProfileError) as refused:
        whole(export, "T", rows, "start")
    assert str(refused.value) == f"x.sqlite: T.start is null in 1 row; {nsys_export.EXPORT_AGAIN}"
    with pytest.raises(nsys_export.ProfileError) as refused:
        require_columns(export, "T", "start", "end")
    remedy = "give what `nsys export --type sqlite` (or `parquetdir`) wrote"
    assert str(refused.value) == f"x.sqlite: its table T has no column end; {remedy}"
    monkeypatch.setattr(nsys_export, "LONGEST_NAME", 5)
    assert fetch_existing(export, "T", ("text",))["text"].to_pylist() == ["abcde", None]
    monkeypatch.setattr(nsys_export, "too_many_rows", lambda rows: "it is too long" if rows > 1 else None)
    with pytest.raises(nsys_export.ProfileError) as refused:
        fetch_existing(export, "T", ("text",))
    assert str(refused.value) == "x.sqlite: T: it is too long; or export a shorter time"
