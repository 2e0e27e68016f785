"""Energy of a session by its monitor's files: exact where they are whole, nothing and a reason where they are not."""

from __future__ import annotations

import io
import json
import re
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.sessions import RESULTS, WORDS, Plan, energyrunner_lines, mlcommons_lines, write_log
from tracer.errors import SessionError
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.energy_samples import EnergySamples, read_samples
from tracer.sessions.open_session import build_session
from tracer.sessions.session_json import session_json
from tracer.sessions.session_text import figure_lines, render_session

COUNT = 150
STAMPS_S = (0.022, 2.782, 14.048, 15.923, 27.187, 29.051, 40.316, 42.181, 53.447, 55.324, 66.59)
SAMPLES = np.float32(44.9) + np.random.default_rng(0).normal(0, 3, 67_584).astype(np.float32)


def energy_of(begin_s: float, end_s: float) -> tuple[float, float]:
    """As energyrunner adds it up, and the mean: time goes on by a float's 0.001 from sample to sample."""
    at_s = total_uj = 0.0
    count = 0
    for sample in SAMPLES.tolist():
        if begin_s <= at_s < end_s:
            total_uj += sample
            count += 1
        at_s += 0.001
    return total_uj, 1000 * total_uj / count


ENERGIES_UJ, POWERS_UW = zip(
    *(energy_of(*pair) for pair in zip(STAMPS_S[1::2], STAMPS_S[2::2], strict=True)), strict=True
)


def results(stamps: tuple[float, ...] = STAMPS_S, copies: int = 1) -> list[str]:
    lines, each_uj, rates = [], [], []
    for number, (begin, end) in enumerate(zip(stamps[1::2], stamps[2::2], strict=True)):
        each_uj.append(ENERGIES_UJ[number] / COUNT)
        rates.append(COUNT / (end - begin))
        lines += [
            f"Energy data for window {2 * number + 2} at time {begin:.2f} for {end - begin:.2f} sec.:",
            f"  Energy       : {ENERGIES_UJ[number]:12.3f} uJ",
            f"  Power        : {POWERS_UW[number]:12.3f} uW",
            f"  Energy/Inf.  : {each_uj[-1]:12.3f} uJ/inf.",
        ]
    lines += ["-" * 57, f"Median energy cost is {np.median(each_uj):.3f} uJ/inf.", "-" * 57]
    for number, (begin, end) in enumerate(zip(stamps[1::2], stamps[2::2], strict=True)):
        lines += [f"Performance results for window {2 * number + 2}:", f"  # Inferences : {COUNT:12d}"]
        lines += [f"  Runtime      : {end - begin:12.3f} sec.", f"  Throughput   : {rates[number]:12.3f} inf./sec."]
        lines += ["Runtime requirements have been met."]
    lines += ["-" * 57, f"Median throughput is {np.median(rates):.3f} inf./sec.", "-" * 57]
    return [f"00105.681 ulp-ml: {line}" for line in lines for _ in range(copies)]


def trace(samples: np.ndarray = SAMPLES) -> bytes:
    return b"\xf1" + struct.pack("<f", 1000.0) + samples.astype("<f4").tobytes()


def printed(line: str) -> bool:
    return line.split()[1].startswith("ulp-")


def energy_log() -> list[str]:
    lines = []
    for line in energyrunner_lines(Plan(seconds=(11.266,) * 5, counts=(COUNT,) * 5)):
        text = line.replace("command[dut", "command[io dut").replace('Command "dut', 'Command "io dut')
        if "m-lap-us" not in text and not printed(line):
            lines.append(text.replace(" dut: ", " io: [dut]: "))
    return lines


LOG = energy_log()


