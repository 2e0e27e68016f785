"""A session's windows beside those of our record, whole: by equal laps, else in their order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.session_values import session, window
from tracer.errors import SessionError
from tracer.runs.windows import RunWindow
from tracer.sessions.audit import audit_session
from tracer.sessions.join import JoinedWindow, join_session


def ours(number: int, first_us: int, last_us: int, wall_ns: int = 11 * 10**9, warmups: int = 1) -> RunWindow:
    laps = (first_us, last_us)
    return RunWindow(number, "performance", "complete", 220, warmups, *laps, 0, wall_ns, 9, 0, ordinal=number)


def test_windows_are_joined_by_equal_laps_else_by_their_order_and_as_long() -> None:
    judged = audit_session(session(window(1), window(2, 12.0)))
    run = [ours(4, 1_000_000, 13_000_000), ours(7, 1_000_000, 12_000_000)]
    joined = [
        JoinedWindow(1, 7, 7, "laps", 220, 20.0, 11_000_000_000, 20.0, 9),
        JoinedWindow(2, 4, 4, "laps", 220, 220 / 12, 11_000_000_000, 20.0, 9),
    ]
    assert join_session(judged, run, "r") == joined
    assert join_session(judged, run[:1], "r") == joined[1:]
    shifted = [ours(4, 7, 11_000_007), ours(7, 7, 12_000_007, 12_100_000_000)]
    by_order = [replace(joined[0], by="order", run_window=4, run_ordinal=4)]
    by_order += [replace(joined[1], by="order", run_window=7, run_ordinal=7, wall_ns=12_100_000_000)]
    by_order[1] = replace(by_order[1], wall_rate_hz=220 / 12.1)
    assert join_session(judged, shifted, "r") == by_order
    energy = replace(judged, session=replace(judged.session, kind="energy"))
    # Of energy the lengths are held against the record's, within 1 %.
    assert join_session(energy, shifted, "r") == by_order
    longer = [shifted[0], ours(7, 7, 12_000_007, 12_130_000_000)]
    untimed = replace(energy.session, windows=tuple(replace(one, laps=()) for one in energy.session.windows))
    assert [one.by for one in join_session(replace(energy, session=untimed), longer, "r")] == ["order"] * 2
    for kept in (longer, shifted[:1], [replace(shifted[0], warmups=2), shifted[1]]):
        with pytest.raises(SessionError, match="no window of it is one of run r"):
            join_session(energy, kept, "r")
