"""Copies by kind: each a function that copies so many times and returns when the last byte is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from runner.device.cuda_driver import CudaDriver
from tracer.reports.bandwidth_table import (
    DEVICE_TO_DEVICE,
    DEVICE_TO_HOST,
    HOST_TO_DEVICE,
    IN_MEMORY,
    PAGEABLE,
    PINNED,
)

Copy = Callable[[int], None]
"""Copies so many times."""

Kind = tuple[str, str | None]
"""Direction, and the host's memory."""


@contextmanager
def gpu_copies(driver: CudaDriver, size: int) -> Iterator[dict[Kind, Copy]]:
    """
    The five kinds of a device.

    A copy between the device and pinned memory returns when it is done; those of pageable memory may return when
    the bytes are staged, and those within the device at once: so all wait for the device at the end.

    The context of ``driver`` is current; ``size`` is in bytes.
    """
    pageable = np.zeros(size, np.uint8)
    # Touched, so that no copy pays for the first use of a page.
    pageable[:] = 1
    with (
        driver.device_memory(size) as here,
        driver.device_memory(size) as there,
        driver.pinned_memory(size) as pinned,
    ):
        kinds: dict[Kind, Copy] = {}
        for memory, host in ((PAGEABLE, pageable.ctypes.data), (PINNED, pinned)):
            kinds[HOST_TO_DEVICE, memory] = _repeated(driver, "cuMemcpyHtoD_v2", here, host, size)
            kinds[DEVICE_TO_HOST, memory] = _repeated(driver, "cuMemcpyDtoH_v2", host, here, size)
        kinds[DEVICE_TO_DEVICE, None] = _repeated(driver, "cuMemcpyDtoD_v2", there, here, size)
        yield kinds


@contextmanager
def memory_copies(size: int) -> Iterator[dict[Kind, Copy]]:
    """From memory to memory by NumPy, in one thread: what there is without a GPU."""
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)

    def copy(count: int) -> None:
        for _ in range(count):
            np.copyto(target, source)

    yield {(IN_MEMORY, None): copy}


def _repeated(driver: CudaDriver, name: str, target: int, source: int, size: int) -> Copy:
    call = driver.function(name)

    def copy(count: int) -> None:
        for _ in range(count):
            status = call(target, source, size)
            if status:
                driver.check(name, status)
        driver.call("cuCtxSynchronize")

    return copy
