"""One run from its options to its end: load, warm up, measure the costs, record, serve."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.device.gpu_facts import sampled_gpu
from runner.dut.capture_plan import NO_CAPTURE, CaptureChoice
from runner.dut.collectors import Capture, nsys_capture, tensorflow_capture
from runner.dut.energy_pin import TimestampPin, open_pin
from runner.dut.run_start import StartedRun, keep_runtime_log, ranges_wanted, start
from runner.dut.sampling import sampled
from runner.dut.server import Dut
from runner.inference.models import ModelChoice
from runner.inference.pipeline import Pipeline
from runner.inference.run_costs import RunCosts
from runner.inference.window_runner import StopFlag, WindowRunner
from runner.line.link import DutLink
from runner.line.protocol import DutProtocol, most_inferences
from runner.runtime_output import RuntimeOutput, tell
from tracer.accuracy.unlabelled import run_warnings
from tracer.errors import UsageError
from tracer.figure_text import counted
from tracer.recording.nvtx_ranges import NvtxRanges
from tracer.runs.run_folder import free_run_name
from tracer.runs.run_info import given_run_name
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter
from tracer.trust.checks import check_quantization

NEVER_READY = "ended before it was ready: nothing was recorded"


def refuse_without_ranges(job: RunJob) -> None:
    """Nsight Systems collects by our ranges: without them a capture would be empty."""
    if job.capture.inferences and job.profile_folder is None and job.nvtx is False:
        raise no_ranges()


def no_ranges() -> UsageError:
    """A capture needs ranges."""
    problem = "no ranges can be pushed, so nothing would be captured"
    remedy = "leave out --no-nvtx, and install nvtx 0.2.12 or newer (for --profiler tensorflow: TensorFlow)"
    return UsageError("capture", problem, remedy)


@dataclass(frozen=True, slots=True)
class RunJob:
    """
    What to run and where its record goes.

    ``nvtx`` says whether ranges are pushed, None where a tool would record them. ``profiler`` goes into the record;
    ``profile_folder`` is where TensorFlow's own profiler writes, None for none. The DUT ends by itself after so many
    performance ``windows``; None waits for a signal. ``energy`` is the timestamp pin of energy mode, None without.
    """

    choice: ModelChoice
    traces: Path
    name: str | None
    nvtx: bool | None = None
    capture: CaptureChoice = NO_CAPTURE
    profiler: dict[str, Any] | None = None
    profile_folder: Path | None = None
    windows: int | None = None
    energy: str | None = None


@dataclass
class RecordingRun:
    """A pipeline that is warm, at ``latency_ns`` an inference, and the recorder that waits for its windows."""

    pipeline: Pipeline
    runner: WindowRunner
    ranges: NvtxRanges | None
    writer: RunWriter
    stop: StopFlag
    problems: list[str]
    costs: RunCosts
    latency_ns: int
    lacks: str = ""
    """What the record is without, once it is closed."""
    ready: bool = False
    """Whether a host was told that it may begin; a run that is not, and has no window, is taken back."""

    def measure_costs(self) -> None:
        """Measure once more what tracing and splitting cost: after a performance window, while no host is timing."""
        if self.costs.after_window():
            self.writer.update_info(**self.costs.facts)


@contextmanager
def recording_run(
    job: RunJob,
    stop: StopFlag,
    port: str | None = None,
    baud: int | None = None,
    on_early_end: Callable[[], None] = lambda: None,
) -> Iterator[RecordingRun]:
    """
    Load, warm up and measure the costs, then record until the block ends; the run is complete afterwards.

    A signal before the recording ends the process at once, after ``on_early_end``: nothing is kept. Nor is a run
    whose block ends, for whatever reason, before it is ``ready`` or has a window.
    """
    # Before the model: a name that cannot be should not cost the time that a runtime takes to load.
    name = free_run_name(job.traces, given_run_name(job.name))
    started, problems = _started(job, name, stop, (port, baud), on_early_end), list[str]()
    pipeline, ranges, info, latency_ns = started.pipeline, started.ranges, started.info, started.latency_ns
    writer = RunWriter.create(job.traces, info.name, info, _report_once(problems))
    runner = WindowRunner(pipeline, ranges, stop, latency_ns)
    opened = RecordingRun(pipeline, runner, ranges, writer, stop, problems, started.costs, latency_ns)
    try:
        keep_runtime_log(writer.folder, started.said)
        gpu = sampled_gpu(str(pipeline.backend.device), info.gpus)

        def not_sampled(sentence: str) -> None:
            tell(f"recorder: {sentence}")
            writer.update_info(not_recorded=[*writer.info.not_recorded, sentence])

        with sampled(lambda: writer.folder, info.run_id, not_sampled, gpu):
            yield opened
    finally:
        if not opened.ready and writer.is_empty:
            writer.take_back()
        else:
            opened.lacks = writer.close()
        if opened.lacks:
            _report_once(problems)(f"{writer.folder} lacks {opened.lacks}")
        pipeline.backend.close()


def _started(
    job: RunJob, name: str, stop: StopFlag, line: tuple[str | None, int | None], on_early_end: Callable[[], None]
) -> StartedRun:
    with RuntimeOutput() as output:

        def leave() -> None:
            on_early_end()
            output.say(f"{NEVER_READY}\n")

        with stop.ending_at_once(leave):
            wanted = ranges_wanted(os.environ, asked=job.nvtx, captures=job.capture.inferences > 0)
            return start(name, job.choice, line, job.profiler, output, nvtx=wanted)


def serve_run(job: RunJob, port: str, baud: int, vendor: str) -> int:
    """Be the DUT on ``port`` until a signal; returns the exit code."""
    from runner.line.ports import open_dut_link

    refuse_without_ranges(job)
    stop = StopFlag()
    stop.install()
    # The port first: a wrong one should not cost the time that a runtime takes to load.
    pin = None if job.energy is None else open_pin(job.energy)
    link = open_dut_link(port, baud, stop)
    try:
        with recording_run(job, stop, port, baud, link.close) as opened:
            dut = _dut(job, link, opened, pin, vendor)
            warn_of_input_scale(opened.pipeline)
            give_back_freed()
            dut.boot()
            opened.ready = not stop.stopped
            if opened.ready:
                tell(f"ready on {port}: {_summary(opened.pipeline)}, recording to {job.traces / opened.writer.name}")
                _serve(dut)
        if not opened.ready:
            tell(NEVER_READY)
            return 128 + (stop.number or 0)
        for warning in run_warnings(stored_run(opened.writer.folder)):
            tell(f"accuracy: {warning}")
        tell(f"run {'ended' if opened.lacks else 'complete'}: {_shown_folder(job, opened.writer)}")
    finally:
        link.close()
        if pin is not None:
            pin.close()
    return 1 if opened.problems else 0


def _dut(job: RunJob, link: DutLink, opened: RecordingRun, pin: TimestampPin | None, vendor: str) -> Dut:
    if pin is not None:
        opened.writer.update_info(energy=pin.facts)

    def keep_gap(gap: dict[str, str]) -> None:
        opened.writer.add_gap(gap)
        tell(f"the line ended ({gap['why']}) and is open again: the gap is in the record")

    return Dut(
        link,
        DutProtocol(vendor, opened.pipeline.buffer_sizes, most_inferences(opened.latency_ns)),
        opened.pipeline,
        opened.runner,
        opened.writer,
        opened.stop,
        keep_gap,
        open_capture(job, opened.ranges),
        on_problem=_report_once(opened.problems),
        on_refusal=tell,
        after_window=opened.measure_costs,
        windows=job.windows,
        pin=pin,
    )


def _serve(dut: Dut) -> None:
    """Until a signal, and what found no time before it."""
    try:
        dut.serve()
        left, seconds = dut.captures_left
        if left:
            tell(f"{counted(left, 'capture')} more, about {math.ceil(seconds)} s; Ctrl-C leaves them out")
            dut.make_captures_left()
    finally:
        dut.flush()


def _shown_folder(job: RunJob, writer: RunWriter) -> Path:
    """As the user named it, unless it was moved away meanwhile."""
    named = job.traces / writer.name
    return named if named.is_dir() else writer.folder


def give_back_freed() -> None:
    """
    Return to the system what was freed while the model was read, where the C library can (glibc's ``malloc_trim``).

    LiteRT's generated schema leaves 32 MB of such memory behind, and a Nano has 4 GB for all and the GPU.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def warn_of_input_scale(pipeline: Pipeline) -> None:
    """Say before a host begins that the benchmark's own inputs would be misread."""
    scale = check_quantization(pipeline.quantization)
    if scale["state"] != "fine":
        tell(f"accuracy: {scale['evidence']}; {scale['remedy']}, or drive it with `kws-trace host`")


def open_capture(job: RunJob, ranges: NvtxRanges | None) -> Capture | None:
    """The profiler that the DUT tells when to collect; None for none."""
    if not job.capture.inferences:
        return None
    if job.profile_folder is not None:
        from runner.dut.trace_me import open_trace_me_ranges

        ranges = open_trace_me_ranges()
    if ranges is None:
        raise no_ranges()
    if job.profile_folder is not None:
        return tensorflow_capture(job.profile_folder, ranges, job.capture)
    return nsys_capture(ranges, job.capture)


def _summary(pipeline: Pipeline) -> str:
    backend = pipeline.backend
    way = f" ({backend.way})" if backend.way else ""
    return f"{backend.name}{way} on {backend.device}, timed {pipeline.timed}, stages {pipeline.mode}"


def _report_once(problems: list[str]) -> Callable[[str], None]:
    def report(problem: str) -> None:
        if problem not in problems:
            problems.append(problem)
            tell(f"recorder: {problem}")

    return report
