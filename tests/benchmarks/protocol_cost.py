"""What the serial protocol costs: the rate of a window against a bare loop, and a load against a bare echo."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from pathlib import Path
from typing import Any

from runner.dataset import shipped_dataset
from runner.inference.models import SHIPPED_TFLITE, ModelChoice, load_pipeline
from runner.line.link import Link
from runner.line.ports import open_host_link
from tests.benchmarks.pairs import interleaved
from tests.children import forked, read_until, running
from tracer.recording.inference_loop import untraced_loop

INFERENCES = 3000


def measure() -> dict[str, Any]:
    """``rate``: laps against the bare loop, window by window; ``load``: ours against the echo, pair by pair."""
    data = shipped_dataset().input(0)
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "dut"
        command = [sys.executable, "-m", "runner", "run", "--port", f"pty:{port}", "--traces", f"{folder}/traces"]
        with running(command, stderr=subprocess.PIPE, text=True) as dut:
            read_until(dut.stderr, "ready on")
            with contextlib.closing(open_host_link(str(port), 115200)) as link:
                return {"rate": _rate(link, data), "load": _load(link, data)}


def _ask(link: Link, command: str) -> bytes:
    link.write(command.encode())
    answer = b""
    while not answer.endswith(b"m-ready\r\n"):
        came = link.read(30.0)
        if not came:
            sys.exit(f"no answer to {command!r} in 30 s")
        answer += came
    return answer


def _commands(data: bytes) -> list[str]:
    return ["db load 490%", *(f"db {data[i : i + 30].hex()}%" for i in range(0, len(data), 30))]


def _send(link: Link, commands: list[str]) -> None:
    for command in commands:
        _ask(link, command)


def _rate(link: Link, data: bytes) -> dict[str, Any]:
    pipeline = load_pipeline(ModelChoice(SHIPPED_TFLITE))
    pipeline.load(data)
    bare = untraced_loop([stage for _, stage in pipeline.stages()])
    _send(link, _commands(data))
    ratios = []
    for _ in range(21):
        start = time.perf_counter_ns()
        bare(INFERENCES)
        bare_us = (time.perf_counter_ns() - start) / 1e3
        first, last = map(int, re.findall(rb"m-lap-us-(\d+)", _ask(link, f"infer {INFERENCES} 10%")))
        ratios.append(bare_us / (last - first))
    return {"ratio": round(statistics.median(ratios), 4), "windows": len(ratios), "inferences": INFERENCES}


def _load(link: Link, data: bytes) -> dict[str, Any]:
    commands = _commands(data)
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    with forked(lambda: _echo(master)), contextlib.closing(open_host_link(os.ttyname(slave), 115200)) as base:
        os.close(master)
        os.close(slave)
        return interleaved(lambda: _send(link, commands), lambda: _send(base, commands), 201)


def _echo(master: int) -> None:
    """The least that a DUT can do: read, and acknowledge what ends in ``%``."""
    while True:
        if os.read(master, 4096).endswith(b"%"):
            os.write(master, b"m-ready\r\n")
