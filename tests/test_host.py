"""The host against a DUT that answers from the protocol, and its results in energyrunner's form."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from runner.dataset import Dataset, DatasetError, load_dataset, shipped_dataset
from runner.host import (
    AccuracyOutcome,
    HostSession,
    PerformanceOutcome,
    PerformancePlan,
    RefusedError,
    SilentDutError,
    WindowOutcome,
    run_accuracy,
    run_performance,
)
from runner.host_config import BenchFacts, ConfigExistsError, UsbIdError, mlcommons_files, parse_usb_id, write_files
from runner.host_log import SessionLog, session_folder
from runner.host_results import accuracy_lines, auc_one_vs_rest, clock_lines, confusion, performance_lines
from runner.protocol import CommandReader, DutProtocol, Infer, encode, results_line


class AnsweringLink:
    """A DUT of 1000 inf/s on a clock of its own; says the class of the input's first byte."""

    spec = "fake"

    def __init__(self, lap_factor: float = 1.0) -> None:
        self.now = 0.0
        self.lap_factor = lap_factor
        self.reader, self.protocol = CommandReader(), DutProtocol("fake", (490,))
        self.pending: list[tuple[float, bytes]] = []
        self.commands: list[str] = []
        self.silent = False

    def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        for command in self.reader.feed(data):
            assert command is not None
            self.commands.append(command)
            if self.silent:
                return
            answer = self.protocol.handle(command)
            if isinstance(answer, Infer):
                self._infer(answer)
            elif isinstance(answer, list):
                self.pending.append((0.0, encode(answer)))
            else:
                self.pending.append((0.0, encode(["m-lap-us-1", "m-ready"])))

    def _infer(self, request: Infer) -> None:
        assert self.protocol.loaded is not None
        vector = [0.0] * 12
        vector[self.protocol.loaded[0] % 12] = 1.0
        lap = round(request.inferences * 1000 * self.lap_factor)
        self.pending += [
            (0.0, encode([f"m-warmup-start-{request.warmups}"])),
            (request.warmups / 1000, encode(["m-warmup-done", f"m-infer-start-{request.inferences}", "m-lap-us-5"])),
            (request.inferences / 1000, encode([f"m-lap-us-{5 + lap}", "m-infer-done", results_line(vector)])[:-7]),
            (0.0, encode([results_line(vector)])[-7:] + encode(["m-ready"])),
        ]

    def read(self, timeout_s: float) -> bytes:
        if not self.pending:
            return b""
        wait, data = self.pending.pop(0)
        self.now += wait
        return data


def session(link: AnsweringLink) -> HostSession:
    return HostSession(link, clock=lambda: link.now)  # type: ignore[arg-type]


def dataset() -> Dataset:
    inputs = np.zeros((12, 490), np.int8)
    inputs[:, 0] = np.arange(12)
    return Dataset([f"tst_{i:06d}.bin" for i in range(12)], np.arange(12), array=inputs)


def test_five_inputs_get_a_window_each_and_n_fills_the_time() -> None:
    link = AnsweringLink()
    outcome = run_performance(session(link), dataset(), PerformancePlan(seconds=11.0))
    assert len(outcome.windows) == 5
    assert outcome.windows[0].inferences == pytest.approx(11_000, rel=0.01)
    assert outcome.median_rate_hz == pytest.approx(1000)
    assert all(window.met and not window.clocks_differ for window in outcome.windows)
    performance = [command for command in link.commands if re.match(r"infer (?!1 )", command)]
    assert len(performance) == 5
    loads = [command for command in link.commands if command.startswith("db ")]
    assert max(len(command) for command in loads) < 64
    assert len(loads) == 5 * 18


def test_every_input_is_asked_once_and_scored() -> None:
    outcome = run_accuracy(session(AnsweringLink()), dataset())
    assert accuracy_lines(outcome) == ["Top-1: 100.0%", "AUC: 1.00"]
    assert (confusion(outcome) == np.eye(12)).all()


def test_a_device_that_stamps_cpu_time_is_told() -> None:
    link = AnsweringLink(lap_factor=1.05)
    outcome = run_performance(session(link), dataset(), PerformancePlan(inferences=10_040, warmups=1))
    assert "rate is wrong by -4.8 %" in clock_lines(outcome)[0]


