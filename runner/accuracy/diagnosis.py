"""From the options of ``kws-trace accuracy`` to what it prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from runner.accuracy.mistake_search import diagnose
from runner.accuracy.models import LoadedModel, model_path_of, others_at_hand
from runner.accuracy.recorded_results import match, read_recorded
from runner.accuracy.report_text import diagnosis_json, render_diagnosis
from runner.dataset import chosen_dataset
from runner.inference.models import ModelChoice, backend_of
from tracer.accuracy.symptoms import accuracy_symptoms
from tracer.errors import KwsTraceError
from tracer.terminal_text import terminal


def examine(
    ref: str,
    traces: Path,
    model: Path | None,
    dataset: Path | None,
    also: list[Path],
    input_scale: float | None,
    input_zero_point: int | None,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """
    Look at the numbers of a run or a session, try the mistakes, print; each argument as the option of its name.

    Raises:
        KwsTraceError: if the run or session, the dataset or the model cannot be used.
    """
    # Before minutes of work with the first model.
    for other in also:
        backend_of(other, None)
    recorded = read_recorded(ref, traces)
    matched = match(recorded, chosen_dataset(dataset))
    findings = accuracy_symptoms(matched.all_vectors, matched.all_labels)
    path = model_path_of(model, recorded.run)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=terminal(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task(f"{path.name}: loading", total=None)
        first = LoadedModel(ModelChoice(path, input_scale=input_scale, input_zero_point=input_zero_point))
        found = diagnose(matched, first, _loaded(path, also), lambda text: bar.update(task, description=text))
    facts = diagnosis_json(recorded, matched, findings, found)
    if as_json:
        terminal().print_json(json.dumps(facts))
    else:
        render_diagnosis(facts, findings, terminal())


def _loaded(path: Path, named: list[Path]) -> Iterator[LoadedModel]:
    """Other models, each loaded when it is asked for; one that only happens to lie there may fail to load."""
    names = {path.name}
    for other in others_at_hand(path, named):
        try:
            # Two models of one name are told apart by their paths.
            model = LoadedModel(ModelChoice(other), str(other) if other.name in names else None)
        except KwsTraceError:
            if other in named:
                raise
            continue
        names.add(other.name)
        yield model
