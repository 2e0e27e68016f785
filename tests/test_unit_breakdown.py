"""The breakdown of any profile: what its units are, and that its figures are the report's own."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from tests.gpu_runs import capture_window, gpu_export, recorded_run
from tests.nsys_export import NsysExport
from tests.painted import painted_busy_ns
from tests.simulator.export import write_export
from tests.simulator.machine import Machine, run
from tests.simulator.program import inferences, random_inference
from tools.report_schema import build_schema
from tracer.breakdown.kernel_level import KernelLevel, kernel_level
from tracer.breakdown.shared_gpu import shared_gpu
from tracer.captures.chosen_units import chosen_units
from tracer.captures.import_profile import ingest
from tracer.captures.stored_capture import read_captures
from tracer.errors import ProfileError, UsageError
from tracer.kernels.range_tables import work_by_range
from tracer.profiles.open_profile import read_profile_file
from tracer.profiles.profile import Profile
from tracer.report_types.breakdown import BreakdownReport, UnitGpu
from tracer.report_types.gpu import KernelFigures
from tracer.reports.kernel_report import kernel_figures
from tracer.reports.unit_report import build_breakdown, profile_level
from tracer.reports.unit_text import breakdown_csv, render_breakdown
from tracer.runs.run_store import stored_run

OURS = "kws-trace:inference"
FIGURES = ("overhead", "kernels", "copies", "kernels_by_stage", "api")
US = 1_000


def profile_of(path: Path) -> Profile:
    found = read_profile_file(path)
    assert isinstance(found, Profile)
    return found


def level_of(profile: Profile, pattern: str | None = None, **more: Any) -> KernelLevel:
    return profile_level(profile, chosen_units(profile, pattern, **more))


def units_in(level: KernelLevel) -> list[tuple[int, int, int]]:
    """Process, start and end of each unit on the capture's clock."""
    units = level.ranges
    shift = units.shifts(units.lane)
    processes = [units.lanes[place].process for place in units.lane.tolist()]
    return list(zip(processes, (units.start_ns - shift).tolist(), (units.end_ns - shift).tolist(), strict=True))


def test_a_run_without_other_windows_has_the_same_figures_by_report_and_by_breakdown(tmp_path):
    window = capture_window(0, 0, inferences=20, warmups=0)
    stored = recorded_run(tmp_path / "traces", [window], "gpu", profiler={"name": "nsys"})
    path = gpu_export(window).write(tmp_path / "capture.sqlite")
    stored = ingest(stored, [profile_of(path)])
    level = kernel_level(stored)
    assert level is not None
    by_report, by_breakdown = kernel_figures(level), build_breakdown(profile_of(path), OURS)
    assert {name: by_breakdown[name] for name in KernelFigures.__annotations__} == by_report  # type: ignore[literal-required]
    assert by_breakdown["count"] == 20
    assert [one["stage"] for one in by_breakdown["stages"]] == list(level.ranges.stages)


