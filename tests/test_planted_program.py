"""
A program on an H200 whose parts were really left out: what its captures predict, against what was measured.

The times without the profiler are of a process of their own right before each capture, so both vary by what two
launches of one program vary by.
"""

from __future__ import annotations

import json
import lzma
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tracer.public import open_profile

H200 = Path(__file__).parents[1].parent / "shared" / "data" / "h200"
LAUNCHES = [1, *(pytest.param(launch, marks=pytest.mark.slow) for launch in range(2, 7))]
VARIANTS = {
    "busy": ("stage", "busy"),
    "sync": ("stage", "sync"),
    "copy": ("stage", "copy"),
    "one graph": ("change", "one graph"),
}


def shared_file(name: str) -> Path:
    """A file of the shared data; the test is skipped where it is not here."""
    path = H200 / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path


def measured(launch: int) -> dict[str, float]:
    """Mean nanoseconds of each variant's blocks."""
    times = json.loads(shared_file(f"planted/times{launch}.json").read_text(encoding="utf-8"))
    return {name: float(np.mean(blocks)) for name, blocks in times.items()}


@cache
def predicted(launch: int, whole_ns: float) -> dict[tuple[str, str], dict]:
    packed = shared_file(f"planted/planted{launch}.sqlite.xz")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"planted{launch}.sqlite"
        path.write_bytes(lzma.decompress(packed.read_bytes()))
        rows = open_profile(path).gains(unprofiled_wall_ns=whole_ns, form="arrow").to_pylist()
    return {(row["group"], row["name"]): row for row in rows}


@pytest.mark.parametrize("launch", LAUNCHES)
def test_what_leaving_a_part_out_gave_lies_within_what_its_capture_predicts(launch: int):
    times = measured(launch)
    said = predicted(launch, times["whole"])
    margin = 0.05 * times["whole"]
    for variant, key in VARIANTS.items():
        gave, row = times["whole"] - times[variant], said[key]
        print(
            f"{launch} {variant}: gave {gave / 1e3:.1f} us, said {row['gain_ns'] / 1e3:.1f} "
            f"({row['low_ns'] / 1e3:.1f} to {row['high_ns'] / 1e3:.1f}) {row['reason']}"
        )
        assert row["low_ns"] - margin <= gave <= row["high_ns"] + margin, variant


@pytest.mark.parametrize("launch", LAUNCHES)
def test_a_busy_wait_stays_what_it_is_though_the_profiled_program_is_slower(launch: int):
    times = measured(launch)
    row = predicted(launch, times["whole"])[VARIANTS["busy"]]
    assert row["gain_ns"] == pytest.approx(140e3, rel=0.1)


def test_the_graph_of_onnx_runtime_lies_within_what_its_capture_leaves_open():
    """The same kernels as one CUDA graph took 168 us of 426, 258 less: the code around them was gone too."""
    rows = open_profile(shared_file("onnxruntime-bound.sqlite")).gains(unprofiled_wall_ns=426e3, form="arrow")
    said = {row["name"]: row for row in rows.to_pylist()}
    assert said["one graph"]["low_ns"] <= 258e3 <= said["one graph, no framework"]["high_ns"]
    assert said["one graph, no framework"]["bound"]
    for row in said.values():
        assert row["rate_hz"] is None or row["rate_hz"] >= 1e9 / 426e3
