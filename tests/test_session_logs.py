"""Short logs of both runners by hand, and the whole session that each is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.sessions import Plan, energyrunner_lines, write_log
from tracer.sessions.energyrunner import EnergyrunnerReader
from tracer.sessions.log_lines import read_blocks
from tracer.sessions.mlcommons import MlcommonsReader
from tracer.sessions.session import (
    Evidence,
    HostLength,
    Lap,
    Printed,
    PrintedRequirement,
    Session,
    SessionWindow,
)

ENERGYRUNNER = """\
00010.000 session: m-session-start-id[1]
00010.000 parser: m-version[3.0.6]
00010.000 parser: m-bm-cfg-name[ulp-mlperf]-key[iterInfer]-val[200]
00010.000 parser: m-bm-cfg-name[ulp-mlperf]-key[runMode]-val[bmark]
00010.125 parser: Command "dut name"
00010.250 dut: m-name-dut-[board]
00010.250 dut: m-model-[kws01]
00010.250 dut: m-ready
00010.500 dut: m-init-done
00010.500 parser: Command "dut timestamp"
00010.625 dut: m-lap-us-1000000
00010.625 dut: m-ready
00011.000 parser: Command "bload dut "C:\\kws01\\tst_000000_Stop_7.bin""
00011.500 parser: Command "dut infer 200 2"
00011.500 dut: m-warmup-start-2
00011.500 dut: m-warmup-done
00011.500 dut: m-infer-start-200
00012.000 dut: m-lap-us-2375000
00023.000 dut: m-lap-us-13375000
00023.000 dut: m-infer-done
00023.000 dut: m-results-[0.25,0.75]
00023.000 dut: m-ready
00023.500 session: m-session-stop-id[1]
00023.500 ulp-mlperf: Performance results for window 2:
00023.500 ulp-mlperf:   # Inferences :          200
00023.500 ulp-mlperf:   Runtime      :       11.000 sec.
00023.500 ulp-mlperf:   Throughput   :       18.182 inf./sec.
00023.500 ulp-mlperf: Runtime requirements have been met.
00023.500 ulp-mlperf: Median throughput is 18.182 inf./sec.
""".splitlines()


def energyrunner(path: Path, lines: list[str], late_s: float = 0.0) -> Session:
    """What stands in ``ENERGYRUNNER``: one window between two laps, round trips of an eighth of a second."""

    def line(number: int) -> Evidence:
        return Evidence("log.txt", number, lines[number - 1])

    laps = (Lap(2_375_000, late_s + 12.0, line(18), 1), Lap(13_375_000, late_s + 23.0, line(19), 1))
    return Session(
        path=path,
        host="energyrunner",
        kind="performance",
        mode="bmark",
        windows=(
            SessionWindow(
                number=1,
                input_name="tst_000000_Stop_7.bin",
                inferences=200,
                warmups=2,
                laps=laps,
                host=HostLength(11.0, 11.0 - 0.126, 11.0 + 0.126),
                probabilities=(0.25, 0.75),
                evidence=(line(14),),
            ),
        ),
        model="kws01",
        device="board",
        runner_version="3.0.6",
        printed=(
            Printed("inferences", "200", line(25), 1),
            Printed("runtime_s", "11.000", line(26), 1),
            Printed("rate_hz", "18.182", line(27), 1),
            Printed("median_rate_hz", "18.182", line(29)),
        ),
        verdicts=(PrintedRequirement(1, met=True, evidence=line(28)),),
        marks=(Lap(1_000_000, late_s + 10.625, line(11)), *laps),
        restarts=frozenset({0}),
        resolution_s=0.001,
        latency_s=0.125,
        files=("log.txt",),
    )


def read(
    folder: Path, lines: list[str], reader: type[EnergyrunnerReader | MlcommonsReader] = EnergyrunnerReader
) -> Session:
    path = write_log(folder, lines)
    return reader(path, 10).read(read_blocks(path))


def test_a_log_of_energyrunner_is_this_session(tmp_path: Path) -> None:
    assert read(tmp_path, ENERGYRUNNER) == energyrunner(tmp_path / "log.txt", ENERGYRUNNER)


def test_after_midnight_the_seconds_of_the_day_go_on(tmp_path: Path) -> None:
    late = [f"{(float(line[:9]) + 86_380) % 86_400:09.3f}{line[9:]}" for line in ENERGYRUNNER]
    assert late[-1].startswith("00003.500")
    assert read(tmp_path, late) == energyrunner(tmp_path / "log.txt", late, late_s=86_380.0)


def test_a_log_that_ends_behind_its_second_lap_has_its_window_and_says_so(tmp_path: Path) -> None:
    whole = energyrunner(tmp_path / "log.txt", ENERGYRUNNER)
    window = replace(whole.windows[0], probabilities=None)
    notes = ("the log ends before the session does",)
    cut = replace(whole, windows=(window,), printed=(), verdicts=(), complete=False, notes=notes)
    assert read(tmp_path, ENERGYRUNNER[:19]) == cut
    first = replace(window, laps=window.laps[:1], host=None, complete=False)
    assert read(tmp_path, ENERGYRUNNER[:18]) == replace(cut, windows=(first,), marks=whole.marks[:2])


def test_a_window_whose_end_is_lost_ends_with_the_load_of_the_next_input(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan(seconds=(11.0,) * 4, counts=(2400,) * 4))
    second = [place for place, line in enumerate(lines) if "m-infer-done" in line][1]
    session = read(tmp_path, [*lines[:second], *lines[second + 3 :]])
    assert [(one.number, one.complete) for one in session.windows] == [(number, True) for number in (1, 2, 3, 4)]
    lost = [(one.kind, one.what, one.window) for one in session.irregular]
    assert lost == [("lost", f"`m-{name}`", 2) for name in ("infer-done", "ready", "results")]


def test_windows_of_one_inference_are_windows_where_one_was_asked_for(tmp_path: Path) -> None:
    one = energyrunner_lines(Plan(counts=(1,) * 5))
    assert len(read(tmp_path / "one", one).windows) == 5
    measured = [line.replace("key[iterInfer]-val[1]", "key[iterInfer]-val[measured]") for line in one]
    session = read(tmp_path / "measured", measured)
    assert session.windows == ()
    assert session.notes == ("5 times the host measured by one inference how many a window takes",)


@pytest.mark.parametrize(
    ("mode", "count", "kind"),
    [
        ("bmark", 1, "performance"),
        ("multi", 200, "accuracy"),
        ("verify", 200, "performance"),
        ("verify", 1, "accuracy"),
        (None, 1, "accuracy"),
        (None, 200, "performance"),
        (None, None, "accuracy"),
    ],
)
def test_a_session_is_of_the_kind_that_its_mode_says_else_its_counts(
    tmp_path: Path, mode: str | None, count: int | None, kind: str
) -> None:
    def changed(line: str) -> str | None:
        if "runMode" in line:
            return None if mode is None else line.replace("bmark", mode)
        if count is None and ('"dut infer' in line or "infer-start" in line):
            return None
        return line.replace("infer 200", f"infer {count}").replace("start-200", f"start-{count}")

    told = [line for line in map(changed, ENERGYRUNNER) if line is not None]
    told = [line.replace("val[200]", "val[1]") for line in told]
    assert read(tmp_path, told).kind == kind


def test_a_result_outside_a_window_is_one_of_a_lost_window_unless_it_is_told_again(tmp_path: Path) -> None:
    def windows(*more: str) -> list[tuple[int, tuple[float, ...] | None]]:
        lines = [*ENERGYRUNNER[:22], *(f"00023.250 {text}" for text in more), *ENERGYRUNNER[22:]]
        return [(one.number, one.probabilities) for one in read(tmp_path, lines).windows]

    first = [(1, (0.25, 0.75))]
    assert windows("dut: m-results-[0.25,0.75]") == first
    assert windows("dut: m-results-[0.5,0.5]") == [*first, (2, (0.5, 0.5))]
    assert windows('parser: Command "dut results"', "dut: m-results-[0.5,0.5]") == first
    load = 'parser: Command "bload dut "C:\\kws01\\tst_000001_Up_8.bin""'
    assert windows(load, "dut: m-results-[0.25,0.75]") == [*first, (2, (0.25, 0.75))]


MLCOMMONS = """\
Logging initialized. Writing output to sessions/1/log.txt
Device name retrieved: board
Device model retrieved: kws01
1231.235950 ulp-mlperf: Loading file tst_000000_Stop_7.bin segment 0
1231.235952 ulp-mlperf: Load complete.
Running inference with 2/200 (warmup/measured) iterations ...
0101.000005 ulp-mlperf: Performance results for window 1:
0101.000005 ulp-mlperf:   # Inferences :           200
0101.000005 ulp-mlperf:   Runtime      :     11.000 sec.
0101.000005 ulp-mlperf:   Throughput   :     18.182 inf./sec.
0101.000005 ulp-mlperf:   m-results    : [0.25, 0.75]
0101.000006 ulp-mlperf: Loading file tst_000001_Up_8.bin segment 0
0101.000007 ulp-mlperf: Load complete.
Running inference with 1/220 (warmup/measured) iterations ...
0101.000019 ulp-mlperf: Performance results for window 2:
0101.000019 ulp-mlperf:   # Inferences :           220
0101.000019 ulp-mlperf:   Runtime      :     11.000 sec.
0101.000019 ulp-mlperf:   Throughput   :     20.000 inf./sec.
0101.000019 ulp-mlperf:   m-results    : [0.5, 0.5]
Session logged in file sessions/1/log.txt
""".splitlines()
NEW_YEAR_S = 1_735_689_600.0
"""Of 2025, after the leap year in which a log without a year is taken to be; its first second is of the new year."""


def mlcommons(path: Path) -> Session:
    """What stands in ``MLCOMMONS``; the first warm-ups may take any time, the second ones a tenth of a second."""

    def line(number: int) -> Evidence:
        return Evidence("log.txt", number, MLCOMMONS[number - 1])

    def printed(number: int, *rows: str) -> tuple[Printed, ...]:
        names = ("inferences", "runtime_s", "rate_hz")
        at = enumerate(zip(names, rows, strict=True), 8 * number)
        return tuple(Printed(name, text, line(place), number) for place, (name, text) in at)  # type: ignore[arg-type]

    first = SessionWindow(
        number=1,
        input_name="tst_000000_Stop_7.bin",
        inferences=200,
        warmups=2,
        runtime_us=11e6,
        slack_us=500.0,
        host=HostLength(None, 0.0, 14.0),
        probabilities=(0.25, 0.75),
        evidence=(line(5), line(6), line(9)),
        told_s=NEW_YEAR_S + 5,
    )
    second = replace(
        first,
        number=2,
        input_name="tst_000001_Up_8.bin",
        inferences=220,
        warmups=1,
        host=HostLength(None, 12 - 1 - 0.1 - 0.5, 13.0),
        probabilities=(0.5, 0.5),
        evidence=(line(13), line(14), line(17)),
        told_s=NEW_YEAR_S + 19,
    )
    return Session(
        path=path,
        host="mlcommons",
        kind="performance",
        mode=None,
        windows=(first, second),
        model="kws01",
        device="board",
        printed=(*printed(1, "200", "11.000", "18.182"), *printed(2, "220", "11.000", "20.000")),
        resolution_s=1.0,
        latency_s=0.5,
        files=("log.txt",),
    )


def told(folder: Path, lines: list[str]) -> Session:
    return read(folder, lines, MlcommonsReader)


def test_a_log_of_the_mlcommons_runner_over_new_year_is_this_session(tmp_path: Path) -> None:
    assert told(tmp_path, MLCOMMONS) == mlcommons(tmp_path / "log.txt")


def test_a_log_of_the_mlcommons_runner_that_ends_within_a_window_has_it_incomplete(tmp_path: Path) -> None:
    whole = mlcommons(tmp_path / "log.txt")
    second = SessionWindow(2, "tst_000001_Up_8.bin", 220, 1, complete=False)
    notes = ("the log ends before the session does",)
    cut = replace(whole, windows=(whole.windows[0], second), printed=whole.printed[:3], complete=False, notes=notes)
    assert told(tmp_path, MLCOMMONS[:14]) == cut


def test_the_monitors_lengths_are_used_where_each_window_has_one(tmp_path: Path) -> None:
    power = [*MLCOMMONS[:-1], "Power Edition Output", "Elapsed time  : 10.5", "Elapsed time  : 10.25", MLCOMMONS[-1]]
    session = told(tmp_path, power)
    assert session.kind == "energy"
    assert [one.runtime_us for one in session.windows] == [10_500_000.0, 10_250_000.0]
    assert {(one.slack_us, one.host) for one in session.windows} == {(1000.0, None)}
    one_lost = told(tmp_path, [*power[:-2], power[-1]])
    assert one_lost.windows == mlcommons(tmp_path / "log.txt").windows
