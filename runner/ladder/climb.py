"""Climb the ladder: predictions first, then round by round a launch of each rung."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from runner.dataset import Dataset
from runner.ending_signals import ending_signals_to
from runner.host.driven_dut import drive_dut
from runner.inference.models import model_facts
from runner.ladder.found import FoundRungs
from runner.launches import INCOMPLETE, launch_environment, launched
from tracer.errors import KwsTraceError, ProcessError, RunError
from tracer.figure_text import rate_text
from tracer.ladder.build import Climbed, fastest_rung, ladder_notes, rung_figures, step_figures
from tracer.ladder.predictions import predicted_steps
from tracer.ladder.read import captured_of, launch_of
from tracer.ladder.rungs import RUNGS, rung_of
from tracer.ladder.store import captured_run, rung_run, write_ladder, write_predictions
from tracer.report_types.ladder import LadderReport, PredictedStep
from tracer.report_types.report import SCHEMA_VERSION
from tracer.runs.run_store import stored_run

WINDOWS = 5
"""Of a launch that an outside host drives: an official session."""


@dataclass(frozen=True, slots=True)
class LadderJob:
    """
    What to climb.

    ``port`` is None where our own host drives, ``folder`` is the ladder's own; ``profiler_pairs`` are of a profiled
    launch, None where there is none.
    """

    found: FoundRungs
    model: Path
    name: str
    traces: Path
    folder: Path
    dataset: Dataset
    port: str | None
    seconds: float
    rounds: int
    stages: str
    threads: int
    profiler_pairs: int | None

    def options(self, rung: str) -> list[str]:
        """Of ``kws-trace run`` for a rung."""
        return [*self.found.options[rung], "--threads", str(self.threads), "--stages", self.stages]


@dataclass(slots=True)
class Climb:
    """A ladder that is being climbed; ``tell`` is told each launch, and what came of it."""

    job: LadderJob
    tell: Callable[[str], None]
    climbed: dict[str, Climbed] = field(default_factory=dict)
    steps: list[PredictedStep] = field(default_factory=list)
    sets: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    def make(self) -> LadderReport:
        """
        Make every launch, and write the figures; a signal that ends a run ends the ladder, which keeps what was made.

        Raises:
            WriteError: if the disk does not take the predictions or the figures.
        """
        load, created = os.getloadavg()[0], _now()
        self.climbed = {key: Climbed(key) for key in self.job.found.options}
        self.sets = {key: str(uuid.uuid4()) for key in self.climbed}
        try:
            with _interrupts():
                self._capture()
                captured = {key: one.captured for key, one in self.climbed.items() if one.captured is not None}
                self.steps = predicted_steps([*self._alive()], captured, _now())
                # On the disk before the first of the launches that they are held against.
                write_predictions(self.job.folder, self.steps)
                self._measure()
        except KeyboardInterrupt:
            self.stopped = True
        report = self._report(created, load)
        write_ladder(self.job.folder, report)
        return report

    def _alive(self) -> Iterator[str]:
        return (key for key, one in self.climbed.items() if one.failure is None)

    def _capture(self) -> None:
        """A launch under nsys of each rung that may be on a GPU."""
        if (pairs := self.job.profiler_pairs) is None:
            return
        cpu = {one.key for one in RUNGS if one.cpu}
        for key in [one for one in self._alive() if one not in cpu]:
            name = captured_run(self.job.name, key)
            self.tell(f"{key} under nsys: {name}")
            if self._launch(key, name, ["--nsys", "--profiler-pairs", str(pairs)], {}):
                try:
                    self.climbed[key].captured = captured_of(stored_run(name, self.job.traces))
                except KwsTraceError as error:
                    self.tell(f"{key}: its capture cannot be read: {error}")

    def _measure(self) -> None:
        for number in range(1, self.job.rounds + 1):
            for key in list(self._alive()):
                name = rung_run(self.job.name, key, number)
                self.tell(f"round {number} of {self.job.rounds}: {key}: {name}")
                if self._launch(key, name, [], launch_environment(self.sets[key], number, self.job.rounds)):
                    self._read(key, name, number)
                if self.stopped:
                    return

    def _launch(self, key: str, name: str, more: list[str], launch: dict[str, str]) -> bool:
        """Whether the launch was made; why not is noted, and the rung gets no other."""
        job = self.job
        try:
            if job.port is None:
                options = [*job.options(key), *more]
                drive_dut(options, job.traces, name, job.dataset, job.seconds, lambda *_: None, launch)
            else:
                self._serve([*job.options(key), *more], name, launch)
        except (KwsTraceError, OSError) as error:
            self._fail(key, str(error))
            return False
        return True

    def _serve(self, options: list[str], name: str, launch: dict[str, str]) -> None:
        """An outside host drives: the launch ends by itself after the windows of a session."""
        words = ["run", "--port", str(self.job.port), *options, "--windows", str(WINDOWS)]
        words += ["--traces", str(self.job.traces), "--name", name]
        code, stopped = launched(words, {**os.environ, **launch})
        self.stopped |= stopped
        if code not in (0, INCOMPLETE) and not stopped:
            raise ProcessError(f"`run` with {' '.join(options)}", f"it ended with exit code {code}", "see above")

    def _read(self, key: str, name: str, number: int) -> None:
        one = self.climbed[key]
        try:
            one.launches.append(launch_of(stored_run(name, self.job.traces), number))
        except RunError as error:
            self._fail(key, str(error))
            return
        self.tell(f"  {rate_text(one.launches[-1].rate_hz)}")

    def _fail(self, key: str, why: str) -> None:
        self.climbed[key].failure = why
        self.tell(f"{rung_of(key).name} failed, the others go on: {why}")

    def _report(self, created: str, load: float) -> LadderReport:
        job = self.job
        rungs = [rung_figures(one) for one in self.climbed.values()]
        return {
            "schema_version": SCHEMA_VERSION,
            "name": job.name,
            "created": created,
            "model": model_facts(job.model),
            "port": job.port,
            "seconds": job.seconds,
            "rounds": job.rounds,
            "stages": job.stages,
            "threads": job.threads,
            "stopped": self.stopped,
            "load": {"before": load, "cpus": os.cpu_count()},
            "rungs": rungs,
            "steps": [step_figures(one, self.climbed) for one in self.steps],
            "absent": job.found.absent,
            "fastest": fastest_rung(rungs),
            "notes": ladder_notes(rungs),
        }


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


@contextmanager
def _interrupts() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does: the device is ended in order."""

    def interrupt(number: int) -> None:  # noqa: ARG001 -- any of them
        raise KeyboardInterrupt

    with ending_signals_to(interrupt):
        yield