def painted(render: Callable[[SessionAudit, Console], None], judged: SessionAudit) -> str:
    console = Console(width=200, file=io.StringIO(), color_system=None)
    render(judged, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def write_session(folder: Path, **files: bytes | None) -> Path:
    """An energy session of five windows; ``files`` are in place of its own, None where one is missing."""
    write_log(folder, LOG)
    told = {
        "results.txt": "".join(f"{line}\n" for line in results()).encode(),
        "trace1-timestamps.json": json.dumps(STAMPS_S).encode(),
        "trace1-energy.bin": trace(),
    }
    for name, data in told.items():
        given_data = files.get(name.split(".")[0].replace("-", "_").removeprefix("trace1_"), data)
        if given_data is not None:
            (folder / name).write_bytes(given_data)
    return folder


def judge(folder: Path, **files: bytes | None) -> SessionAudit:
    judged = audit_session(build_session(write_session(folder, **files)))
    json.dumps(session_json(judged))
    return judged


def test_the_energy_of_each_window_is_the_runners_to_the_printed_digit(tmp_path: Path) -> None:
    judged = judge(tmp_path)
    assert (judged.valid, judged.findings, judged.figures.unknown) == (True, (), ())
    assert [one.energy_uj for one in judged.session.windows] == pytest.approx(ENERGIES_UJ, rel=1e-12)
    median = f"{float(np.median(ENERGIES_UJ)) / COUNT:.3f}"
    assert f"{judged.figures.median_energy_uj:.3f}" == median
    assert any(f"by the monitor's samples (printed {median})" in line for line in figure_lines(judged))


def test_the_first_sample_of_a_window_is_decided_by_the_rounding_of_added_up_times() -> None:
    # Of a published session whose printed energies leave no other sums: 27.187 is the one time that is met exactly.
    ordinals = EnergySamples(1000.0, np.ones(70_000))
    pairs = list(zip(STAMPS_S[1::2], STAMPS_S[2::2], strict=True))
    assert [uj for uj, _ in ordinals.between(pairs)] == [
        14048 - 2782,
        27187 - 15924,
        40317 - 29051,
        53448 - 42182,
        66591 - 55325,
    ]


@pytest.mark.parametrize(("row", "name"), [("  Energy       :", "energy"), ("  Power        :", "power")])
def test_energy_and_power_of_each_window_are_held_against_what_was_printed(
    tmp_path: Path, row: str, name: str
) -> None:
    judged = judge(tmp_path / "sound")
    table = painted(render_session, judged)
    assert all(f"{one:,.3f}" in table for one in (*ENERGIES_UJ, POWERS_UW[0] / 1000))
    lines = results()
    place = next(place for place, line in enumerate(lines) if row in line)
    lines[place] = re.sub(r":\s*(\d+\.\d+ u[JW])$", r": 1\1", lines[place])
    other = judge(tmp_path / "other", results="".join(f"{line}\n" for line in lines).encode())
    assert [(one.rule, one.windows) for one in other.findings] == [("printed-differs", (1,))]
    assert other.findings[0].text.startswith(f"the printed {name} of window 1 is 1")


@pytest.mark.parametrize("missing", ["timestamps", "energy"])
def test_a_lost_file_is_named_and_what_was_printed_stays(tmp_path: Path, missing: str) -> None:
    judged = judge(tmp_path, **{missing: None})
    assert judged.valid is True
    assert judged.figures.median_energy_uj is None
    assert any(f"{missing}" in reason for reason in judged.figures.unknown)
    assert any("not recomputed" in line for line in figure_lines(judged))


@settings(deadline=None, max_examples=12)
@given(size=st.integers(0, len(trace())))
def test_a_cut_trace_gives_the_windows_that_it_holds_and_no_other(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judged = judge(Path(folder), energy=trace()[:size])
        energies = [one.energy_uj for one in judged.session.windows]
        samples = max(0, (size - 5) // 4)
        held = sum(end_s < samples / 1000 - 0.002 for end_s in STAMPS_S[2::2])
        whole = sum(end_s < samples / 1000 + 0.002 for end_s in STAMPS_S[2::2])
        known = [one for one in energies if one is not None]
        assert held <= len(known) <= whole
        assert energies[: len(known)] == known == pytest.approx(ENERGIES_UJ[: len(known)])
        assert judged.valid is True
        assert (judged.session.no_energy is None) == (None not in energies)
        cut = [one for one in judged.session.notes if "which is not used" in one]
        assert cut == ["trace1-energy.bin ends within a sample, which is not used"] * (samples > 0 and size % 4 != 1)


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_shuffled_samples_are_another_energy_than_the_printed(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judged = judge(Path(folder), energy=trace(np.random.default_rng(seed).permutation(SAMPLES)))
        assert {one.rule for one in judged.findings} == {"printed-differs"}
        assert judged.valid is False


@settings(deadline=None, max_examples=15)
@given(stamps=st.permutations(STAMPS_S))
def test_shuffled_timestamps_give_no_lengths(stamps: list[float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judged = judge(Path(folder), timestamps=json.dumps(stamps).encode())
        assert judged.findings == ()
        if stamps != list(STAMPS_S):
            assert judged.session.no_lengths is not None
            assert judged.figures.median_energy_uj is None


@settings(deadline=None, max_examples=25)
@given(
    energy=st.binary(max_size=64), timestamps=st.one_of(st.binary(max_size=64), st.text(max_size=30).map(str.encode))
)
def test_foreign_files_are_read_past_and_named(energy: bytes, timestamps: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        judged = judge(Path(folder), energy=energy, timestamps=timestamps)
        assert judged.figures.median_energy_uj is None
        assert judged.session.no_energy is not None
        assert judged.figures.median_rate_hz is not None


def test_no_trace_is_told_from_one() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace1-energy.bin"
        for data in (b"", b"\xf1", trace()[:5], b"\xf0" + trace()[1:], trace(np.array([np.nan, 1.0]))):
            path.write_bytes(data)
            with pytest.raises(SessionError, match=r"trace1-energy\.bin"):
                read_samples(path)


def test_files_of_another_session_are_one_finding(tmp_path: Path) -> None:
    later = json.dumps([STAMPS_S[0], *(one + 0.01 * number for number, one in enumerate(STAMPS_S[1:]))]).encode()
    judged = judge(tmp_path, timestamps=later)
    assert [one.rule for one in judged.findings] == ["files-differ"]
    assert "results.txt" in judged.findings[0].text


def test_a_lost_pulse_that_the_runner_paired_away_voids_its_figures(tmp_path: Path) -> None:
    left = (*STAMPS_S[:1], *STAMPS_S[2:])
    printed = "".join(f"{line}\n" for line in results(left[:9])).encode()
    judged = judge(tmp_path, timestamps=json.dumps(left).encode(), results=printed)
    assert (judged.valid, judged.why) == (False, "stamps-lost")
    assert "printed 4 for the log's 5" in judged.findings[0].text
    assert judged.figures.median_energy_uj is None


@pytest.mark.parametrize("copies", [2, 5])
def test_results_whose_lines_stand_several_times_are_read_once(tmp_path: Path, copies: int) -> None:
    judged = judge(tmp_path, results="".join(f"{line}\n" for line in results(copies=copies)).encode())
    assert (judged.valid, judged.findings) == (True, ())


def test_results_of_more_windows_than_the_log_are_one_finding(tmp_path: Path) -> None:
    lines = energyrunner_lines(Plan())
    first = energyrunner_lines(Plan(seconds=(11.5,), counts=(2400,), mode="single"))
    write_log(tmp_path, [line for line in first if not printed(line)])
    (tmp_path / "results.txt").write_text("".join(f"{line}\n" for line in lines if printed(line)))
    judged = audit_session(build_session(tmp_path))
    assert [one.rule for one in judged.findings if one.severity != "note"] == ["files-differ"]
    assert "results.txt tells of 5 windows, the log has 1" in judged.findings[0].text


def power_entries(counts: tuple[int, ...]) -> list[dict[str, object]]:
    """As the MLCommons runner leaves them: joules a millisecond, and the pulses; the first window has the start's."""
    random = np.random.default_rng(1)
    entries: list[dict[str, object]] = []
    for number, count in enumerate(counts):
        samples = np.round(random.normal(3.3e-5, 1e-6, 11_500), 8).tolist()
        stamps = [["00", 40]] * (number == 0) + [["01", 300], ["02", 300 + count]]
        infer = {"results": RESULTS, "iterations": 250, "warmups": 1}
        name = f"tst_{number:06d}_{WORDS[number]}_{number}.bin"
        entries.append(
            {
                "file": name,
                "infer": infer,
                "power": {"samples": samples, "timestamps": stamps, "voltage": 3},
                "mode": "e",
            }
        )
    return entries


def mlcommons_energy(
    folder: Path,
    entries: list[dict[str, object]],
    printed: list[float],
    lengths_ms: tuple[int, ...] = (10_900, 11_000) * 2 + (10_900,),
) -> SessionAudit:
    lines = [line for line in mlcommons_lines() if "results for" not in line and "Inferences" not in line]
    lines = [line for line in lines if not any(word in line for word in ("Runtime", "Through", "Median", "----"))]
    told = ["-" * 20, "Power Edition Output"]
    for number, energy in enumerate(printed):
        told += [
            f"Energy data for trial {number}",
            f"Elapsed time  : {lengths_ms[number] / 1000}",
            "Inferences    : 250",
        ]
        told += [f"Power         : {250 * energy / lengths_ms[number]:5.4f} mW."]
        told += [f"Total Energy  : {250 * energy:.3f} uJ", f"Energy/Inf    : {energy:.3f} uJ/inf"]
    write_log(folder, [*lines[:-1], *told, f"Median energy cost is {np.median(printed):.4f} uJ/inf.", lines[-1]])
    (folder / "results.json").write_text(json.dumps(entries))
    return audit_session(build_session(folder))


def test_power_samples_of_results_json_give_what_the_mlcommons_runner_printed(tmp_path: Path) -> None:
    entries = power_entries((10_900, 11_000) * 2 + (10_900,))
    told = []
    for number, entry in enumerate(entries):
        samples = entry["power"]["samples"]  # type: ignore[index]
        told.append(1e6 * sum(samples[300 : 300 + (10_900, 11_000)[number % 2]]) / 250)
    judged = mlcommons_energy(tmp_path / "sound", entries, told)
    assert (judged.session.kind, judged.valid, judged.findings) == ("energy", True, ())
    assert f"{judged.figures.median_energy_uj:.4f}" == f"{np.median(told):.4f}"
    entries[2]["power"] = {"samples": [], "timestamps": []}
    cut = mlcommons_energy(tmp_path / "cut", entries, told)
    assert cut.figures.median_energy_uj is None
    assert "energy: results.json has no samples of 1 window" in cut.figures.unknown
    other = mlcommons_energy(tmp_path / "other", power_entries((10_900, 11_000) * 2 + (10_900,)), [132.0] * 5)
    assert {one.rule for one in other.findings} == {"printed-differs"}


def test_a_streaming_session_is_read_by_its_own_figures(tmp_path: Path) -> None:
    lines = ["Logging initialized. Writing output to sessions/1/log.txt", "Device model retrieved: sww01"]
    lines += [
        "Accuracy: 44 True positives, 6 False negatives, 2 False positives",
        "False positives: [612.585 715.326]",
    ]
    lines += ["Average duty cycle: 0.55914", "Average period: 0.031989 s", "Estimated throughput: 55.908 inf./sec."]
    judged = audit_session(build_session(write_log(tmp_path / "a", lines)))
    assert (judged.valid, judged.findings) == (None, ())
    assert judged.why.startswith("streaming wakeword")
    streaming = session_json(judged)["streaming"]
    assert streaming is not None
    assert (streaming["true_positives"], streaming["printed_rate_hz"]) == (44, 55.908)
    wrong = [line.replace("55.908", "55.98").replace("2 False", "3 False") for line in lines]
    judged = audit_session(build_session(write_log(tmp_path / "b", wrong)))
    assert [one.rule for one in judged.findings] == ["printed-differs"] * 2


def streaming_entry() -> dict[str, object]:
    """Three words: one found 1.9 s after its end, one missed, one found twice; and two false ones, 0.9 s apart."""
    starts = [0.01 + 0.032 * number for number in range(50)]
    return {
        "infer": {
            "detections": [100, 4000, 4900, 12_000, 12_100, 13_000, 20_000],
            "detection_windows": [[1.0, 2.0], [5.0, 6.0], [11.0, 11.5]],
        },
        "dutycycle": {"start_times_s": starts, "stop_times_s": [one + 0.016 for one in starts]},
        "mode": "p",
    }


def streaming_session(folder: Path, entry: dict[str, object], **said: str) -> SessionAudit:
    told = {"counts": "2 True positives, 1 False negatives, 2 False positives", "duty": "0.5", "rate": "62.5", **said}
    lines = ["Logging initialized. Writing output to sessions/1/log.txt", "Device model retrieved: sww01"]
    lines += [f"Accuracy: {told['counts']}", f"Average duty cycle: {told['duty']}", "Average period: 0.032 s"]
    lines += [f"Estimated throughput: {told['rate']} inf./sec."]
    write_log(folder, lines)
    (folder / "results.json").write_text(json.dumps([entry]))
    return audit_session(build_session(folder))


def test_a_streaming_session_is_counted_again_from_its_detections_and_pulses(tmp_path: Path) -> None:
    sound = streaming_session(tmp_path / "sound", streaming_entry())
    assert (sound.findings, sound.valid) == ((), None)
    lines = figure_lines(sound)
    assert lines[0].endswith("2 false positives, counted again from its detections")
    assert "Throughput by its pulses: 62.500 inf/s (printed 62.500 inf/s)" in lines
    for number, said in enumerate(
        [{"counts": "3 True positives, 0 False negatives, 2 False positives"}, {"duty": "0.50001"}, {"rate": "62.51"}]
    ):
        other = streaming_session(tmp_path / str(number), streaming_entry(), **said)
        assert {one.rule for one in other.findings} == {"printed-differs"}
        assert all("results.json" in one.text or "duty cycle and period" in one.text for one in other.findings)


@settings(deadline=None, max_examples=25)
@given(
    part=st.sampled_from(["infer", "dutycycle"]), junk=st.recursive(st.none() | st.integers() | st.text(), st.lists)
)
def test_damaged_entries_of_a_streaming_session_give_no_figure(part: str, junk: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        entry = streaming_entry()
        for key in entry[part]:  # type: ignore[attr-defined]
            judged = streaming_session(
                Path(folder),
                {**entry, part: {**entry[part], key: junk}},  # type: ignore[dict-item]
            )
            counts = session_json(judged)["streaming"]["counted"]  # type: ignore[index]
            assert counts is not None
            assert counts["true_positives" if part == "infer" else "duty_cycle"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entries: entries.pop(), "it has 4 windows, the log 5"),
        (lambda entries: entries[1].update(file="tst_000009_up_9.bin"), "window 2 has another input"),
        (lambda entries: entries[3]["infer"].update(iterations=249), "window 4 has another number of inferences"),
        (
            lambda entries: entries[0]["power"].update(timestamps=[["01", 300], ["02", 9000]]),
            "window 1 lasted another",
        ),
    ],
)
def test_results_json_of_another_session_is_one_finding_and_not_used(
    tmp_path: Path, change: Callable[[Any], object], said: str
) -> None:
    entries = power_entries((10_900, 11_000) * 2 + (10_900,))
    change(entries)
    judged = mlcommons_energy(tmp_path, entries, [132.0] * 5)
    assert [one.rule for one in judged.findings] == ["files-differ"]
    assert said in judged.findings[0].text
    assert (judged.valid, judged.figures.median_energy_uj) == (False, None)
