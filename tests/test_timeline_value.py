"""A timeline as a value: what is found in it by number, and what stands on its tracks, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.dashboard_runs import gpu_profile, plain_run, windows_of, with_info
from tests.profiles import EXECUTOR, PROCESS, call, kernel
from tracer.arrow_arrays import NO_ROW, integers
from tracer.captures.import_profile import ingest
from tracer.captures.sensor_lines import SensorLine
from tracer.captures.stored_capture import read_capture
from tracer.captures.timeline import Launches, Timeline, read_timeline
from tracer.captures.tracks import Rows, Track, all_at, merged, nested_tracks
from tracer.runs.run_store import stored_run

NOTHING = Launches(*np.empty((4, 0), np.int64))


def rows_of(*rows: tuple[int, int, int], depth: int = 0, warmups: int | None = None) -> Rows:
    """Rows of number, start and end; the first ``warmups`` are warm-ups."""
    number, start, end = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    warmup = None if warmups is None else np.arange(len(rows)) < warmups
    return Rows(start, end, np.full(len(rows), 1 - depth), all_at(depth, len(rows)), number, warmup=warmup)


def timeline(inferences: Rows, *captures: tuple[int, int]) -> Timeline:
    """Of inferences whose first half is a stage; the first is the longest."""
    stage = replace(
        inferences, end_ns=(inferences.start_ns + inferences.end_ns) // 2, depth=all_at(1, len(inferences))
    )
    track = Track("stage", "inferences", ("session_run", "inference"), merged(inferences, stage))
    return Timeline((track,), NOTHING, 10_000, captures, "")


INFERENCES = ((0, 0, 90), (1, 100, 180), (2, 200, 260), (3, 300, 371), (4, 400, 470))


def test_the_slowest_inference_is_a_warm_up_only_where_nothing_else_was_recorded() -> None:
    assert timeline(rows_of(*INFERENCES)).slowest() == (0, 90)
    assert timeline(rows_of(*INFERENCES, warmups=0)).slowest() == (0, 90)
    assert timeline(rows_of(*INFERENCES, warmups=2)).slowest() == (3, 71)
    assert timeline(rows_of(*INFERENCES, warmups=5)).slowest() == (0, 90)


def test_the_nearest_captured_inference_lies_in_a_capture_by_half_of_it() -> None:
    found = timeline(rows_of(*INFERENCES, warmups=2), (150, 231), (336, 900))
    assert [found.nearest_captured(number) for number in range(6)] == [2, 2, 2, 2, 4, 4]
    # The middle of 3 is 335: at the end of a capture it is outside, at its start within.
    at_its_edges = timeline(rows_of(*INFERENCES, warmups=2), (335, 336), (440, 441))
    assert [at_its_edges.nearest_captured(number) for number in (0, 3, 4)] == [3, 3, 3]
    before_its_middle = timeline(rows_of(*INFERENCES, warmups=2), (300, 335), (435, 436))
    assert [before_its_middle.nearest_captured(number) for number in (0, 3)] == [4, 4]
    assert timeline(rows_of(*INFERENCES, warmups=2), (0, 150)).nearest_captured(4) == 1
    assert timeline(rows_of(*INFERENCES)).nearest_captured(2) is None


def test_a_span_of_inferences_holds_both_ends() -> None:
    found = timeline(rows_of(*INFERENCES))
    assert found.inferences == 5
    assert [found.inference_span(*both) for both in ((1, 3), (4, 4), (0, 99), (5, 9), (3, 1))] == [
        (100, 371),
        (400, 470),
        (0, 470),
        None,
        None,
    ]


def test_a_timeline_without_inferences_tells_none_and_takes_their_track_as_its_first() -> None:
    track = Track("call", "thread 1", ("a", "b"), rows_of((NO_ROW, 5, 10), (NO_ROW, 20, 30)))
    launches = Launches(*(np.array([value]) for value in (0, 1, 2, 3)))
    found = Timeline((track,), launches, 30, (), "")
    assert (found.inferences, found.slowest(), found.nearest_captured(0)) == (0, None, None)
    assert found.inference_span(0, 9) is None
    stages = timeline(rows_of(*INFERENCES)).tracks[0]
    after = found.after(stages)
    assert after.tracks == (stages, track)
    assert [getattr(after.launches, name).tolist() for name in Launches.__slots__] == [[1], [1], [3], [3]]
    assert (after.end_ns, replace(found, end_ns=5_000).after(stages).end_ns) == (470, 5_000)


def test_a_run_without_a_span_has_a_timeline_of_nothing(tmp_path: Path) -> None:
    found = read_timeline(stored_run(plain_run(tmp_path, "run", [])))
    assert (found.tracks, len(found.launches), found.end_ns, found.captures) == ((), 0, 0, ())


def test_rows_that_cross_have_tracks_of_their_own_that_are_numbered() -> None:
    rows = rows_of((0, 0, 50), (1, 10, 20), (2, 10, 60), (3, 15, 70), (4, 60, 80), (5, 12, 20))
    first, second, third = nested_tracks("call", "thread 1", ("a", "b"), rows, capture=2)
    assert [track.label for track in (first, second, third)] == ["thread 1", "thread 1 (2)", "thread 1 (3)"]
    assert {(one.kind, one.names, one.capture) for one in (first, second, third)} == {("call", ("a", "b"), 2)}
    assert [(one.rows.inference.tolist(), one.rows.depth.tolist()) for one in (first, second, third)] == [
        ([0, 1, 5, 4], [0, 1, 2, 0]),
        ([2], [0]),
        ([3], [0]),
    ]
    moved = first.shifted(5)
    assert (moved.rows.start_ns.tolist(), moved.rows.end_ns.tolist()) == ([5, 15, 17, 65], [55, 25, 25, 85])


def laid_out(folder: Path) -> list[tuple[str, Any]]:
    """Label and rows of each track: start, length, number of the inference, row in the capture's table."""
    return [
        (
            track.label,
            [
                (*(int(one) for one in row[:3]), None if row[3] is None else int(row[3]))
                for row in zip(
                    track.rows.start_ns,
                    track.rows.end_ns - track.rows.start_ns,
                    track.rows.inference,
                    [None] * len(track.rows) if track.rows.source is None else track.rows.source,
                    strict=True,
                )
            ],
        )
        for track in read_timeline(stored_run(folder)).tracks
    ]


