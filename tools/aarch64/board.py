"""
What a board runs, on the board: ``python board.py PART CAPTURE``, with the product and its wheels in ``PYTHONPATH``.

It needs nothing beyond the core, and imports nothing of ``tools``: under qemu its folder is bound into another root.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import pkgutil
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOP1 = 99.5
"""Per cent, of the shipped model over the shipped inputs on x86."""
PARTS = ("imports", "infer", "run and host", "report", "kernels")
READINGS = ("report", "kernels")
"""Parts that read committed or shared files, and must answer as anywhere."""
EXTRA = {"tensorflow", "onnx", "onnxruntime", "tf2onnx", "streamlit", "pandas", "altair", "scipy", "connectorx"}
"""Packages of extras; what needs one of them is no part of the core."""
RELATIVE = 1e-9
"""By which a figure of one processor may differ from another's: sums of floats in another order."""
READY_S = 300.0


def capture_of(home: Path) -> Path:
    """A capture by Nsight Systems of the files beside the project, else the committed run."""
    shared = home.parent / "shared/data/nsys/h100_2gpu_1s.sqlite"
    return shared if shared.is_file() else home / "traces/sample-cpu"


def reading(name: str, traces: Path, capture: Path) -> list[str]:
    """The command of a part that reads."""
    if name == "report":
        return ["report", "sample-cpu", "--traces", str(traces), "--json"]
    return ["kernels", str(capture), "--format", "json"]


def differences(here: str, there: str) -> list[str]:
    """Where two JSON texts differ, beyond the last digits and where the files lie."""
    return list(_differences("", json.loads(here), json.loads(there)))


def _differences(where: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from _differences(f"{where}.{key}", one[key], other[key])
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{where}[{index}]", left, right)
    elif isinstance(one, float) and isinstance(other, float):
        if not math.isclose(one, other, rel_tol=RELATIVE):
            yield f"{where}: {one!r} and {other!r}"
    elif one != other and not (isinstance(one, str) and "/" in one):
        yield f"{where}: {one!r} and {other!r}"


def kws_trace(*arguments: str) -> str:
    """Run a command to its end and return what it printed."""
    line = [sys.executable, "-m", "runner", *arguments]
    return subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout


def imports() -> None:
    """Every module of the core; one that wants an extra's package is counted apart."""
    wanting = []
    names = []
    for package in ("tracer", "runner"):
        found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        names += [package, *(each.name for each in found if not each.name.endswith("__main__"))]
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] not in EXTRA:
                raise
            wanting.append(f"{name} ({error.name})")
    print(f"{len(names) - len(wanting)} modules on {platform.machine()}, Python {platform.python_version()}")
    if wanting:
        print(f"of an extra: {', '.join(wanting)}")


def infer() -> None:
    """The shipped inputs."""
    answer = json.loads(
        kws_trace("infer", "--backend", "litert", "--traces", "/tmp/traces", "--name", "local", "--json")
    )
    shown = round(answer["top1"] * 100, 1)
    print(f"{answer['inferences']:,} inferences, Top-1 {shown} %")
    if shown != TOP1:
        raise SystemExit(f"Top-1 {shown} %, not {TOP1} %")


def run_and_host() -> None:
    """A DUT on a pseudo-terminal, and the host that drives it."""
    port = Path("/tmp/dut")
    line = [sys.executable, "-m", "runner", "run", "--port", f"pty:{port}", "--backend", "litert"]
    log = Path("/tmp/dut.log")
    with log.open("w") as said:
        dut = subprocess.Popen([*line, "--traces", "/tmp/traces", "--name", "driven"], stderr=said)
    try:
        limit = time.monotonic() + READY_S
        while "ready on " not in log.read_text():
            if dut.poll() is not None or time.monotonic() > limit:
                raise SystemExit(f"the DUT was not ready: {log.read_text()}")
            time.sleep(0.2)
        print(kws_trace("host", "performance", "--port", str(port), "--seconds", "0.5", "--traces", "/tmp/traces"))
        dut.send_signal(signal.SIGINT)
        ended = dut.wait(60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            dut.kill()
    if ended or "run complete" not in log.read_text():
        raise SystemExit(f"the DUT ended with {ended}: {log.read_text()}")
    report = json.loads(kws_trace("report", "driven", "--traces", "/tmp/traces", "--json"))
    print(f"reported: {len(report['windows'])} windows")


def main() -> None:
    """Run one part."""
    name, capture = sys.argv[1], Path(sys.argv[2])
    if name in READINGS:
        sys.stdout.write(kws_trace(*reading(name, Path("/traces"), capture)))
        return
    {"imports": imports, "infer": infer, "run and host": run_and_host}[name]()


if __name__ == "__main__":
    main()
