"""What this machine's CPU reaches: a short measurement that stands where a data sheet would."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from runner.device.cpu import CPU
from runner.device.sysfs import read_int, read_text
from tracer.errors import not_installed
from tracer.model.devices import Limits

Clock = Callable[[], int]

_SIDE = 512
_COPY_BYTES = 64 << 20
"""Past the last-level cache of the machines that this is for."""


def probe_cpu(threads: int | None = None, seconds: float = 0.3, clock: Clock = time.perf_counter_ns) -> Limits:
    """
    Measure the float32 rate of a matrix product and the rate of a copy in memory.

    The product (512 by 512, NumPy's BLAS) comes near the peak of fused multiply-adds; the copy (64 MiB, one thread)
    counts what is read and what is written. Of several repetitions the best stands: a limit is asked for.

    ``threads`` are of the product, None takes every CPU that we may use; ``seconds`` are for each of the two.

    Raises:
        NotInstalledError: if a number of threads is asked for that cannot be set.
    """
    cores = threads or len(os.sched_getaffinity(0))
    left, right = (np.full((_SIDE, _SIDE), 0.5, np.float32) for _ in range(2))
    out = np.empty_like(left)
    source = np.ones(_COPY_BYTES // 8, np.float64)
    target = np.empty_like(source)
    with _product_threads(threads):
        product_ns = _best_ns(lambda: np.matmul(left, right, out=out), seconds, clock)
    copy_ns = _best_ns(lambda: np.copyto(target, source), seconds, clock)
    return Limits(
        name=f"this machine's CPU ({cores} {'thread' if cores == 1 else 'threads'})",
        cores=cores,
        clock_hz=cpu_clock_hz(),
        fp32_per_s=2e9 * _SIDE**3 / product_ns,
        fp16_per_s=None,
        bytes_per_s=2e9 * _COPY_BYTES / copy_ns,
        source=f"measured here: best of float32 matrix products {_SIDE} by {_SIDE}, and of copies of 64 MiB",
    )


def _product_threads(threads: int | None) -> AbstractContextManager[object]:
    """While it is entered NumPy's BLAS uses so many; left to itself it uses every CPU that we may use."""
    if threads is None:
        return nullcontext()
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise not_installed("threadpoolctl", "kws-trace[analysis]") from None
    limited: AbstractContextManager[object] = threadpool_limits(limits=threads)
    return limited


def cpu_clock_hz(root: Path = Path("/")) -> float | None:
    """The first CPU's clock rate now; None where the system does not tell."""
    # cpufreq gives kHz: kernel documentation, admin-guide/pm/cpufreq.
    khz = read_int(root / CPU / "cpu0/cpufreq/scaling_cur_freq")
    if khz is not None:
        return 1e3 * khz
    mhz = re.search(r"(?m)^cpu MHz\s*:\s*(\d+(?:\.\d*)?)\s*$", read_text(root / "proc/cpuinfo") or "")
    return None if mhz is None else 1e6 * float(mhz[1])


def _best_ns(work: Callable[[], object], seconds: float, clock: Clock) -> int:
    work()
    end = clock() + int(seconds * 1e9)
    best = None
    while best is None or clock() < end:
        start = clock()
        work()
        taken = max(1, clock() - start)
        best = taken if best is None else min(best, taken)
    return best
