"""What ``kws-trace runtimes`` does: find the ways that are there, ask each for its answers, time them in turn."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from runner.bench.runtimes.batches import measure_batch, single_batch
from runner.bench.runtimes.candidate import REFERENCE
from runner.bench.runtimes.candidates import Advance, Models, found_candidates
from runner.bench.runtimes.measure import answers_to, measure_rounds
from runner.dataset import Dataset, chosen_dataset
from runner.inference.models import (
    SHIPPED_SAVED_MODEL,
    SHIPPED_TFLITE,
    ModelChoice,
    backend_of,
    model_facts,
    quantization_of,
)
from runner.inference.speed_environment import speed_environment
from tracer.accuracy.confusion import top1_of
from tracer.reports.batch_table import build_batches
from tracer.reports.runtime_table import RuntimeTimes, build_runtimes


def compare_runtimes(
    model: Path | None = None,
    tflite: Sequence[Path] = (),
    dataset: Path | None = None,
    seconds: float = 2.0,
    threads: int = 1,
    batches: Sequence[int] = (),
    advance: Advance = lambda _what, _share: None,
) -> dict[str, Any]:
    """
    Measure every way that is installed; without a model of the shipped one, in both its forms.

    ``batches`` are the sizes measured, ascending and the first of them 1; none asks for single inferences alone.

    Returns:
        As ``tracer.reports.runtime_table.build_runtimes``, with ``model``, ``tflite``, ``threads`` and ``load``; with
        batches also ``batches``, as ``tracer.reports.batch_table.build_batches``.
    """
    load_before = os.getloadavg()[0]
    path = model or SHIPPED_SAVED_MODEL
    files = list(tflite) or ([SHIPPED_TFLITE] if model is None else [])
    backend_of(path, "tensorflow")
    for file in files:
        backend_of(file, "litert")
    inputs = chosen_dataset(dataset)
    inputs.input(0)
    with tempfile.TemporaryDirectory(prefix="kws-trace-") as folder:
        quantization = quantization_of(ModelChoice(path))
        models = Models(path, files, Path(folder), quantization, threads, graphs=bool(batches))
        measured = _measured(models, inputs, seconds, batches, advance)
    return {
        "model": model_facts(path),
        "tflite": [model_facts(file) for file in files],
        "threads": threads,
        "load": {"before": load_before, "cpus": os.cpu_count()},
        "environment": speed_environment(),
        **measured,
    }


def _measured(
    models: Models, dataset: Dataset, seconds: float, batches: Sequence[int], advance: Advance
) -> dict[str, Any]:
    """Single inferences, and then each batch of more, for which the candidates are loaded anew."""

    def advance_part(what: str, share: float) -> None:
        advance(what, share / max(1, len(batches)))

    with found_candidates(models, advance_part) as found:
        answers = {}
        for candidate in found.candidates:
            step = 1 / (len(dataset.names) * len(found.candidates))
            answers[candidate.name] = answers_to(candidate, dataset, lambda: advance("answers", step))  # noqa: B023 -- at once
        times = measure_rounds(found.candidates, seconds, lambda share: advance_part("times", share))
    shares = [top1_of(answers[one.name].astype(np.float64), dataset.labels) for one in found.candidates]
    rows = [
        RuntimeTimes(one.name, one.version, one.input_type, one.device, share, len(dataset.names), times[:, column])
        for column, (one, share) in enumerate(zip(found.candidates, shares, strict=True))
    ]
    figures = build_runtimes(rows, [asdict(one) for one in found.absent], REFERENCE)
    if not batches:
        return figures
    measured = [single_batch(found.candidates, times, found.absent)]
    measured += [measure_batch(models, size, dataset, answers, seconds, advance_part) for size in batches[1:]]
    return figures | {"batches": build_batches(measured)}
