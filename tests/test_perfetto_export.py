"""A run as a Perfetto trace: read back by the messages of the ``perfetto`` package."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent
from typer.testing import CliRunner

from runner.cli import app
from tests.dashboard_runs import gpu_profile, plain_run, three_kinds, windows_of
from tests.perfetto_reference import reference_packets
from tracer.arrow_arrays import integers
from tracer.captures.clock_fit import LineClock
from tracer.captures.import_profile import ingest
from tracer.captures.inference_ranges import stage_ranges
from tracer.captures.perfetto_export import _Trace, export_perfetto
from tracer.captures.stored_capture import read_capture
from tracer.captures.timeline import LaidOut, Launches, Timeline, read_timeline
from tracer.captures.tracks import Rows, nested_tracks
from tracer.errors import RunError, WriteError
from tracer.runs.run_store import stored_run


@dataclass
class Slice:
    track: str
    name: str
    start: int
    depth: int
    starts: list[int]
    ends: list[int]
    notes: dict[str, Any]
    end: int = -1
    parent: Slice | None = None
    children: list[Slice] = field(default_factory=list)


def read_back(path: Path) -> list[Slice]:
    """Every slice; fails where a track closes what it did not open, or goes back in time."""
    trace = Trace()
    trace.ParseFromString(path.read_bytes())
    tracks, names, found = {}, {}, []
    open_slices: dict[int, list[Slice]] = defaultdict(list)
    last: dict[int, int] = {}
    for packet in trace.packet:
        for one in packet.interned_data.event_names:
            names[one.iid] = one.name
        if packet.HasField("track_descriptor"):
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        stack = open_slices[event.track_uuid]
        assert packet.timestamp >= last.get(event.track_uuid, 0)
        last[event.track_uuid] = packet.timestamp
        if event.type == TrackEvent.TYPE_SLICE_END:
            stack.pop().end = packet.timestamp
            continue
        assert event.type == TrackEvent.TYPE_SLICE_BEGIN
        notes = {one.name: getattr(one, one.WhichOneof("value")) for one in event.debug_annotations}
        label = tracks[event.track_uuid].name
        flows = list(event.flow_ids), list(event.terminating_flow_ids)
        one = Slice(label, names[event.name_iid], packet.timestamp, len(stack), *flows, notes)
        if stack:
            one.parent = stack[-1]
            stack[-1].children.append(one)
        stack.append(one)
        found.append(one)
    assert not any(open_slices.values())
    assert all(one.parent_uuid in tracks for one in tracks.values() if one.HasField("parent_uuid"))
    return found


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return three_kinds(tmp_path_factory.mktemp("traces"))


@pytest.fixture(scope="module")
def slices(traces: Path) -> list[Slice]:
    export_perfetto(stored_run("gpu", traces), traces / "gpu.pftrace")
    return read_back(traces / "gpu.pftrace")


def test_every_row_of_the_run_is_one_slice(traces: Path, slices: list[Slice]) -> None:
    run = stored_run("gpu", traces)
    capture = read_capture(run, 0)
    inferences = len(np.unique(run.spans()["inference"].drop_null().to_numpy()))
    expected = len(run.spans()) + inferences + len(capture.api_calls) + len(capture.gpu_work)
    assert len(slices) == expected
    assert {one.track for one in slices} == {
        "inferences",
        "serial line",
        "CUDA calls, thread 100",
        "CUDA calls, thread 101",
        "GPU 0, stream 7",
        "GPU 0, stream 14",
    }


def test_stages_lie_in_their_inference_and_warm_ups_say_so(slices: list[Slice]) -> None:
    inferences = [one for one in slices if one.name == "inference"]
    for one in inferences:
        assert [child.name for child in one.children] == ["host_to_device", "session_run", "readback"]
        assert one.children[0].start == one.start
        assert one.children[-1].end == one.end
        assert all(a.end == b.start for a, b in zip(one.children[:-1], one.children[1:], strict=True))
    assert [one.notes["inference"] for one in inferences] == list(range(len(inferences)))
    assert sum(one.notes.get("warmup", False) for one in inferences) == 3 * 6


def test_each_arrow_leads_from_the_launching_call_to_its_work(slices: list[Slice]) -> None:
    starts = {flow: one for one in slices for flow in one.starts}
    ends = {flow: one for one in slices for flow in one.ends}
    work = [one for one in slices if one.track.startswith("GPU")]
    assert len(starts) == len(ends) == len(work)
    assert starts.keys() == ends.keys()
    for flow, call in starts.items():
        assert call.track.startswith("CUDA")
        assert call.start <= ends[flow].start
        assert ("Launch" in call.name) == ("memcpy" not in ends[flow].name)
    assert all(len(one.ends) == 1 for one in work)


def test_the_captures_rows_keep_their_times_and_the_spans_are_moved_onto_its_clock(
    traces: Path, slices: list[Slice]
) -> None:
    run = stored_run("gpu", traces)
    capture = read_capture(run, 0)
    exported = sorted((one.start, one.end) for one in slices if one.track.startswith("GPU"))
    starts, ends = integers(capture.gpu_work, "start_ns"), integers(capture.gpu_work, "end_ns")
    recorded = sorted(zip(starts.tolist(), ends.tolist(), strict=True))
    shift = exported[0][0] - recorded[0][0]
    assert exported == [(start + shift, end + shift) for start, end in recorded]
    ranges = stage_ranges(capture)
    spans = {one.notes["inference"]: one for one in slices if one.name == "inference"}
    for number, start, end in zip(ranges.numbers, ranges.start_ns + shift, ranges.end_ns + shift, strict=True):
        # The range stands around the inference; the fit may be off by its bracket.
        assert start - 200 <= spans[int(number)].start < spans[int(number)].end <= end + 200


def test_work_says_its_inference_its_stage_and_its_bytes(slices: list[Slice]) -> None:
    copies = [one for one in slices if "Host-to-Device" in one.name]
    assert {one.notes["bytes"] for one in copies} == {1960}
    assert {one.notes["launched in stage"] for one in copies} == {"host_to_device"}
    kernels = [one for one in slices if one.track == "GPU 0, stream 7" and "memcpy" not in one.name]
    assert {one.notes["launched in stage"] for one in kernels} == {"session_run"}
    assert all("bytes" not in one.notes for one in kernels)


def test_a_run_without_captures_exports_its_spans_alone(traces: Path, tmp_path: Path) -> None:
    done = export_perfetto(stored_run("plain", traces), tmp_path / "plain")
    found = read_back(tmp_path / "plain")
    assert {one.track for one in found} == {"inferences", "serial line"}
    assert (done.slices, done.flows, done.tracks) == (len(found), 0, 2)
    assert min(one.start for one in found) == 0


def test_operations_of_the_host_have_tracks(traces: Path, tmp_path: Path) -> None:
    export_perfetto(stored_run("ops", traces), tmp_path / "ops")
    assert "operations, thread 101" in {one.track for one in read_back(tmp_path / "ops")}


def test_some_inferences_alone_bring_what_overlaps_them_and_what_they_launched(
    traces: Path, slices: list[Slice], tmp_path: Path
) -> None:
    captured = stage_ranges(read_capture(stored_run("gpu", traces), 0)).numbers
    first, last = int(captured[4]), int(captured[6])
    export_perfetto(stored_run("gpu", traces), tmp_path / "some", (first, last))
    found = read_back(tmp_path / "some")
    assert [one.notes["inference"] for one in found if one.name == "inference"] == [first, first + 1, last]
    assert len([one for one in found if one.track.startswith("GPU")]) == 3 * 10
    whole = {(one.track, one.name, one.start, one.end) for one in slices}
    assert {(one.track, one.name, one.start, one.end) for one in found} <= whole


def test_inferences_that_were_not_recorded_are_refused_and_nothing_is_written(traces: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="it has 0 to 214"):
        export_perfetto(stored_run("plain", traces), tmp_path / "none", (5000, 6000))
    with pytest.raises(WriteError, match="cannot be written"):
        export_perfetto(stored_run("plain", traces), tmp_path / "no" / "where")
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_wrote(traces: Path, tmp_path: Path) -> None:
    words = ["export", "gpu", "--perfetto", str(tmp_path / "x"), "--traces", str(traces)]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    assert "230 arrows" in said.output
    wrong = CliRunner().invoke(app, [*words, "--inferences", "7:3"])
    assert wrong.exit_code == 2
    assert "A:B" in wrong.output


def test_several_captures_stand_on_one_clock(tmp_path: Path) -> None:
    windows = windows_of(performance=0, captured=5)
    windows += [
        replace(one, window=1, first_inference=8, edges=one.edges + 10**9)
        for one in windows_of(0, captured=5, seed=3)
    ]
    folder = plain_run(tmp_path, "two", windows)
    ingest(stored_run(folder), [gpu_profile(one) for one in windows])
    timeline = read_timeline(stored_run(folder))
    assert len(timeline.captures) == 2
    for track in (one for one in timeline.tracks if one.kind == "gpu"):
        for start, number in zip(track.rows.start_ns, track.rows.inference, strict=True):
            span = timeline.inference_span(int(number), int(number))
            assert span is not None
            assert span[0] - 1000 < start < span[1] + 1000


@given(
    times=st.lists(st.integers(0, 10**15), min_size=1, max_size=30),
    offset=st.floats(-1e15, 1e15),
    rate=st.floats(-1000, 1000),
)
def test_a_clock_keeps_order_and_comes_back_to_within_a_nanosecond(
    times: list[int], offset: float, rate: float
) -> None:
    known = np.sort(np.array(times, np.int64))
    clock = LineClock(offset, rate, int(known[0]))
    there = clock.mapped(known)
    assert (np.diff(there) >= 0).all()
    assert np.abs(clock.unmapped(there) - known).max() <= 1


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=25))
def test_no_row_is_lost_and_rows_of_a_track_nest_whatever_crosses(pairs: list[tuple[int, int]]) -> None:
    start = np.array([one for one, _ in pairs], np.int64)
    rows = Rows(
        start,
        start + np.array([length for _, length in pairs], np.int64),
        np.arange(len(pairs)),
        np.zeros(len(pairs), np.int16),
        np.arange(len(pairs)),
    )
    tracks = nested_tracks("call", "t", [str(place) for place in range(len(pairs))], rows)
    assert sorted(int(code) for track in tracks for code in track.rows.code) == list(range(len(pairs)))
    for track in tracks:
        for depth in range(int(track.rows.depth.max()) + 1):
            level = track.rows.taken(track.rows.depth == depth)
            assert (level.start_ns[1:] >= level.end_ns[:-1]).all()
            if depth:
                above = track.rows.taken(track.rows.depth == depth - 1)
                place = np.searchsorted(above.start_ns, level.start_ns, side="right") - 1
                assert (place >= 0).all()


@pytest.mark.parametrize("name", ["gpu", "plain", "ops"])
@pytest.mark.parametrize("piece", [7, 200_000])
def test_every_packet_is_what_the_messages_of_the_perfetto_package_hold(
    traces: Path, tmp_path: Path, name: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.captures.perfetto_export.PIECE", piece)
    run = stored_run(name, traces)
    export_perfetto(run, tmp_path / "trace")
    trace = Trace()
    trace.ParseFromString((tmp_path / "trace").read_bytes())
    assert list(trace.packet) == reference_packets(run, read_timeline(run))


@pytest.mark.parametrize("name", ["gpu", "plain"])
@pytest.mark.parametrize("turn", [1, -1], ids=["in order", "out of order"])
def test_spans_that_come_in_many_tables_make_the_packets_of_one_table(
    traces: Path, tmp_path: Path, name: str, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stored_run(name, traces)
    spans = run.spans()
    windows = spans["window"].unique().drop_null()[::turn]
    tables = [spans.filter(pc.equal(spans["window"], window)) for window in windows]
    assert len(tables) > 2
    monkeypatch.setattr(
        type(run), "span_tables", lambda _: iter([*tables, spans.filter(pc.is_null(spans["window"]))])
    )
    export_perfetto(run, tmp_path / "trace")
    trace = Trace()
    trace.ParseFromString((tmp_path / "trace").read_bytes())
    assert list(trace.packet) == reference_packets(run, read_timeline(run))


def test_an_export_keeps_no_table_of_spans(traces: Path, tmp_path: Path) -> None:
    run = stored_run("plain", traces)
    export_perfetto(run, tmp_path / "trace")
    assert "spans" not in run._tables


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=25), st.integers(1, 60))
def test_slices_open_and_close_like_a_stack_also_those_without_length(
    pairs: list[tuple[int, int]], piece: int
) -> None:
    start = np.array([one for one, _ in pairs], np.int64)
    count = len(pairs)
    rows = Rows(
        start,
        start + np.array([length for _, length in pairs], np.int64),
        np.arange(count),
        np.zeros(count, np.int16),
        np.arange(count),
    )
    names = [str(place) for place in range(count)]
    tracks = tuple(nested_tracks("call", "t", names, rows))
    nothing = np.empty(0, np.int64)
    timeline = Timeline(tracks, Launches(nothing, nothing, nothing, nothing), 100, (), "")
    run = SimpleNamespace(name="a", info=SimpleNamespace(captures=[]))
    with mock.patch("tracer.captures.perfetto_export.PIECE", piece):
        written = b"".join(_Trace(run, LaidOut(None, timeline), None).pieces())  # type: ignore[arg-type]
    trace = Trace()
    trace.ParseFromString(written)
    assert list(trace.packet) == reference_packets(run, timeline)  # type: ignore[arg-type]
