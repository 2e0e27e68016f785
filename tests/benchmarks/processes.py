"""Whole commands, each in a process of its own: wall and CPU time, memory, against the least that must be done."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import ROOT
from tracer.statistics.ratio import rounds_of


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: wall seconds, CPU seconds of all its threads, the most memory it held, and what it printed."""

    seconds: float
    cpu_s: float
    peak_mb: float
    said: str


def run_process(command: Sequence[str]) -> Cost:
    """Run a command to its end; what it prints on standard error is dropped."""
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command[:6])
        said.seek(0)
        # The peak is that of a fork as well: no process of ours is smaller than a Python without imports.
        return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said.read())


def against_floor(
    ours: Sequence[str], floor: str, arguments: Sequence[str], rounds: int
) -> tuple[dict[str, Any], str]:
    """
    A command of ours and a Python program that does the least, in turn.

    Returns:
        Medians of both (``ours_s``, ``floor_s``, ``ours_cpu_s``, ``floor_cpu_s``), ``times_floor`` by wall and
        ``times_floor_cpu`` by CPU time, each with its 95 % interval, and ``peak_mb``; and what ours printed.
    """
    least = [sys.executable, "-c", floor, *arguments]
    pairs = []
    for number in range(rounds):
        order = (ours, least) if number % 2 else (least, ours)
        costs = [run_process(command) for command in order]
        pairs.append(costs if number % 2 else costs[::-1])
    figures: dict[str, Any] = {"rounds": rounds}
    for suffix, read in (("", lambda one: one.seconds), ("_cpu", lambda one: one.cpu_s)):
        times = np.array([[read(cost) for cost in pair] for pair in pairs])
        for side, column in (("ours", 0), ("floor", 1)):
            figures[f"{side}{suffix}_s"] = round(float(np.median(times[:, column])), 2)
        ratio = rounds_of([np.maximum(times, 1e-3)]).ratio(0, 1)
        figures[f"times_floor{suffix}"] = round(ratio.value, 2)
        figures[f"times_floor{suffix}_interval"] = [round(ratio.low, 2), round(ratio.high, 2)]
    figures["peak_mb"] = round(max(mine.peak_mb for mine, _ in pairs))
    return figures, pairs[0][0].said


def command_of(*words: str) -> list[str]:
    """``kws-trace`` with these words, by this interpreter."""
    return [sys.executable, "-m", "runner", *words]


def conditions() -> dict[str, Any]:
    """What a time hangs on beside the code: processor, load, and whether bytecode was cached."""
    return {
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "load_1_5_15_min": [round(load, 1) for load in os.getloadavg()],
        "python": sys.version.split()[0],
        "bytecode_cached": {name: _cached(name) for name in ("tracer", "runner", "numpy", "pyarrow")},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "not told"


def _cached(package: str) -> str:
    """How many of a package's modules have bytecode, as ``12 of 12``."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return "not installed"
    sources = list(Path(found.submodule_search_locations[0]).rglob("*.py"))
    there = sum(os.path.exists(importlib.util.cache_from_source(str(one))) for one in sources)
    return f"{there} of {len(sources)}"


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of a process and of its descendants that live; by ``/proc``, to 10 ms."""
    return sum(_cpu_s(one) for one in _tree(pid))


def started_cpu_s(word: bytes) -> float:
    """CPU seconds of the processes that live, that this one started, and whose command line has a word."""
    return sum(_cpu_s(one) for one in _tree(os.getpid()) if word in _of(one, "cmdline"))


def renderers_cpu_s() -> float:
    """CPU seconds of the renderers of the browsers that this process started."""
    return started_cpu_s(b"--type=renderer")


def _tree(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (facts := _of(int(folder.name), "stat").rpartition(b")")[2].split()):
            children.setdefault(int(facts[1]), []).append(int(folder.name))
    found = [pid]
    for one in found:
        found += children.get(one, ())
    return found


def _cpu_s(pid: int) -> float:
    facts = _of(pid, "stat").rpartition(b")")[2].split()
    return sum(map(int, facts[11:13])) / os.sysconf("SC_CLK_TCK")


def _of(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it has ended
        return b""
