"""``kill -9`` at random moments: each run opens, and no window whose end the host heard of is missing."""

from __future__ import annotations

import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

from tests.recorded import info, window
from tracer.runs import run_writer
from tracer.runs.run_store import open_run, recover_run
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


def test_a_kill_at_any_moment_loses_no_window_that_was_answered(tmp_path: Path) -> None:
    rng = random.Random(2021)
    heard_in_all = 0
    for kill in range(KILLS):
        reader, pipe = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.close(reader)
                record_for_ever(tmp_path, f"run{kill}", pipe)
            finally:
                os._exit(1)
        os.close(pipe)
        os.read(reader, 4)
        time.sleep(rng.random() * 0.06)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        heard = 1 + len(_drain(reader)) // 4
        heard_in_all += heard
        run = open_run(f"run{kill}", tmp_path)
        numbers = run.windows()["window"].to_pylist()
        assert run.state == "recovered"
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= heard
        spans = run.spans().to_pandas()
        assert len(spans[spans.inference.notna()]) == 12 * len(numbers)
        if kill % 10 == 0:
            assert recover_run(f"run{kill}", tmp_path).windows()["window"].to_pylist() == numbers
    sys.stdout.write(f"{heard_in_all} windows over {KILLS} kills\n")
    assert heard_in_all > 10 * KILLS


def _drain(reader: int) -> bytes:
    data = b""
    while piece := os.read(reader, 65536):
        data += piece
    os.close(reader)
    return data
