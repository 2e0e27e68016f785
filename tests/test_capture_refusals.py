"""What would leave a profiled run without a capture is said before it starts."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.dut import profiler_launch
from runner.dut.capture_plan import CaptureChoice
from runner.dut.profiler_launch import serve_with_tensorflow
from runner.dut.run_job import RunJob
from runner.inference.models import SHIPPED_SAVED_MODEL, ModelChoice
from runner.nsys import installation
from runner.nsys.installation import find_nsys
from tests.fake_nsys import HELP, Fake
from tests.gpu_runs import recorded_run, usual_windows
from tracer.errors import NotInstalledError, ProfilerError, RunError, UsageError


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path, monkeypatch)


def test_an_nsys_without_capture_ranges_is_refused_before_the_run(fake: Fake) -> None:
    fake.says("help", HELP.replace("--capture-range=", "--capture="))
    with pytest.raises(NotInstalledError, match=r"has no --capture-range; install 2020\.4 or newer") as caught:
        fake.serve()
    assert caught.value.exit_code == 2
    assert not fake.starts
    assert not fake.traces.exists()


def test_no_nsys_is_refused_before_the_run_with_how_it_is_had(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake.folder))
    monkeypatch.setattr(installation, "_FOLDERS", (f"{fake.folder}/none/*",))
    with pytest.raises(NotInstalledError, match="nsight-systems-cli") as caught:
        fake.serve()
    assert caught.value.exit_code == 2
    assert not fake.traces.exists()


def test_an_nsys_that_says_no_version_is_broken(fake: Fake) -> None:
    fake.says("version", "libfoo.so.1: cannot open shared object file")
    with pytest.raises(ProfilerError, match="names no version; it said: libfoo") as caught:
        find_nsys()
    assert caught.value.exit_code == 1


def test_the_run_that_nsys_needs_ranges_of_is_refused_without_them(fake: Fake) -> None:
    with pytest.raises(UsageError, match="--no-nvtx") as caught:
        fake.serve(nvtx=False)
    assert caught.value.exit_code == 2
    assert not fake.starts
    assert not fake.traces.exists()


def test_an_nvtx_that_pushes_nothing_is_refused_before_the_run(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiler_launch, "open_ranges", lambda: None)
    with pytest.raises(UsageError, match=r"nvtx 0\.2\.12 or newer"):
        fake.serve()
    assert not fake.starts


def test_a_capture_of_nothing_is_refused(fake: Fake) -> None:
    with pytest.raises(UsageError, match="--capture-inferences 0: nothing would be captured"):
        fake.serve(capture=CaptureChoice(0, 2))
    assert not fake.starts


def test_a_name_that_is_taken_is_refused_and_what_is_there_left_alone(fake: Fake) -> None:
    fake.leaves(captures=1)
    fake.serve()
    before = {path: path.read_bytes() for path in fake.traces.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match="mine"):
        fake.serve()
    assert {path: path.read_bytes() for path in fake.traces.rglob("*") if path.is_file()} == before
    shutil.rmtree(fake.traces / "mine")
    with pytest.raises(RunError, match="profiles of an earlier run"):
        fake.serve()


def test_tensorflows_profiler_is_refused_for_a_model_that_it_cannot_see(fake: Fake) -> None:
    with pytest.raises(UsageError, match=r"runs on LiteRT.*--backend tensorflow") as caught:
        serve_with_tensorflow(fake.job(), "pty:dut", 115200, "bench")
    assert caught.value.exit_code == 2
    assert not fake.traces.exists()


def test_tensorflows_profiler_needs_no_nvtx(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ranges are TensorFlow's own."""
    served: list[RunJob] = []

    def serve(job: RunJob, *_: Any) -> int:
        served.append(job)
        recorded_run(fake.traces, [usual_windows()[0]], name="mine")
        return 0

    monkeypatch.setattr(profiler_launch, "serve_run", serve)
    job = replace(fake.job(nvtx=False), choice=ModelChoice(SHIPPED_SAVED_MODEL))
    with pytest.raises(ProfilerError):
        serve_with_tensorflow(job, "pty:dut", 115200, "bench")
    assert served[0].profile_folder == fake.traces / "mine.profile"


def test_the_command_line_refuses_what_contradicts_itself_before_anything_starts(fake: Fake) -> None:
    base = ["run", "--port", "pty:dut", "--traces", str(fake.traces)]
    for words, said in (
        (["--nsys", "--no-nvtx"], "--no-nvtx"),
        (["--profiler", "tensorflow"], "runs on LiteRT"),
        (["--nsys", "--profiler", "tensorflow"], "one profiler at a time"),
        (["--nsys", "--capture-inferences", "0"], "nothing would be captured"),
        (["--capture-inferences", "5", "--no-nvtx"], "--no-nvtx"),
    ):
        done = CliRunner().invoke(app, [*base, *words])
        assert said in " ".join(f"{done.output} {done.exception}".split()), words
        assert getattr(done.exception, "exit_code", done.exit_code) == 2
    assert not fake.traces.exists()
    assert not fake.starts
