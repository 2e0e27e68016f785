"""
A DUT under a host for a long time: its memory, its open files, the size of its record and its rate, over the minutes.

    python -m tests.attacks.soak [MINUTES]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.attacks.test_limits_of_the_machine import resident_bytes
from tests.serial_client import Client, running_dut
from tracer.runs.run_store import stored_run

INFERENCES = 2_000
ACCURACY_WINDOWS = 50
ROWS = 12


def round_of(client: Client) -> tuple[int, float]:
    """An input, windows of one inference and a longer one: how many windows, and the longer one's rate in Hz."""
    client.load(os.urandom(490))
    for _ in range(ACCURACY_WINDOWS):
        client.ask(b"infer 1 0%")
    said = client.ask(b"infer %d 10%%" % INFERENCES)
    first, last = (int(line.removeprefix("m-lap-us-")) for line in said if line.startswith("m-lap-us-"))
    return ACCURACY_WINDOWS + 1, INFERENCES / (last - first) * 1e6


def soak(minutes: float, folder: Path) -> int:
    """Print a row now and then; the exit code is 1 if a window is missing at the end."""
    began, windows, due = time.monotonic(), 0, 0.0
    rates: list[float] = []
    print("minutes  windows   inf/s    MB resident  files open  MB on disk")
    with running_dut(folder) as dut, Client(folder / "dut") as client:
        while (gone := time.monotonic() - began) < 60 * minutes:
            made, rate = round_of(client)
            windows += made
            rates.append(rate)
            if gone >= due:
                due += 60 * minutes / ROWS
                size = sum(path.stat().st_size for path in (folder / "traces").rglob("*") if path.is_file())
                files = len(os.listdir(f"/proc/{dut.pid}/fd"))
                print(
                    f"{gone / 60:7.1f} {windows:8,} {np.median(rates):8,.0f} {resident_bytes(dut.pid) / 1e6:12.1f} "
                    f"{files:11} {size / 1e6:11.2f}",
                    flush=True,
                )
                rates.clear()
        dut.terminate()
        code = dut.wait(60.0)
    kept = stored_run("run", folder / "traces").windows()["state"].to_pylist().count("complete")
    print(f"{windows:,} windows answered, {kept:,} in the record, exit code {code}")
    return int(code != 0 or kept != windows)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.exit(soak(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0, Path(made)))
