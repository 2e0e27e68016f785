"""Captured work written row by row, for tests of the breakdown and of the replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tracer.breakdown.delays import Delay, Delays
from tracer.breakdown.launch_order import launch_order
from tracer.breakdown.replay_path import host_path
from tracer.captures.cuda_calls import SYNCHRONISE, call_kinds
from tracer.captures.inference_work import CallRows, GpuRows, InferenceRows, InferenceWork, OpRows, StageRows

MAIN, EXECUTOR, POLLER = 1, 2, 3
NAMES = ("cudaLaunchKernel", "cudaMemcpyAsync", "cudaStreamSynchronize", "cudaEventQuery", "cudaMalloc")
STAGES = ("dequantize", "session_run", "readback")
END = 130


@dataclass(frozen=True)
class Gpu:
    """``call`` is the row of the launching call among those given; -1 where it is not known."""

    start: int
    end: int
    call: int = -1
    kernel: bool = True
    stream: int = 7
    device: int = 0


@dataclass(frozen=True)
class Call:
    name: str
    start: int
    end: int
    thread: int = MAIN


def captured(
    inferences: Sequence[tuple[int, int]],
    stages: Sequence[tuple[str, int, int]],
    gpu: Sequence[Gpu] = (),
    calls: Sequence[Call] = (),
    ops: Sequence[tuple[int, int, int]] = (),
) -> InferenceWork:
    """``stages`` are (name, start, end), ``ops`` (thread, start, end); inferences are numbered from 0."""
    names = tuple(dict.fromkeys(name for name, _, _ in stages))
    rows = [(names.index(name), start, end) for name, start, end in stages]
    return InferenceWork(
        inferences=InferenceRows(
            np.arange(len(inferences)), np.full(len(inferences), MAIN), *_columns(inferences, 2)
        ),
        stage_names=names,
        stages=StageRows(*_columns(rows, 3)),
        gpu=GpuRows(
            np.array([row.kernel for row in gpu], np.bool_),
            *_columns([(row.device, row.stream, row.start, row.end, row.call) for row in gpu], 5),
        ),
        calls=CallRows(
            call_kinds([row.name for row in calls]),
            *_columns([(row.thread, row.start, row.end) for row in calls], 3),
        ),
        ops=OpRows(*_columns(ops, 3)),
    )


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> list[np.ndarray]:
    return list(np.array(rows, np.int64).reshape(-1, width).T)


def least_delays(work: InferenceWork) -> Delays:
    """The shortest delays that a small capture shows, for cases whose answer is found by hand; waking up stays."""
    gpu, after = work.gpu, np.maximum(work.gpu.start_ns - work.launched_ns, 0)
    order = launch_order(work)
    known = gpu.call >= 0
    kernel, copy = (int(after[known & kinds].min(initial=10**6)) for kinds in (gpu.kernel, ~gpu.kernel))
    ends = gpu.end_ns[order.before] if len(gpu) else gpu.end_ns
    ready = work.launched_ns + np.where(gpu.kernel, kernel, copy)
    gaps = np.maximum(gpu.start_ns - ends, 0)[known & (order.before >= 0) & (ready <= ends)]
    gap = int(gaps.min()) if len(gaps) else 0
    path = host_path(work)
    layers = path.pieces.layers
    after = (layers.end_ns - layers.until_ns)[layers.kind == SYNCHRONISE]
    idle = int(after.min()) if len(after) else 0
    return Delays(*(Delay(one, one, one) for one in (kernel, copy, gap, gap, gap, 0, idle, 0)))


@st.composite
def captures(draw: Any) -> dict[str, Any]:
    """Up to three inferences of up to three stages, with any GPU work, calls and operations about them."""
    inferences, stages, at = [], [], draw(st.integers(0, 6))
    for _ in range(draw(st.integers(0, 3))):
        begin = at
        for stage in draw(st.lists(st.sampled_from(STAGES), min_size=1, max_size=3, unique=True)):
            start = at + draw(st.integers(0, 3))
            at = start + draw(st.integers(1, 14))
            stages.append((stage, start, at))
        at += draw(st.integers(0, 3))
        inferences.append((begin, at))
        at += draw(st.integers(0, 5))
    threads = st.sampled_from((MAIN, EXECUTOR, POLLER))
    starts, lengths = st.integers(0, END), st.integers(0, 25)
    calls = draw(
        st.lists(
            st.builds(lambda n, a, b, t: Call(n, a, a + b, t), st.sampled_from(NAMES), starts, lengths, threads),
            max_size=9,
        )
    )
    gpu = draw(
        st.lists(
            st.builds(
                lambda a, b, c, k, s: Gpu(a, a + b, c, k, s),
                starts,
                lengths,
                st.integers(-1, len(calls) - 1),
                st.booleans(),
                st.integers(7, 8),
            ),
            max_size=9,
        )
    )
    ops = draw(st.lists(st.builds(lambda t, a, b: (t, a, a + b), threads, starts, lengths), max_size=3))
    return {"inferences": inferences, "stages": stages, "gpu": gpu, "calls": calls, "ops": ops}
