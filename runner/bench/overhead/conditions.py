"""What ``kws-trace overhead`` does: one configuration under each way of looking, in turn with itself untraced."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from runner.bench.overhead.under_nsys import open_nsys_worker, ranges_that_arrived
from runner.bench.overhead.worker import open_worker
from runner.inference.blocks import (
    Block,
    BlockTime,
    inferences_in,
    measure_pairs,
    median_block,
    recorded_block,
    untraced_block,
)
from runner.inference.models import ModelChoice, load_pipeline, model_facts
from runner.inference.pipeline import Pipeline
from runner.inference.run_costs import COST_DOMAIN
from runner.inference.speed_environment import speed_environment
from runner.inference.startup import settle
from runner.nsys.installation import Nsys, attached_profiler, find_nsys, refuse_without_root
from tracer.errors import KwsTraceError, NotInstalledError, UsageError, not_installed
from tracer.recording.nvtx_ranges import open_ranges
from tracer.reports.overhead_ledger import (
    CONTROL,
    NSYS,
    NVTX,
    RECORDER,
    TENSORFLOW,
    Condition,
    PairTimes,
    build_ledger,
)

SHORT_NS = 500_000
"""Of a block in one process: both of a pair meet the machine in one mood, and spreads are a tenth of longer ones'."""

CHILD_NS = 1_000_000
"""Of a block in another process: some 20 times the word that asks for it."""

PROFILED_BLOCKS = 60
"""Short ones in a stretch under a profiler that is started and stopped around it; their median stands for it."""

PROFILED_PAIRS = 12

ONE_PROCESS = "blocks in turn in one process"
CHILDREN = "blocks in turn in two child processes, one under nsys"
AROUND = "stretches in turn in one process, the profiler started and stopped around each of its own"

Advance = Callable[[str, float], object]
"""What is being measured, and the share of it that was done since the last call."""


@dataclass(frozen=True, slots=True)
class OverheadJob:
    """
    The options of ``kws-trace overhead``.

    Args:
        choice: the model and how it runs.
        seconds: of each condition, about.
        launches: of the two processes, with and without nsys.
        without: names of conditions to leave out.
        arguments: of this command line, for a message that repeats it with more rights.
    """

    choice: ModelChoice
    seconds: float = 3.0
    launches: int = 2
    without: Sequence[str] = ()
    arguments: Sequence[str] = ()


def measure_overhead(job: OverheadJob, advance: Advance = lambda _what, _share: None) -> dict[str, Any]:
    """
    Measure every condition that there is here.

    Returns:
        As ``tracer.reports.overhead_ledger.build_ledger``, with ``model``, ``backend``, ``stages_mode`` and ``load``.

    Raises:
        UsageError: if nothing here can be untraced.
        KwsTraceError: if the model cannot be used.
    """
    if attached_profiler(os.environ) is not None:
        raise UsageError("overhead: a profiler is attached to this process, so nothing is untraced; run it without")
    load_before = os.getloadavg()[0]
    pipeline = load_pipeline(job.choice)
    pipeline.load(bytes(pipeline.buffer_sizes[0]))
    settle(pipeline, 20.0)
    conditions, absent = list(_in_this_process(pipeline, job, advance)), []
    # The profiler last: it changes the process that it ran in.
    for name, measure in ((NSYS, _under_nsys), (TENSORFLOW, _under_tensorflow)):
        if name in job.without:
            continue
        try:
            conditions.append(measure(pipeline, job, advance))
        except KwsTraceError as error:
            absent.append({"name": name, "reason": str(error)})
    if not any(one.name == NVTX for one in conditions):
        absent.insert(0, {"name": NVTX, "reason": "no ranges can be pushed; install nvtx 0.2.12 or newer"})
    backend = pipeline.backend
    facts = {"name": backend.name, "version": backend.version, "device": backend.device, "threads": backend.threads}
    backend.close()
    return {
        "model": model_facts(job.choice.path),
        "backend": facts,
        "stages_mode": job.choice.mode,
        "load": {"before": load_before, "cpus": os.cpu_count()},
        "environment": speed_environment(),
        **build_ledger(conditions, absent),
    }


