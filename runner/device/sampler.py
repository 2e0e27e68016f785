"""
Sampling the device during a run, in a process of its own: a thread would take the interpreter's lock from the stages.

The process imports the standard library alone, and ``pynvml`` where it samples a PC's GPU, keeps its files open,
writes text, and ends when the pipe from its parent closes, however the parent ended. Its clock is
``time.perf_counter_ns``: CLOCK_MONOTONIC, one for all processes.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from runner.children import end_child, module_command
from runner.device.cpu import cpu_sensors
from runner.device.gpu import gpu_sensors, memory_sensors
from runner.device.nvml import NvmlSensor
from runner.device.nvml import open_sensors as open_nvml_sensors
from runner.device.power import rail_sensors
from runner.device.sysfs import OpenSensor, Sensor, open_sensors
from runner.device.thermal import thermal_sensors, throttle_sensors
from tracer.device.device_samples import failures_line, header_line, problem_line, sweep_line

INTERVAL_MS = 250
NICENESS = 10
"""What is measured goes first: a late sweep is still right, since it is stamped when it is made."""

INJECTED = ("LD_PRELOAD", "NVTX_INJECTION64_PATH", "CUDA_INJECTION64_PATH")
"""By these a profiler enters a run's children; this one is none of its business."""


def all_sensors(root: Path) -> list[Sensor]:
    """What can be sampled under ``root``."""
    return [
        *cpu_sensors(root),
        *gpu_sensors(root),
        *memory_sensors(root),
        *thermal_sensors(root),
        *rail_sensors(root),
        *throttle_sensors(root),
    ]


def sampled_sources(root: Path = Path("/")) -> tuple[tuple[str, str], ...]:
    """(source, quantity) of each sensor that may be opened here; empty on most virtual machines."""
    opened = open_sensors(all_sensors(root))
    for sensor in opened:
        sensor.close()
    return tuple((sensor.sensor.source, sensor.sensor.quantity) for sensor in opened)


@dataclass
class DeviceSampler:
    """A sampling process at work; ``tracer.device.sample_journal`` reads its journal at any time, while it grows."""

    journal: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, journal: Path, interval_ms: int = INTERVAL_MS, root: Path = Path("/"), gpu: str | None = None
    ) -> DeviceSampler | None:
        """
        Start sampling to ``journal``.

        Args:
            journal: a new file.
            interval_ms: between two sweeps.
            root: where ``/sys`` lies.
            gpu: the UUID of the GPU that NVML is asked about, empty for the only one; None for none.

        Returns:
            None where there is nothing to sample: the run's frequencies are then not recorded.

        Raises:
            OSError: if the journal cannot be made, or the process cannot be started.
        """
        if gpu is None and not sampled_sources(root):
            return None
        environment = {name: value for name, value in os.environ.items() if name not in INJECTED}
        command = module_command(
            "runner.device.sampler", str(root), str(interval_ms), *([] if gpu is None else [gpu])
        )
        with journal.open("wb") as target:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=target,
                stderr=subprocess.DEVNULL,
                env=environment,
                # Ctrl-C goes to a terminal's whole group; the last sweeps should outlive it.
                start_new_session=True,
            )
        return cls(journal, process)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End the process after one last sweep; False if it had ended before, so that later samples are missing."""
        lived = self.process.poll() is None
        if self.process.stdin is not None:
            self.process.stdin.close()
        end_child(self.process, timeout_s)
        return lived and self.process.returncode == 0


def sample(
    sensors: Sequence[OpenSensor | NvmlSensor],
    interval_ms: int,
    target: TextIO,
    parent: int,
    problems: Sequence[list[str]] = (),
) -> None:
    """
    Sweep over the sensors every ``interval_ms`` until ``parent``, a descriptor, can be read: its far end closed.

    Sweeps keep to a grid, so that a slow one does not shift those after it; one that is missed is left out. What the
    lists of ``problems`` hold, then or later, is written once.
    """
    failures = [0] * len(sensors)
    target.write(header_line([(one.source, one.quantity) for one in sensors], interval_ms))
    interval_ns = interval_ms * 1_000_000
    due = time.perf_counter_ns()
    ended = False
    while True:
        now = time.perf_counter_ns()
        values = [sensor.read() for sensor in sensors]
        for number, value in enumerate(values):
            failures[number] += value is None and not sensors[number].gone
        target.write(sweep_line(now, values))
        for found in problems:
            target.writelines(map(problem_line, found))
            found.clear()
        target.flush()
        if ended:
            break
        due += interval_ns
        due = max(due, time.perf_counter_ns())
        wait_s = (due - time.perf_counter_ns()) / 1e9
        ended = bool(select.select([parent], [], [], max(0.0, wait_s))[0])
    target.write(failures_line(failures))


def leave_the_cpus_of_the_run() -> None:
    """Of a run that is held to some CPUs (``taskset``) take others, where there are any that we may use."""
    others = set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0)
    if others:
        # A control group may forbid them all: then the run's own have to do.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, others)


def _main(root: str, interval_ms: str, gpu: str | None = None) -> None:
    os.nice(NICENESS)
    leave_the_cpus_of_the_run()
    nvml: list[NvmlSensor] = []
    problems: list[list[str]] = []
    if gpu is not None:
        nvml, told = open_nvml_sensors(gpu)
        problems = [told, *(sensor.gpu.problems for sensor in nvml[:1])]
    sensors: list[OpenSensor | NvmlSensor] = [*open_sensors(all_sensors(Path(root))), *nvml]
    sample(sensors, int(interval_ms), sys.stdout, sys.stdin.fileno(), problems)


if __name__ == "__main__":
    _main(*sys.argv[1:])