@pytest.mark.slow
def test_a_real_run_has_the_same_figures_by_report_and_by_breakdown(shared_data, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(shared_data / "h200" / "run", folder)
    about = json.loads((folder / "run.json").read_text())
    about["captures"] = about["captures"][:1]
    (folder / "run.json").write_text(json.dumps(about))
    for kind in ("api_calls", "gpu_work", "host_ops", "nvtx_ranges"):
        for path in sorted((folder / kind).iterdir())[1:]:
            path.unlink()
    stored = stored_run(folder)
    level = kernel_level(stored)
    assert level is not None
    by_report = kernel_figures(level)
    by_breakdown = build_breakdown(read_captures(stored), OURS, skip=10)
    assert by_breakdown["count"] == len(level.breakdown.wall_ns)
    for name in FIGURES:
        assert by_breakdown[name] == by_report[name], name
    # Gains and the verdict's busy share are of the unprofiled inferences, which the capture does not have.
    own = ("unprofiled", "verdict", "notes", "inflation", "outside")
    gpu, other = by_report["gpu"], by_breakdown["gpu"]
    assert gpu is not None
    assert other is not None
    assert {k: v for k, v in gpu.items() if k not in own} == {k: v for k, v in other.items() if k not in own}


@pytest.mark.parametrize("seed", range(4))
def test_a_program_of_other_ranges_has_the_gains_and_the_busy_time_of_our_own(tmp_path, seed):
    random = np.random.default_rng(seed)
    recording = run(inferences(random_inference(random), 8, random, 0.1), Machine.drawn(random))
    ours = level_of(profile_of(write_export(recording, tmp_path / "ours.sqlite")))
    path = write_export(recording, tmp_path / "theirs.sqlite", "step", "app")
    theirs = level_of(profile_of(path), "app:st?p")
    assert theirs.breakdown.busy_ns.tolist() == ours.breakdown.busy_ns.tolist()
    assert theirs.breakdown.busy_ns.tolist() == painted_busy_ns(theirs.profile, units_in(theirs))
    assert theirs.ranges.stages == ("host_to_device", "session_run", "readback")
    assert theirs.gains == ours.gains


@pytest.mark.parametrize("name", ["graph-nodes", "graph-whole"])
def test_graph_captures_without_ranges_are_divided_by_their_synchronisations(shared_data, name):
    level = level_of(profile_of(shared_data / "h200" / f"{name}.sqlite"))
    assert len(level.work.inferences) == 50
    assert level.breakdown.busy_ns.tolist() == painted_busy_ns(level.profile, units_in(level))
    assert level.breakdown.owned_ns.sum(axis=(1, 2)).tolist() == level.breakdown.wall_ns.tolist()


@pytest.mark.slow
def test_two_processes_of_a_real_capture_each_own_what_they_run(shared_data):
    level = level_of(profile_of(shared_data / "nsys" / "h100_2gpu_1s.sqlite"), "aten::linear*")
    assert {lane.process for lane in level.ranges.lanes} == {111, 112}
    assert level.breakdown.busy_ns.tolist() == painted_busy_ns(level.profile, units_in(level))
    assert not shared_gpu(level).alone_ns.any()


@pytest.mark.slow
def test_kernels_of_units_are_those_of_the_ranges_as_nsys_stats_counts_them(shared_data):
    """``nvtxkernsum``, to which ``kernels --by range --thread-wise`` is held: one thread a process, so one rule."""
    profile = profile_of(shared_data / "nsys" / "h100_2gpu_1s.sqlite")
    expected: dict[str, int] = defaultdict(int)
    for row in work_by_range(profile, thread_wise=True).rows.to_pylist():
        if str(row["range"]).startswith("aten::linear,"):
            expected[row["name"]] += row["total_ns"]
    found = build_breakdown(profile, "aten::linear,*")
    assert {one["name"]: one["total_ns"] for one in found["kernels"]} == dict(expected)
    assert len(expected) > 1


def threaded(path: Path) -> Path:
    """Two threads whose steps overlap on one GPU, a third that launches while one or both are open."""
    export = NsysExport()
    own: dict[str, Any] = {"process": 9, "domain": "app"}
    export.ranges([0, 300 * US], [200 * US, 400 * US], "step", thread=1, **own)
    export.ranges([100 * US, 450 * US], [280 * US, 600 * US], "step", thread=2, **own)
    calls = ((1, 10), (2, 120), (3, 50), (3, 150), (1, 310), (2, 460), (3, 500))
    works = ((20, 60), (130, 170), (60, 90), (160, 190), (320, 350), (470, 500), (510, 520))
    for number, ((thread, at), (start, end)) in enumerate(zip(calls, works, strict=True), 1):
        export.calls(
            at * US, (at + 5) * US, "cudaLaunchKernel_v7000", process=9, thread=thread, correlation_id=[number]
        )
        export.kernels([start * US], [end * US], "k", process=9, correlation_id=[number], stream=6 + thread)
    return export.write(path)


def threaded_report(folder: Path) -> BreakdownReport:
    """The figures of ``threaded``, with four gains that are of no replay."""
    report = build_breakdown(profile_of(threaded(folder / "threads.sqlite")))
    gains = [one for one in report["gains"] if one["name"] in ("one graph", "launch", "step", "hand-offs")]
    for place, one in enumerate(gains, 1):
        one["gain_ns"], one["interval_ns"] = place * 10_000.0, [place * 9_000.0, place * 11_000.0]
        one["rate_hz"] = 1e9 / (157_500 - place * 10_000)
    return {**report, "gains": gains}


FLAT = """\
table,name,group,count,ns,median_ns,share,low_ns,high_ns,note
wall,app:step,,4,157500.0,165000.0,,100000.0,200000.0,range
wall,app:step p90,,,194000.0,,,,,
wall,app:step p99,,,199400.0,,,,,
gpu,busy,,,45000.0,40000.0,0.2857142857142857,,,
gpu,overhead,,,112500.0,120000.0,0.7142857142857143,,,
part,kernel,,,45000.0,40000.0,0.2857142857142857,,,
part,copy,,,0.0,0.0,0.0,,,
part,launch,,,6250.0,5000.0,0.03968253968253968,,,
part,python step,,,106250.0,112500.0,0.6746031746031746,,,
gap,no_work,,,0.0,,,,,
gap,before_first,,,22500.0,,,,,
gap,launch_bound,,,2500.0,,,,,
gap,launch_latency,,,0.0,,,,,
gap,dependency,,,0.0,,,,,
gap,tail,,,87500.0,,,,,
gap,unknown_launch,,,0.0,,,,,
gap,hand_off,,,0.0,,,,,
stage,step,,4,157500.0,165000,1.0,,,
kernel,k,,6,45000.0,30000.0,1.0,,,
gain,one graph,change,,10000.0,,,9000.0,11000.0,
gain,launch,kind,,20000.0,,,18000.0,22000.0,
gain,step,stage,,30000.0,,,27000.0,33000.0,
gain,hand-offs,bound,,40000.0,,,36000.0,44000.0,at most
slowest,kernel,,,70000,40000.0,,,,
slowest,launch,,,5000,5000.0,,,,
slowest,python step,,,125000,112500.0,,,,
"""
"""Units of 200, 100, 180 and 150 us, whose GPU is busy for 70, 30, 40 and 40, by six launches of 5 us."""

TOLD = """\
GPU busy 0.045 ms (28.6 %), runtime overhead 0.113 ms (71.4 %)
(both of the profiled run; a unit in the mean; frequencies not recorded)
Host-bound: the GPU is busy 28.6 % of a unit; 69.8 % pass before its first work, after its last or between stages, \
host code takes 67.5 %.
A unit is an instance of the outermost NVTX range that repeats app:step: 4 units
Wall time under the profiler: median 165.00 us [100.00 to 200.00 us], mean 157.50 us, p90 194.00 us, p99 199.40 us
[ ] is a range, no interval: the units may count as fewer than 20 independent ones
Slowest: Unit 0 took 200.00 us, 1.21 times the median: 30.00 us more of GPU kernel, 12.50 us of host code in step; \
it launched 2 GPU works, the median 1.5
Stages of a unit, wall time
stage count median p90 p99 share
step 4 165.00 us 194.00 us 199.40 us 100.0 %
Where units ran, the mean
process (thread) units wall GPU busy others beside others only
9 (1) 2 150.00 us 50.00 us 0 ns 30.00 us
9 (2) 2 165.00 us 40.00 us 5.00 us 10.00 us
others: the same GPUs ran work of other units' threads or of other processes
GPUs, the mean of a unit
process, GPU busy share
9, 0 45.00 us 28.6 %
9, 1 0 ns 0.0 %
"""


def test_a_breakdown_is_told_whole_as_text_and_as_a_flat_table(tmp_path):
    report = threaded_report(tmp_path)
    assert breakdown_csv(report) == FLAT
    idle: UnitGpu = {"process": 9, "device": 1, "busy_ns": 0.0, "busy_share": 0.0}
    console = Console(width=200, file=io.StringIO())
    render_breakdown({**report, "gpus": [*report["gpus"], idle]}, console)
    bare = re.sub("[\u2500-\u257f]", " ", console.file.getvalue())
    lines = [" ".join(line.split()) for line in bare.splitlines() if line.strip()]
    assert lines[: TOLD.count("\n")] == TOLD.splitlines()
    assert " ".join(lines).endswith(" ".join(f"Note: {note}" for note in report["notes"]))


def test_overlapping_units_of_threads_own_what_they_launched_and_shared_time_is_told_apart(tmp_path):
    level = level_of(profile_of(threaded(tmp_path / "threads.sqlite")))
    assert [(lane.process, lane.thread) for lane in level.ranges.lanes] == [(9, 1), (9, 2)]
    # The third thread's first work is of the only open unit, its second of either, its last of the second thread's.
    assert (level.breakdown.busy_ns // US).tolist() == [70, 30, 40, 40]
    found = shared_gpu(level)
    assert found.unknown_works == 1
    # Of the first unit: the other's work from 130 to 170 and the unknown one to 190, none beside its own.
    assert (found.alone_ns // US).tolist() == [60, 0, 20, 0]
    assert (found.beside_ns // US).tolist() == [0, 0, 10, 0]
    report = build_breakdown(profile_of(tmp_path / "threads.sqlite"))
    assert report["unknown_works"] == 1
    assert [one["count"] for one in report["threads"]] == [2, 2]
    assert any("overlap" in note for note in report["notes"])


def test_units_of_one_thread_that_cross_are_refused(tmp_path):
    export = NsysExport()
    own: dict[str, Any] = {"process": 9, "thread": 1, "domain": None, "style": "start_end"}
    export.ranges([0, 50], [100, 150], "step", **own)
    with pytest.raises(ProfileError, match="units of thread 1 overlap"):
        build_breakdown(profile_of(export.write(tmp_path / "crossing.sqlite")), "step")


def ranged(path: Path, names: list[tuple[str, int, int]], **more: Any) -> Profile:
    """Ranges of one thread in microseconds, a launch each 10 us."""
    export = NsysExport()
    own: dict[str, Any] = {"process": 9, "thread": 1, "domain": None}
    for name, start, end in names:
        export.ranges([start * US], [end * US], name, **own)
    last = max([100, *(end for _, _, end in names)])
    for number, at in enumerate(range(1, last, 10), 1):
        where = {"process": 9, "correlation_id": [number]}
        export.calls(at * US, (at + 1) * US, "cudaLaunchKernel_v7000", thread=1, **where)
        export.kernels([(at + 2) * US], [(at + 5) * US], "k", **where)
    return profile_of(export.write(path))


def test_numbered_steps_within_a_range_that_comes_once_are_the_units(tmp_path):
    steps = [(f"step {at}", at * 100, at * 100 + 90) for at in range(4)]
    layers = [("layer", at * 100 + 5, at * 100 + 60) for at in range(4)]
    found = build_breakdown(ranged(tmp_path / "a.sqlite", [("training", 0, 400), *steps, *layers]))
    assert (found["range"]["name"], found["count"]) == ("step *", 4)
    assert found["range"]["how"] == "outermost range that repeats"
    # One layer holds less than the unit: it is no stage, unless it is named.
    assert [one["stage"] for one in found["stages"]] == ["step *"]


def test_named_stages_leave_the_rest_of_a_unit_between_them(tmp_path):
    steps = [("step", at * 100, at * 100 + 90) for at in range(4)]
    layers = [(name, at * 100 + low, at * 100 + low + 20) for at in range(4) for name, low in (("a", 5), ("b", 40))]
    profile = ranged(tmp_path / "a.sqlite", [*steps, *layers])
    found = build_breakdown(profile, "step", ["b", "a"])
    assert [(one["stage"], one["total_ns"] // US) for one in found["stages"]] == [
        ("b", 80),
        ("a", 80),
        ("between stages", 200),
    ]
    with pytest.raises(UsageError, match="no unit has a range c"):
        build_breakdown(profile, "step", ["c"])


def test_a_range_that_is_not_there_is_named_with_those_that_are(tmp_path):
    profile = ranged(tmp_path / "a.sqlite", [("step", 0, 90), ("step", 100, 190)])
    with pytest.raises(ProfileError, match=r"no NVTX range is named stage.*step \(2\)"):
        build_breakdown(profile, "stage")


def test_without_ranges_and_synchronisations_units_are_windows_or_the_whole_capture(tmp_path):
    few = build_breakdown(ranged(tmp_path / "few.sqlite", []))
    assert (few["range"]["how"], few["count"]) == ("whole capture", 1)
    assert few["slowest"] is None
    many = build_breakdown(ranged(tmp_path / "many.sqlite", [("once", 0, 4_000)]))
    assert many["range"]["how"] == "windows"
    assert many["range"]["window_ns"] == 100 * US
    assert many["count"] == 40


def test_synchronisations_that_hold_few_of_the_launches_divide_nothing(tmp_path):
    """A program that synchronises while it starts, then trains without: its start is not the program."""
    export = NsysExport()
    launches = np.arange(300) * 10 * US
    ids = np.arange(1, 301)
    export.calls(launches, launches + US, "cudaLaunchKernel_v7000", process=7, thread=7, correlation_id=ids)
    export.kernels(launches + 2 * US, launches + 4 * US, "gemm", process=7, correlation_id=ids)
    waits = launches[:60:10] + 5 * US
    export.calls(waits, waits + US, "cudaDeviceSynchronize_v3020", process=7, thread=7, correlation_id=ids[:6] + 300)
    found = build_breakdown(profile_of(export.write(tmp_path / "a.sqlite")))
    assert found["range"]["how"] == "windows"
    assert "synchronising calls do not divide it" in found["range"]["sentence"]
    assert found["gpu"]["outside"]["works"] == 0


def test_ranges_of_which_each_holds_all_the_others_of_its_name_do_not_repeat(tmp_path):
    """A test of one layer: it warms up once, within a range of the same name, and measures once."""
    nested = [("warmup", 0, 900), ("warmup", 10, 890), ("measure", 1_000, 1_100), ("measure", 1_010, 1_090)]
    found = build_breakdown(ranged(tmp_path / "a.sqlite", nested))
    assert found["range"]["how"] == "whole capture"
    assert found["range"]["sentence"].startswith("No NVTX range repeats")


def test_the_slowest_unit_says_by_what_it_is_slow(tmp_path):
    steps = [("step", at * 100, at * 100 + 90) for at in range(4)] + [("step", 1_000, 1_900)]
    slowest = build_breakdown(ranged(tmp_path / "a.sqlite", steps))["slowest"]
    assert slowest is not None
    assert (slowest["number"], slowest["wall_ns"], slowest["ratio"]) == (4, 900 * US, 10.0)
    assert "host code in step" in slowest["sentence"]
    assert sum(one["ns"] for one in slowest["parts"].values()) == slowest["wall_ns"]


def test_the_unprofiled_time_of_a_unit_is_the_base_of_busy_share_and_gains(tmp_path):
    profile = ranged(tmp_path / "a.sqlite", [("step", at * 100, at * 100 + 90) for at in range(4)])
    gpu = build_breakdown(profile, "step", wall_ns=60_000)["gpu"]
    assert gpu is not None
    assert gpu["unprofiled"] is not None
    share = gpu["busy_ns"]["mean"] / 60_000
    assert gpu["unprofiled"]["busy_share"] == pytest.approx(share)
    assert gpu["unprofiled"]["overhead_share"] == pytest.approx(1 - share)
    assert gpu["unprofiled"]["profiler_ratio"] == pytest.approx(90_000 / 60_000)


def test_what_varies_are_the_captures_where_there_are_several(tmp_path):
    level = level_of(profile_of(threaded(tmp_path / "threads.sqlite")))
    gpu = kernel_figures(level, np.array([0, 0, 1, 1]))["gpu"]
    assert gpu is not None
    # Of 200 and 100, and of 180 and 150 us.
    spread = gpu["wall_ns"]["spread"]
    assert spread == {
        "kind": "range",
        "low": 150_000,
        "high": 165_000,
        "unit": "capture",
        "count": 2,
        "reason": "two captures only",
        "speeds": None,
    }


def test_launches_that_left_no_gpu_record_are_said(shared_data):
    profile = profile_of(shared_data / "cases" / "nsys-launched-but-no-gpu-rows" / "report.sqlite")
    gpu = build_breakdown(profile)["gpu"]
    assert gpu is not None
    assert gpu["unrecorded"]


@pytest.mark.slow
def test_a_breakdown_is_of_its_schema(shared_data):
    for name in ("h200/graph-nodes.sqlite", "nsys/h100_2gpu_1s.sqlite"):
        jsonschema.validate(build_breakdown(profile_of(shared_data / name)), build_schema(BreakdownReport))


def named_ranges(names: list[str], domain: str | None = None) -> NsysExport:
    """One range of each name, each with a kernel of its own."""
    export = NsysExport()
    start = np.arange(len(names)) * 1000
    export.ranges(start, start + 800, names, process=7, thread=7, domain=domain)
    ids = np.arange(len(names)) + 1
    export.calls(start + 10, start + 60, "cudaLaunchKernel", process=7, thread=7, correlation_id=ids)
    export.kernels(start + 100, start + 300, "gemm", process=7, correlation_id=ids)
    return export


def test_a_name_means_the_ranges_called_so_and_only_else_those_that_fit_it(tmp_path):
    path = named_ranges(["layer[0]", "layer[0]", "layer0", "*", "*", "what?", "whats"]).write(tmp_path / "x.sqlite")
    profile = profile_of(path)
    counts = {
        name: build_breakdown(profile, name)["count"]
        for name in ("layer[0]", "layer[?]", "layer?", "*", "what?", "what*", "la*0*")
    }
    assert counts == {"layer[0]": 2, "layer[?]": 2, "layer?": 1, "*": 2, "what?": 1, "what*": 2, "la*0*": 3}


def test_the_range_that_is_chosen_can_be_named(tmp_path):
    path = named_ranges([f"tokens[{one}]" for one in range(4)], "app").write(tmp_path / "x.sqlite")
    chosen = build_breakdown(profile_of(path))
    assert chosen["range"]["name"] == "app:tokens[*]"
    named = build_breakdown(profile_of(path), chosen["range"]["name"])
    assert (named["count"], named["wall_ns"]) == (4, chosen["wall_ns"])


@pytest.mark.parametrize("wall_ns", [0, -5, float("nan"), float("inf"), 1e30])
def test_a_wall_time_that_cannot_be_is_refused(tmp_path, wall_ns):
    profile = profile_of(named_ranges(["step"] * 3).write(tmp_path / "x.sqlite"))
    with pytest.raises(UsageError, match="is no wall time of a unit"):
        build_breakdown(profile, "step", wall_ns=wall_ns)


def test_fewer_than_no_units_cannot_be_left_out(tmp_path):
    profile = profile_of(named_ranges(["step"] * 3).write(tmp_path / "x.sqlite"))
    with pytest.raises(UsageError, match="--skip: -1 units"):
        build_breakdown(profile, "step", skip=-1)


def test_stages_are_meant_as_ranges_are(tmp_path):
    export = named_ranges(["step", "step"])
    export.ranges([0, 400, 1000], [400, 800, 1400], ["part[1]", "part1", "part[1]"], process=7, thread=7)
    figures = build_breakdown(profile_of(export.write(tmp_path / "x.sqlite")), "step", ["part[1]"])
    assert [(one["stage"], one["count"]) for one in figures["stages"]] == [("part[1]", 2), ("between stages", 2)]


def test_a_wall_time_in_which_the_gpu_works_longer_is_said(tmp_path):
    profile = profile_of(named_ranges(["step"] * 4).write(tmp_path / "x.sqlite"))
    for wall_ns, notes in ((199, 1), (200, 0)):
        figures = build_breakdown(profile, "step", wall_ns=wall_ns)
        assert figures["gpu"] is not None
        told = [one for one in figures["gpu"]["notes"] if "longer than a whole unprofiled one takes (199 ns)" in one]
        assert len(told) == notes
