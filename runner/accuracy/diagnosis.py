"""From the options of ``kws-trace accuracy`` to what it prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from runner.accuracy.mistake_search import Diagnosis, diagnose
from runner.accuracy.models import LoadedModel, VectorModel, model_path_of, others_at_hand
from runner.accuracy.recorded_results import Matched, Recorded, match, read_recorded
from runner.accuracy.report_text import diagnosis_json, render_diagnosis
from runner.dataset import chosen_dataset
from runner.inference.models import ModelChoice, backend_of
from tracer.accuracy.symptoms import accuracy_symptoms
from tracer.errors import KwsTraceError
from tracer.terminal_text import terminal


@dataclass(frozen=True, slots=True)
class AccuracyJob:
    """What to examine and with what; ``dataset`` None is the shipped one."""

    ref: str
    traces: Path
    model: Path | None
    dataset: Path | None
    also: list[Path]
    input_scale: float | None
    input_zero_point: int | None
    quiet: bool
    as_json: bool


def examine(job: AccuracyJob) -> None:
    """
    Look at the numbers, try the mistakes, print.

    Raises:
        KwsTraceError: if the run or session, the dataset or the model cannot be used.
    """
    # Before minutes of work with the first model.
    for other in job.also:
        backend_of(other, None)
    recorded = read_recorded(job.ref, job.traces)
    matched = match(recorded, chosen_dataset(job.dataset))
    findings = accuracy_symptoms(matched.all_vectors, matched.all_labels)
    facts = diagnosis_json(recorded, matched, findings, _diagnosis(job, recorded, matched))
    if job.as_json:
        terminal().print_json(json.dumps(facts))
    else:
        render_diagnosis(facts, findings, terminal())


def _diagnosis(job: AccuracyJob, recorded: Recorded, matched: Matched) -> Diagnosis:
    path = model_path_of(job.model, recorded.run)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=terminal(stderr=True), transient=True, disable=job.quiet) as bar:
        task = bar.add_task(f"{path.name}: loading", total=None)
        model = LoadedModel(_choice(path, job.input_scale, job.input_zero_point))
        others = _loaded(path, job.also)
        return diagnose(matched, model, others, lambda text: bar.update(task, description=text))


def _loaded(path: Path, named: list[Path]) -> Iterator[VectorModel]:
    """Other models, each loaded when it is asked for; one that only happens to lie there may fail to load."""
    names = {path.name}
    for other in others_at_hand(path, named):
        try:
            # Two models of one name are told apart by their paths.
            model = LoadedModel(_choice(other, None, None), str(other) if other.name in names else None)
        except KwsTraceError:
            if other in named:
                raise
            continue
        names.add(other.name)
        yield model


def _choice(path: Path, scale: float | None, zero_point: int | None) -> ModelChoice:
    return ModelChoice(path, input_scale=scale, input_zero_point=zero_point)
