"""What ``kws-trace host`` asks, measures, prints and leaves on disk, against a DUT of the tests' own."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.dataset import Dataset, load_dataset
from runner.host.driver import HostSession
from runner.host.outcomes import PerformancePlan, RefusedError, WindowOutcome, median_rate_hz
from runner.host.passes import measure_inferences, run_performance
from runner.host.results import accuracy_lines, clock_lines, exact_auc_lines, outcome_json, performance_lines
from runner.host.session import HostJob, drive
from runner.line.link import Link
from runner.line.ports import open_host_link
from tests.fake_dut import FakeDut
from tracer.errors import DutError
from tracer.sessions.audit import audit_session
from tracer.sessions.open_session import build_session

ONES = np.zeros(12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six inputs of four classes; the fake takes an input's first byte for its class, and one label is another."""
    path = tmp_path / "kws01"
    path.mkdir()
    labels = [0, 1, 2, 3, 0, 5]
    for number, first in enumerate([0, 1, 2, 3, 0, 1]):
        (path / f"tst_{number}.bin").write_bytes(bytes([first]) + bytes(489))
    (path / "y_labels.csv").write_text("".join(f"tst_{n}.bin,12,{label}\n" for n, label in enumerate(labels)))
    return path


@pytest.fixture
def dataset(folder: Path) -> Dataset:
    return load_dataset(folder)


@pytest.fixture
def dut(tmp_path: Path) -> Iterator[FakeDut]:
    with FakeDut(tmp_path / "dut") as fake:
        yield fake


@pytest.fixture
def link(dut: FakeDut) -> Iterator[Link]:
    with contextlib.closing(open_host_link(str(dut.path), 115200)) as host:
        yield host


def job(tmp_path: Path, folder: Path, mode: str, **changes: Any) -> HostJob:
    options: dict[str, Any] = {
        "port": str(tmp_path / "dut"),
        "baud": 115200,
        "mode": mode,
        "dataset": folder,
        "plan": PerformancePlan(inferences=40, warmups=2),
        "traces": tmp_path / "traces",
        "session": tmp_path / "session",
        "quiet": True,
        "as_json": False,
    }
    return HostJob(**{**options, **changes})


def test_an_input_is_loaded_in_seventeen_commands_of_at_most_64_characters(
    dut: FakeDut, link: Link, dataset: Dataset
) -> None:
    HostSession(link).load(dataset.input(1))
    loading = [command for command in dut.commands if command.startswith("db ") and "load" not in command]
    assert dut.commands[0] == "db load 490"
    assert len(loading) == 17
    assert max(len(command) + 1 for command in loading) <= 64
    assert bytes.fromhex("".join(command[3:] for command in loading)) == dataset.input(1)


def test_the_handshake_learns_the_name(dut: FakeDut, link: Link) -> None:
    session = HostSession(link)
    session.handshake()
    assert session.name == "fake"
    assert dut.commands == ["name", "profile", "timestamp"]


class Script(Link):
    """A line that says what it is told, whatever it is asked."""

    def __init__(self, *chunks: bytes) -> None:
        super().__init__("script")
        self.chunks = list(chunks)

    def read(self, timeout_s: float) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        return None


def test_a_boot_message_that_comes_late_is_not_taken_for_an_answer() -> None:
    name, other = b"m-name-dut-[x]\r\nm-ready\r\n", b"m-lap-us-1\r\nm-ready\r\n"
    session = HostSession(Script(b"m-init-done\r\nm-ready\r\n", name, name, b"", other, other))
    session.handshake()
    assert session.name == "x"


def test_half_a_command_of_an_earlier_host_is_forgiven() -> None:
    name, other = b"m-name-dut-[x]\r\nm-ready\r\n", b"m-lap-us-1\r\nm-ready\r\n"
    session = HostSession(Script(b"e-[Unknown command: infname]\r\n", b"m-ready\r\n", name, b"", other, other))
    session.handshake()
    assert session.name == "x"


