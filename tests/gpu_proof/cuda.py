"""Runs the steps of an inference on a GPU, by CuPy: kernels and host code that spin for a known time."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import cupy
import numpy as np

from tests.gpu_proof.program import DOMAIN, UNIT, WORKER
from tests.simulator.program import Copy, Graph, Host, Inference, Launch, Step, Sync
from tracer.recording.nvtx_ranges import open_ranges

Call = Callable[[], object]

CALIBRATION_CYCLES = 20_000_000

PROCESSORS = sorted(os.sched_getaffinity(0))
"""That the process may run on, before a thread is held on one."""

SOURCE = r"""
extern "C" __global__ void spin(long long cycles) {
    long long start = clock64();
    while (clock64() - start < cycles) {}
}
"""


class Gpu:
    """Streams, memory and the kernel of one process; a worker thread launches what is not the main one's."""

    def __init__(self) -> None:
        self.kernel = cupy.RawKernel(SOURCE, "spin")
        self.streams: dict[int, Any] = {}
        self.memory: list[Any] = []
        self.cycles_per_ns = self._calibrated()
        self._wanted: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[None] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def calls(self, inference: Inference) -> list[tuple[str, list[Call]]]:
        """Of each stage its name and what it calls, each ready to be called."""
        return [(stage.name, [call for step in stage.steps for call in self._step(step)]) for stage in inference]

    def _step(self, step: Step) -> list[Call]:
        if isinstance(step, Host):
            # What the worker is simulated to take for the hand-over is real here.
            return [] if step.thread == WORKER else [partial(spin_host, step.length_ns)]
        if isinstance(step, Launch):
            launch = self._launch(step.work_ns, self.stream(step.stream))
            return [partial(self._by_worker, launch) if step.thread == WORKER else launch]
        if isinstance(step, Graph):
            return [self._graph(step)]
        if isinstance(step, Copy):
            return self._copy(step)
        if isinstance(step, Sync):
            return [
                cupy.cuda.runtime.deviceSynchronize if step.stream is None else self.stream(step.stream).synchronize
            ]
        raise TypeError(f"{type(step).__name__}: the proof's program has none")

    def stream(self, number: int) -> Any:
        """The stream of a number, made when first asked for."""
        if number not in self.streams:
            self.streams[number] = cupy.cuda.Stream(non_blocking=True)
        return self.streams[number]

    def _launch(self, work_ns: int, stream: Any) -> Call:
        arguments = (np.int64(work_ns * self.cycles_per_ns),)
        return partial(self.kernel, (1,), (1,), arguments, stream=stream)

    def _graph(self, step: Graph) -> Call:
        stream = self.stream(step.stream)
        stream.begin_capture()
        for work_ns in step.works_ns:
            self._launch(work_ns, stream)()
        return partial(stream.end_capture().launch, stream)

    def _copy(self, step: Copy) -> list[Call]:
        stream, memory = self.stream(step.stream), cupy.cuda.alloc(step.size)
        # Pinned: a copy from pageable memory would be host code too.
        host = cupy.cuda.alloc_pinned_memory(step.size)
        self.memory.append(host)  # the copy has its address alone
        copy = memory.copy_from_host_async if step.to_device else memory.copy_to_host_async
        called: list[Call] = [partial(copy, host.ptr, step.size, stream)]
        return [*called, stream.synchronize] if step.blocking else called

    def _by_worker(self, call: Call) -> None:
        self._wanted.put(call)
        self._done.get()

    def _work(self) -> None:
        pin(WORKER)
        while True:
            self._wanted.get()()
            self._done.put(None)

    def _calibrated(self) -> float:
        """Cycles of the GPU in a nanosecond, of the second of two long kernels: the first wakes its clocks."""
        stream, took = cupy.cuda.Stream(non_blocking=True), 0.0
        for _ in range(2):
            start, end = cupy.cuda.Event(), cupy.cuda.Event()
            start.record(stream)
            self.kernel((1,), (1,), (np.int64(CALIBRATION_CYCLES),), stream=stream)
            end.record(stream)
            end.synchronize()
            took = cupy.cuda.get_elapsed_time(start, end)
        return CALIBRATION_CYCLES / (took * 1e6)


def pin(thread: int) -> None:
    """Hold a thread on a processor of its own where there are enough, the same in each launch: processors differ."""
    if len(PROCESSORS) >= 8:
        os.sched_setaffinity(0, {PROCESSORS[len(PROCESSORS) // 2 + 2 * thread]})


def spin_host(length_ns: int) -> None:
    """Host code that calls nothing, of a known length."""
    until = time.perf_counter_ns() + length_ns
    while time.perf_counter_ns() < until:
        pass


def turns_ns(inference: Inference, count: int, warmups: int, turns: Iterable[object]) -> Iterator[list[int]]:
    """
    Of each turn the wall times of ``count`` inferences after ``warmups``.

    Their ranges are pushed as they are under a profiler.
    """
    ranges = open_ranges(DOMAIN)
    if ranges is None:
        raise RuntimeError("the nvtx package is not installed, or of a version without its lower layer")
    unit, gpu = ranges.attributes(UNIT), None
    for _ in turns:
        # The clocks of an idle GPU are low: its kernels are measured when its first turn comes.
        if gpu is None:
            pin(0)
            gpu = Gpu()
            stages = [(ranges.attributes(name), calls) for name, calls in gpu.calls(inference)]
        found = []
        for _ in range(warmups + count):
            start = time.perf_counter_ns()
            ranges.push(unit, ranges.domain)
            for name, calls in stages:
                ranges.push(name, ranges.domain)
                for call in calls:
                    call()
                ranges.pop(ranges.domain)
            ranges.pop(ranges.domain)
            found.append(time.perf_counter_ns() - start)
        yield found[warmups:]


def gpu_facts() -> dict[str, str]:
    """What the figures hang on: GPU, driver, CUDA and CuPy. Makes the process's context on the GPU."""
    runtime = cupy.cuda.runtime
    runtime.free(0)
    return {
        "gpu": runtime.getDeviceProperties(0)["name"].decode(),
        "driver_cuda": str(runtime.driverGetVersion()),
        "cuda": str(runtime.runtimeGetVersion()),
        "cupy": cupy.__version__,
    }
