"""A folder that somebody else may write is no place to run code from: nothing that lies in it is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.children import code_command, module_command
from runner.commands.dashboard import dashboard_command
from runner.device.sampler import DeviceSampler
from tests.attacks.programs import SCRIPT, dut, hostile_folder, ran
from tests.children import free_port, read_until, running
from tests.conftest import ROOT
from tests.needs import needs_nsys


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = hostile_folder(tmp_path / "hostile")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return folder


def test_the_folder_harms_a_python_that_is_started_as_usual(hostile: Path) -> None:
    subprocess.run([sys.executable, "-m", "typer"], check=False, capture_output=True)
    assert ran(hostile) == ["typer"]


def test_a_module_of_ours_starts_without_the_folder(hostile: Path) -> None:
    done = subprocess.run(module_command("runner", "--version"), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("kws-trace ")
    assert ran(hostile) == []


def test_code_of_ours_starts_without_the_folder(hostile: Path) -> None:
    code = "import numpy, typer, runner, tracer; print(runner.__file__)"
    done = subprocess.run(code_command(code), capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == ROOT / "runner" / "__init__.py"
    assert ran(hostile) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["runs"],
        ["demo", "--help"],
        ["doctor", "--no-tensorflow"],
        ["report", str(ROOT / "traces/sample-cpu")],
    ],
    ids=lambda words: words[0],
)
def test_no_command_runs_what_lies_in_the_folder(hostile: Path, words: list[str]) -> None:
    subprocess.run([SCRIPT, *words], capture_output=True, check=False)
    assert ran(hostile) == []


def test_the_module_runs_only_a_package_of_its_own_name_there(hostile: Path) -> None:
    """``python -m runner`` is Python's to find; where it finds ours, nothing beside it is imported."""
    for package in ("runner", "tracer"):
        (hostile / package / "__init__.py").unlink()
        (hostile / package).rmdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "runner", "--version"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("kws-trace ")
    assert ran(hostile) == []


def test_the_sampler_of_a_run_starts_without_the_folder(hostile: Path, tmp_path: Path) -> None:
    sensor = tmp_path / "root/sys/devices/system/cpu/cpufreq/policy0"
    sensor.mkdir(parents=True)
    (sensor / "scaling_cur_freq").write_text("1000000\n")
    sampler = DeviceSampler.start(tmp_path / "samples.txt", 10, tmp_path / "root")
    assert sampler is not None
    assert sampler.stop()
    assert ran(hostile) == []


def test_a_run_starts_and_ends_without_the_folder(hostile: Path) -> None:
    with dut(hostile) as child:
        assert child.stderr is not None
    assert ran(hostile) == []


@pytest.mark.slow
@needs_nsys
def test_a_run_under_nsys_starts_without_the_folder(hostile: Path) -> None:
    with dut(hostile, "--nsys") as child:
        assert child.stderr is not None
    assert ran(hostile) == []


@pytest.mark.slow
def test_a_measurement_of_the_overhead_runs_nothing_of_the_folder(hostile: Path) -> None:
    words = ["overhead", "--backend", "litert", "--seconds", "0.01", "--launches", "1"]
    done = subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (hostile / "traces" / "overhead.json").exists()
    assert ran(hostile) == []


@pytest.mark.slow
def test_the_launches_of_a_set_start_without_the_folder(hostile: Path) -> None:
    words = ["repeat", "2", "--name", "cold", "--", "infer", "--repeat", "1", "--backend", "litert"]
    done = subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (hostile / "traces").glob("cold-*")) == ["cold-1", "cold-2"]
    assert ran(hostile) == []


@pytest.mark.slow
def test_the_dashboard_starts_without_the_folder(hostile: Path) -> None:
    pytest.importorskip("streamlit")
    command = dashboard_command(ROOT / "traces", free_port())
    with running(command, cwd=hostile, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        read_until(server.stdout, "URL")
    assert ran(hostile) == []


@pytest.mark.parametrize("words", [["runs"], ["report", "last"]])
def test_a_folder_that_is_gone_is_said(tmp_path: Path, words: list[str]) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    line = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", SCRIPT, *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the current folder is gone" in done.stderr
