"""A folder that somebody else may write is no place to run code from: nothing that lies in it is imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from runner.children import code_command, module_command
from runner.command_table import COMMANDS
from runner.dataset import shipped_dataset
from runner.device.sampler import DeviceSampler
from tests.attacks.programs import PACKAGES, SCRIPT, dut, hostile_folder, ran
from tests.attacks.visitors import Visitor, failures
from tests.children import free_port, read_until, running
from tests.conftest import ROOT
from tests.gpu_runs import captured_windows, gpu_export, recorded_run, usual_windows
from tests.needs import needs_nsys
from tests.submissions import Submission


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


WORDS = {
    "demo": "demo --seconds 0.1",
    "run": "run --port pty:own --backend litert",
    "infer": "infer --repeat 1 --backend litert",
    "repeat": "repeat 2 --name cold -- infer --repeat 1 --backend litert",
    "ingest": "ingest captured capture.sqlite",
    "host": "host performance --port dut --inferences 5 --seconds 0.01",
    "report": "report sample-gpu",
    "dashboard": "dashboard --port {port}",
    "breakdown": "breakdown capture.sqlite --range inference",
    "compare": "compare sample-cpu sample-cpu",
    "pull": "pull traces --traces brought",
    "mcp": "mcp --traces traces --allow .",
    "accuracy": "accuracy sample-cpu",
    "submission": "submission --check submission/tree",
    "cost": "cost --device nano --latency-us 4305",
    "runtimes": "runtimes --seconds 0.05 --dataset few.npz",
    "ladder": "ladder --rungs litert --seconds 0.1 --rounds 1 --dataset few.npz",
    "overhead": "overhead --backend litert --seconds 0.01 --launches 1",
    "bandwidth": "bandwidth --device cpu --largest 65536 --repeats 2",
    "session": "session submission/performance",
}
"""What is called in place of a command's own example, which would find nothing here or take long."""

MORE = {
    "runs --compact": "runs --compact",
    "fleet sql": "fleet sql SELECT(1) --root traces",
    "fleet kernels": "fleet kernels --root traces",
    "baseline set": "baseline set usual sample-cpu",
    "dashboard PROFILE": "dashboard capture.sqlite --port {port}",
    "report --html": "report sample-gpu --html report.html",
}
"""By what is different of them: further ways into a command, which import more."""

SERVING = {"run": "ready on", "dashboard": "URL", "dashboard PROFILE": "URL"}
"""What a command says that then goes on until it is ended."""

CODES = {"compare": (3,), "submission": (2,), "doctor": (0, 1)}
"""Where it is not 0: a run and itself do not differ, 36 inputs are no submission, and a machine may be unfit."""

EXTRAS = {"dashboard": "streamlit", "mcp": "mcp", "fleet": "ibis", "convert": "tf2onnx"}
"""By a command's name: what it needs that is not installed everywhere."""

LONG = {"demo", "accuracy", "convert", "runtimes", "ladder", "overhead"}
"""They load TensorFlow, several times some."""

CALLED = {
    name: WORDS.get(name, example) for named in COMMANDS.values() for name, (_, example) in named.items()
} | MORE


@pytest.fixture
def filled(hostile: Path) -> Path:
    """The folder with something for every command to read, and a DUT that waits for a host."""
    for name in ("sample-cpu", "sample-gpu"):
        shutil.copytree(ROOT / "traces" / name, hostile / "traces" / name)
    windows = usual_windows()
    recorded_run(hostile / "traces", windows, "captured")
    gpu_export(captured_windows(windows)[0]).write(hostile / "capture.sqlite")
    (hostile / "submission").mkdir()
    Submission(hostile / "submission").write()
    whole = shipped_dataset()
    few = {"inputs": whole.array[:20], "labels": whole.labels[:20], "names": np.array(whole.names[:20])}
    np.savez(hostile / "few.npz", **few)
    return hostile


def starts(folder: Path, start: str) -> list[str]:
    """The installed script; or the module, where no package of its name lies, which Python would run instead."""
    if start == "script":
        return [SCRIPT]
    for package in PACKAGES:
        shutil.rmtree(folder / package)
    return [sys.executable, "-m", "runner"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("start", ["script", "module"])
@pytest.mark.parametrize("way", CALLED)
def test_no_command_runs_what_lies_in_the_folder(filled: Path, way: str, start: str) -> None:
    needed = EXTRAS.get(way.split(maxsplit=1)[0])
    if needed and not find_spec(needed):
        pytest.skip(f"needs {needed}")
    if start == "module" and way in LONG:
        pytest.skip("its start is that of the others, and what it starts that of the script")
    words = [*starts(filled, start), *CALLED[way].format(port=free_port()).split()]
    if way in SERVING:
        child: subprocess.Popen[str]
        with running(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
            assert child.stdout is not None
            said = read_until(child.stdout, SERVING[way])
            if "URL" in said:
                see_every_page(said.split()[-1])
    elif way == "host":
        with dut(filled):
            ends(words)
    else:
        ends(words, CODES.get(way, (0,)))
    assert ran(filled) == []


def ends(words: list[str], codes: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode in codes, done.stdout + done.stderr


def see_every_page(address: str) -> None:
    from dashboard.app import PAGES

    with Visitor(address) as visitor:
        for page in ("", *PAGES):
            assert failures(visitor.ask(page, {"run": "sample-gpu"})) == []


def test_the_module_does_not_run_what_lies_beside_the_package(hostile: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [*starts(hostile, "module"), "--version"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
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


@pytest.mark.slow
@needs_nsys
def test_a_run_under_nsys_starts_without_the_folder(hostile: Path) -> None:
    with dut(hostile, "--nsys") as child:
        assert child.stderr is not None
    assert ran(hostile) == []


@pytest.mark.parametrize("words", [["runs"], ["report", "last"]])
def test_a_folder_that_is_gone_is_said(tmp_path: Path, words: list[str]) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    line = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", SCRIPT, *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the current folder is gone" in done.stderr
