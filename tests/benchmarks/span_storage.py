"""Ten million spans to Parquet, against pandas' default, in turn in one run; and the memory of a long window."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.pairs import interleaved
from tests.recorded import STAGES, info
from tracer.recording.window import RecordedWindow
from tracer.runs.journal import JournalRow
from tracer.runs.run_writer import RunWriter
from tracer.runs.tables import span_batches, spans_table, write_spans

INFERENCES = 3_333_334
"""Of three stages: ten million spans."""


def measure(inferences: int = INFERENCES, long: int = 1_000_000) -> dict[str, Any]:
    """``parquet`` (ratio of our time to pandas', bytes a span of both) and ``long_window`` (memory)."""
    return {"parquet": _parquet(inferences), "long_window": _in_a_child(long)}


def _window(inferences: int) -> RecordedWindow:
    """Stages with the spread of a real run: a normal body and a long tail."""
    rng = np.random.default_rng(1)
    steps = np.empty((inferences, len(STAGES) + 1))
    for column, (typical, spread) in enumerate([(900, 80), (40_000, 1500), (2_500, 200), (600, 60)]):
        steps[:, column] = rng.normal(typical, spread, inferences) + rng.exponential(spread / 4, inferences)
    ends = np.cumsum(steps.clip(50).ravel().astype(np.int64)).reshape(inferences, -1)
    starts = np.r_[0, ends[:-1, -1]]
    edges = np.ascontiguousarray(np.c_[starts, ends[:, :-1]]) + 10**12
    return RecordedWindow(
        0, "performance", "complete", inferences, 0, 0, 1, 0, 1, 0, 0, STAGES, edges, (), None, None, 0
    )


def _parquet(inferences: int) -> dict[str, Any]:
    row = JournalRow.of(_window(inferences), 0)
    frame = spans_table([row], "run").to_pandas()
    frame["stage"], frame["run_id"] = frame["stage"].astype("category"), frame["run_id"].astype("category")
    with tempfile.TemporaryDirectory() as folder:
        ours, pandas = Path(folder) / "ours.parquet", Path(folder) / "pandas.parquet"
        found = interleaved(
            lambda: write_spans(ours, span_batches([row], "run")), lambda: frame.to_parquet(pandas), 5
        )
        spans = len(frame)
        sizes = {"bytes_a_span": ours.stat().st_size / spans, "bytes_a_span_pandas": pandas.stat().st_size / spans}
    return {**found, **{key: round(value, 3) for key, value in sizes.items()}, "spans": spans}


def _in_a_child(inferences: int) -> dict[str, Any]:
    # Peak memory is a process's own: this one has held frames of gigabytes.
    code = f"from tests.benchmarks.span_storage import long_window; print(long_window({inferences}))"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return {"peak_mb_over_idle": float(said), "inferences": inferences}


def long_window(inferences: int) -> float:
    """Peak megabytes over the idle process, of recording a window of so many inferences."""
    from runner.inference.models import SHIPPED_TFLITE, ModelChoice, load_pipeline
    from runner.inference.window_runner import Readings, StopFlag, WindowRunner

    pipeline = load_pipeline(ModelChoice(SHIPPED_TFLITE))
    pipeline.load(bytes(490))
    for _, stage in pipeline.stages():
        stage()
    with tempfile.TemporaryDirectory() as folder:
        writer = RunWriter.create(Path(folder), "run", info(), print)
        runner = WindowRunner(pipeline, None, StopFlag())
        names, loop = runner.prepare()
        idle = _peak_kb()
        readings = Readings(len(names) + 1)
        start = time.perf_counter_ns()
        runner.run(loop, inferences, readings)
        end = time.perf_counter_ns()
        edges = readings.edges()
        writer.append(
            RecordedWindow(
                0,
                "performance",
                "complete",
                len(edges),
                0,
                start // 1000,
                end // 1000,
                start,
                end,
                0,
                0,
                names,
                edges,
                (),
                None,
                None,
                readings.recorder_ns,
            )
        )
        del edges, readings
        writer.make_parts_if_due()
        writer.close()
        return round((_peak_kb() - idle) / 1024, 1)


def _peak_kb() -> int:
    # ru_maxrss is handed down by the parent; this is the process's own.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
