"""How long commands take to answer, each beside what it cannot do without: Python alone, or NumPy and pyarrow."""

from __future__ import annotations

import subprocess
import sys
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
PYTHON, ARRAYS = "pass", "import numpy, pyarrow"
COMMANDS = {
    "help": (["--help"], PYTHON),
    "report": (["report", SAMPLE], ARRAYS),
    "runs": (["runs"], ARRAYS),
    "compare": (["compare", SAMPLE, SAMPLE], ARRAYS),
}


def measure(pairs: int = PAIRS) -> dict[str, Any]:
    """Of each command the ratio to its floor, its interval, both times; whether bytecode was cached, the load."""
    figures: dict[str, Any] = {"bytecode_cached": bytecode_cached(), "load": load_average()}
    for name, (words, floor) in COMMANDS.items():
        ours, base = (
            _program([str(Path(sys.executable).with_name("kws-trace")), *words]),
            _program([sys.executable, "-c", floor]),
        )
        for once in (ours, base):
            once()
        figures[name] = {"floor": floor, **interleaved(ours, base, pairs)}
    return figures


def bytecode_cached() -> bool:
    """Whether both this environment's and our own modules are compiled."""
    return all(Path(cache_from_source(str(one))).exists() for one in (typer.__file__, ROOT / "runner" / "cli.py"))


def _program(command: list[str]) -> Any:
    return partial(
        subprocess.run, command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
