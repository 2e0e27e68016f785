"""``results.json`` of the MLCommons runner: its windows whole, how they join a log, in which words they do not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.sessions import write_log
from tests.test_session_logs import MLCOMMONS, mlcommons
from tracer.errors import SessionError
from tracer.sessions.open_session import build_session
from tracer.sessions.results_json import (
    LARGEST,
    kind_of,
    marks_of,
    other_session,
    read_entries,
    windows_of,
    with_laps,
)
from tracer.sessions.session import Evidence, Lap, SessionWindow
from tracer.sessions.streaming import StreamingCounts, counts_of


def entry(number: int, **infer: Any) -> dict[str, Any]:
    """Of the window of that number in ``MLCOMMONS``, between laps at 1 and at 12 s."""
    told = {
        "start_time": 1_000_000,
        "end_time": 12_000_000,
        "iterations": 180 + 20 * number,
        "warmups": 3 - number,
        "results": [0.25 * number, 1 - 0.25 * number],
        "elapsed_time": 11_000_000,
    }
    name = ("tst_000000_Stop_7.bin", "tst_000001_Up_8.bin")[number - 1]
    return {"file": name, "mode": "p", "infer": {**told, **infer}}


def exact(number: int, **facts: Any) -> SessionWindow:
    """The window that the entry is."""
    told = Evidence("results.json", 1, f"entry {number}: start_time 1000000, end_time 12000000")
    made = SessionWindow(
        number=number,
        input_name=("tst_000000_Stop_7.bin", "tst_000001_Up_8.bin")[number - 1],
        inferences=180 + 20 * number,
        warmups=3 - number,
        laps=(Lap(1_000_000, None, told, number), Lap(12_000_000, None, told, number)),
        runtime_us=11e6,
        probabilities=(0.25 * number, 1 - 0.25 * number),
        evidence=(told,),
    )
    return replace(made, **facts)


def test_the_windows_of_the_entries_are_these() -> None:
    failed = {"file": "tst_000009_Up_8.bin", "mode": "p", "error": "no answer"}
    entries = [entry(1), failed, entry(2)]
    assert windows_of(entries, "results.json", 9) == [exact(1), exact(2)]
    assert windows_of(entries, "results.json", 1) == [exact(1)]
    assert (kind_of(entries), kind_of([{"mode": "x"}, {"mode": "e"}]), kind_of([])) == ("performance", "energy", None)
    assert kind_of([{"mode": "a"}]) == "accuracy"
    junk = entry(1, iterations="x", warmups=None, results=["0.5"], elapsed_time="x", end_time="12")
    (window,) = windows_of([{**junk, "file": 7}], "results.json", 9)
    text = "entry 1: start_time 1000000, end_time 12"
    proof = Evidence("results.json", 1, text)
    assert window == SessionWindow(1, laps=(Lap(1_000_000, None, proof, 1),), evidence=(proof,))


@pytest.mark.parametrize(
    ("stamps", "energy_uj", "length_us"),
    [
        # Joules of a millisecond each, between the last two pulses; that of the DUT's start may be before them.
        ([["00", 0], ["01", 1], ["02", 3]], 5.0, 2000.0),
        ([["01", 0], ["02", 4]], 10.0, 4000.0),
        ([["01", 3], ["02", 3]], None, None),
        ([["01", 1], ["02", 5]], None, None),
        ([["01", 1], ["02"]], None, None),
        ([["01", 1], ["02", 2.5]], None, None),
        ([["02", 4]], None, None),
    ],
)
def test_energy_is_that_of_the_samples_between_the_last_two_pulses(
    stamps: list[list[object]], energy_uj: float | None, length_us: float | None
) -> None:
    power = {"samples": [1e-6, 2e-6, 3e-6, 4e-6], "timestamps": stamps}
    (window,) = windows_of([{**entry(1, elapsed_time=None), "power": power}], "results.json", 9)
    if energy_uj is not None:
        assert window.energy_uj == pytest.approx(energy_uj, rel=1e-12)
    assert replace(window, energy_uj=None) == exact(1, runtime_us=length_us, sampled_us=length_us)


def test_what_the_entries_have_joins_the_logs_windows(tmp_path: Path) -> None:
    first, second = mlcommons(tmp_path / "log.txt").windows
    lacking = replace(second, input_name=None, inferences=None, warmups=None, probabilities=None)
    entries = [exact(1, warmups=7, inferences=7), exact(2, energy_uj=3.0, sampled_us=4.0)]
    assert with_laps((first, lacking, replace(first, number=3)), entries) == (
        replace(first, laps=exact(1).laps),
        replace(second, laps=exact(2).laps, energy_uj=3.0, sampled_us=4.0),
        replace(first, number=3),
    )
    named = replace(first, input_name="another.bin")
    assert with_laps((named,), entries) == (named,)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"input_name": "another.bin"}, "window 2 has another input in it than in the log"),
        ({"inferences": 7}, "window 2 has another number of inferences in it than in the log"),
        ({"probabilities": (1.0,)}, "window 2 has other results in it than in the log"),
        ({"laps": (), "runtime_us": 11_000_600.0}, None),
        ({"laps": (), "runtime_us": 11_000_601.0}, "window 2 lasted another time in it than in the log"),
        ({"input_name": None, "inferences": None, "laps": (), "runtime_us": None}, None),
    ],
)
def test_entries_of_another_session_are_told_by_what_differs(change: dict[str, Any], told: str | None) -> None:
    log = mlcommons(Path("log.txt")).windows
    entries = [exact(1), exact(2, **change)]
    assert other_session(log, entries, whole=True) == told
    assert other_session(log, entries[:1], whole=False) is None
    assert other_session(log, entries[:1], whole=True) == "it has 1 window, the log 2"
    cut = (log[0], replace(log[1], complete=False))
    lasted = told is not None and "lasted" in told
    assert other_session(cut, entries, whole=True) == (None if lasted else told)


def test_a_session_with_its_entries_has_their_laps_for_marks(tmp_path: Path) -> None:
    path = write_log(tmp_path, MLCOMMONS)
    (tmp_path / "results.json").write_text(json.dumps([entry(1), entry(2)]), encoding="utf-8")
    log = mlcommons(path)
    windows = tuple(replace(one, laps=exact(one.number).laps) for one in log.windows)
    marks = []
    for one in windows:
        marks += [one.laps[0], replace(one.laps[1], host_s=one.told_s)]
    files = ("log.txt", "results.json")
    assert build_session(path) == replace(log, windows=windows, marks=tuple(marks), files=files)
    assert marks_of([replace(windows[0], laps=())]) == ()
    (tmp_path / "results.json").unlink()
    assert build_session(path) == log
    energy = build_session(write_log(tmp_path / "energy", [*MLCOMMONS, "Power Edition Output"]))
    assert energy.no_energy == "no results.json is beside the log"


def test_entries_are_read_as_far_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    whole = json.dumps([entry(1), 7, entry(2)], indent=1)
    for text, found, note in (
        (whole, [entry(1), entry(2)], None),
        (whole[:-20], [entry(1)], "results.json is cut or damaged: 1 whole entry can be used"),
        ("", [], "results.json is cut or damaged: 0 whole entries can be used"),
    ):
        path.write_text(text, encoding="utf-8")
        assert read_entries(path) == (found, note)
    with path.open("wb") as file:
        # So large without a byte on the disk.
        file.truncate(LARGEST + 1)
    note = "results.json is larger than 32 MiB and is not read: no laps from it"
    assert read_entries(path) == ([], note)
    path.unlink()
    with pytest.raises(SessionError) as refused:
        read_entries(path)
    assert str(refused.value).endswith("; name a session's folder or its log")


def test_results_json_alone_is_a_session_without_the_hosts_times(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps([entry(1), entry(2)])[:-1], encoding="utf-8")
    session = build_session(path)
    assert session.windows == (exact(1), exact(2))
    assert session.marks == (*exact(1).laps, *exact(2).laps)
    assert (session.host, session.kind, session.complete, session.files) == (
        "mlcommons",
        "performance",
        False,
        ("results.json",),
    )
    assert session.no_host_times == "results.json has none"
    assert session.notes == (
        "only results.json is here: it has no times of the host",
        "results.json is cut or damaged: 2 whole entries can be used",
    )
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(SessionError, match=r"no window stands whole in it; name a session's folder or its log\.txt"):
        build_session(path)


def test_a_recording_is_counted_by_its_words_and_its_pulses() -> None:
    # Of three words the first is found twice, 1.9 s after its end the second time; of three false detections the last
    # is 0.9 s behind another, and hidden by it.
    infer = {
        "detections": [100, 2100, 4000, 7100, 12_100, 13_000],
        "detection_windows": [[1.0, 2.0], [8.0, 9.0], [20.0, 21.0]],
    }
    pulses = {"start_times_s": [1.0, 1.5, 2.0], "stop_times_s": [1.125, 1.625, 2.125]}
    told = [{"error": 1}, {"infer": infer, "dutycycle": pulses}]
    assert counts_of(told, 7.0) == StreamingCounts(1, 2, 2, 0.25, 0.5, 0.125, 7.0)
    unlike = {**pulses, "stop_times_s": [1.125]}
    nothing = StreamingCounts(None, None, None, None, None, None, None)
    assert counts_of([{"infer": {}, "dutycycle": unlike}], None) == nothing
    assert counts_of([{"infer": {}, "dutycycle": {**pulses, "stop_times_s": []}}], None) == nothing
    assert counts_of([{"infer": {}, "dutycycle": 7}], None) == nothing
    assert counts_of(told[:1], None) is None