def _in_this_process(pipeline: Pipeline, job: OverheadJob, advance: Advance) -> Iterator[Condition]:
    base = untraced_block(pipeline.stages())
    ranges = open_ranges(COST_DOMAIN)
    subjects: list[tuple[str, str | None, Block]] = [
        (CONTROL, None, untraced_block(pipeline.stages())),
        (RECORDER, None, recorded_block(pipeline.stages(), None)),
    ]
    if ranges is not None:
        subjects.append((NVTX, ranges.version, recorded_block(pipeline.stages(), ranges)))
    for name, version, subject in subjects:
        times = _pairs(subject, base, SHORT_NS, job.seconds)
        advance("recorder and NVTX", 1 / len(subjects))
        yield Condition(name, version, ONE_PROCESS, [times])


def _under_nsys(pipeline: Pipeline, job: OverheadJob, advance: Advance) -> Condition:  # noqa: ARG001 -- as its twin
    nsys = find_nsys()
    refuse_without_root(job.arguments, os.environ)
    if open_ranges(COST_DOMAIN) is None:
        raise NotInstalledError("no ranges can be pushed, so nsys would not collect; install nvtx 0.2.12 or newer")
    times = []
    for _ in range(job.launches):
        times.append(_one_launch(nsys, job))
        advance("nsys", 1 / job.launches)
    return Condition(NSYS, nsys.version, CHILDREN, times)


def _one_launch(nsys: Nsys, job: OverheadJob) -> PairTimes:
    # Short: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="kws-") as name:
        folder = Path(name)
        with ExitStack() as both:
            for part in ("plain", "nsys"):
                (folder / part).mkdir()
            base = both.enter_context(open_worker(job.choice, folder / "plain"))
            subject = both.enter_context(open_nsys_worker(job.choice, nsys, folder / "nsys"))
            times = _pairs(subject, base, CHILD_NS, job.seconds / job.launches)
        ranges_that_arrived(nsys, folder / "nsys")
    return times


def _under_tensorflow(pipeline: Pipeline, job: OverheadJob, advance: Advance) -> Condition:
    if find_spec("tensorflow") is None:
        raise not_installed("TensorFlow", "kws-trace[tensorflow]")
    from runner.dut.tensorflow_profiler import profile_block
    from runner.dut.trace_me import open_trace_me_ranges

    ranges = open_trace_me_ranges()
    if ranges is None:
        raise NotInstalledError(
            "this TensorFlow has no TraceMe that we know; --profiler tensorflow does not work either"
        )
    base = median_block(untraced_block(pipeline.stages()), PROFILED_BLOCKS)
    recorded = median_block(recorded_block(pipeline.stages(), ranges), PROFILED_BLOCKS)
    pairs = max(3, min(PROFILED_PAIRS, int(job.seconds * 1e9 / (2 * PROFILED_BLOCKS * SHORT_NS))))
    with tempfile.TemporaryDirectory(prefix="kws-") as name:
        numbers = iter(range(pairs + 1))

        def profiled(count: int) -> BlockTime:
            with profile_block(Path(name) / str(next(numbers))):
                took = recorded(count)
            advance("TensorFlow's profiler", 1 / (pairs + 1))
            return took

        count = inferences_in(base, SHORT_NS)
        # The first start loads what the profiler needs.
        profiled(count)
        times = measure_pairs(profiled, base, count, pairs)
    return Condition(TENSORFLOW, ranges.version, AROUND, [times])


def _pairs(subject: Block, base: Block, block_ns: int, seconds: float) -> PairTimes:
    count = inferences_in(base, block_ns)
    each_ns = subject(count).wall_ns + base(count).wall_ns
    return measure_pairs(subject, base, count, max(10, int(seconds * 1e9 / max(1, each_ns))))
