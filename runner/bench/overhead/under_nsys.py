"""A worker under ``nsys profile``, collecting, with the options of a profiled run; and what arrived in its report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow.compute as pc

from runner.bench.overhead.worker import open_worker
from runner.inference.blocks import Block
from runner.inference.models import ModelChoice
from runner.nsys.command import nsys_environment, profile_command
from runner.nsys.installation import Nsys
from runner.nsys.reports import RAW, REPORTS, export_sqlite
from tracer.command_line import command_line
from tracer.errors import ProfilerError
from tracer.profiles.nsys_sqlite import read_nsys_sqlite
from tracer.recording.nvtx_ranges import DOMAIN


@contextmanager
def open_nsys_worker(choice: ModelChoice, nsys: Nsys, folder: Path) -> Iterator[Block]:
    """Run a child under nsys; collecting began before its first block. ``folder`` takes socket, log and reports."""

    def wrap(command: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        return profile_command(nsys, "light", 1, folder / "capture", command), nsys_environment(folder)

    with open_worker(choice, folder, wrap) as block:
        yield block


def _nothing_arrived(nsys: Nsys, why: str) -> ProfilerError:
    """Nsys was attached and recorded none of our ranges: what was measured is not its cost."""
    return ProfilerError(f"nsys {nsys.version}", why, f"see `{command_line('doctor')}`")


def ranges_that_arrived(nsys: Nsys, folder: Path) -> int:
    """
    How many ``inference`` ranges the report in ``folder`` holds.

    Raises:
        ProfilerError: if there is no report, or none is in it.
        KwsTraceError: if nsys does not export it.
    """
    reports = [path for suffix in (*REPORTS, RAW) for path in sorted(folder.glob(f"*{suffix}"))]
    if not reports:
        raise _nothing_arrived(nsys, "it left no report")
    with tempfile.TemporaryDirectory(dir=folder) as made:
        ranges = read_nsys_sqlite(export_sqlite(nsys, reports[0], Path(made))).nvtx_ranges
    ours = pc.and_kleene(pc.equal(ranges["domain"], DOMAIN), pc.equal(ranges["name"], "inference"))
    arrived = int(pc.sum(ours.cast("int64")).as_py() or 0)
    if not arrived:
        raise _nothing_arrived(nsys, "its report holds none of our ranges")
    return arrived
