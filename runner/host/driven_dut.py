"""A DUT as a child process, driven by the host in this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from runner.children import end_child, module_command
from runner.dataset import Dataset
from runner.ending_signals import ending_signals_to
from runner.host.outcomes import PerformancePlan
from runner.host.session import HostJob, run_session
from runner.line.ports import open_host_link
from tracer.errors import ProcessError

Advance = Callable[[str, float], None]
"""Told what is being done and how much: getting ready (2), five windows, the accuracy pass (an input 1/1000)."""

START_LIMIT_S = 600.0
"""A busy board takes a minute to import TensorFlow, XLA as long to compile, and inferences settle within another."""

END_LIMIT_S = 30.0
"""For a DUT to make its run complete; one under a profiler imports captures first."""

PROFILED_END_LIMIT_S = 600.0


def drive_dut(
    options: Sequence[str],
    traces: Path,
    name: str,
    dataset: Dataset,
    seconds: float,
    advance: Advance,
    launch: dict[str, str] | None = None,
) -> None:
    """
    Record the run ``name``: ``kws-trace run`` with ``options``, a performance session and an accuracy session.

    ``launch`` is put into the DUT's environment: which launch of a set it is.

    Raises:
        ProcessError: if the DUT is not ready in time, with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="kws-trace-") as folder:
        port = Path(folder) / "dut"
        command = module_command("runner", "run", "--port", f"pty:{port}", *options)
        command += ["--traces", str(traces), "--name", name]
        said = Path(folder) / "stderr"
        limit_s = PROFILED_END_LIMIT_S if "--nsys" in options else END_LIMIT_S
        with _child(command, said, {**os.environ, **(launch or {})}, limit_s) as child:
            advance("loading", 0)
            _wait_until_ready(child, said, " ".join(options))
            advance("performance", 2)
            _measure(port, traces, dataset, seconds, advance)
        advance("done", 0)


@contextmanager
def _child(
    command: Sequence[str], said: Path, environment: Mapping[str, str], limit_s: float
) -> Iterator[subprocess.Popen[Any]]:
    """A DUT, whose errors go to ``said``; interrupted at the end, it has ``limit_s`` to make its run complete."""
    came: list[int] = []
    with said.open("w+") as errors:
        # In a session of its own: a terminal sends Ctrl-C to all of a group, and the DUT would have it twice.
        with ending_signals_to(came.append):
            child = subprocess.Popen(
                command, stderr=errors, stdout=subprocess.DEVNULL, start_new_session=True, env=environment
            )
        try:
            for number in came:
                os.kill(os.getpid(), number)
            yield child
        finally:
            child.send_signal(signal.SIGINT)
            end_child(child, limit_s)


def _wait_until_ready(child: subprocess.Popen[Any], said: Path, what: str) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        text = said.read_text(errors="replace")
        if "ready on " in text:
            return
        if child.poll() is not None:
            words = text.strip()[-2000:] or "nothing"
            raise ProcessError(f"the DUT with {what} ended before it was ready; it said: {words}")
        time.sleep(0.05)
    raise ProcessError(f"the DUT with {what} was not ready within {START_LIMIT_S:.0f} s")


def _measure(port: Path, traces: Path, dataset: Dataset, seconds: float, advance: Advance) -> None:
    """A performance session and an accuracy session, as two calls of ``kws-trace host`` leave them in the run."""
    with contextlib.closing(open_host_link(str(port), 115200)) as link:
        for mode, amount in {"performance": 1.0, "accuracy": 1 / 1000}.items():
            job = HostJob(f"pty:{port}", 115200, mode, traces, PerformancePlan(seconds), quiet=True)
            run_session(job, link, dataset, partial(advance, mode, amount))
