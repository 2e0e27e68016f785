"""``kill -9`` at random moments: each run opens, and no window whose end the host heard of is missing."""

from __future__ import annotations

import os
import random
import signal
import struct
from pathlib import Path

import pytest

from tests.children import forked
from tests.recorded import info, window
from tracer.runs import run_writer
from tracer.runs.run_recovery import recover_run
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter

KILLS = 100


def record_for_ever(traces: Path, name: str, pipe: int) -> None:
    """The child: windows as fast as they go, parts often; after each, its number goes to the pipe."""
    run_writer.PART_SPANS = 200
    recorder = RunWriter.create(traces, name, info(name), lambda _: None)
    number = 0
    while True:
        recorder.append(window(number, first=4 * number))
        os.write(pipe, struct.pack("<i", number))
        recorder.make_parts_if_due()
        number += 1


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_no_window_that_was_answered(tmp_path: Path) -> None:
    rng = random.Random(2021)
    for kill in range(KILLS):
        reader, pipe = os.pipe()
        # Windows are counted and not timed, so that a slow machine kills as late as a quick one.
        wanted = rng.randrange(1, 60)
        with forked(lambda name=f"run{kill}", pipe=pipe: record_for_ever(tmp_path, name, pipe)) as child:
            os.close(pipe)
            before = _read(reader, 4 * wanted)
            os.kill(child, signal.SIGKILL)
        heard = (len(before) + len(_read(reader))) // 4
        os.close(reader)
        assert heard >= wanted
        run = stored_run(f"run{kill}", tmp_path)
        numbers = run.windows()["window"].to_pylist()
        assert run.state == "recovered"
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= heard
        spans = run.spans().to_pandas()
        assert len(spans[spans.inference.notna()]) == 12 * len(numbers)
        if kill % 10 == 0:
            assert recover_run(f"run{kill}", tmp_path).windows()["window"].to_pylist() == numbers


def _read(reader: int, least: int | None = None) -> bytes:
    """At least so many bytes; None for all that there are until the far end is closed."""
    data = b""
    while (least is None or len(data) < least) and (piece := os.read(reader, 65536)):
        data += piece
    return data
