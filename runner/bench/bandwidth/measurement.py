"""What ``kws-trace bandwidth`` does: each kind of copy at each size, several times."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from runner.bench.bandwidth.copies import Copy, Kind, gpu_copies, memory_copies
from runner.device.cuda_driver import CudaDriver, NoGpuError, load_library
from tracer.errors import DeviceError
from tracer.reports.bandwidth_table import CopyTimes, build_bandwidth

SIZES = (48, 1960, 16 << 10, 256 << 10, 4 << 20, 32_000_000)
"""An inference's output and its input first; the 2021 report's 32 MB last, which ``bandwidthTest`` gives in 10^6."""

REPEATS = 25
REPEAT_NS = 5_000_000
"""Of one repeat: long against the wait for the device that ends it."""

Clock = Callable[[], int]
OpenCopies = Callable[[int], AbstractContextManager[dict[Kind, Copy]]]


def measure_bandwidth(
    device: str | None = None,
    largest: int = SIZES[-1],
    repeats: int = REPEATS,
    library: Callable[[], Any] = load_library,
    clock: Clock = time.perf_counter_ns,
    advance: Callable[[float], object] = lambda _: None,
) -> dict[str, Any]:
    """
    Measure every kind that the device has; without a device the first GPU's, else the CPU's.

    ``largest`` copy in bytes; ``repeats`` of each kind and size. ``library`` gives CUDA's driver, ``clock``
    nanoseconds; ``advance`` takes the share that was done, in 0 to 1.

    Returns:
        As ``tracer.reports.bandwidth_table.build_bandwidth``, with ``device`` and ``load``.

    Raises:
        DeviceError: for a device that is none.
        NoGpuError: if a GPU was asked for and there is none.
        CudaError: if a call of the driver fails.
    """
    load_before = os.getloadavg()[0]
    sizes = sorted({min(size, largest) for size in SIZES})
    driver, why_not = _open_device(device, library)
    facts: dict[str, Any] = {"name": "CPU", "integrated": None, "driver": None, "why_no_gpu": why_not}
    if driver is None:
        times = _measure(memory_copies, sizes, repeats, clock, advance)
    else:
        facts |= {"name": driver.name, "integrated": driver.integrated, "driver": driver.version}
        with contextlib.closing(driver):
            times = _measure(partial(gpu_copies, driver), sizes, repeats, clock, advance)
    load = {"before": load_before, "cpus": os.cpu_count()}
    return {"device": facts, "load": load, **build_bandwidth(times, gpu=driver is not None)}


def _open_device(device: str | None, library: Callable[[], Any]) -> tuple[CudaDriver | None, str | None]:
    """The driver, or None and why it is the CPU."""
    kind, _, number = ("GPU:0" if device is None else device).upper().partition(":")
    if kind == "CPU":
        return None, "--device cpu"
    if kind != "GPU" or (number and not number.isdigit()):
        raise DeviceError(str(device), "no such device", "give GPU:0 (or another number) or cpu")
    try:
        return CudaDriver(library(), int(number or 0)), None
    except NoGpuError as error:
        if device is not None:
            raise
        return None, str(error).partition(";")[0]


def _measure(
    copies: OpenCopies, sizes: list[int], repeats: int, clock: Clock, advance: Callable[[float], object]
) -> list[CopyTimes]:
    found = []
    for size in sizes:
        with copies(size) as kinds:
            for (direction, memory), copy in kinds.items():
                count = _count(copy, clock)
                times = [_timed_ns(copy, count, clock) for _ in range(repeats)]
                found.append(CopyTimes(direction, memory, size, count, tuple(times)))
                advance(1 / (len(sizes) * len(kinds)))
    return found


def _count(copy: Copy, clock: Clock) -> int:
    copy(2)
    return max(1, int(REPEAT_NS / max(1.0, _timed_ns(copy, 3, clock))))


def _timed_ns(copy: Copy, count: int, clock: Clock) -> float:
    start = clock()
    copy(count)
    return (clock() - start) / count