def test_replies_may_come_in_pieces() -> None:
    session = HostSession(Script(b"m-lap-", b"us-77\r", b"\nm-re", b"ady\r\n"))
    assert [reply.text for reply in session.command("timestamp")] == ["m-lap-us-77"]


def test_a_dut_that_never_answered_is_wrong_use_and_one_that_stopped_has_failed() -> None:
    with pytest.raises(DutError, match="kws-trace run") as never:
        HostSession(Script()).command("name")
    assert never.value.exit_code == 2
    session = HostSession(Script(b"m-ready\r\n"))
    session.command("name")
    with pytest.raises(DutError) as later:
        session.command("timestamp")
    assert later.value.exit_code == 1


@pytest.mark.parametrize("results", ["m-results-[a,b]", "m-results-[0.5]", "m-results-[]", "nothing"])
def test_results_that_are_no_twelve_numbers_are_an_error(results: str) -> None:
    said = f"m-lap-us-1\r\nm-lap-us-2\r\n{results}\r\nm-ready\r\n".encode()
    with pytest.raises(RefusedError):
        HostSession(Script(said)).infer(1, 0)


def test_five_inputs_make_five_windows(dut: FakeDut, link: Link, dataset: Dataset) -> None:
    outcome = run_performance(HostSession(link), dataset, PerformancePlan(inferences=20, warmups=3))
    assert [command for command in dut.commands if command.startswith("infer")] == ["infer 20 3"] * 5
    assert [int(np.argmax(window.probabilities)) for window in outcome] == [0, 1, 2, 3, 0]
    assert median_rate_hz(outcome) == np.median([window.rate_hz for window in outcome])


class TimedDut(Link):
    """
    A DUT on a clock of its own: an inference takes ``inference_s``, and nothing else takes any time.

    ``lap_scale``: its laps are this many times the time that went by.
    """

    def __init__(self, inference_s: float, lap_scale: float = 1.0) -> None:
        super().__init__("timed")
        self.now = 0.0
        self._inference_s, self._lap_scale = inference_s, lap_scale
        self._said: list[tuple[float, str]] = []

    def clock(self) -> float:
        return self.now

    def read(self, timeout_s: float) -> bytes:
        took, line = self._said.pop(0)
        self.now += took
        if line == "lap":
            line = f"m-lap-us-{round(self.now * self._lap_scale * 1e6)}"
        return f"{line}\r\n".encode()

    def write(self, data: bytes, timeout_s: float = 5.0) -> None:
        words = data.decode().rstrip("%").split()
        if words[0] == "infer":
            inferences, warmups = int(words[1]), int(words[2])
            self._said += [(0, f"m-warmup-start-{warmups}"), (warmups * self._inference_s, "m-warmup-done")]
            self._said += [(0, "lap"), (inferences * self._inference_s, "lap")]
            self._said.append((0, f"m-results-[{','.join(['0.5'] * 12)}]"))
        # Said after every piece of an input: a host waits for the last one alone.
        self._said += [(0, "m-load-done")] * (words[0] == "db") + [(0, "m-ready")]


def test_n_is_measured_for_windows_of_the_length_that_was_asked_for(dataset: Dataset) -> None:
    dut = TimedDut(inference_s=0.0005)
    plan = PerformancePlan(seconds=0.5, warmups=0, windows=2)
    outcome = run_performance(HostSession(dut, clock=dut.clock), dataset, plan)
    assert [window.inferences for window in outcome] == [1000, 1000]
    assert [window.wall_s for window in outcome] == pytest.approx([0.5, 0.5])


class OneReadDut(TimedDut):
    """Its replies come together, when the last of them is there: a line or a host that was held up."""

    def read(self, timeout_s: float) -> bytes:
        said = b""
        while self._said:
            said += super().read(timeout_s)
        return said


def test_replies_that_come_in_one_read_do_not_make_n_a_thousandfold(dataset: Dataset) -> None:
    dut = OneReadDut(inference_s=0.0005)
    plan = PerformancePlan(seconds=0.5, warmups=0, windows=1)
    session = HostSession(dut, clock=dut.clock)
    session.load(dataset.input(0))
    assert measure_inferences(session, plan) == pytest.approx(1000, rel=0.01)


