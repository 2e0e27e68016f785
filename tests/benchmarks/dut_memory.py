"""Resident memory of a DUT, ready and while it is timed, beside a bare LiteRT process doing the same work."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from runner.children import end_child, module_command
from runner.inference.models import SHIPPED_TFLITE

FIELDS = {"Rss:": "rss_mb", "Pss:": "pss_mb", "Private_Dirty:": "private_dirty_mb"}
READY_S = 120.0

BARE = f"""
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
model = Interpreter({str(SHIPPED_TFLITE)!r})
model.allocate_tensors()
(into,), (out,) = model.get_input_details(), model.get_output_details()
for _ in range(1000):
    model.set_tensor(into["index"], np.zeros(into["shape"], np.int8))
    model.invoke()
    model.get_tensor(out["index"])
print("made", flush=True)
sys.stdin.read()
"""


def measure() -> dict[str, Any]:
    """Megabytes (2^20 bytes) by the kernel's ``smaps_rollup``; ``beside_runtime_mb`` is what RSS the DUT adds."""
    figures = {"bare": _bare(), **_dut()}
    most = max(figures[name]["rss_mb"] for name in ("ready", "timed"))
    return {**figures, "beside_runtime_mb": round(most - figures["bare"]["rss_mb"], 1)}


def _bare() -> dict[str, float]:
    child = subprocess.Popen([sys.executable, "-c", BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        child.stdout.readline()
        found = _memory(child.pid)
    end_child(child, 10.0)
    return found


def _dut() -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port, log, traces = folder / "dut", folder / "said", folder / "traces"
        command = module_command(
            "runner", "run", "--port", f"pty:{port}", "--backend", "litert", "--traces", str(traces)
        )
        with log.open("w") as said:
            dut = subprocess.Popen(command, stderr=said)
        try:
            limit = time.monotonic() + READY_S
            while "ready on" not in log.read_text():
                assert dut.poll() is None, log.read_text()
                assert time.monotonic() < limit, "the DUT is not ready"
                time.sleep(0.1)
            ready = _memory(dut.pid)
            command = module_command("runner", "host", "performance", "--port", str(port), "--seconds", "2")
            host = subprocess.Popen([*command, "--traces", str(traces)], stdout=subprocess.DEVNULL)
            timed = ready
            while host.poll() is None:
                timed = max(timed, _memory(dut.pid), key=lambda one: one["rss_mb"])
                time.sleep(0.1)
            dut.send_signal(signal.SIGINT)
        finally:
            end_child(dut, 30.0)
    return {"ready": ready, "timed": timed}


def _memory(pid: int) -> dict[str, float]:
    words = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return {FIELDS[one[0]]: round(int(one[1]) / 1024, 1) for one in words if one[0] in FIELDS}
