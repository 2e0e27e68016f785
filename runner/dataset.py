"""The inputs of the benchmark and their classes: a folder as it ships them, or the project's own file."""

from __future__ import annotations

import csv
import errno
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.classes import CLASSES
from tracer.errors import DatasetError, first_line, told_unreadable
from tracer.figure_text import counted, size_text
from tracer.given_files import limited, open_file, read_file, read_text_file

SIZES = (490, 1960)

LABELS_BYTES, UNPACKED_BYTES = 64 << 20, 256 << 20
"""Of a y_labels.csv and of an .npz file; the benchmark's thousand inputs have 0.5 MB."""

_DAMAGE = (OSError, ValueError, LookupError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
"""What zipfile and NumPy raise of a file that is none, or of one that promises what it does not hold."""

_CLASS = re.compile(r"\s*(?:[0-9]|1[01])\s*")

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
    with told_unreadable(DatasetError, path, absent):
        data = read_file(path, 1 << 20)
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
        lines = read_text_file(labels, LABELS_BYTES).split("\n")
        rows = [(number, row) for number, row in enumerate(csv.reader(lines), 1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
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
        if len(row) < 3 or not _CLASS.fullmatch(row[2]) or not _is_name(row[0].strip()):
            raise DatasetError(
                labels, f"line {number} is not file, classes, class", "a class is a number from 0 to 11"
            )
    return Dataset([row[0].strip() for _, row in rows], np.array([int(row[2]) for _, row in rows]), folder=path)


def _is_name(name: str) -> bool:
    """A file within the folder, never a path that leads out of it, and nothing that no file is called."""
    return bool(name) and name.isprintable() and Path(name).name == name


def chosen_dataset(path: Path | None) -> Dataset:
    """The dataset that was named, else the shipped one; raises as ``load_dataset``."""
    return shipped_dataset() if path is None else load_dataset(path)


def shipped_dataset() -> Dataset:
    """The held-out inputs of the shipped model."""
    return _load_file(SHIPPED_INPUTS)


def _load_file(path: Path) -> Dataset:
    try:
        inputs, labels, names = _arrays(path)
    except _DAMAGE as error:
        problem = getattr(error, "strerror", None) or first_line(error)
        raise DatasetError(path, problem, "it holds inputs (N, 490), labels (N,) and names (N,)") from None
    count = len(inputs) if inputs.ndim == 2 and inputs.shape[1] == 490 and inputs.dtype.kind in "iu" else 0
    if not count or labels.shape != (count,) or names.shape != (count,) or labels.dtype.kind not in "iu":
        shapes = f"inputs {inputs.shape}, labels {labels.shape}, names {names.shape}"
        raise DatasetError(path, shapes, "inputs are int8 (N, 490), labels whole numbers (N,), names (N,)")
    if labels.min() < 0 or labels.max() >= CLASSES or inputs.min() < -128 or inputs.max() > 127:
        raise DatasetError(path, "a number in it is too large", "inputs are int8, a class is a number from 0 to 11")
    return Dataset([str(name) for name in names], labels.astype(np.int64), array=inputs.astype(np.int8))


def _arrays(path: Path) -> list[NDArray[Any]]:
    """What the file unpacks to; a small one may hold gigabytes."""
    with open_file(path) as file, zipfile.ZipFile(file) as packed:
        size, limit = sum(one.file_size for one in packed.infolist()), limited(UNPACKED_BYTES)
        if limit is not None and size > limit:
            problem = f"it unpacks to {size_text(size)}, more than {size_text(limit)}"
            raise OSError(errno.EFBIG, f"{problem}, which `kws-trace --no-limits` reads")
        file.seek(0)
        with np.load(file, allow_pickle=False) as loaded:
            return [np.asarray(loaded[name]) for name in ("inputs", "labels", "names")]
