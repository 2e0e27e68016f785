"""Runs of every kind that a page has to show, made without a device: spans as of a DUT, captures as ingested."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.profiles import EXECUTOR, MAIN, PROCESS, Row, call, copy, kernel, nvtx, profile
from tests.recorded import info
from tracer.captures.import_profile import ingest
from tracer.profiles.profile import Profile
from tracer.recording.window import RecordedWindow, SerialSpan
from tracer.runs.run_info import write_run_info
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter

STAGES = ("host_to_device", "session_run", "readback")
STAGE_NS = (30_000, 340_000, 30_000)
GAP_NS = 2_000
KERNELS = 8
HOSTILE = '<img src=x onerror="alert(1)"> **bold** :red[x] `code` $x^2$'
"""A name that a page must show as it is."""
NAMES = (
    "void cudnn::detail::implicit_convolve_sgemm<float, float, 128, 6, 7, 3, 3, 5, 1, true, false, true>(int, int)",
    "void tensorflow::functor::DepthwiseConv2dGPUKernelNCHWSmall<float, (DepthwiseConv2dDirection)0, 3, 3, 1>(args)",
    "void Eigen::internal::EigenMetaKernel<Eigen::TensorEvaluator<Eigen::TensorAssignOp<Eigen::TensorMap<float>>>>",
    HOSTILE,
)


def windows_of(
    performance: int = 5,
    inferences: int = 40,
    captured: int = 20,
    accuracy: int = 0,
    *,
    warmups: int = 3,
    slower: float = 1.0,
    seed: int = 0,
    long: bool = False,
) -> list[RecordedWindow]:
    """
    Windows whose stages jitter by some percent, with a rare stutter; ``long`` ones last 11 s by laps and wall clock.

    The captured window comes last, as ``kws-trace run`` takes it after the host's.
    """
    rng = np.random.default_rng(seed)
    kinds = ["performance"] * performance + ["accuracy"] * accuracy + (["capture"] if captured else [])
    found, first = [], 0
    for number, kind in enumerate(kinds):
        count = {"performance": inferences, "accuracy": 1, "capture": captured}[kind]
        warm = 0 if kind == "accuracy" else warmups
        start = 1_000_000_000_000 + 20_000_000_000 * number
        window = _window(number, kind, count, warm, first, start, slower, rng)
        if long and kind == "performance":
            end = start + 11_000_000_000
            window = replace(window, end_ns=end, lap_end_us=end // 1000)
        found.append(window)
        first += count + warm
    return found


def _window(
    number: int, kind: str, count: int, warm: int, first: int, start: int, slower: float, rng: Any
) -> RecordedWindow:
    total = count + warm
    jitter = rng.lognormal(0, 0.03, (total, len(STAGES))) * (1 + 6 * (rng.random((total, 1)) < 0.02))
    lengths = (np.array(STAGE_NS) * slower * jitter).astype(np.int64)
    # Warm-ups come before the first lap, from which the timed ones follow one another.
    begins = np.cumsum(np.r_[0, lengths.sum(axis=1)[:-1] + GAP_NS])
    begins += start - (begins[warm] if count else 0)
    edges = begins[:, None] + np.c_[np.zeros(total, np.int64), np.cumsum(lengths, axis=1)]
    end = int(edges[-1, -1])
    return RecordedWindow(
        window=number,
        kind=kind,
        state="complete",
        inferences=count,
        warmups=warm,
        lap_start_us=start // 1000,
        lap_end_us=end // 1000,
        start_ns=start,
        end_ns=end,
        cpu_ns=(end - start) // 2,
        first_inference=first,
        stages=STAGES,
        edges=edges,
        serial=(
            SerialSpan("serial_read", start - 900_000, 50_000),
            SerialSpan("serial_write", start - 800_000, 7_000),
        ),
        input_sha256="00",
        probabilities=(0.0,) * 11 + (1.0,),
        recorder_ns=1_000,
    )


def plain_run(traces: Path, name: str, windows: Sequence[RecordedWindow] | None = None, **facts: Any) -> Path:
    """A run without a kernel level; ``facts`` are fields of its ``run.json``."""
    writer = RunWriter.create(traces, name, replace(info(name), **facts), lambda _: None)
    for window in windows_of(captured=0) if windows is None else windows:
        writer.append(window)
    writer.close()
    return traces / name


def gpu_run(traces: Path, name: str, windows: Sequence[RecordedWindow] | None = None, **facts: Any) -> Path:
    """A run whose last window nsys captured, with kernels, copies and calls, most of them on an executor's thread."""
    every = windows_of() if windows is None else list(windows)
    return _captured(traces, name, every, gpu_profile(every[-1]), facts)


def cpu_run(traces: Path, name: str) -> Path:
    """A run captured by nsys on a machine without a GPU: ranges alone."""
    every = windows_of()
    bare = replace(profile(ranges=ranges_of(every[-1])), traced=frozenset({"nvtx"}))
    return _captured(traces, name, every, bare, {})


def ops_run(traces: Path, name: str) -> Path:
    """A run that TensorFlow's own profiler captured on a CPU: operations on the host's threads."""
    every = windows_of()
    captured = profile(ranges=ranges_of(every[-1]), ops=_ops(every[-1]))
    captured = replace(captured, source="tensorflow", traced=frozenset({"nvtx", "ops"}))
    return _captured(traces, name, every, captured, {})


def _captured(traces: Path, name: str, windows: list[RecordedWindow], capture: Profile, facts: Any) -> Path:
    folder = plain_run(traces, name, windows, **facts)
    ingest(stored_run(folder), [capture])
    return folder


