"""A DUT warns of results that cannot be right, and of no others: it knows no labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.recorded import info, window
from tracer.accuracy.unlabelled import INPUTS_FROM, run_warnings
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.run_writer import RunWriter


def recorded(folder: Path, vectors: Sequence[Sequence[float]], inferences: int = 1) -> StoredRun:
    writer = RunWriter.create(folder, "run", info(), lambda _: None)
    for number, vector in enumerate(vectors):
        made = window(number, inferences=inferences, first=2 * number)
        writer.append(replace(made, input_sha256=f"{number:064x}", probabilities=tuple(vector)))
    writer.close()
    return stored_run("run", folder)


def one_hot(classes: Sequence[int]) -> list[list[float]]:
    return np.eye(12)[list(classes)].tolist()


def test_results_of_several_classes_that_sum_to_one_raise_no_warning(tmp_path: Path) -> None:
    assert run_warnings(recorded(tmp_path, one_hot([number % 12 for number in range(INPUTS_FROM)]))) == []


def test_one_class_for_every_input_is_told_with_its_name_and_the_command_that_says_why(tmp_path: Path) -> None:
    (warning,) = run_warnings(recorded(tmp_path, one_hot([11] * INPUTS_FROM)))
    assert "unknown (class 11)" in warning
    assert "kws-trace accuracy" in warning


def test_vectors_that_do_not_sum_to_one_are_told(tmp_path: Path) -> None:
    vectors = 3 * np.array(one_hot([number % 12 for number in range(INPUTS_FROM)]))
    (warning,) = run_warnings(recorded(tmp_path, vectors.tolist()))
    assert "softmax" in warning


def test_few_inputs_or_performance_windows_say_nothing_of_accuracy(tmp_path: Path) -> None:
    assert run_warnings(recorded(tmp_path / "few", one_hot([11] * (INPUTS_FROM - 1)))) == []
    assert run_warnings(recorded(tmp_path / "performance", one_hot([11] * INPUTS_FROM), inferences=2)) == []
