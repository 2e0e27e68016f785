"""What an accuracy pass left, beside the inputs that it was made over: from a run of ours, or from a host's log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from runner.dataset import Dataset
from tracer.classes import CLASSES
from tracer.errors import DatasetError, SessionError
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.windows import accuracy_windows
from tracer.sessions.accuracy_figures import class_of
from tracer.sessions.open_session import build_session, session_paths

KEPT_RESULTS = 100_000
"""Windows of a session that are read, a hundred passes over the benchmark's 1000 inputs; some 2.4 KiB each."""
_REMEDY = "name a session's folder or its log.txt, or a run of ours"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The vectors of a pass, (N, 12), and what names the input of each: a SHA-256, a file name, or nothing."""

    source: str
    vectors: NDArray[np.float64]
    named_by: str
    names: list[str | None]
    run: StoredRun | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matched:
    """
    The vectors whose inputs the dataset has, in the order of the pass.

    ``data`` is int8 or float32 (n, 490); ``labels`` int64 (n,). ``all_vectors`` and ``all_labels`` hold besides the
    vectors of inputs whose class alone is known, from the file's name.
    """

    vectors: NDArray[np.float64]
    labels: NDArray[np.int64]
    data: NDArray[Any]
    all_vectors: NDArray[np.float64]
    all_labels: NDArray[np.int64]
    notes: list[str] = field(default_factory=list)


def read_recorded(ref: str, traces: Path) -> Recorded:
    """The results of a run (folder, name, ``last``), or of a session (its folder, a log, a ``results.json``)."""
    path = Path(ref)
    if path.is_file() or (path.is_dir() and not (path / "run.json").is_file()):
        return _of_session(path)
    return _of_run(stored_run(ref, traces))


def match(recorded: Recorded, dataset: Dataset) -> Matched:
    """
    Lay the dataset's inputs beside the vectors.

    Raises:
        DatasetError: if the dataset has the input of none, one cannot be read, or some are int8 and others float32.
    """
    contents = [dataset.input(index) for index in range(len(dataset.names))]
    places, order = _places(recorded, dataset, contents)
    notes = [*recorded.notes, *order]
    here = [number for number, place in enumerate(places) if place is not None]
    if not here:
        remedy = "name with --dataset the folder whose inputs were used"
        raise DatasetError(recorded.source, f"none of its {len(places)} inputs is in the dataset", remedy)
    taken = [place for place in places if place is not None]
    if len({len(contents[place]) for place in taken}) > 1:
        raise DatasetError(recorded.source, "its inputs are int8 and float32 mixed", "give one kind of inputs")
    kind = np.int8 if len(contents[taken[0]]) == 490 else np.dtype("<f4")
    labels = [
        int(dataset.labels[place]) if place is not None else class_of(name)
        for place, name in zip(places, recorded.names, strict=True)
    ]
    known = [number for number, label in enumerate(labels) if label is not None]
    if len(here) < len(places):
        text = f"the dataset has the inputs of {len(here)} of {len(places)} results"
        by_name = f"; the class of {len(known) - len(here)} others is read from their names" if known != here else ""
        notes.append(f"{text}: models are tried on those{by_name}")
    return Matched(
        vectors=recorded.vectors[here],
        labels=dataset.labels[taken],
        data=np.stack([np.frombuffer(contents[place], kind) for place in taken]),
        all_vectors=recorded.vectors[known],
        all_labels=np.array([labels[number] for number in known], np.int64),
        notes=notes,
    )


def _places(recorded: Recorded, dataset: Dataset, contents: list[bytes]) -> tuple[list[int | None], list[str]]:
    """Of each result the place of its input in the dataset."""
    if recorded.named_by == "sha256":
        digests = {hashlib.sha256(data).hexdigest(): place for place, data in reversed(list(enumerate(contents)))}
        return [digests.get(str(name)) for name in recorded.names], []
    known = {name: place for place, name in enumerate(dataset.names)}
    if any(name is not None for name in recorded.names):
        return [None if name is None else known.get(name) for name in recorded.names], []
    note = "the log names no inputs: results are taken to be in the order of the dataset"
    return [place if place < len(contents) else None for place in range(len(recorded.names))], [note]


def _of_session(path: Path) -> Recorded:
    session = build_session(_session_file(path), KEPT_RESULTS)
    told = [(one.input_name, one.probabilities) for one in session.windows if one.probabilities]
    whole = [(name, vector) for name, vector in told if len(vector) == CLASSES]
    if not whole:
        raise DatasetError(str(session.path), "it holds no m-results of twelve numbers", _REMEDY)
    notes = []
    if session.dropped_windows:
        beyond = f"{session.dropped_windows} windows beyond the first {KEPT_RESULTS}"
        notes.append(f"{beyond} of the session are not looked at")
    vectors = np.array([vector for _, vector in whole])
    return Recorded(str(session.path), vectors, "name", [name for name, _ in whole], notes=tuple(notes))


def _session_file(path: Path) -> Path:
    """The log of the one session at the path."""
    try:
        files = session_paths(path)
    except SessionError:
        raise DatasetError(str(path), "neither a run.json nor a log.txt is in it", _REMEDY) from None
    if len(files) > 1:
        raise DatasetError(str(path), f"{len(files)} sessions are in it", "name one of them")
    return files[0]


def _of_run(run: StoredRun) -> Recorded:
    rows = run.results()
    accuracy = {one.number for one in accuracy_windows(run.each_window)}
    if accuracy:
        rows = rows.filter(pc.is_in(rows["window"], pa.array(sorted(accuracy), pa.int32())))
    if not len(rows):
        raise DatasetError(run.name, "this run holds no results", "record an accuracy pass, or `kws-trace infer`")
    vectors = np.stack([np.asarray(one, np.float64) for one in rows["probabilities"].to_pylist()])
    return Recorded(run.name, vectors, "sha256", rows["input_sha256"].to_pylist(), run, notes=tuple(run.dropped))
