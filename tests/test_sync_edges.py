"""What a synchronising call waits for, against a reader of the calls one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.captured import Call, captured
from tracer.breakdown.sync_edges import ANY_STREAM, stream_waits, sync_scopes
from tracer.captures.inference_work import EVENT_RECORD, STREAM_WAIT, SYNC_EVENT, SYNC_STREAM, InferenceWork, SyncRows

EPOCH_NS = 1_700_000_000_000_000_000
"""Some profiles count from 1970: products of such times leave 64 bits."""

Row = tuple[int, int, int]
MANY = [(EVENT_RECORD, 1, event) for event in range(8)] + [(SYNC_EVENT, -1, event) for event in range(8)]
ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 3), st.integers(0, 7)), max_size=20)


def work_of(rows: list[Row], base_ns: int) -> InferenceWork:
    """``rows`` are (kind, stream, event), a call of 2 ns every 10."""
    calls = [Call("cudaEventQuery", base_ns + 10 * place, base_ns + 10 * place + 2) for place in range(len(rows))]
    end = base_ns + 10 * len(rows) + 10
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    work = captured([(base_ns, end)], [("session_run", base_ns, end)], calls=calls)
    return replace(work, syncs=SyncRows(np.arange(len(rows)), *columns))


def recorded(rows: list[Row], before: int, event: int) -> int | None:
    """The call that last recorded an event before another call."""
    found = [at for at, (kind, _, one) in enumerate(rows[:before]) if kind == EVENT_RECORD and one == event]
    return found[-1] if found else None


@pytest.mark.parametrize("base_ns", [0, EPOCH_NS])
@given(rows=ROWS)
@example(rows=MANY)
def test_an_event_is_that_of_its_last_record(rows: list[Row], base_ns: int) -> None:
    scopes = sync_scopes(work_of(rows, base_ns))
    for at, (kind, stream, event) in enumerate(rows):
        wanted = (ANY_STREAM, base_ns + 10 * at)
        source = recorded(rows, at, event)
        if kind == SYNC_STREAM:
            wanted = (stream, base_ns + 10 * at)
        elif kind == SYNC_EVENT and source is not None:
            wanted = (rows[source][1], base_ns + 10 * source)
        assert (scopes.stream[at], scopes.before_ns[at]) == wanted


@pytest.mark.parametrize("base_ns", [0, EPOCH_NS])
@given(rows=ROWS)
@example(rows=[(EVENT_RECORD, 1, 3), (STREAM_WAIT, 0, 3), (STREAM_WAIT, -1, 3)])
def test_a_stream_waits_for_the_stream_that_recorded_the_event(rows: list[Row], base_ns: int) -> None:
    wanted = []
    for at, (kind, stream, event) in enumerate(rows):
        source = recorded(rows, at, event)
        if kind == STREAM_WAIT and stream >= 0 and source is not None:
            wanted.append((base_ns + 10 * at, stream, rows[source][1], base_ns + 10 * source))
    waits = stream_waits(work_of(rows, base_ns))
    found = zip(waits.at_ns, waits.stream, waits.source, waits.before_ns, strict=True)
    assert [tuple(map(int, one)) for one in found] == wanted
