"""Each benchmark runs, on inputs so small that its figures mean nothing; what of cost can be counted has limits."""

from __future__ import annotations

import gc
import importlib
import math
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import large_inputs, protocol_cost, sampling_cost
from tests.benchmarks.kernel_attribution import write_export
from tests.benchmarks.large_inputs import write_log
from tracer.arrow_arrays import integers
from tracer.captures.attribution import attribute
from tracer.captures.chosen_units import chosen_units
from tracer.captures.counted_work import counted_work
from tracer.captures.work_parts import PART_ROWS, work_parts
from tracer.kernels.range_index import Points, enclosing_ranges
from tracer.profiles.nsys_sqlite import read_nsys_sqlite
from tracer.profiles.sqlite_file import connect
from tracer.profiles.sqlite_pages import read_pages
from tracer.sessions.open_session import build_session

# Without dashboard_load, which takes minutes in a browser also of a small run.
TINY: dict[str, tuple[Any, ...]] = {
    "tracing_cost": ({"litert": 3, "tensorflow": 3}, 20),
    "protocol_cost": (),
    "span_storage": (3_000, 2_000),
    "sampling_cost": (),
    "kernel_attribution": (320,),
    "large_inputs": (1, 3_000, 3_000),
    "dut_memory": (),
    "start_up": (2,),
    "run_lists": ((20,), 3),
    "fleet_queries": ((4,), 2, 30),
}


def figures_in(found: Any) -> Iterator[float]:
    if isinstance(found, dict):
        for value in found.values():
            yield from figures_in(value)
    elif isinstance(found, (int, float)):
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("name", [*TINY])
def test_a_benchmark_gives_its_figures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_cost, "INFERENCES", 20)
    monkeypatch.setattr(sampling_cost, "BLOCK", 20)
    monkeypatch.setattr(sampling_cost, "PAIRS", 3)
    monkeypatch.setattr(sampling_cost, "SHARE_S", 0.5)
    monkeypatch.setattr(large_inputs, "ROUNDS", 2)
    found = importlib.import_module(f"tests.benchmarks.{name}").measure(*TINY[name])
    figures = list(figures_in(found))
    assert len(figures) >= 3
    assert all(math.isfinite(figure) for figure in figures)


def peak_bytes(log: Path) -> int:
    # A collection empties the interpreter's free lists: what is taken from them is not counted.
    gc.collect()
    tracemalloc.start()
    try:
        build_session(log, keep=20)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_log_ten_times_as_long_is_read_in_the_same_memory(tmp_path: Path) -> None:
    # The short one is of several chunks: three of 64 kB are what stands in memory at once.
    short, long = (write_log(tmp_path / f"{size}-log.txt", size) for size in (250_000, 2_500_000))
    peak_bytes(short)
    assert peak_bytes(long) < 1.2 * peak_bytes(short)


def test_no_page_of_an_export_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_export(tmp_path / "capture.sqlite", 6_400)
    read: list[int] = []
    preadv = os.preadv

    def counted(descriptor: int, buffers: Any, offset: int) -> int:
        read.extend(range(offset, offset + sum(len(one) for one in buffers), 4096))
        return preadv(descriptor, buffers, offset)

    monkeypatch.setattr(os, "preadv", counted)
    with closing(connect(path)) as database:
        for table in ("CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS"):
            found = read_pages(path, database, table, ("start", "end"), None)
            assert len(found) >= 6_400
            # In so few pieces that who needs one array joins little.
            assert found["start"].num_chunks <= 2
    # But the root of each table, by which its tree is told from its leaves.
    assert len(read) - len(set(read)) <= 3 * (1 + (1 << 20) // 4096)
    assert len(set(read)) * 4096 <= path.stat().st_size


def test_no_more_rows_are_cut_into_pieces_at_once_than_a_part_has(tmp_path: Path) -> None:
    profile = read_nsys_sqlite(write_export(tmp_path / "capture.sqlite", 64_000))
    units = chosen_units(profile).units
    work = counted_work(profile, units, attribute(profile, units), np.ones(len(units), bool))
    parts = [one.work for one in work_parts(work)]
    sizes = [len(one.inferences) + len(one.stages.stage) + len(one.calls) + len(one.gpu) for one in parts]
    assert len(parts) > 2
    assert max(sizes) <= 1.1 * PART_ROWS
    assert sum(len(one.calls) for one in parts) == len(work.calls)
    # A work that lasts over the end of a part is in both.
    assert 0 <= sum(len(one.gpu) for one in parts) - len(work.gpu) <= len(parts)


def test_pairs_of_kernel_and_range_are_made_a_thread_at_a_time(tmp_path: Path) -> None:
    profile = read_nsys_sqlite(write_export(tmp_path / "capture.sqlite", 6_400))
    calls = (integers(profile.api_calls, name) for name in ("process", "thread", "start_ns", "end_ns"))
    pairs = enclosing_ranges(profile.nvtx_ranges, Points(*calls)).pairs
    assert [len(point) for point, _ in pairs] == [4 * 6_400 // 8] * 8
