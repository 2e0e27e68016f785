"""Samples the device while a run is recorded, by a process of its own; a run never fails for want of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.device.sampler import DeviceSampler
from tracer.runs.sample_store import keep_samples, sample_journal_path


@contextmanager
def sampled(
    folder: Callable[[], Path], run_id: str, on_problem: Callable[[str], None], gpu: str | None = None
) -> Iterator[None]:
    """
    Sample until the block ends, then turn what was sampled into the run's table.

    ``folder`` tells the run's, which may be renamed meanwhile; ``on_problem`` is told in a sentence what was not
    sampled; ``gpu`` is of ``DeviceSampler.start``.
    """
    try:
        sampler = DeviceSampler.start(sample_journal_path(folder()), gpu=gpu)
    except OSError as error:
        on_problem(f"frequencies and power are not sampled ({error.strerror or error})")
        sampler = None
    try:
        yield
    finally:
        if sampler is not None:
            if not sampler.stop():
                on_problem("the sampling process ended before the run: later samples are missing")
            try:
                for sentence in keep_samples(folder(), run_id):
                    on_problem(f"samples: {sentence}")
            except OSError as error:
                on_problem(f"samples stay in {sample_journal_path(folder())} ({error.strerror or error})")
