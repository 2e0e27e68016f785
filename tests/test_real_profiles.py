"""Readers on real files, held against what other programs counted in them; each skips where the file is not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pytest

from tests.test_nsys_sqlite import same_tables
from tracer.profiles.open_profile import read_profile_file
from tracer.profiles.profile import Profile
from tracer.public import open_profile


def read(path: Path) -> Profile:
    found = read_profile_file(path)
    assert isinstance(found, Profile)
    assert not found.experimental
    return found


def counts_and_ns(found: Profile) -> dict[str, tuple[int, int]]:
    work = found.gpu_work
    took = pc.subtract(work["end_ns"], work["start_ns"]).to_pylist()
    ns: Counter[str] = Counter()
    for kind, one in zip(work["kind"].to_pylist(), took, strict=True):
        ns[kind] += one
    return {kind: (count, ns[kind]) for kind, count in Counter(work["kind"].to_pylist()).items()}


def named(found: Profile, kind: str) -> Counter[str]:
    return Counter(row["name"].partition("(")[0] for row in found.gpu_work.to_pylist() if row["kind"] == kind)


def test_nvproofs_export_of_a_jetson_nano_has_its_kernels_copies_sets_and_ranges(shared_data: Path) -> None:
    found = read(shared_data / "cases" / "nvprof-nano-real-nvvp" / "yolo.nvvp")
    assert counts_and_ns(found) == {
        "kernel": (51, 47_562_432),
        "memcpy": (61, 78_029_452),
        "memset": (10, 5_945_833),
    }
    assert Counter(found.nvtx_ranges["style"].to_pylist()) == {"push_pop": 58}
    assert not [name for name in found.api_calls["name"].unique().to_pylist() if "#" in name]


def test_a_parquet_export_reads_as_the_sqlite_export_of_the_same_report(shared_data: Path) -> None:
    folder = shared_data / "h200"
    parquet, sqlite = read(folder / "capture-light.parquetdir"), read(folder / "capture-light.sqlite")
    assert same_tables(parquet, sqlite)
    # The folder came without the table that names the driver, since the environment stands in it too.
    notes, driver = sqlite.notes[:-1], sqlite.notes[-1]
    assert (parquet.traced, parquet.notes, parquet.version) == (sqlite.traced, notes, sqlite.version)
    assert driver == "NVIDIA's driver 580.159.04, CUDA driver 13.0"
    gpu = "GPU 0: NVIDIA H200, GPU-8cfd9375-223d-08fa-99e2-54b8a71a358d, 132 multiprocessors, clock up to 1,980 MHz, "
    assert notes[-1] == gpu + "memory 4,814 GB/s"


@pytest.mark.parametrize(
    ("name", "kernel_us", "copy_us"), [("capture-light.sqlite", 77.12, 4.03), ("capture.xplane.pb", 77.08, 4.06)]
)
def test_two_profilers_give_an_inference_its_gpu_time(
    shared_data: Path, name: str, kernel_us: float, copy_us: float
) -> None:
    found = open_profile(shared_data / "h200" / name)
    parts = found.breakdown().units().iloc[10:].mean() / 1e3
    assert (parts["kernel"], parts["copy"]) == (pytest.approx(kernel_us, abs=0.02), pytest.approx(copy_us, abs=0.02))
    work = counts_and_ns(read(shared_data / "h200" / name))
    assert {kind: count for kind, (count, _) in work.items()} == {
        "kernel": 41 * 210,
        "memcpy": 2 * 210,
        "memset": 2 * 210,
    }


def test_calls_that_tensorflow_names_after_their_work_are_launches_copies_and_sets(shared_data: Path) -> None:
    found = read(shared_data / "h200" / "capture.xplane.pb")
    assert Counter(found.api_calls["name"].to_pylist()) == {
        "[CUDA launch]": 8610,
        "[CUDA memcpy call]": 420,
        "[CUDA memset call]": 420,
    }
    assert found.version == "CUDA driver 13.0, CUDA runtime 12.5"
    assert found.notes == (
        "GPU 0: NVIDIA H200, clock up to 1,980 MHz, memory 4,814 GB/s",
        "copies by memory: 210 device to pinned, 210 pageable to device",
    )
    parts = open_profile(shared_data / "h200" / "capture.xplane.pb").breakdown().units().mean()
    # By nsys, in another run: 225 us of launches and 32 of other calls.
    assert 190_000 < parts["launch"] < 240_000
    assert parts["other_call"] == 0


def test_graphs_traced_by_node_have_their_kernels(shared_data: Path) -> None:
    found = read(shared_data / "h200" / "graph-nodes.sqlite")
    assert named(found, "kernel") == {"spin": 4 * 50, "other_kernel": (3 + 5) * 50}
    assert (named(found, "memcpy").total(), named(found, "memset").total()) == (2 * 50, 50)


def test_graphs_traced_whole_are_one_block_a_launch_and_say_how_to_see_more(shared_data: Path) -> None:
    found = read(shared_data / "h200" / "graph-whole.sqlite")
    assert named(found, "kernel") == {"spin": 4 * 50, "other_kernel": 3 * 50}
    assert named(found, "graph").total() == 50
    assert any("--cuda-graph-trace=node" in note for note in found.notes)
