"""Output vectors out of what hosts leave: each once, with the input it belongs to, whatever is cut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.accuracy.diagnosis import examine
from runner.accuracy.recorded_results import match, read_recorded
from runner.dataset import Dataset
from tests.conftest import ROOT
from tests.sessions import accuracy_plan, energyrunner_lines, mlcommons_lines, write_log
from tracer.errors import DatasetError, KwsTraceError, UsageError
from tracer.sessions.open_session import build_session

VECTOR = "[0.000,0.000,0.000,0.000,0.000,0.000,0.000,0.996,0.000,0.000,0.000,0.004]"
SECOND = "[0.000,0.000,0.988,0.000,0.000,0.000,0.000,0.000,0.000,0.000,0.000,0.008]"

ENERGYRUNNER = f"""\
00472.421 sequencer: m-sequencing-i[5]-command[bload dut "/u/kws01/tst_000000_Stop_7.bin"]-ack[/parser: m-ready/]
00472.421 parser: Command "bload dut "/u/kws01/tst_000000_Stop_7.bin""
00472.463 parser: m-bload-done
00472.465 dut: m-infer-start-1
00472.489 dut: m-infer-done
00472.490 dut: m-results-{VECTOR}
00472.490 dut: m-ready
00472.495 dut: m-results-{VECTOR}
00472.495 dut: m-ready
00472.500 parser: Command "bload dut "C:\\u\\kws01\\tst_000001_Left_2.bin""
00472.589 dut: m-infer-done
00472.590 dut: infer 1 0%m-results-{SECOND}
"""

MLCOMMONS = """\
0726.010150 ulp-mlperf: Loading file tst_000000_Stop_7.bin segment 0
Running inference with 1/250 (warmup/measured) iterations ...
0726.010201 ulp-mlperf:   m-results    : [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.996, 0.0, 0.0, 0.0, 0.004]
0726.010201 ulp-mlperf: Loading file tst_000001_Left_2.bin segment 0
0726.010201 ulp-mlperf:   m-results    : [0.0, 0.0, 0.988, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.008]
"""


Results = list[tuple[str | None, list[float]]]


def results_of(path: Path) -> Results:
    recorded = read_recorded(str(path), Path("traces"))
    return list(zip(recorded.names, recorded.vectors.tolist(), strict=True))


def read(path: Path, text: str, newline: str = "\n") -> Results:
    path.write_bytes(text.replace("\n", newline).encode())
    return results_of(path)


@pytest.mark.parametrize("text", [ENERGYRUNNER, MLCOMMONS])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_log_gives_each_vector_once_with_its_file(tmp_path: Path, text: str, newline: str) -> None:
    first, second = read(tmp_path / "log.txt", text, newline)
    assert first == ("tst_000000_Stop_7.bin", [0.0] * 7 + [0.996] + [0.0] * 3 + [0.004])
    assert second == ("tst_000001_Left_2.bin", [0.0] * 2 + [0.988] + [0.0] * 8 + [0.008])


@pytest.mark.parametrize("text", [ENERGYRUNNER, MLCOMMONS])
def test_a_log_cut_anywhere_gives_whole_vectors_only(tmp_path: Path, text: str) -> None:
    whole = read(tmp_path / "log.txt", text)
    for size in range(0, len(text), 3):
        try:
            cut = read(tmp_path / "log.txt", text[:size])
        except KwsTraceError:
            cut = []
        assert cut == whole[: len(cut)]


@pytest.mark.parametrize("text", [ENERGYRUNNER, MLCOMMONS])
def test_a_vector_whose_line_has_no_end_is_whole_by_its_bracket(tmp_path: Path, text: str) -> None:
    whole = read(tmp_path / "log.txt", text)
    assert read(tmp_path / "log.txt", text.rstrip("\n")) == whole
    assert len(read(tmp_path / "log.txt", text.rstrip("\n]"))) == len(whole) - 1


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"00264.663 dut: m-results-{SECOND}\n", ENERGYRUNNER),
        (f"00264.663 dut: m-results-{VECTOR}\n", ENERGYRUNNER),
        (MLCOMMONS.splitlines()[-1] + "\n", MLCOMMONS),
    ],
)
def test_a_log_that_begins_midway_has_vectors_without_a_name(tmp_path: Path, line: str, text: str) -> None:
    found = read(tmp_path / "log.txt", line + text)
    assert [name for name, _ in found] == [None, "tst_000000_Stop_7.bin", "tst_000001_Left_2.bin"]


def test_vectors_that_are_no_twelve_numbers_are_left_out(tmp_path: Path) -> None:
    lines = ["m-results-[0.5,0.5]", "m-results-[a,b,c,d,e,f,g,h,i,j,k,l]", "m-results-[]", f"m-results-{VECTOR}"]
    text = "\n".join(f"00001.000 dut: {line}" for line in lines)
    assert [vector[7] for _, vector in read(tmp_path / "log.txt", text)] == [0.996]
    with pytest.raises(DatasetError, match="no m-results of twelve numbers"):
        read(tmp_path / "log.txt", text[: text.rindex("\n")])


def test_what_a_terminal_kept_of_a_dut_is_read_without_times_or_names(tmp_path: Path) -> None:
    text = f"infer 1 0%m-warmup-start-0\nm-infer-done\nm-results-{VECTOR}\nm-ready\nm-results-{SECOND}\n"
    assert [name for name, _ in read(tmp_path / "log.txt", text)] == [None, None]


def test_equal_vectors_of_inputs_loaded_one_after_the_other_both_count(tmp_path: Path) -> None:
    text = "".join(
        f'00001.000 parser: Command "bload dut "/u/{name}""\n00001.100 dut: m-results-{VECTOR}\n'
        for name in ("a_1.bin", "b_1.bin")
    )
    assert [name for name, _ in read(tmp_path / "log.txt", text)] == ["a_1.bin", "b_1.bin"]


@pytest.mark.parametrize("between", ["", '00002.000 parser: Command "bload dut "/u/b_1.bin""\n'])
def test_the_command_results_prints_no_further_result(tmp_path: Path, between: str) -> None:
    again = f'00002.500 parser: Command "dut results"\n00002.501 dut: m-results-{VECTOR}\n00002.502 dut: m-ready\n'
    lines = ENERGYRUNNER.splitlines(keepends=True)
    log = "".join(lines[:7]) + between + again
    assert [name for name, _ in read(tmp_path / "log.txt", log)] == ["tst_000000_Stop_7.bin"]


def test_a_result_that_the_log_lost_is_not_taken_from_the_next_input(tmp_path: Path) -> None:
    lost = [line for line in ENERGYRUNNER.splitlines(keepends=True) if VECTOR not in line and "m-ready\n" not in line]
    assert [name for name, _ in read(tmp_path / "log.txt", "".join(lost))] == ["tst_000001_Left_2.bin"]


def test_a_whole_session_by_either_runner_gives_its_vectors(tmp_path: Path) -> None:
    plan = accuracy_plan(24)
    found = results_of(write_log(tmp_path / "er", energyrunner_lines(plan)).parent)
    assert [tuple(vector) for _, vector in found] == list(plan.vectors)
    found = results_of(write_log(tmp_path / "ml", mlcommons_lines()).parent)
    assert [name for name, _ in found][:2] == ["tst_000000_Down_0.bin", "tst_000001_Go_1.bin"]


def test_a_results_json_without_a_log_is_read(tmp_path: Path) -> None:
    vector = [0.0] * 11 + [1.0]
    infer = {"start_time": 1, "end_time": 2, "iterations": 1, "warmups": 0, "results": vector}
    entries = [{"file": f"tst_{number:06d}_Up_8.bin", "mode": "a", "infer": infer} for number in range(3)]
    (tmp_path / "results.json").write_text(json.dumps(entries))
    assert results_of(tmp_path) == [(f"tst_{number:06d}_Up_8.bin", vector) for number in range(3)]
    # A half entry is no entry.
    (tmp_path / "results.json").write_text(json.dumps(entries)[:-60])
    assert len(results_of(tmp_path / "results.json")) == 2


def test_results_beyond_the_kept_ones_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.accuracy.recorded_results.KEPT_RESULTS", 20)
    plan = accuracy_plan(24)
    recorded = read_recorded(str(write_log(tmp_path, energyrunner_lines(plan))), tmp_path)
    assert recorded.vectors.tolist() == [list(vector) for vector in plan.vectors[:20]]
    names = [str(name) for name in recorded.names]
    dataset = Dataset(names, np.array(plan.labels[:20]), array=np.zeros((20, 490), np.int8))
    assert match(recorded, dataset).notes == ["4 windows beyond the first 20 of the session are not looked at"]


def test_several_sessions_in_a_folder_are_not_taken_for_one(tmp_path: Path) -> None:
    for name in ("1", "2"):
        write_log(tmp_path / name, energyrunner_lines(accuracy_plan(12)))
    with pytest.raises(DatasetError, match="2 sessions are in it; name one of them"):
        read_recorded(str(tmp_path), tmp_path)


def test_results_without_their_windows_are_an_accuracy_session(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(ENERGYRUNNER)
    assert build_session(path).kind == "accuracy"


def test_the_session_of_2021_has_a_vector_an_input(shared_data: Path) -> None:
    found = results_of(shared_data / "energyrunner-sessions" / "20210823155940")
    assert len(found) == 1000
    assert [name for name, _ in found[:2]] == ["tst_000000_Stop_7.bin", "tst_000001_Left_2.bin"]
    assert len({name for name, _ in found}) == 1000
    assert np.array([vector for _, vector in found]).argmax(axis=1).tolist() == [11] * 1000


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("v0.5-latentai-raspberry_pi_4", 5),
        ("v0.5-reference-Nucleo-L4R5ZI", 5),
        ("v1.3-STMicroelectronics-NUCLEO_L4R5ZI-P", 5),
    ],
)
def test_published_sessions_have_a_vector_a_window(shared_data: Path, name: str, count: int) -> None:
    found = results_of(shared_data / "mlperf-tiny-results" / name)
    assert len(found) == count
    assert {str(one)[:4] for one, _ in found} == {"tst_"}


@pytest.mark.parametrize("one", [{"input_scale": 0.5}, {"input_zero_point": 83}])
def test_one_of_scale_and_zero_point_is_refused_without_the_other(one: dict[str, float], tmp_path: Path) -> None:
    options = {"input_scale": None, "input_zero_point": None, "also": [], "quiet": True, "as_json": True, **one}
    with pytest.raises(UsageError, match="give both"):
        examine(str(ROOT / "traces" / "sample-cpu"), tmp_path, model=None, dataset=None, **options)