def test_n_has_a_ceiling_and_a_dut_that_runs_no_warmups_is_told() -> None:
    dut = TimedDut(inference_s=1.1e-6)
    session = HostSession(dut, clock=dut.clock)
    assert measure_inferences(session, PerformancePlan(seconds=3600.0)) == 100_000_000
    with pytest.raises(RefusedError, match="it runs no warm-ups; give --inferences"):
        measure_inferences(HostSession(TimedDut(0.0), clock=lambda: 0.0), PerformancePlan())


def test_how_long_a_dut_may_be_silent_follows_from_n_and_its_latency(dataset: Dataset) -> None:
    dut = TimedDut(inference_s=0.01)
    session = HostSession(dut, clock=dut.clock)
    assert [session.silence_limit_s(count) for count in (1, 10_000, 10**8)] == [300.0, 1000.0, 3600.0]
    said: list[str] = []
    run_performance(session, dataset, PerformancePlan(inferences=2000, warmups=0, windows=2), say=said.append)
    assert [session.silence_limit_s(count) for count in (1, 2000, 10**8)] == pytest.approx([60.0, 130.0, 3600.0])
    assert said == ["N is 2,000 (as asked); the DUT may be silent for 300.000 s over it"]


def test_a_dut_of_another_model_is_told_by_its_name() -> None:
    name, profile = b"m-name-dut-[nano]\r\nm-ready\r\n", b"m-model-[ad01]\r\nm-ready\r\n"
    with pytest.raises(DutError, match=r"nano: the DUT runs the model ad01 .* start a DUT of kws01"):
        HostSession(Script(name, b"", profile)).handshake()


def window(seconds: float, inferences: int = 2400, wall_s: float | None = None) -> WindowOutcome:
    return WindowOutcome(inferences, round(seconds * 1e6), seconds if wall_s is None else wall_s, ONES)


def test_results_have_the_lines_of_the_published_ones(shared_data: Path) -> None:
    published = shared_data / "mlperf-tiny-results" / "v0.5-reference-Nucleo-L4R5ZI" / "results.txt"
    lines = [line.split(": ", 1)[1] for line in published.read_text().splitlines()]
    outcome = [window(18.192, 100)] * 5
    assert performance_lines(outcome, 2) == lines[:-1]
    people = [line for line in performance_lines(outcome) if line.startswith("Performance results")]
    assert people == [f"Performance results for window {number}:" for number in range(1, 6)]


def test_a_window_under_ten_seconds_has_not_met_the_requirement() -> None:
    lines = performance_lines([window(9.99)])
    assert any("NOT been met" in line for line in lines)
    assert not any(line == "Runtime requirements have been met." for line in lines)


def test_laps_that_differ_from_the_hosts_clock_are_told() -> None:
    # The windows of the 2021 session: CPU time in the laps.
    assert "Window 1: the DUT's laps say 10.540 s" in clock_lines([window(10.540, wall_s=10.037)])[0]
    assert clock_lines([window(10.040, wall_s=10.037)]) == []
    assert clock_lines([window(0.0, wall_s=1.0)]) != []


@pytest.mark.parametrize(("lap_scale", "differ"), [(1.5, True), (1.0, False)])
def test_a_dut_whose_laps_are_cpu_time_is_found_out(dataset: Dataset, lap_scale: float, *, differ: bool) -> None:
    dut = TimedDut(0.0005, lap_scale)
    plan = PerformancePlan(inferences=400, warmups=0, windows=1)
    outcome = run_performance(HostSession(dut, clock=dut.clock), dataset, plan)
    assert outcome[0].wall_s == pytest.approx(0.2)
    assert outcome[0].clocks_differ is differ