def test_rows_of_a_capture_lie_on_lines_of_their_threads_and_streams(tmp_path: Path) -> None:
    windows = windows_of(performance=0, captured=2)
    folder = plain_run(tmp_path, "run", windows)
    found = gpu_profile(windows[-1])
    last = int(integers(found.nvtx_ranges, "end_ns").max())
    more = {
        "gpu_work": [
            kernel("late", last + 60, last + 80, 900, process=7),
            kernel("lost", last + 10, last + 20, None),
        ],
        "api_calls": [call("cudaLaunchKernel", last + 30, last + 40, 900, thread=2**40, process=7)],
    }
    tables = {name: getattr(found, name) for name in more}
    extended = {
        name: type(table).from_pylist(table.to_pylist() + more[name], table.schema) for name, table in tables.items()
    }
    ingest(stored_run(folder), [replace(found, **extended)])
    (facts,) = stored_run(folder).info.captures
    with_info(folder, captures=[{**facts, "clock": {**facts["clock"], "rate_ppm": 0}}])
    timeline = read_timeline(stored_run(folder))
    stored = read_capture(stored_run(folder), 0)
    ((begin, end),) = timeline.captures
    ranges = stored.nvtx_ranges.to_pylist()
    ours = [(one["payload"], one["start_ns"], one["end_ns"]) for one in ranges if one["name"] == "inference"]
    origin = min(one["start_ns"] for one in ranges if one["name"] == "inference") - begin
    assert (begin, end) == (ours[0][1] - origin, ours[-1][2] - origin)
    lines: dict[str, list[tuple[int, int, int, int | None]]] = {}
    launched: dict[tuple[int, int | None], int] = {}
    for row, one in enumerate(stored.api_calls.to_pylist()):
        thread = one["thread"] if one["thread"] < 2**32 else "#1"
        other = "" if one["process"] == PROCESS else f", process {one['process']}"
        mine = [number for number, low, high in ours if low <= one["start_ns"] < high and not other]
        number = mine[0] if mine else NO_ROW
        launched[one["process"], one["correlation_id"]] = number
        length = one["end_ns"] - one["start_ns"]
        label = f"CUDA calls, thread {thread}{other}"
        lines.setdefault(label, []).append((one["start_ns"] - origin, length, number, row))
    for row, one in enumerate(stored.gpu_work.to_pylist()):
        other = "" if one["process"] == PROCESS else f", process {one['process']}"
        key = one["process"], one["correlation_id"]
        number = NO_ROW if one["correlation_id"] is None else launched[key]
        length = one["end_ns"] - one["start_ns"]
        label = f"GPU 0, stream {one['stream']}{other}"
        lines.setdefault(label, []).append((one["start_ns"] - origin, length, number, row))
    told = dict(laid_out(folder))
    assert {label: rows for label, rows in told.items() if "CUDA" in label or "GPU" in label} == {
        label: sorted(rows) for label, rows in lines.items()
    }
    assert f"CUDA calls, thread {EXECUTOR}" in lines
    assert timeline.clock == (
        "Times are of the first capture's clock (nsys); the recorder's spans are mapped onto it by the lines fitted "
        "at the import (rates +0.0 ppm)."
    )