def test_results_have_the_lines_of_energyrunner(shared_data: Path) -> None:
    windows = [WindowOutcome(2400, 10_540_477, 10.037, np.zeros(12))] * 5
    ours = performance_lines(PerformanceOutcome(windows))
    assert ours[:5] == [
        "Performance results for window 2:",
        "  # Inferences :         2400",
        "  Runtime      :       10.540 sec.",
        "  Throughput   :      227.694 inf./sec.",
        "Runtime requirements have been met.",
    ]
    file = shared_data / "mlperf-tiny-results" / "v0.5-reference-Nucleo-L4R5ZI" / "results.txt"
    theirs = [line.split(": ", 1)[1] for line in file.read_text().splitlines()]
    shape = [re.sub(r"[ \d.]+", " N ", line) for line in ours]
    assert shape == [re.sub(r"[ \d.]+", " N ", line) for line in theirs][: len(shape)]


def test_a_window_under_ten_seconds_is_not_called_met() -> None:
    lines = performance_lines(PerformanceOutcome([WindowOutcome(10, 9_999_999, 10.0, np.zeros(12))]))
    assert "NOT" in lines[4]


def test_a_silent_device_and_a_refusal_are_errors_with_their_exit_codes() -> None:
    link = AnsweringLink()
    link.silent = True
    with pytest.raises(SilentDutError) as caught:
        session(link).handshake()
    assert caught.value.exit_code == 2
    with pytest.raises(RefusedError, match="Unknown command"):
        session(AnsweringLink()).command("bogus")


def test_auc_is_one_vs_rest_over_the_classes_that_occur() -> None:
    vectors = np.eye(12)[[0, 1, 1]]
    assert auc_one_vs_rest(np.array([0, 1, 0]), vectors) == pytest.approx(0.75)
    assert auc_one_vs_rest(np.array([3, 3]), vectors[:2]) is None
    assert accuracy_lines(AccuracyOutcome(np.array([3, 3]), [vectors[0], vectors[1]]))[1].startswith("AUC: not")


def test_the_session_goes_into_the_run_that_records_the_port(tmp_path: Path) -> None:
    run = tmp_path / "traces" / "a"
    run.mkdir(parents=True)
    (run / "run.json").write_text('{"state": "recording", "port": "pty:/tmp/x"}')
    assert session_folder("/tmp/x", tmp_path / "traces") == run / "session"
    assert session_folder("/tmp/y", tmp_path / "traces").parts[0] == "sessions"
    with SessionLog(run / "session") as log:
        log("dut", "m-ready")
        log.result("Median throughput is 5.000 inf./sec.")
    assert re.search(r"^\d{5}\.\d{3} dut: m-ready$", (run / "session" / "log.txt").read_text(), re.M)
    assert "ulp-mlperf: Median" in (run / "session" / "results.txt").read_text()
    assert session_folder("pty:/tmp/x", tmp_path / "traces").name == "session-2"


def test_the_real_dataset_and_the_shipped_one_load(shared_data: Path) -> None:
    real = load_dataset(shared_data / "mlperf-tiny-kws" / "kws01")
    assert len(real.names) == 500
    assert {len(real.input(i)) for i in range(20)} == {490}
    assert len(shipped_dataset().input(0)) == 490


@pytest.mark.parametrize("text", ["", "a.bin,12\n", "a.bin,12,x\n", "a.bin,12,12\n", "../a.bin,12,3\n"])
def test_a_wrong_label_file_is_told_by_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "y_labels.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"y_labels\.csv"):
        load_dataset(tmp_path)


def test_an_input_that_is_missing_or_short_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "y_labels.csv").write_text("a.bin,12,3\nb.bin,12,3\n")
    (tmp_path / "a.bin").write_bytes(b"x")
    loaded = load_dataset(tmp_path)
    for index, name in enumerate(("a.bin", "b.bin")):
        with pytest.raises(DatasetError, match=name):
            loaded.input(index)


def test_the_files_for_mlcommons_name_the_port_the_baud_and_n(tmp_path: Path) -> None:
    files = mlcommons_files(BenchFacts(*parse_usb_id("0525:a4a7"), 115200, 2600))
    assert "0x0525: 0xA4A7" in files["devices_kws_trace.yaml"]
    assert "- infer 2600 10" in files["tests_performance_kws_trace.yaml"]
    write_files(files, tmp_path, force=False)
    with pytest.raises(ConfigExistsError, match="--force"):
        write_files(files, tmp_path, force=False)
    with pytest.raises(UsbIdError, match="lsusb"):
        parse_usb_id("usb")
