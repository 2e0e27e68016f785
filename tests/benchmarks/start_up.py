"""
How long commands take to answer, each beside what it cannot do without: Python alone, or NumPy and pyarrow.

Of ``run`` the time until a host may begin, beside the import of its runtime.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import typer

from runner.machine_load import load_average
from tests.benchmarks.pairs import interleaved
from tests.conftest import ROOT

PAIRS = 7
SAMPLE = str(ROOT / "traces" / "sample-cpu")
KWS_TRACE = str(Path(sys.executable).with_name("kws-trace"))
PYTHON, ARRAYS = "pass", "import numpy, pyarrow"
COMMANDS = {
    "help": (["--help"], PYTHON),
    "report": (["report", SAMPLE], ARRAYS),
    "runs": (["runs"], ARRAYS),
    "compare": (["compare", SAMPLE, SAMPLE], ARRAYS),
}

RUNTIMES = {
    "run_litert": (ROOT / "runner" / "shipped" / "kws_ds_cnn_int8.tflite", "import ai_edge_litert.interpreter"),
    "run_tensorflow": (ROOT / "runner" / "shipped" / "kws_ds_cnn", "import tensorflow"),
}
"""A model, and the import that its run cannot do without."""


def measure(pairs: int = PAIRS) -> dict[str, Any]:
    """Of each command the ratio to its floor, its interval, both times; whether bytecode was cached, the load."""
    figures: dict[str, Any] = {"bytecode_cached": bytecode_cached(), "load": load_average()}
    for name, (words, floor) in COMMANDS.items():
        figures[name] = _beside(_program([KWS_TRACE, *words]), floor, pairs)
    for name, (model, floor) in RUNTIMES.items():
        figures[name] = _beside(partial(_until_ready, model), floor, pairs)
    return figures


def _beside(ours: Callable[[], object], floor: str, pairs: int) -> dict[str, Any]:
    base = _program([sys.executable, "-c", floor])
    for once in (ours, base):
        once()
    return {"floor": floor, **interleaved(ours, base, pairs)}


def _until_ready(model: Path) -> None:
    """Start a DUT, wait until a host may begin, and kill it."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["run", "--model", str(model), "--port", f"pty:{folder}/dut", "--traces", folder, "--name", "run"]
        with subprocess.Popen([KWS_TRACE, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
            assert child.stderr is not None
            ready = any("ready on" in line for line in child.stderr)
            child.kill()
    if not ready:
        raise RuntimeError(f"a DUT of {model.name} ended before it was ready")


def bytecode_cached() -> bool:
    """Whether both this environment's and our own modules are compiled."""
    return all(Path(cache_from_source(str(one))).exists() for one in (typer.__file__, ROOT / "runner" / "cli.py"))


def _program(command: list[str]) -> Any:
    return partial(
        subprocess.run, command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