def test_classes_that_do_not_occur_are_named_and_left_out_of_the_exact_auc() -> None:
    outcome = np.eye(12)[:2], np.array([0, 1])
    top1, auc = accuracy_lines(*outcome)
    assert top1 == "Top-1: 100.0%"
    assert auc.startswith("AUC: not defined: no input of left, no, off")
    assert exact_auc_lines(*outcome) == ["The exact AUC over the 2 classes that occur: 1.0000"]
    assert exact_auc_lines(np.eye(12)[:1], np.array([0])) == []


def test_an_output_that_is_no_number_has_no_auc() -> None:
    outcome = np.array([np.full(12, np.nan), *np.eye(12)[1:]]), np.arange(12)
    assert accuracy_lines(*outcome)[1] == "AUC: not defined: an output is no number"
    assert exact_auc_lines(*outcome) == []


def test_the_auc_is_printed_as_energyrunner_computes_it_and_the_exact_one_is_given_beside_it() -> None:
    # Scores that rank perfectly, all under 0.01: energyrunner's lowest threshold sees none of them.
    outcome = np.eye(12)[np.arange(24) % 12] * 0.005, np.arange(24) % 12
    assert accuracy_lines(*outcome) == ["Top-1: 100.0%", "AUC: 0.50"]
    assert exact_auc_lines(*outcome) == ["The exact AUC: 1.0000"]
    windows = [WindowOutcome(1, 1, 1.0, vector) for vector in outcome[0]]
    facts = outcome_json("accuracy", windows, outcome[1], "session")
    assert (facts["auc"], facts["auc_at_thresholds"]) == (1.0, 0.5)