def test_whose_clock_it_is_is_said_of_no_capture_and_of_several(tmp_path: Path) -> None:
    windows = windows_of(performance=0, captured=2)
    windows += [
        replace(one, window=at, first_inference=5 * at, edges=one.edges + at * 10**9)
        for at in (1, 2)
        for one in windows_of(0, captured=2, seed=at)
    ]
    folder = plain_run(tmp_path, "run", windows)
    assert read_timeline(stored_run(folder)).clock == "Times are of the recorder's clock."
    for count, others in ((2, "the later capture"), (3, "the 2 later captures")):
        ingest(stored_run(folder), [gpu_profile(one) for one in windows[:count]], replace_old=True)
        facts = [
            {**one, "clock": {**one["clock"], "rate_ppm": rate}}
            for one, rate in zip(stored_run(folder).info.captures, (3.0, -2.5, 12.0), strict=False)
        ]
        with_info(folder, captures=facts)
        rates = "-2.5 to +3.0 ppm" if count == 2 else "-2.5 to +12.0 ppm"
        assert read_timeline(stored_run(folder)).clock == (
            f"Times are of the first capture's clock (nsys); the recorder's spans and {others} are mapped onto it by "
            f"the lines fitted at the import (rates {rates})."
        )


def test_a_thinned_sensor_keeps_of_each_bin_the_first_the_least_the_most_and_the_last() -> None:
    values = np.array([5, 1, 7, 3, 3, 4, 9, 9, 2, 2, 8, 2])
    line = SensorLine("gpu, frequency", "frequency_hz", 100 + np.arange(12), values)
    thin = line.thinned(100, 112, 2)
    assert (thin.at_ns - 100).tolist() == [0, 1, 2, 5, 6, 7, 8, 11]
    assert thin.values.tolist() == [5, 1, 7, 4, 9, 9, 2, 2]
    # Eight readings are no more than four a bin; the one before the first asked for lasts into it.
    some = line.thinned(104, 111, 2)
    assert (some.at_ns - 100).tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert line.shifted(-100).thinned(-5, 3, 1).at_ns.tolist() == [0, 1, 2]
