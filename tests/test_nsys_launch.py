"""The DUT under nsys, with a fake of both: command lines, signals, reports, and what becomes of them."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.children import module_command
from runner.dut import profiler_launch
from runner.dut.capture_plan import CaptureChoice
from runner.dut.profiler_launch import LAUNCHER_OPTIONS, refuse_impossible
from runner.dut.run_job import RunJob
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice
from runner.nsys import installation
from runner.nsys.command import profile_command
from runner.nsys.installation import Nsys, find_nsys
from runner.nsys.launch import run_under_nsys, without_profiler_options
from tests.children import meanwhile, wait_until
from tests.fake_nsys import ALWAYS, HELP, NEWER, OLDER, Fake
from tests.gpu_runs import recorded_run, usual_windows
from tracer.errors import NotInstalledError, ProfilerError, UsageError
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    made = Fake(tmp_path, monkeypatch)
    yield made
    # A DUT that still waits for a signal, because the test failed before it, ends.
    (made.folder / "waits").unlink(missing_ok=True)


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        assert signal.getsignal(number) is handler


def test_the_run_and_its_captures_are_there_when_the_dut_has_ended(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.leaves(captures=2)
    assert fake.serve() == 0
    run = stored_run("mine", fake.traces)
    assert [facts["file"] for facts in run.info.captures] == ["capture.1.nsys-rep", "capture.2.nsys-rep"]
    assert build_report(run)["gpu"]["inferences"] == 40
    assert sorted(path.name for path in fake.traces.iterdir()) == ["mine", "mine.profile"]
    kept = sorted(path.name for path in (fake.traces / "mine.profile").iterdir())
    assert kept == ["capture.1.nsys-rep", "capture.2.nsys-rep", "nsys.log"]
    said = capsys.readouterr().err
    assert said.startswith("no kernel will be captured: kws_ds_cnn_int8.tflite runs on LiteRT")
    assert "nsys 2023.2.3.1001-32894139v0, preset light: 20 inferences after each of the first 2" in said
    assert "at most about 16.0 MB" in said


def test_the_dut_gets_its_own_options_and_the_orders_and_not_the_launchers(fake: Fake) -> None:
    fake.leaves()
    fake.serve()
    dut = fake.said("dut.json")
    assert dut["words"] == [
        *module_command("runner", "run", folder=Path.cwd())[1:],
        *("--port", "pty:dut", "--traces", str(fake.traces)),
        *("--capture-inferences", "20", "--capture-windows", "2", "--profiler-pairs", "0"),
    ]
    assert dut["orders"]["name"] == "mine"
    version = "2023.2.3.1001-32894139v0"
    facts = {"name": "nsys", "version": version, "preset": "light", "traced": ["cuda", "nvtx"]}
    assert dut["orders"]["profiler"] == facts


def test_nsys_stands_in_a_session_of_its_own_and_its_rubbish_goes(fake: Fake) -> None:
    fake.leaves()
    fake.serve()
    facts = fake.said("profile.json")
    assert facts["session"] == facts["pid"]
    assert facts["environment"]["NSYS_NVTX_PROFILER_REGISTER_ONLY"] == "0"
    assert Path(facts["environment"]["TMPDIR"]).parent == (fake.traces / "mine.profile")
    assert not Path(facts["environment"]["TMPDIR"]).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("handlers")
def test_a_signal_reaches_the_dut_alone_and_nsys_ends_after_it(fake: Fake, number: signal.Signals) -> None:
    fake.leaves()
    (fake.folder / "waits").touch()

    def send_when_it_runs(stop: threading.Event) -> None:
        pid_file = fake.traces / "mine.profile" / "dut.pid"
        wait_until(lambda: stop.is_set() or pid_file.exists(), "the DUT runs")
        if not stop.is_set():
            os.kill(os.getpid(), number)

    with meanwhile(send_when_it_runs):
        assert fake.serve() == 0
    assert fake.said("dut.json")["signals"] == [number]
    assert not (fake.folder / "nsys-was-signalled").exists()
    assert len(stored_run("mine", fake.traces).info.captures) == 2


@pytest.mark.parametrize(
    ("preset", "text", "wanted"),
    [
        ("light", HELP, ["--trace=cuda,nvtx", "--cuda-graph-trace=graph"]),
        ("deep", HELP, ["--trace=cuda,nvtx,cudnn,cublas,osrt", "--cuda-graph-trace=node"]),
        ("light", NEWER, ["--trace=cuda,nvtx", "--cuda-graph-trace=graph", "--cuda-event-trace=false"]),
        ("light", OLDER, ["--trace=cuda,nvtx"]),
        ("deep", OLDER, ["--trace=cuda,nvtx,osrt"]),
    ],
)
def test_a_preset_asks_for_what_this_nsys_has(fake: Fake, preset: str, text: str, wanted: list[str]) -> None:
    fake.says("help", text)
    command = profile_command(find_nsys(), preset, 2, Path("out/capture"), ["python", "-m", "runner"])
    assert command[1] == "profile"
    assert command[-3:] == ["python", "-m", "runner"]
    assert sorted(command[2:-3]) == sorted([*ALWAYS, *wanted, "--output=out/capture"])


def test_an_nsys_that_does_not_start_the_dut_is_told_with_what_it_said(fake: Fake) -> None:
    (fake.folder / "refuses").touch()
    with pytest.raises(ProfilerError, match="ended with 3 before the DUT began; it said: cannot start here"):
        fake.serve()
    assert fake.starts == 2
    assert not (fake.traces / "mine.profile").exists()


def test_an_nsys_whose_own_start_fails_is_started_once_again_and_says_so(
    fake: Fake, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.leaves()
    (fake.folder / "fails-once").touch()
    assert fake.serve() == 0
    assert fake.starts == 2
    assert len(stored_run("mine", fake.traces).info.captures) == 2
    again = [line for line in capfd.readouterr().err.splitlines() if "once again" in line]
    assert again == ["nsys: it ended with 1 before what it runs had begun; it is started once again"]


def test_an_nsys_whose_dut_had_begun_is_not_started_again(fake: Fake) -> None:
    fake.says("code", "1")
    assert fake.serve() == 1
    assert fake.starts == 1


def test_a_dut_that_refuses_hands_on_its_exit_code_and_leaves_nothing(fake: Fake) -> None:
    fake.says("code", "2")
    assert fake.serve() == 2
    assert list(fake.traces.iterdir()) == []


def test_a_run_in_which_nothing_was_captured_is_complete_and_the_job_failed(fake: Fake) -> None:
    recorded_run(fake.folder, [usual_windows()[0]])
    with pytest.raises(ProfilerError, match="the run itself is complete") as caught:
        fake.serve()
    assert caught.value.exit_code == 1
    assert stored_run("mine", fake.traces).state == "complete"
    assert [path.name for path in fake.traces.iterdir()] == ["mine"]


def test_the_capture_in_which_the_run_was_ended_is_left_out_and_the_others_taken(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.leaves(captures=2, cut=True)
    assert fake.serve() == 0
    assert [facts["first_inference"] for facts in stored_run("mine", fake.traces).info.captures] == [12]
    assert "capture.2.nsys-rep: left out: the run was ended in the middle" in capsys.readouterr().err


def test_raw_captures_without_an_importer_are_announced_and_kept_for_another_machine(
    fake: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.leaves(captures=1, suffix=".qdstrm")
    monkeypatch.setattr(profiler_launch, "find_nsys", lambda: replace(find_nsys(), importer=None))
    with pytest.raises(NotInstalledError, match=r"kws-trace ingest RUN capture\.1\.qdstrm") as caught:
        fake.serve()
    assert caught.value.exit_code == 2
    assert "no QdstrmImporter beside" in capsys.readouterr().err
    assert (fake.traces / "mine.profile" / "capture.1.qdstrm").exists()
    assert stored_run("mine", fake.traces).state == "complete"


def test_raw_captures_are_imported_by_the_importer_beside_nsys(fake: Fake, tmp_path: Path) -> None:
    folder = tmp_path / "host-linux-fake"
    folder.mkdir()
    importer = folder / "QdstrmImporter"
    importer.write_text('#!/bin/sh\ncp "$2" "$4"\n')
    importer.chmod(0o755)
    fake.leaves(captures=2, suffix=".qdstrm")
    assert find_nsys().importer == importer
    assert fake.serve() == 0
    assert [facts["file"] for facts in stored_run("mine", fake.traces).info.captures] == [
        "capture.1.nsys-rep",
        "capture.2.nsys-rep",
    ]
    assert not list((fake.traces / "mine.profile").glob("*.qdstrm"))


def test_ten_captures_are_taken_in_their_order_not_that_of_their_names(fake: Fake) -> None:
    folder = fake.folder / "reports"
    for number in range(1, 12):
        (folder / f"capture.{number}.nsys-rep").touch()
    (fake.folder / "run").mkdir()
    words = ["run", "--traces", str(fake.traces)]
    code, reports = run_under_nsys(find_nsys(), "light", 11, "mine", fake.traces / "mine.profile", words)
    assert code == 0
    assert [path.name for path in reports] == [f"capture.{number}.nsys-rep" for number in range(1, 12)]


def test_the_launchers_options_go_in_whatever_form_they_were_given() -> None:
    words = ["run", "--nsys", "--preset", "deep", "--port=pty:x", "--name=a", "--capture-windows", "3", "--stages"]
    kept = without_profiler_options([*words, "fused", "--capture-inferences=7"], LAUNCHER_OPTIONS)
    assert kept == ["run", "--port=pty:x", "--stages", "fused"]


def test_the_newest_nsys_of_the_usual_folder_is_taken_where_path_has_none(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("2022.4.2", "2023.2.3"):
        folder = tmp_path / "opt" / version / "target-linux-tegra-armv8"
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / "bin" / "nsys", folder / "nsys")
    monkeypatch.setenv("PATH", str(fake.folder))
    monkeypatch.setattr(installation, "_FOLDERS", (f"{tmp_path}/opt/*/target-linux-*",))
    found = find_nsys()
    assert isinstance(found, Nsys)
    assert found.path.parent.parent.name == "2023.2.3"


@pytest.mark.parametrize(
    ("runtime", "name"),
    [("tensorrt", "TensorRT"), ("capi", "TensorFlow's C library"), (None, "LiteRT")],
)
def test_tensorflows_profiler_names_each_runtime_of_which_it_sees_nothing(
    tmp_path: Path, runtime: str | None, name: str
) -> None:
    model = {"tensorrt": tmp_path / "m.onnx", "capi": SHIPPED_SAVED_MODEL}.get(str(runtime), SHIPPED_TFLITE)
    (tmp_path / "m.onnx").touch()
    choice = ModelChoice(model, runtime=runtime, library="libtensorflow.so" if runtime == "capi" else None)
    with pytest.raises(UsageError, match=f"runs on {name}, of which TensorFlow's profiler sees nothing"):
        refuse_impossible(RunJob(choice, tmp_path, name="r", capture=CaptureChoice(20, 2)), "tensorflow")
