"""Whole commands over large inputs: a session's log, a run to be exported, a run to be reported."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import against_floor, command_of, run_process
from tests.recorded import info, window
from tracer.runs.run_writer import RunWriter

LOG_MB = 100
EXPORTED_SPANS = 10_000_000
REPORTED_SPANS = 1_000_000
ROUNDS = 3

READ_FLOOR = """
import sys
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        pass
"""
"""Each line of the log as a text, and nothing done with it."""

WRITE_FLOOR = """
import sys, pyarrow.parquet
path, megabytes, *parts = sys.argv[1:]
for part in parts:
    pyarrow.parquet.read_table(part)
piece = bytes(1_000_000)
with open(path, "wb") as file:
    for _ in range(int(megabytes)):
        file.write(piece)
"""
"""The spans read from their Parquet parts, and as many bytes written as the trace has."""

IMPORT_FLOOR = "import numpy, pyarrow.parquet"
"""What every command that reads a run needs before it can read."""


def measure(log_mb: int = LOG_MB, exported: int = EXPORTED_SPANS, reported: int = REPORTED_SPANS) -> dict[str, Any]:
    """``session``, ``export`` and ``report``: seconds of ours and of the floor, their ratio, memory."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "session": _session(Path(folder), log_mb),
            "export": _export(Path(folder), exported),
            "report": _report(Path(folder), reported),
        }


def _session(folder: Path, megabytes: int) -> dict[str, Any]:
    log = write_log(folder / "log.txt", megabytes * 1_000_000)
    figures, _ = against_floor(command_of("session", str(log), "--json"), READ_FLOOR, [str(log)], ROUNDS)
    return {"megabytes": megabytes, "floor": "every line read as a text", **figures}


def write_log(path: Path, size: int) -> Path:
    """An accuracy session's log of so many bytes, as energyrunner writes it: twenty lines a window."""
    with path.open("w") as log:
        now, number, written = 400.0, 0, 0
        log.write("00400.000 session: m-session-start-id[20210823155940]\n")
        log.write("00400.000 parser: m-bmark-run-name[ML Performance 1.0.1]-code[ulp-mlperf]\n")
        log.write("00400.000 parser: m-bm-cfg-name[ulp-mlperf]-key[runMode]-val[multi]\n")
        while written < size:
            number += 1
            now = 400.0 + (number * 0.11) % 90_000
            text = _WINDOW.format(
                *(f"{now + place / 100:09.3f}" for place in range(11)), number=number, lap=number * 110_000
            )
            log.write(text)
            written += len(text)
    return path


_WINDOW = """\
{0} sequencer: m-sequencing-i[{number}]-command[bload dut "/datasets/kws01/tst_{number:06}_Up_3.bin"]-ms[78]
{0} parser: Command "bload dut "/datasets/kws01/tst_{number:06}_Up_3.bin""
{1} parser: m-ready-finished[bload]
{2} sequencer: m-sequencing-i[{number}]-command[dut infer 1 0]-ack[/dut: m-ready/]-ms[7840]-acc[{lap}]
{2} parser: Command "dut infer 1 0"
{3} parser: m-ready-finished[dut]
{4} dut: m-warmup-start-0
{4} dut: m-warmup-done
{5} dut: m-infer-start-1
{6} dut: m-lap-us-{lap}
{7} dut: m-lap-us-{lap}7
{8} dut: m-infer-done
{9} dut: m-results-[0.000000,0.000000,0.000000,0.999970,0.000000,0.000000,0.000007,0.000023,0.000000,0.0,0.0,0.0]
{10} dut: m-ready
"""


def _export(folder: Path, spans: int) -> dict[str, Any]:
    run, trace = write_run(folder, "exported", spans), folder / "trace.pb"
    ours = command_of("export", "--perfetto", str(trace), str(run), "--traces", str(folder))
    run_process(ours)
    megabytes = round(trace.stat().st_size / 1e6)
    parts = [str(one) for one in sorted((run / "spans").rglob("*.parquet"))]
    figures, _ = against_floor(ours, WRITE_FLOOR, [str(folder / "floor.pb"), str(megabytes), *parts], ROUNDS)
    return {
        "spans": spans,
        "megabytes": megabytes,
        "floor": "the spans read, as many bytes written",
        **figures,
    }


def _report(folder: Path, spans: int) -> dict[str, Any]:
    run = write_run(folder, "reported", spans)
    ours = command_of("report", str(run), "--json", "--traces", str(folder))
    figures, _ = against_floor(ours, IMPORT_FLOOR, [], ROUNDS)
    return {"spans": spans, "floor": "numpy and pyarrow imported", **figures}


def write_run(traces: Path, name: str, spans: int) -> Path:
    """A run of windows of at most 300,000 inferences of three stages."""
    writer = RunWriter.create(traces, name, info(name), print)
    left, number = spans // 3, 0
    while left:
        count = min(left, 300_000)
        # Twenty seconds apart, of which the inferences take thirteen.
        writer.append(window(20 * number, count, 0, first=number * 300_000))
        writer.make_parts_if_due()
        left, number = left - count, number + 1
    writer.close()
    return traces / name