def recovered_run(traces: Path, name: str) -> Path:
    """A run that was killed: its journal, and nobody who holds its lock."""
    writer = RunWriter.create(traces, f"{name}-alive", info(name), lambda _: None)
    for window in windows_of(captured=0):
        writer.append(window)
    shutil.copytree(traces / f"{name}-alive", traces / name)
    writer.close()
    shutil.rmtree(traces / f"{name}-alive")
    return traces / name


def recording_run(traces: Path, name: str) -> RunWriter:
    """A run that is being recorded; its writer holds the lock until it is closed."""
    writer = RunWriter.create(traces, name, info(name), lambda _: None)
    for window in windows_of(2, captured=0):
        writer.append(window)
    return writer


def damaged_spans_run(traces: Path, name: str) -> Path:
    """A run of whose spans nothing is left."""
    folder = plain_run(traces, name)
    _spoil(folder / "spans")
    return folder


def damaged_capture_run(traces: Path, name: str) -> Path:
    """A run whose capture cannot be read; what the recorder wrote can."""
    folder = gpu_run(traces, name)
    _spoil(folder / "gpu_work")
    return folder


def damaged_run(traces: Path, name: str) -> Path:
    """A run whose ``run.json`` is cut short."""
    folder = plain_run(traces, name)
    text = (folder / "run.json").read_text(encoding="utf-8")
    (folder / "run.json").write_text(text[: len(text) // 2], encoding="utf-8")
    return folder


def _spoil(folder: Path) -> None:
    for path in folder.glob("*.parquet"):
        data = bytearray(path.read_bytes())
        data[len(data) // 3 :] = b"\xff" * (len(data) - len(data) // 3)
        path.write_bytes(bytes(data))


KINDS = {
    "plain": plain_run,
    "gpu": gpu_run,
    "cpu": cpu_run,
    "ops": ops_run,
    "recovered": recovered_run,
    "damaged-spans": damaged_spans_run,
    "damaged-capture": damaged_capture_run,
}
"""Makers of runs that open, by kind; each takes the traces folder and a name."""


def three_kinds(traces: Path) -> Path:
    """Runs ``gpu``, ``ops`` and ``plain`` in ``traces``: with GPU work, with a CPU's operations, with neither."""
    gpu_run(traces, "gpu")
    ops_run(traces, "ops")
    plain_run(traces, "plain")
    return traces


def every_kind(traces: Path) -> list[str]:
    """A run of each of ``KINDS`` and one of which ``run.json`` is damaged; their names."""
    for name, make in KINDS.items():
        make(traces, name)
    damaged_run(traces, "damaged")
    return [*KINDS, "damaged"]


def with_info(folder: Path, **facts: Any) -> None:
    """Change fields of a run's ``run.json``."""
    write_run_info(folder / "run.json", replace(stored_run(folder).info, **facts))


def ranges_of(window: RecordedWindow) -> list[Row]:
    """The NVTX ranges of a window's inferences, warm-ups too, on a clock of the capture's own."""
    rows = []
    for place, edges in enumerate(_edges(window)):
        number = window.first_inference + place
        domain = "kws-trace"
        rows.append(nvtx("inference", edges[0] - 150, edges[-1] + 150, domain=domain, payload=number))
        for stage, start, end in zip(window.stages, edges[:-1], edges[1:], strict=True):
            rows.append(nvtx(stage, start + 100, end - 100, domain=domain))
    return rows


def _edges(window: RecordedWindow) -> list[list[int]]:
    origin = int(window.edges[0, 0]) - 5_000_000
    return [[int(edge) - origin for edge in row] for row in window.edges]


def gpu_profile(window: RecordedWindow) -> Profile:
    """What nsys saw of a window: a copy in, kernels that an executor launched, a copy out that is waited for."""
    work: list[Row] = []
    calls: list[Row] = []
    for edges in _edges(window):
        correlation = len(calls) + 1
        calls.append(call("cudaMemcpyAsync", edges[0] + 3_000, edges[0] + 15_000, correlation))
        work.append(copy("Host-to-Device", edges[0] + 12_000, edges[0] + 14_000, correlation, 1960))
        step = (edges[2] - edges[1]) // (KERNELS + 1)
        for number in range(KERNELS):
            correlation = len(calls) + 1
            begin = edges[1] + 8_000 + number * step
            calls.append(call("cudaLaunchKernel", begin, begin + 7_000, correlation, EXECUTOR))
            name = NAMES[number % len(NAMES)]
            work.append(kernel(name, begin + 9_000, begin + 9_000 + step // 3, correlation))
        correlation = len(calls) + 1
        calls.append(call("cudaMemcpyAsync", edges[2] + 1_000, edges[2] + 6_000, correlation))
        work.append(copy("Device-to-Host", edges[2] + 8_000, edges[2] + 9_500, correlation, 48, stream=14))
        calls.append(call("cudaStreamSynchronize", edges[2] + 6_500, edges[2] + 12_000, None, MAIN))
    return profile(work, calls, ranges_of(window))


def _ops(window: RecordedWindow) -> list[Row]:
    rows = []
    for edges in _edges(window):
        step = (edges[2] - edges[1]) // (KERNELS + 1)
        for number in range(KERNELS):
            begin = edges[1] + 8_000 + number * step
            facts = {"process": PROCESS, "thread": EXECUTOR, "kind": "op", "name": f"Conv2D_{number}"}
            rows.append({**facts, "start_ns": begin, "end_ns": begin + step // 2})
    return rows