def test_an_accuracy_session_prints_its_figures_and_leaves_its_files(
    dut: FakeDut, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive(job(tmp_path, folder, "accuracy"))
    printed = capsys.readouterr().out
    assert "Top-1: 83.3%" in printed
    assert "AUC: not defined: no input of off, right, stop" in printed
    assert dut.commands.count("infer 1 0") == 6
    results = (tmp_path / "session" / "results.txt").read_text().splitlines()
    assert results[0].split(": ", 1)[1] == "Top-1: 83.3%"
    assert all(re.fullmatch(r"\d{5}\.\d{3} ulp-mlperf: .*", line) for line in results)


def test_an_accuracy_log_of_ours_is_recomputed_to_the_digits_that_it_prints(
    dut: FakeDut, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kws01"
    folder.mkdir()
    names = [f"tst_{number:06d}_Word_{number % 12}.bin" for number in range(36)]
    for number, name in enumerate(names):
        given = (number % 12 + (number % 5 == 0)) % 12
        (folder / name).write_bytes(bytes([given]) + bytes(489))
    (folder / "y_labels.csv").write_text("".join(f"{name},12,{n % 12}\n" for n, name in enumerate(names)))
    drive(job(tmp_path, folder, "accuracy", as_json=True))
    facts = json.loads(capsys.readouterr().out)
    judged = audit_session(build_session(tmp_path / "session"))
    printed = {one.name: one.text for one in judged.session.printed}
    assert printed == {"top1_percent": f"{100 * facts['top1']:.1f}", "auc": f"{facts['auc_at_thresholds']:.2f}"}
    assert (judged.figures.auc, judged.figures.auc_form) == (facts["auc_at_thresholds"], "thresholds")
    assert judged.figures.top1 == facts["top1"] < 1
    assert "printed-differs" not in {finding.rule for finding in judged.findings}


def test_json_holds_the_outcome(
    dut: FakeDut, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drive(job(tmp_path, folder, "accuracy", as_json=True))
    facts = json.loads(capsys.readouterr().out)
    assert facts["top1"] == pytest.approx(5 / 6)
    assert np.sum(facts["confusion"]) == 6
    drive(job(tmp_path, folder, "performance", as_json=True))
    facts = json.loads(capsys.readouterr().out)
    assert len(facts["windows"]) == 5
    assert {"inferences", "lap_us", "wall_s", "rate_hz", "met"} <= set(facts["windows"][0])


def test_the_session_goes_into_the_run_that_is_being_recorded(
    dut: FakeDut, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, state in (("old", "complete"), ("now", "recording")):
        (tmp_path / "traces" / name).mkdir(parents=True)
        facts = {"state": state, "port": f"pty:{dut.path}"}
        (tmp_path / "traces" / name / "run.json").write_text(json.dumps(facts))
    drive(job(tmp_path, folder, "accuracy", session=None))
    assert (tmp_path / "traces" / "now" / "session" / "results.txt").exists()
    assert not (tmp_path / "traces" / "old" / "session").exists()


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
def test_what_was_measured_before_a_dut_failed_is_on_disk(tmp_path: Path, folder: Path, mode: str) -> None:
    with FakeDut(tmp_path / "dut", refuse_after=3), pytest.raises(RefusedError, match="Model failed") as raised:
        drive(job(tmp_path, folder, mode))
    assert raised.value.exit_code == 1
    results = (tmp_path / "session" / "results.txt").read_text()
    if mode == "performance":
        assert results.count("Throughput") == 3
    else:
        assert "Top-1: 100.0%" in results
        assert "Only 3 of 6 inputs were measured." in results
    assert "dut: e-[Model failed]" in (tmp_path / "session" / "log.txt").read_text()


def shape(line: str) -> str:
    """A log line without what differs between rigs: times, numbers, names of files and folders."""
    line = re.sub(r'bload dut ".*"(?=\]|")', "bload dut Q", line)
    line = re.sub(r"-val\[[^\]]*\]", "-val[V]", line)
    line = re.sub(r"m-version\[[^\]]*\]", "m-version[V]", line)
    return re.sub(r"-?\d+(\.\d+)?(,\d+\.\d+)*", "N", line.split(" ", 1)[1])


def test_the_log_has_the_line_forms_of_the_real_one_in_the_same_order(
    shared_data: Path, dut: FakeDut, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = shared_data / "mlperf-tiny-results" / "v0.5-reference-Nucleo-L4R5ZI" / "log.txt"
    drive(job(tmp_path, folder, "performance"))
    ours = (tmp_path / "session" / "log.txt").read_text().splitlines()
    session = [line for line in ours if " ulp-mlperf: " not in line]
    assert all(re.match(r"\d{5}\.\d{3} \w", line) for line in ours)
    theirs = [shape(line) for line in real.read_text().splitlines()]
    assert [shape(line) for line in session] == theirs


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
def test_results_json_has_the_official_runners_fields_and_gives_what_the_log_gives(
    dut: FakeDut, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    drive(job(tmp_path, folder, mode))
    entries = json.loads((tmp_path / "session" / "results.json").read_text())
    assert [set(entry) for entry in entries] == [
        {"file", "classes", "class", "bytes_to_send", "stride", "total_length", "infer", "mode"}
    ] * len(entries)
    fields = {"start_time", "end_time", "results", "elapsed_time", "total_inferences", "iterations", "warmups"}
    assert set(entries[0]["infer"]) == fields | ({"throughput"} if mode == "performance" else set())
    assert [entry["class"] for entry in entries[:4]] == ["0", "1", "2", "3"]
    by_log, by_json = (build_session(tmp_path / "session" / name) for name in ("log.txt", "results.json"))
    assert by_json.kind == by_log.kind == mode
    told = [[(w.lap_us, w.inferences, w.warmups, w.probabilities) for w in one.windows] for one in (by_log, by_json)]
    assert told[0] == told[1]


def test_results_json_has_the_fields_of_a_published_one(
    shared_data: Path, dut: FakeDut, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = shared_data / "mlperf-tiny-results" / "v1.3-STMicroelectronics-NUCLEO_L4R5ZI-P" / "results.json"
    drive(job(tmp_path, folder, "performance"))
    ours, theirs = (json.loads(path.read_text())[0] for path in (tmp_path / "session" / "results.json", real))
    assert set(ours) == set(theirs)
    assert {key: type(value) for key, value in ours["infer"].items()} == {
        key: type(value) for key, value in theirs["infer"].items()
    }
