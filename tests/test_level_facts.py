"""Which inferences of captures count, what their figures vary with, and which GPU worked for which process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from runner.dut.profiler_launch import take_in
from tests.gpu_runs import PUSH_NS, Clock, Piece, add_ranges, add_work, capture_window, ranges_of, recorded_run
from tests.nsys_export import NsysExport
from tests.recorded import window
from tracer.breakdown.kernel_level import KernelLevel, interrupted_by_profiler, kernel_level
from tracer.breakdown.shared_gpu import busy_by_gpu
from tracer.captures.chosen_units import chosen_units
from tracer.profiles.open_profile import read_profile_file
from tracer.profiles.profile import Profile
from tracer.recording.window import RecordedWindow
from tracer.report_types.gpu import Gain
from tracer.reports.unit_report import profile_level
from tracer.runs.run_store import StoredRun

US = 1_000


def two_processes(path: Path) -> Profile:
    """
    Two processes at the same time: the first on one GPU, with three steps, the other on two, with two.

    The profiler did something for itself in the second step of the first process, between its steps and up to their
    edges; and in the other process while that had no step.
    """
    export = NsysExport()
    steps = [(9, 0), (9, 200), (9, 400), (10, 0), (10, 200)]
    works = {9: [(10, 20, 40, 0)], 10: [(10, 20, 50, 1), (52, 60, 70, 0)]}
    number = 0
    for process, at in steps:
        export.ranges([at * US], [(at + 100) * US], "step", process=process, thread=1, domain=None)
        for call, start, end, device in works[process]:
            number += 1
            own: dict[str, Any] = {"process": process, "correlation_id": [number]}
            export.calls([(at + call) * US], [(at + call + 2) * US], "cudaLaunchKernel_v7000", thread=1, **own)
            export.kernels([(at + start) * US], [(at + end) * US], "k", device=device, **own)
    for process, start, end in ((9, 150, 160), (9, 210, 220), (9, 390, 400), (9, 500, 510), (10, 420, 430)):
        where = {"globalTid": int(export.global_id(process, 1)), "nameId": export.strings("Buffer flush")}
        export.add("PROFILER_OVERHEAD", start=[start * US], end=[end * US], overheadType=1, **where)
    profile = read_profile_file(export.write(path))
    assert isinstance(profile, Profile)
    return profile


@pytest.fixture(scope="module")
def level(tmp_path_factory: pytest.TempPathFactory) -> KernelLevel:
    profile = two_processes(tmp_path_factory.mktemp("two") / "two.sqlite")
    return profile_level(profile, chosen_units(profile, "step"))


def test_a_unit_in_which_the_profiler_worked_for_itself_in_its_process_is_left_out(level: KernelLevel) -> None:
    processes = [level.ranges.lanes[lane].process for lane in level.ranges.lane.tolist()]
    told = interrupted_by_profiler(level.profile, level.ranges).tolist()
    assert list(zip(processes, told, strict=True)) == [(9, False), (9, True), (9, False), (10, False), (10, False)]
    assert (level.keep.tolist(), level.interrupted) == ([not one for one in told], 1)
    assert level.breakdown.wall_ns.tolist() == [100 * US] * 4


def test_the_busy_time_of_each_gpu_is_told_by_the_process_that_uses_it(level: KernelLevel) -> None:
    found = [(process, device, (busy // US).tolist()) for process, device, busy in busy_by_gpu(level)]
    assert found == [(9, 0, [20, 20]), (10, 0, [10, 10]), (10, 1, [30, 30])]


def lasting(number: int, readback_ns: int) -> RecordedWindow:
    """A capture of four inferences that differ in nothing."""
    steps = np.cumsum([0, 10_000, 80_000, readback_ns])
    one = capture_window(number, 10 * number, 4, 0)
    edges = one.edges[:1, :1] + 200_000 * np.arange(4)[:, None] + steps
    return replace(one, edges=edges, start_ns=int(edges[0, 0]), end_ns=int(edges[-1, -1]))


def captured_run(folder: Path, windows: Sequence[RecordedWindow], **facts: Any) -> StoredRun:
    exports = []
    for one in windows:
        if one.kind == "capture":
            export, ranges = NsysExport(), ranges_of(one, Clock(rate_ppm=0.0))
            add_ranges(export, ranges)
            add_work(export, ranges, [Piece("session_run", "kernel", "k", 5_000, 6_000, 10_000)])
            exports.append(export.write(folder / f"{one.window}.sqlite"))
    return take_in(recorded_run(folder / "traces", windows, **facts), exports)


def gain_of(run: StoredRun, name: str) -> Gain:
    level = kernel_level(run)
    assert level is not None
    (found,) = (one for one in level.gains if one["name"] == name)
    return found


def test_gains_vary_by_captures_where_there_are_several(tmp_path: Path) -> None:
    # The stage's range is pushed after its first reading and popped before its last.
    mean = 11_000 - 2 * PUSH_NS
    run = captured_run(tmp_path, [lasting(place, length) for place, length in enumerate((10_000, 11_000, 12_000))])
    found = gain_of(run, "python readback")
    half = t.ppf(0.975, 2) * 1_000 / 3**0.5
    assert found["gain_ns"] == pytest.approx(mean)
    assert found["interval_ns"] == pytest.approx([mean - half, mean + half], rel=1e-4)


def test_the_tracer_s_own_ranges_cost_at_most_what_the_run_measured_of_them(tmp_path: Path) -> None:
    windows = [window(0, 10, 2), lasting(2, 10_000)]
    assert gain_of(captured_run(tmp_path, windows), "tracer")["gain_ns"] == 430
    (tmp_path / "unknown").mkdir()
    unknown = captured_run(tmp_path / "unknown", windows, recorder_cost={})
    # Before, between and after three stages.
    assert gain_of(unknown, "tracer")["gain_ns"] == 2 * 4 * PUSH_NS
