"""Output vectors out of hosts' logs: each once, with the input it belongs to, whatever is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tracer.accuracy.logged import SessionLogError, logged_results

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


def read(path: Path, text: str, newline: str = "\n") -> list[tuple[str | None, list[float]]]:
    path.write_bytes(text.replace("\n", newline).encode())
    return [(name, vector.tolist()) for name, vector in logged_results(path)]


@pytest.mark.parametrize("text", [ENERGYRUNNER, MLCOMMONS])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_log_gives_each_vector_once_with_its_file(tmp_path: Path, text: str, newline: str) -> None:
    first, second = read(tmp_path / "log.txt", text, newline)
    assert first == ("tst_000000_Stop_7.bin", [0.0] * 7 + [0.996] + [0.0] * 3 + [0.004])
    assert second == ("tst_000001_Left_2.bin", [0.0] * 2 + [0.988] + [0.0] * 8 + [0.008])


@pytest.mark.parametrize("text", [ENERGYRUNNER, MLCOMMONS])
def test_a_log_cut_anywhere_gives_whole_vectors_only(tmp_path: Path, text: str) -> None:
    whole = read(tmp_path / "log.txt", text)
    for size in range(len(text)):
        cut = read(tmp_path / "log.txt", text[:size])
        assert cut == whole[: len(cut)]


def test_a_log_that_begins_midway_has_vectors_without_a_name(tmp_path: Path) -> None:
    found = read(tmp_path / "log.txt", f"00264.663 dut: m-results-{VECTOR}\n" + ENERGYRUNNER)
    assert [name for name, _ in found] == [None, "tst_000000_Stop_7.bin", "tst_000001_Left_2.bin"]


def test_vectors_that_are_no_twelve_numbers_are_left_out(tmp_path: Path) -> None:
    lines = ["m-results-[0.5,0.5]", "m-results-[a,b,c,d,e,f,g,h,i,j,k,l]", "m-results-[]"]
    assert read(tmp_path / "log.txt", "\n".join(f"00001.000 dut: {line}" for line in lines)) == []


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SessionLogError, match=r"none\.txt: No such file"):
        list(logged_results(tmp_path / "none.txt"))


def test_the_session_of_2021_has_a_vector_an_input(shared_data: Path) -> None:
    log = shared_data / "energyrunner-sessions" / "20210823155940" / "log.txt"
    found = list(logged_results(log))
    assert len(found) == 1000
    assert [name for name, _ in found[:2]] == ["tst_000000_Stop_7.bin", "tst_000001_Left_2.bin"]
    assert len({name for name, _ in found}) == 1000
    assert np.stack([vector for _, vector in found]).argmax(axis=1).tolist() == [11] * 1000
