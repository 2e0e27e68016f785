"""
What sampling the device costs a run: the rate with the sampling process at work and stopped, in turn.

Where this machine tells nothing of itself (most virtual ones), the process reads a tree of ordinary files that stands
for an Orin with six policies: as many sources as there, each quicker to read than a monitor behind a slow bus.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.device.sampler import INTERVAL_MS, DeviceSampler, sampled_sources
from runner.inference.models import SHIPPED_TFLITE, ModelChoice, load_pipeline
from tests.benchmarks.pairs import interleaved
from tests.device_trees import grow, jetson_orin
from tracer.recording.inference_loop import untraced_loop

BLOCK = 5000
"""Some 0.25 s: one sweep, as in a run. A process that goes on sweeps at once, so that the cost is not understated."""

PAIRS = 150
SHARE_S = 10.0
"""For which the process's share of a core is looked at."""


def measure() -> dict[str, Any]:
    """
    ``ratio`` of time with sampling to without, and ``cpu_share``: of one core, by the process's own accounts.

    The share is the sharper of the two: it is what sampling takes from a run that leaves no core free.
    """
    pipeline = load_pipeline(ModelChoice(SHIPPED_TFLITE))
    pipeline.load(bytes(490))
    loop = untraced_loop([stage for _, stage in pipeline.stages()])
    loop(BLOCK)
    with tempfile.TemporaryDirectory() as folder:
        root = Path("/") if sampled_sources() else _tree(Path(folder) / "orin")
        sampler = DeviceSampler.start(Path(folder) / "samples.txt", INTERVAL_MS, root)
        assert sampler is not None
        try:
            time.sleep(1.0)
            found = interleaved(_after(sampler, signal.SIGCONT, loop), _after(sampler, signal.SIGSTOP, loop), PAIRS)
            os.kill(sampler.process.pid, signal.SIGCONT)
            share = _cpu_share(sampler.process.pid)
        finally:
            os.kill(sampler.process.pid, signal.SIGCONT)
            sampler.stop()
    sources = len(sampled_sources(root)) if root == Path("/") else "of a tree that stands for an Orin"
    return {**found, "interval_ms": INTERVAL_MS, "cpu_share": share, "sources": sources}


def _after(sampler: DeviceSampler, sent: signal.Signals, loop: Callable[[int], object]) -> Callable[[], object]:
    def call() -> None:
        os.kill(sampler.process.pid, sent)
        loop(BLOCK)

    return call


def _cpu_share(process: int) -> float:
    def used_ns() -> int:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0])

    before, start = used_ns(), time.perf_counter_ns()
    time.sleep(SHARE_S)
    return round((used_ns() - before) / (time.perf_counter_ns() - start), 6)


def _tree(root: Path) -> Path:
    jetson_orin(root)
    for policy in (1, 2, 3, 5):
        grow(root, {f"sys/devices/system/cpu/cpufreq/policy{policy}/scaling_cur_freq": 1_510_400})
    return root
