"""The inputs of the benchmark and their classes: a folder as it ships them, or the project's own file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracer.errors import DatasetError
from tracer.figure_text import counted
from tracer.given_files import read_file

SIZES = (490, 1960)

SHIPPED_INPUTS = Path(__file__).parent / "shipped" / "held_out.npz"


@dataclass(frozen=True)
class Dataset:
    """Names in the order of the labels, a way to their bytes, and int64 classes (N,)."""

    names: list[str]
    labels: NDArray[np.int64]
    folder: Path | None = None
    array: NDArray[np.int8] | None = None

    def input(self, index: int) -> bytes:
        """
        Bytes of one input: 490 of int8, or 1960 of little-endian float32.

        Raises:
            DatasetError: if its file is missing or of another size.
        """
        if self.array is not None:
            return bytes(memoryview(self.array[index]).cast("B"))
        assert self.folder is not None  # noqa: S101 -- one of the two holds the bytes
        remedy = "y_labels.csv names it: bring it here"
        return read_input(self.folder / self.names[index], remedy, "an input has 490 (int8) or 1960 (float32)")


def read_input(path: Path, absent: str, other_size: str) -> bytes:
    """
    The bytes of one input.

    Raises:
        DatasetError: if it cannot be read, with the remedy ``absent``, or is of another size, with ``other_size``.
    """
    try:
        data = read_file(path, 1 << 20)
    except OSError as error:
        raise DatasetError(path, error.strerror or "unreadable", absent) from None
    if len(data) not in SIZES:
        raise DatasetError(path, f"it has {len(data)} bytes", other_size)
    return data


def load_dataset(path: Path) -> Dataset:
    """
    Read a folder with ``y_labels.csv`` (file, classes, class; as the benchmark ships it) or an ``.npz`` file.

    Raises:
        DatasetError: if it is neither, or a line of it is wrong.
    """
    if path.suffix == ".npz":
        return _load_file(path)
    labels = path / "y_labels.csv"
    try:
        with labels.open(newline="", encoding="utf-8") as lines:
            rows = [(number, row) for number, row in enumerate(csv.reader(lines), 1) if row]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if inputs := len(list(path.glob("*.bin"))):
            raise DatasetError(
                labels,
                f"{reason}, beside {counted(inputs, 'input')}",
                "their classes are in it: copy it from where they came from (the benchmark's kws01 folder)",
            ) from None
        raise DatasetError(labels, reason, "name the dataset's folder, or its .npz file") from None
    if not rows:
        raise DatasetError(labels, "it is empty", "it has a line an input: file, classes, class")
    for number, row in rows:
        # The first line's name is a path within the folder, never one that leads out of it.
        if len(row) < 3 or not row[2].strip().isdigit() or int(row[2]) >= 12 or Path(row[0]).name != row[0].strip():
            raise DatasetError(
                labels, f"line {number} is not file, classes, class", "a class is a number from 0 to 11"
            )
    return Dataset([row[0].strip() for _, row in rows], np.array([int(row[2]) for _, row in rows]), folder=path)


def chosen_dataset(path: Path | None) -> Dataset:
    """The dataset that was named, else the shipped one; raises as ``load_dataset``."""
    return shipped_dataset() if path is None else load_dataset(path)


def shipped_dataset() -> Dataset:
    """The held-out inputs of the shipped model."""
    return _load_file(SHIPPED_INPUTS)


def _load_file(path: Path) -> Dataset:
    try:
        with np.load(path, allow_pickle=False) as file:
            inputs, labels, names = file["inputs"], file["labels"], file["names"]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(path, str(error), "it holds inputs (N, 490), labels (N,) and names (N,)") from None
    if inputs.ndim != 2 or inputs.shape[1] != 490 or len(labels) != len(inputs) or not len(inputs):
        raise DatasetError(path, f"inputs {inputs.shape}, labels {labels.shape}", "inputs are int8 (N, 490)")
    return Dataset([str(name) for name in names], labels.astype(np.int64), array=inputs.astype(np.int8))
