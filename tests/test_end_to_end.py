"""A real DUT as a child process on a pseudo-terminal, driven by a minimal client written from the protocol."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runner.accuracy.recorded_results import match, read_recorded
from runner.dataset import shipped_dataset
from runner.host.outcomes import PerformancePlan
from runner.host.results import answers_of
from runner.host.session import HostJob, run_session
from runner.inference.models import SHIPPED_TFLITE, ModelChoice, load_pipeline
from runner.line.ports import open_host_link
from tests.children import PATIENCE_S
from tests.serial_client import Client, results, running_dut
from tracer.accuracy.confusion import top1_of
from tracer.runs.run_store import stored_run


@pytest.fixture
def dut(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with running_dut(tmp_path) as child:
        yield child


@pytest.fixture
def client(dut: subprocess.Popen[str], tmp_path: Path) -> Iterator[Client]:
    with Client(tmp_path / "dut") as host:
        yield host


def test_predictions_equal_the_model_called_directly_and_the_run_holds_them(
    dut: subprocess.Popen[str], client: Client, tmp_path: Path
) -> None:
    dataset = shipped_dataset()
    assert client.ask(b"name%") == ["m-name-dut-[kws-trace]", "m-ready"]
    pipeline = load_pipeline(ModelChoice(SHIPPED_TFLITE))
    for index in range(50):
        data = dataset.input(index)
        client.load(data)
        heard = results(client.ask(b"infer 1 0%"))
        pipeline.load(data)
        pipeline.backend.fused()
        assert np.abs(pipeline.backend.probabilities() - heard).max() <= 5.01e-7
    laps = [line for line in client.ask(b"infer 300 5%") if line.startswith("m-lap-us-")]
    dut.send_signal(signal.SIGTERM)
    assert dut.wait(PATIENCE_S) == 0
    run = stored_run("run", tmp_path / "traces")
    assert run.state == "complete"
    windows = run.windows().to_pylist()
    assert len(windows) == 51
    assert [f"m-lap-us-{windows[-1][key]}" for key in ("lap_start_us", "lap_end_us")] == laps
    spans = run.spans().to_pandas()
    assert spans[spans.inference.notna()].groupby("stage", observed=True).size().to_dict() == {
        "host_to_device": 355,
        "session_run": 355,
        "readback": 355,
    }
    assert not (tmp_path / "dut").is_symlink()
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    assert len(files) <= 8


def test_a_kill_in_the_middle_of_a_window_keeps_every_window_before_it(
    dut: subprocess.Popen[str], client: Client, tmp_path: Path
) -> None:
    client.load(bytes(490))
    client.ask(b"infer 10 0%")
    client.begin(10_000_000)
    time.sleep(0.1)
    dut.kill()
    dut.wait(PATIENCE_S)
    run = stored_run("run", tmp_path / "traces")
    assert run.state == "recovered"
    assert run.windows()["inferences"].to_pylist() == [10]


def test_a_signal_in_the_middle_of_a_window_ends_the_run_complete_with_the_window_aborted(
    dut: subprocess.Popen[str], client: Client, tmp_path: Path
) -> None:
    client.load(bytes(490))
    client.begin(10_000_000)
    time.sleep(0.1)
    dut.send_signal(signal.SIGINT)
    assert dut.wait(PATIENCE_S) == 0
    window = stored_run("run", tmp_path / "traces").windows().to_pylist()[0]
    assert window["state"] == "aborted"
    assert window["inferences"] > 0


def test_the_accuracy_pass_of_the_run_is_the_one_that_its_host_printed(tmp_path: Path) -> None:
    dataset, port = shipped_dataset(), f"pty:{tmp_path / 'dut'}"
    plan = PerformancePlan(seconds=0.05, windows=2)
    with running_dut(tmp_path) as child:
        link = open_host_link(port, 115200)
        try:
            for mode in ("performance", "accuracy"):
                job = HostJob(port, 115200, mode, tmp_path, plan, session=tmp_path / mode, quiet=True)
                windows, _, _ = run_session(job, link, dataset, lambda: None)
        finally:
            link.close()
        child.send_signal(signal.SIGTERM)
        assert child.wait() == 0
    run = stored_run("run", tmp_path / "traces")
    kinds = [one.kind for one in run.each_window]
    assert kinds.count("calibration") >= 3
    assert (kinds.count("performance"), kinds.count("accuracy")) == (2, len(windows))
    recorded = match(read_recorded("run", tmp_path / "traces"), dataset)
    assert len(recorded.all_vectors) == len(windows) == len(dataset.names)
    assert top1_of(recorded.all_vectors, recorded.all_labels) == top1_of(*answers_of(windows, dataset.labels))
