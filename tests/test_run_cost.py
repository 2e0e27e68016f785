"""What a run keeps of its model's cost, and the limits that its report makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.dut.run_job import RunJob
from runner.dut.run_job import recording_run as open_job
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice
from runner.inference.window_runner import StopFlag
from runner.limits.run_cost import run_board, run_cost
from runner.model_graphs.reader import read_operations
from tests.device_trees import jetson_nano
from tests.recorded import Sample, info, samples_table, window
from tracer.device.device_samples import FREQUENCY_HZ, header_line, sweep_line
from tracer.errors import DeviceError
from tracer.model.devices import Limits, find_device
from tracer.model.model_cost import count_model
from tracer.model.published import place_among
from tracer.model.roofline import build_limits
from tracer.reports.report import build_report
from tracer.reports.report_text import closing_lines
from tracer.reports.run_limits import COUNTS, measured_frequencies, run_limits, why_no_limits
from tracer.reports.window_frequencies import window_frequencies
from tracer.runs.run_info import RunInfo
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.run_writer import RunWriter
from tracer.runs.sample_store import keep_samples, sample_journal_path
from tracer.runs.windows import RunWindow, WindowKind, figure_windows

COST = {
    "operations": 5_613_064,
    "macs": 2_656_768,
    "parameters": 24_908,
    "weight_bytes": 99_632,
    "moved_bytes": 3_007_772,
    "least_moved_bytes": 101_640,
    "arithmetic": ["float32"],
    "not_counted": 0,
}
SECOND = 1_000_000_000
HZ = ((0, 460_700_000), (1, 460_900_000), (2, 76_800_000))
GPU = {"name": "tensorflow", "device": "GPU:0", "threads": None}


def recorded(traces: Path, name: str = "run", **facts: Any) -> StoredRun:
    """Ten inferences of 43 us in each of three windows, the last of them captured."""
    recorder = RunWriter.create(traces, name, replace(info(name), **facts), lambda _: None)
    for number in range(3):
        one = window(number, inferences=10, first=11 * number)
        recorder.append(replace(one, kind="capture") if number == 2 else one)
    recorder.close()
    return stored_run(name, traces)


def sample(run: StoredRun, *readings: tuple[int, int, int]) -> None:
    """Put samples into a run: time in ns, GPU and memory frequency in Hz."""
    sources = (("gpu", FREQUENCY_HZ), ("emc", FREQUENCY_HZ))
    text = header_line(sources, 100) + "".join(sweep_line(time, (gpu, memory)) for time, gpu, memory in readings)
    sample_journal_path(run.folder).write_text(text, encoding="utf-8")
    assert not keep_samples(run.folder, run.info.run_id)


@pytest.mark.parametrize("model", [SHIPPED_TFLITE, SHIPPED_SAVED_MODEL])
def test_the_cost_in_a_run_is_that_of_the_model(model: Path) -> None:
    told: list[str] = []
    found = run_cost(model, told.append)
    cost = count_model(read_operations(model))
    assert {name: found[name] for name in COUNTS} == {name: getattr(cost, name) for name in COUNTS}
    assert found["macs"] == 2_656_768
    assert found["not_counted"] == 0
    assert found["arithmetic"] == (["int8"] if model == SHIPPED_TFLITE else ["float32"])
    assert not told


@pytest.mark.parametrize("data", [b"", b"????TFL3", b"\x00" * 4 + b"TFL3" + b"\xff" * 400])
def test_a_model_that_cannot_be_counted_leaves_nothing_and_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "odd.tflite").write_bytes(data)
    told: list[str] = []
    assert run_cost(tmp_path / "odd.tflite", told.append) == {}
    assert "odd.tflite" in told[0]


def test_a_reader_that_stumbles_over_a_graph_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(path: Path) -> list[Any]:
        return [{}["node"]]

    monkeypatch.setattr("runner.limits.run_cost.read_operations", stumble)
    assert run_cost(tmp_path, lambda _: None) == {}


def test_the_board_is_the_key_of_its_device(tmp_path: Path) -> None:
    assert run_board((), tmp_path) is None
    gpu = {"name": "NVIDIA H200", "memory_bytes": 150_109_880_320}
    assert run_board([{**gpu, "used": False}, {**gpu, "used": None}], tmp_path) is None
    assert run_board([{**gpu, "used": True}, {**gpu, "name": "Tesla T4", "used": False}], tmp_path) == "h200"
    assert run_board((), jetson_nano(tmp_path)) == "nano"


def test_a_run_keeps_the_cost_from_its_start(tmp_path: Path) -> None:
    job = RunJob(ModelChoice(SHIPPED_TFLITE, threads=1, mode="fused"), tmp_path, "run", nvtx=False)
    with open_job(job, StopFlag()) as opened:
        opened.ready = True
        during = json.loads((opened.writer.folder / "run.json").read_text(encoding="utf-8"))
    assert during["cost"]["macs"] == 2_656_768
    assert during["board"] == run_board()
    assert stored_run("run", tmp_path).info.cost == during["cost"]


def test_the_report_has_the_limits_of_the_run_s_board(tmp_path: Path) -> None:
    report = build_report(recorded(tmp_path, cost=COST, board="nano", backend=GPU))
    assert report["inference"]["median_ns"] == 43_000
    limits = find_device("nano").limits()
    wanted = build_limits(5_613_064, 3_007_772, 101_640, limits, 43_000, weight_bytes=99_632)
    assert {key: report["limits"][key] for key in wanted} == wanted
    # By hand: 5,613,064 operations at 2 x 128 x 921.6 MHz; 25.6 GB/s would take 3.97 us for 101,640 bytes.
    assert report["limits"]["limit_ns"] == pytest.approx(23_791, abs=1)
    assert report["limits"]["bound"] == "compute"
    assert report["limits"]["measured"]["utilisation_peak"] == pytest.approx(23_791 / 43_000, abs=1e-4)
    assert report["published"] is None
    assert place_among(43_000)["rank"] >= 1
    said = closing_lines(report)
    assert (
        "Limit on Jetson Nano at 921.6 MHz (its highest frequency): 23.79 us (compute-bound); "
        "55.3 % of the float32 peak" in said
    )
    assert "Limit: the GPU's frequency was not recorded" in said
    assert any(line.startswith("Published results: no place (not rule-valid: ") for line in said)
    assert json.loads(json.dumps(report)) == report


def test_the_limits_are_at_the_frequencies_that_were_measured(tmp_path: Path) -> None:
    run = recorded(tmp_path, cost=COST, board="nano", backend=GPU)
    # Window n begins at n + 1 s and lasts 430 us; the third is captured and its clocks do not count.
    readings = [(SECOND * (number + 1) + 1000 * at, hz, 800_000_000) for number, hz in HZ for at in (1, 2)]
    sample(run, *readings)
    run = stored_run("run", tmp_path)
    report = build_report(run)
    assert measured_frequencies(run) == (460.8e6, 800e6)
    wanted = build_limits(
        5_613_064, 3_007_772, 101_640, find_device("nano").limits(460.8e6, 800e6), 43_000, weight_bytes=99_632
    )
    assert {key: report["limits"][key] for key in wanted} == wanted
    assert (report["limits"]["gpu_hz"], report["limits"]["memory_hz"]) == (460.8e6, 800e6)
    assert report["limits"]["notes"] == []
    assert any("Limit on Jetson Nano at 460.8 MHz: 47.58 us" in line for line in closing_lines(report))


@pytest.mark.parametrize(
    ("kinds", "counted"),
    [
        # The finished performance windows, whatever else was recorded.
        (["accuracy", "performance", "capture", "performance", "accuracy"], [1, 3]),
        (["accuracy", "capture", "accuracy"], [0, 2]),
        (["capture", "accuracy", "performance aborted"], [1]),
        (["capture", "capture"], []),
    ],
)
def test_the_frequencies_are_those_of_the_windows_that_count(kinds: list[str], counted: list[int]) -> None:
    windows = [
        RunWindow(
            number=number,
            kind=cast("WindowKind", kind.split()[0]),
            state=kind.split()[1] if " " in kind else "complete",
            inferences=1,
            warmups=0,
            lap_start_us=None,
            lap_end_us=None,
            start_ns=1000 * number,
            end_ns=1000 * number + 500,
            cpu_ns=0,
            recorder_ns=0,
        )
        for number, kind in enumerate(kinds)
    ]
    hertz = [100_000_000 * 2**number for number in range(len(kinds))]
    sampled = [Sample(1000 * number + 7, "gpu", FREQUENCY_HZ, hertz[number]) for number in range(len(kinds))]
    found = window_frequencies(samples_table(sampled, "run"), figure_windows(windows))
    wanted = [float(np.median([hertz[number] for number in counted]))] if counted else []
    assert [one.median_hz for one in found] == wanted


def test_another_device_is_at_its_highest_frequencies() -> None:
    about = replace(info(), cost=COST, board="nano", backend=GPU)
    found = run_limits(about, (460.8e6, 800e6), 43_000, "agx-orin")
    assert found is not None
    assert found["fp32_per_s"] == find_device("agx-orin").limits().fp32_per_s
    assert (found["gpu_hz"], found["memory_hz"]) == (None, None)
    assert any("another device" in note for note in found["notes"])
    # Whose board was not recognised is on the device that the user names.
    found = run_limits(replace(about, board=None), (460.8e6, 800e6), 43_000, "nano")
    assert found is not None
    assert found["gpu_hz"] == 460.8e6


def test_a_run_on_the_cpu_says_that_the_limit_is_the_gpu_s() -> None:
    about = replace(info(), cost={**COST, "arithmetic": ["int8"], "not_counted": 2}, board="nano")
    found = run_limits(about, (76.8e6, 1600e6), 43_000)
    assert found is not None
    assert (found["gpu_hz"], found["clock_hz"]) == (None, 921.6e6)
    assert [key for note in found["notes"] for key in ("the CPU", "int8", "not counted") if key in note] == [
        "the CPU",
        "int8",
        "not counted",
    ]


def test_without_a_counted_model_or_a_board_there_are_no_limits(tmp_path: Path) -> None:
    report = build_report(recorded(tmp_path, "plain"))
    assert report["limits"] is None
    assert not any("limit" in note for note in report["notes"])
    report = build_report(recorded(tmp_path, "counted", cost=COST))
    assert report["limits"] is None
    report = build_report(stored_run("plain", tmp_path), device="nano")
    assert report["limits"] is None
    assert "the model's operations are not in this run" in report["notes"][-1]
    with pytest.raises(DeviceError, match="xavier-nx"):
        build_report(stored_run("counted", tmp_path), device="tk1")


@pytest.mark.parametrize(
    "cost",
    [
        {**COST, "operations": "many"},
        {**COST, "operations": 0},
        {**COST, "moved_bytes": -1},
        {**COST, "macs": True},
        {**COST, "least_moved_bytes": 1 << 2000},
        {"operations": 1},
    ],
)
def test_a_cost_that_nobody_counted_is_none(cost: dict[str, Any]) -> None:
    assert run_limits(replace(info(), cost=cost), (None, None), 43_000, "nano") is None


def test_a_board_that_we_do_not_know_is_told_and_not_an_error() -> None:
    about: RunInfo = replace(info(), cost=COST, board="nano-2")
    assert run_limits(about, (None, None), None) is None
    assert "nano-2" in str(why_no_limits(about, None))
    assert why_no_limits(about, "nano") is None


def test_a_run_without_a_time_has_its_limit_and_no_place(tmp_path: Path) -> None:
    recorder = RunWriter.create(tmp_path, "run", replace(info(), cost=COST, board="nano"), lambda _: None)
    recorder.close()
    report = build_report(stored_run("run", tmp_path))
    assert report["published"] is None
    assert report["limits"]["measured"] is None
    assert any(line.endswith("(compute-bound)") for line in closing_lines(report))


def test_the_command_takes_a_device_and_this_machine_s_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path, cost=COST)
    probed = Limits("this machine's CPU (2 threads)", 2, None, 100e9, None, 10e9, "a test")
    monkeypatch.setattr("runner.limits.cpu_probe.probe_cpu", lambda: probed)

    def said(device: str) -> dict[str, Any]:
        words = ["report", "run", "--json", "--device", device, "--traces", str(tmp_path)]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout)["limits"])

    assert said("nano")["device"] == "Jetson Nano"
    found = said("cpu")
    assert (found["key"], found["fp32_per_s"]) == ("cpu", 100e9)
    assert "measured now" in found["notes"][0]
