"""What hosts leave is read whatever its form, and however it was cut."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tracemalloc
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions import RESULTS, Plan, accuracy_plan, energyrunner_lines, mlcommons_lines, write_log
from tracer.errors import SessionError
from tracer.sessions.audit import audit_session
from tracer.sessions.log_lines import LONGEST, read_lines
from tracer.sessions.open_session import build_session, session_paths
from tracer.sessions.session import Session
from tracer.sessions.session_json import session_json
from tracer.sessions.session_text import figure_lines


def figures(session: Session) -> list[object]:
    return [(window.lap_us, window.inferences, window.input_name) for window in session.windows]


def short_plan() -> Plan:
    return Plan(seconds=(11.0, 11.1), counts=(2400, 2400))


def test_crlf_lines_are_read_as_lf_lines(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan())
    unix = build_session(write_log(tmp_path / "unix", lines))
    assert figures(build_session(write_log(tmp_path / "windows", lines, end="\r\n"))) == figures(unix)


def test_a_reply_behind_the_echo_of_its_command_is_read(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan(first_us=1_621_794_983_259_091))
    echoed = [
        line.replace("dut: m-warmup-start", "dut: infer 2400 1%m-warmup-start").replace(
            "dut: m-profile", "dut: profile%m-profile"
        )
        for line in lines
    ]
    session = build_session(write_log(tmp_path / "echo", echoed))
    assert figures(session) == figures(build_session(write_log(tmp_path / "plain", lines)))
    assert audit_session(session).findings == ()


def test_a_reply_behind_what_the_firmware_says_of_itself_is_read(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan())
    noisy = []
    for line in lines:
        if "m-infer-done" in line:
            noisy += [line.replace("m-infer-done", "Acts (infer): [ -121, 37 ]"), "m-infer-done"]
        else:
            noisy.append(line.replace("m-warmup-start", "th_load_tensor starting at 15260425m-warmup-start"))
    session = build_session(write_log(tmp_path, noisy))
    assert len(session.windows) == 5
    assert audit_session(session).findings == ()


def test_the_laps_of_energy_mode_come_through_the_io_manager(tmp_path: Path) -> None:
    lines = []
    for line in energyrunner_lines(Plan()):
        if line.endswith("dut: m-ready"):
            lines.append(line.replace("dut: m-ready", "io: m-ready"))
        text = line.replace("command[dut", "command[io dut").replace('Command "dut', 'Command "io dut')
        lines.append(text.replace(" dut: m-lap", " io: m-lap").replace(" dut: ", " io: [dut]: "))
    session = build_session(write_log(tmp_path, lines))
    assert session.kind == "energy"
    assert [window.lap_us is not None for window in session.windows] == [True] * 5


@pytest.mark.parametrize(
    ("mode", "kind"), [("single", "performance"), ("bmark", "performance"), ("multi", "accuracy")]
)
def test_the_kind_of_a_session_is_the_one_that_the_runner_was_set_to(tmp_path: Path, mode: str, kind: str) -> None:
    plan = Plan(seconds=(11.0,), counts=(1,), mode=mode)
    assert build_session(write_log(tmp_path, energyrunner_lines(plan))).kind == kind


def test_midnight_in_a_log_of_seconds_of_the_day_is_no_fault(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan(start_s=86_380.0))
    wrapped = [f"{float(line.split(' ', 1)[0]) % 86_400:09.3f} {line.split(' ', 1)[1]}" for line in lines]
    judged = audit_session(build_session(write_log(tmp_path, wrapped)))
    assert judged.findings == ()
    assert all(one.clocks_differ is False for one in judged.windows)


def test_a_restart_of_the_dut_between_windows_is_no_clock_that_goes_back(tmp_path: Path) -> None:
    lines, again = energyrunner_lines(Plan(first_us=900_000_000)), []
    seen = 0
    for line in lines:
        stamp, _, text = line.partition(" ")
        if "m-lap-us" in line:
            seen += 1
            value = int(text.rpartition("-")[2])
            text = f"dut: m-lap-us-{value - 800_000_000 if seen > 5 else value}"
        again.append(f"{stamp} {text}")
        if seen == 5 and "m-results" in line:
            again.append(f"{stamp} dut: m-init-done")
    printed = next(number for number, line in enumerate(again) if "ulp-mlperf:" in line)
    assert audit_session(build_session(write_log(tmp_path, again[:printed]))).findings == ()


def test_the_windows_by_which_our_host_measures_are_no_windows_of_the_session(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan())
    at = next(number for number, line in enumerate(lines) if "command[dut infer" in line)
    ready = next(number for number in range(at, len(lines)) if lines[number].endswith("dut: m-ready"))
    stamp, lap = lines[at].split(" ")[0], next(line for line in lines if "m-lap-us" in line).rpartition("-")[2]
    one = [f"{stamp} {line.split(' ', 1)[1]}" for line in lines[at : ready + 1]]
    one = [line.replace("2400 1", "1 10").replace("infer-start-2400", "infer-start-1") for line in one]
    one = [f"{line.rpartition('-')[0]}-{lap}" if "m-lap-us" in line else line for line in one]
    lines = [line.replace("[iterInfer]-val[2400]", "[iterInfer]-val[measured]") for line in lines]
    session = build_session(write_log(tmp_path, [*lines[:at], *one, *lines[at:]]))
    assert [window.inferences for window in session.windows] == [2400] * 5
    assert audit_session(session).findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("lines", [energyrunner_lines(short_plan()), mlcommons_lines((11.4, 11.5))], ids=["er", "ml"])
def test_a_log_cut_at_any_byte_gives_no_traceback_and_no_figure_of_half_a_line(
    tmp_path: Path, lines: list[str]
) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    path = tmp_path / "log.txt"
    path.write_bytes(data)
    whole = build_session(path)
    laps = [window.lap_us or window.runtime_us for window in whole.windows]
    told = {(printed.name, printed.text) for printed in whole.printed}
    starts = {0, *(at + 1 for at, byte in enumerate(data) if byte == 10)}
    # Cutting within a line must be as cutting before it: all cuts of one line have one answer.
    answers: dict[int, object] = {}
    start = 0
    for cut in range(len(data)):
        start = cut if cut in starts else start
        path.write_bytes(data[:cut])
        try:
            session = build_session(path)
        except SessionError:
            # So little is left that no line of it is a runner's.
            assert start == 0
            continue
        found = [window.lap_us or window.runtime_us for window in session.windows if window.complete]
        assert found == laps[: len(found)], cut
        assert {(printed.name, printed.text) for printed in session.printed} <= told, cut
        answer = (figures(session), session.printed)
        assert answers.setdefault(start, answer) == answer, cut
        json.dumps(session_json(audit_session(session)))


def test_a_last_line_without_an_end_is_not_used_and_that_is_said(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan())
    at = max(number for number, line in enumerate(lines) if "m-lap-us" in line)
    path = write_log(tmp_path, lines[:at])
    with path.open("ab") as file:
        file.write(lines[at][:-3].encode())
    session = build_session(path)
    assert session.windows[-1].lap_us is None
    assert any(f"line {at + 1} has no end and is not used" in note for note in session.notes)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    def peak(copies: int) -> int:
        lines = energyrunner_lines(accuracy_plan(96))
        first = next(number for number, line in enumerate(lines) if "bload" in line)
        stop = next(number for number, line in enumerate(lines) if "m-sequencer-stop" in line)
        write_log(tmp_path, [*lines[:first], *lines[first:stop] * copies, *lines[stop:]])
        del lines
        tracemalloc.start()
        session = build_session(tmp_path / "log.txt", keep=50)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert session.dropped_windows == 96 * copies - 50
        assert any("not kept" in note for note in session.notes)
        return size

    peak(3)  # what is made once, such as compiled patterns
    assert peak(16) < 1.02 * peak(4) + 10_000


def test_a_line_longer_than_any_figure_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"short\n" + b"x" * (5 * LONGEST) + b"\nlast\n")
    lines = list(read_lines(path))
    assert [(line.number, line.whole) for line in lines] == [(1, True), (2, False), (3, True)]
    assert len(lines[1].text) == LONGEST


@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"a", b"\xc3\xa9", b"\xc3", b"\xff", b"\xe2\x82"]), max_size=60),
    st.integers(1, 20),
)
def test_lines_are_those_of_each_line_decoded_alone_wherever_chunks_end(pieces: list[bytes], chunk: int) -> None:
    data = b"".join(pieces)
    with tempfile.TemporaryDirectory() as folder, mock.patch("tracer.sessions.log_lines.CHUNK", chunk):
        path = Path(folder) / "log.txt"
        path.write_bytes(data)
        found = list(read_lines(path))
    *ended, rest = data.split(b"\n")
    expected = [*((one, True) for one in ended), *([(rest, False)] if rest else [])]
    texts = [(one.rstrip(b"\r").decode("utf-8", "replace"), end) for one, end in expected]
    assert [(line.text, line.ended) for line in found] == texts
    assert [line.number for line in found] == list(range(1, len(texts) + 1))


def test_a_file_that_no_runner_wrote_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("once upon a time\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SessionError, match="name a session's folder"):
        build_session(path)
    with pytest.raises(SessionError, match="there is no such file"):
        session_paths(tmp_path / "nowhere")
    with pytest.raises(SessionError, match=r"no log\.txt is in it"):
        session_paths(tmp_path / "empty")


def test_the_folders_of_several_sessions_are_found_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_log(tmp_path / name, energyrunner_lines(Plan()))
    (tmp_path / "a" / "._log.txt").write_bytes(b"\0\5")
    assert session_paths(tmp_path) == [tmp_path / "a" / "log.txt", tmp_path / "b" / "log.txt"]


def test_the_logs_one_folder_below_are_the_sessions_and_deeper_ones_where_there_are_no_such(tmp_path: Path) -> None:
    deeper, near = tmp_path / "a" / "old" / "log.txt", tmp_path / "b" / "log.txt"
    for path in (deeper, near):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    assert session_paths(tmp_path) == [near]
    near.unlink()
    (deeper.parent / "results.json").write_text("[]")
    assert session_paths(tmp_path) == [deeper]
    deeper.unlink()
    assert session_paths(tmp_path) == [deeper.parent / "results.json"]


def test_a_folder_that_goes_while_it_is_searched_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, log = tmp_path / "a" / "gone", tmp_path / "b" / "old" / "log.txt"
    for folder in (gone, log.parent):
        folder.mkdir(parents=True)
    log.write_text("x\n")
    scandir = os.scandir

    def scanned(path: str | Path) -> object:
        if Path(path) == gone:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", scanned)
    assert session_paths(tmp_path) == [log]


def entries(lines: list[str], start_us: int = 1000, idle_us: int = 300_000) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for line in lines:
        if "Loading file" in line:
            found.append({"file": line.split()[4], "class": "7", "mode": "p"})
        if line.startswith("Runtime: "):
            number = sum("infer" in one for one in found)
            elapsed = round(float(line.split()[1]) * 1e6)
            infer = {"start_time": start_us, "end_time": start_us + elapsed, "iterations": 250, "warmups": 1}
            found[number]["infer"] = {**infer, "results": RESULTS, "elapsed_time": elapsed}
            start_us += elapsed + idle_us
    return found


def test_the_laps_of_results_json_make_the_figures_exact(tmp_path: Path) -> None:
    lines = mlcommons_lines((11.400123,) * 5)
    path = write_log(tmp_path, lines)
    (tmp_path / "results.json").write_text(json.dumps(entries(lines)))
    judged = audit_session(build_session(path))
    assert judged.findings == ()
    assert [one.elapsed_us for one in judged.windows] == [11_400_123.0] * 5


def test_a_wrong_clock_shows_over_a_session_where_it_hides_within_the_whole_seconds_of_a_window(
    tmp_path: Path,
) -> None:
    lines = mlcommons_lines((11.4,) * 5, ratio=0.93)
    path = write_log(tmp_path, lines)
    assert audit_session(build_session(path)).findings == ()
    (tmp_path / "results.json").write_text(json.dumps(entries(lines, idle_us=0)))
    found = audit_session(build_session(path)).findings
    assert [(finding.rule, finding.severity) for finding in found] == [("clock-idle", "warning")]


def test_of_a_cut_results_json_the_whole_entries_are_used(tmp_path: Path) -> None:
    lines = mlcommons_lines((11.400123,) * 5)
    path = write_log(tmp_path, lines)
    text = json.dumps(entries(lines))
    (tmp_path / "results.json").write_text(text[: text.index("tst_000003") + 60])
    session = build_session(path)
    assert [window.lap_us is not None for window in session.windows] == [True] * 3 + [False] * 2
    assert any("3 whole entries can be used" in note for note in session.notes)


def test_a_device_whose_name_was_never_got_is_read_and_said(tmp_path: Path) -> None:
    lines = ["WARNING: Failed to get name." if "name retrieved" in line else line for line in mlcommons_lines()]
    session = build_session(write_log(tmp_path, lines))
    assert session.device is None
    assert "the runner never got the DUT's name" in session.notes
    assert len(session.windows) == 5


def energy_case(shared_data: Path, tmp_path: Path) -> Path:
    for file in (shared_data / "cases" / "energy-timestamps-beside").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_windows_of_an_energy_session_are_as_long_as_the_monitors_timestamps(shared_data: Path) -> None:
    judged = audit_session(build_session(shared_data / "cases" / "energy-timestamps-beside"))
    assert [round(one.elapsed_us or 0) for one in judged.windows] == [
        16_405_000,
        16_405_000,
        16_405_000,
        16_406_000,
        16_405_000,
    ]
    assert round(judged.figures.median_rate_hz or 0, 3) == 12.191
    assert (judged.valid, judged.findings) == (True, ())
    assert "Median energy an inference: printed 3454.848 uJ, not recomputed" in figure_lines(judged)
    assert figure_lines(judged)[0].startswith("Median by the energy monitor: 12.191 inf/s")


def test_timestamps_of_another_count_are_left_alone_and_said(shared_data: Path, tmp_path: Path) -> None:
    folder = energy_case(shared_data, tmp_path)
    (folder / "trace1-timestamps.json").write_text("[0.1, 2.0, 18.0]")
    session = build_session(folder)
    assert "trace1-timestamps.json has 3 timestamps where 11 would be those of the windows" in (
        session.no_lengths or ""
    )
    assert [window.elapsed_us for window in session.windows] == [None] * 5


@pytest.mark.parametrize("text", ["{}", "[3, 2, 1]", '["a"]', "[1, 2"])
def test_timestamps_that_cannot_be_are_read_past_and_named(shared_data: Path, tmp_path: Path, text: str) -> None:
    folder = energy_case(shared_data, tmp_path)
    (folder / "trace1-timestamps.json").write_text(text)
    session = build_session(folder)
    assert re.search(r"trace1-timestamps\.json.*leave it out", session.no_lengths or "")
    assert "windows are as long as was printed of them" in session.notes
