"""What ``kws-trace runtimes`` does: find the ways that are there, ask each for its answers, time them in turn."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runner.bench.runtimes.candidate import REFERENCE, Absent, Found
from runner.bench.runtimes.litert_candidates import CONVERTED, litert_candidates
from runner.bench.runtimes.measure import measure_rounds, top1
from runner.dataset import chosen_dataset
from runner.inference.models import (
    SHIPPED_SAVED_MODEL,
    SHIPPED_TFLITE,
    ModelChoice,
    backend_of,
    model_facts,
    quantization_of,
)
from runner.inference.speed_environment import speed_environment
from tracer.quantization import Quantization
from tracer.reports.runtime_table import RuntimeTimes, build_runtimes

TENSORFLOW_EXTRA = "pip install 'kws-trace[tensorflow]' (on a Jetson NVIDIA's wheel, first)"
ONNX_EXTRA = "pip install 'kws-trace[onnx]'"

Advance = Callable[[str, float], object]
"""What is being done, and the share of it that was done since the last call."""


@dataclass(frozen=True, slots=True)
class RuntimesJob:
    """The options of ``kws-trace runtimes``; without a model the shipped one, in both its forms."""

    model: Path | None = None
    tflite: list[Path] = field(default_factory=list)
    dataset: Path | None = None
    seconds: float = 2.0
    threads: int = 1


def compare_runtimes(job: RuntimesJob, advance: Advance = lambda _what, _share: None) -> dict[str, Any]:
    """
    Measure every way that is installed.

    Returns:
        As ``tracer.reports.runtime_table.build_runtimes``, with ``model``, ``tflite``, ``threads`` and ``load``.
    """
    load_before = os.getloadavg()[0]
    path = job.model or SHIPPED_SAVED_MODEL
    files = job.tflite or ([SHIPPED_TFLITE] if job.model is None else [])
    backend_of(path, "tensorflow")
    for file in files:
        backend_of(file, "litert")
    dataset = chosen_dataset(job.dataset)
    dataset.input(0)
    with _found(job, path, files, advance) as found:
        shares = []
        for candidate in found.candidates:
            step = 1 / (len(dataset.names) * len(found.candidates))
            shares.append(top1(candidate, dataset, advance=lambda: advance("answers", step)))  # noqa: B023 -- at once
        times = measure_rounds(found.candidates, job.seconds, lambda share: advance("times", share))
        rows = [
            RuntimeTimes(one.name, one.version, one.input_type, one.device, share, count, times[:, column])
            for column, (one, (share, count)) in enumerate(zip(found.candidates, shares, strict=True))
        ]
        absent = [asdict(one) for one in found.absent]
    return {
        "model": model_facts(path),
        "tflite": [model_facts(file) for file in files],
        "threads": job.threads,
        "load": {"before": load_before, "cpus": os.cpu_count()},
        "environment": speed_environment(),
        **build_runtimes(rows, absent, REFERENCE),
    }


@contextmanager
def _found(job: RuntimesJob, path: Path, files: list[Path], advance: Advance) -> Iterator[Found]:
    """Every candidate that loads here, and what does not; closed afterwards."""
    quantization = quantization_of(ModelChoice(path))
    found = litert_candidates(files, quantization, job.threads)
    advance("loading", 0.1)
    if not files:
        found.absent.append(Absent("LiteRT int8", "no .tflite of this model was given", "name it with --tflite"))
    with tempfile.TemporaryDirectory(prefix="kws-trace-") as folder:
        try:
            for more in _from_saved_model(job, path, Path(folder), quantization, advance):
                found.candidates += more.candidates
                found.absent += more.absent
            yield found
        finally:
            found.close()


def _from_saved_model(
    job: RuntimesJob, path: Path, folder: Path, quantization: Quantization, advance: Advance
) -> Iterator[Found]:
    """What is made of the SavedModel; TensorFlow has to be there to read it."""
    from runner.bench.runtimes import onnx_candidates, tensorflow_candidates
    from runner.bench.runtimes.litert_candidates import converted_candidate

    if importlib.util.find_spec("tensorflow") is None:
        names = (*tensorflow_candidates.NAMES, CONVERTED, onnx_candidates.NAME)
        reason = "TensorFlow, which reads the SavedModel, is not installed"
        yield Found([], [Absent(name, reason, TENSORFLOW_EXTRA) for name in names])
        return
    from runner.inference.onnx_conversion import missing_modules

    yield converted_candidate(path, folder, quantization, job.threads)
    advance("loading", 0.3)
    if missing := missing_modules():
        reason = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        yield Found([], [Absent(onnx_candidates.NAME, reason, ONNX_EXTRA)])
    else:
        yield onnx_candidates.onnx_candidates(path, folder, quantization, job.threads)
    advance("loading", 0.3)
    yield tensorflow_candidates.tensorflow_candidates(path, quantization, job.threads)
    advance("loading", 0.3)
