"""What surrounds a command may be anything: our own variables, a name that no file can have, few descriptors."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path

import pytest

from runner.launches import LAUNCH
from runner.nsys.launch import CHILD
from tests.attacks.programs import SCRIPT, called
from tests.conftest import ROOT


@pytest.mark.parametrize("text", ["x", "5", "[1]", "{", ""])
def test_a_launch_that_nobody_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(LAUNCH, text)
    ended = called("infer", "--repeat", "1", "--backend", "litert", "--traces", tmp_path / "traces")
    assert ended.code == 2, ended.said
    assert "unset it" in ended.said
    assert not (tmp_path / "traces").exists()


@pytest.mark.parametrize("text", ["x", "5", "[]", "{}", json.dumps({"name": "x", "pid_file": 5})])
def test_orders_that_no_launcher_gave_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(CHILD, text)
    ended = called("run", "--port", f"pty:{tmp_path / 'dut'}", "--traces", tmp_path / "traces")
    assert ended.code == 2, ended.said
    assert "unset it" in ended.said


@pytest.mark.parametrize("command", ["session", "accuracy", "report", "kernels", "cost --model", "infer --dataset"])
def test_a_name_that_no_file_can_have_is_wrong_use(tmp_path: Path, command: str) -> None:
    ended = called(*command.split(), "x" * 300, *(["--traces", tmp_path] if command in ("session", "report") else []))
    assert ended.code == 2, ended.said
    assert "nobody foresaw" not in ended.said
    assert "KWS_TRACE_DEBUG" not in ended.said


def test_too_few_descriptors_are_said_with_what_to_type(tmp_path: Path) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))

    words = [
        SCRIPT,
        "run",
        "--port",
        f"pty:{tmp_path / 'dut'}",
        "--backend",
        "litert",
        "--traces",
        str(tmp_path / "t"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=few)
    assert done.returncode in (1, 2)
    assert "Too many open" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["/proc/kmsg", "/proc/self/mem", "/proc/cpuinfo"])
@pytest.mark.parametrize("words", [["kernels"], ["session"], ["ingest", str(ROOT / "traces/sample-cpu")]], ids=str)
def test_what_the_kernel_tells_is_no_file(name: str, words: list[str]) -> None:
    if not Path(name).exists():
        pytest.skip(f"this system has no {name}")
    ended = called(*words, name)
    assert ended.code == 2, ended.said
    assert name in ended.said.replace("\n", "")
