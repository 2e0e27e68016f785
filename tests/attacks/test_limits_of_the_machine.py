"""A DUT that may open no file, gets no memory, whose clock steps, and a long window."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.attacks.lines import ended
from tests.children import PATIENCE_S
from tests.serial_client import Client, running_dut
from tracer.runs.run_store import stored_run

STEPPING_CLOCK = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int calls;
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += (calls++ % 2 ? -86400 : 86400);
    return failed;
}
"""


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_dut_that_may_open_no_file_answers_and_records_what_it_may_again(tmp_path: Path) -> None:
    with running_dut(tmp_path) as dut, Client(tmp_path / "dut") as client:
        client.load(bytes(490))
        client.ask(b"infer 5 0%")
        opened = len(os.listdir(f"/proc/{dut.pid}/fd"))
        soft, hard = resource.prlimit(dut.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(dut.pid, resource.RLIMIT_NOFILE, (opened, hard))
        for _ in range(3):
            assert any(line.startswith("m-results") for line in client.ask(b"infer 22000 0%"))
        resource.prlimit(dut.pid, resource.RLIMIT_NOFILE, (soft, hard))
        client.ask(b"infer 5 0%")
        dut.terminate()
        dut.wait(PATIENCE_S)
        run = stored_run("run", tmp_path / "traces")
    assert [one["inferences"] for one in run.windows().to_pylist()] == [5, 22_000, 22_000, 22_000, 5]


def test_a_dut_whose_wall_clock_steps_by_days_measures_and_records_as_before(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is here to make a clock that steps")
    (tmp_path / "clock.c").write_text(STEPPING_CLOCK)
    shim = tmp_path / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, tmp_path / "clock.c"], check=True)
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    with running_dut(tmp_path, environment=environment) as dut, Client(tmp_path / "dut") as client:
        client.load(bytes(490))
        said = client.ask(b"infer 2000 5%")
        run = ended(dut, tmp_path)
    laps = [int(line.removeprefix("m-lap-us-")) for line in said if line.startswith("m-lap-us-")]
    window = run.windows().to_pylist()[0]
    assert 0 < laps[1] - laps[0] < PATIENCE_S * 1e6
    assert laps == [window["lap_start_us"], window["lap_end_us"]]
    assert (window["inferences"], window["state"]) == (2000, "complete")


LONG = int(os.environ.get("KWS_TRACE_LONG_WINDOW", "50000"))
"""Inferences of the long window; ``make long-window`` takes a million."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_long_window_is_whole_and_takes_bounded_memory(tmp_path: Path) -> None:
    with running_dut(tmp_path) as dut, Client(tmp_path / "dut") as client:
        client.load(bytes(490))
        client.ask(b"infer 1000 0%")
        before = resident_bytes(dut.pid)
        os.write(client.fd, b"infer %d 0%%" % LONG)
        said = b""
        while not said.endswith(b"m-ready\r\n"):
            said += client.read(1800.0)
        grown = resident_bytes(dut.pid) - before
        run = ended(dut, tmp_path)
    assert run.windows()["inferences"].to_pylist() == [1000, LONG]
    assert run.spans().num_rows >= 3 * LONG
    print(f"\na window of {LONG:,} inferences: {grown / 1e6:.0f} MB more at its end")
    # 32 bytes of readings an inference, and what is made of them.
    assert grown < LONG * 600 + 100_000_000
