"""The inputs of the benchmark: as it ships them, and as the project does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.dataset import load_dataset
from tracer.errors import DatasetError


def write_folder(folder: Path, lines: str, size: int = 490) -> Path:
    (folder / "y_labels.csv").write_text(lines)
    for number in range(2):
        (folder / f"tst_{number}.bin").write_bytes(bytes([number]) * size)
    return folder


@pytest.mark.parametrize("size", [490, 1960])
def test_a_folder_gives_its_inputs_in_the_order_of_its_labels(tmp_path: Path, size: int) -> None:
    dataset = load_dataset(write_folder(tmp_path, "tst_1.bin,12,7\ntst_0.bin,12,0\n", size))
    assert dataset.names == ["tst_1.bin", "tst_0.bin"]
    assert dataset.labels.tolist() == [7, 0]
    assert dataset.input(0) == b"\x01" * size


def test_the_benchmarks_own_folder_is_read(shared_data: Path) -> None:
    dataset = load_dataset(shared_data / "mlperf-tiny-kws" / "kws01")
    assert len(dataset.names) == 500
    assert dataset.names[0] == "tst_000000_Stop_7.bin"
    assert dataset.labels[:3].tolist() == [7, 2, 6]
    assert {len(dataset.input(index)) for index in range(500)} == {490}


def test_a_file_gives_the_same_bytes(tmp_path: Path) -> None:
    inputs = np.arange(-245, 245).astype(np.int8).reshape(1, 490)
    np.savez_compressed(tmp_path / "x.npz", inputs=inputs, labels=np.array([3], np.uint8), names=np.array(["a"]))
    dataset = load_dataset(tmp_path / "x.npz")
    assert dataset.input(0) == inputs.tobytes()
    assert dataset.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "it is empty"),
        ("tst_0.bin,12,7\ntst_1.bin,12\n", "line 2 is not"),
        ("tst_0.bin,12,seven\n", "line 1 is not"),
        ("tst_0.bin,12,12\n", "line 1 is not"),
        ("../secret.bin,12,1\n", "line 1 is not"),
    ],
)
def test_a_label_file_that_is_wrong_names_its_line(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        load_dataset(write_folder(tmp_path, lines))


def test_a_missing_folder_file_or_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"none\.npz"):
        load_dataset(tmp_path / "none.npz")
    dataset = load_dataset(write_folder(tmp_path, "tst_9.bin,12,7\n"))
    with pytest.raises(DatasetError, match=r"tst_9\.bin"):
        dataset.input(0)


def test_an_input_of_another_size_names_both_sizes(tmp_path: Path) -> None:
    dataset = load_dataset(write_folder(tmp_path, "tst_0.bin,12,7\n", size=489))
    with pytest.raises(DatasetError, match=r"489 bytes; an input has 490 .* or 1960"):
        dataset.input(0)
