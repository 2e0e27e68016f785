"""The sampling process: its clock, its journal, and that it ends with whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.device.sampler import DeviceSampler, leave_the_cpus_of_the_run
from tests.children import is_gone, running, wait_until
from tests.device_trees import jetson_nano, jetson_orin
from tests.recorded import samples_of
from tracer.device.device_samples import header_line, sweep_line
from tracer.device.sample_journal import read_sample_journal
from tracer.errors import MalformedTraceError


def wait_for_sweeps(journal: Path, count: int) -> None:
    wait_until(lambda: journal.read_text().count("\n") > count, f"{count} sweeps in {journal}")


@contextmanager
def sampling(journal: Path, root: Path) -> Iterator[DeviceSampler]:
    """A sampler of ``root`` every 20 ms; ended with the block, if it was not in it."""
    sampler = DeviceSampler.start(journal, 20, root)
    assert sampler is not None
    try:
        yield sampler
    finally:
        sampler.stop()


def test_a_run_is_sampled_on_the_clock_of_its_spans(tmp_path: Path) -> None:
    root, journal = jetson_orin(tmp_path / "orin"), tmp_path / "samples.txt"
    before = time.perf_counter_ns()
    with sampling(journal, root) as sampler:
        wait_for_sweeps(journal, 3)
        (root / "sys/class/devfreq/17000000.gpu/cur_freq").write_text("624750000\n")
        assert sampler.stop()
    after = time.perf_counter_ns()
    found = read_sample_journal(journal)
    assert all(before < sample.time_ns < after for sample in samples_of(found))
    gpu = [sample.value for sample in samples_of(found) if sample.source == "gpu"]
    assert gpu[0] == 306_000_000
    # The last sweep is made after the end was asked for: a run's last window has a reading behind it.
    assert gpu[-1] == 624_750_000
    assert (found.interval_ms, found.torn) == (20, 0)
    # The zone that is off answered in no sweep, and that is told.
    assert found.failures == {("thermal:cv0-thermal", "temperature_mc"): len(gpu)}


def test_nothing_to_sample_starts_no_process(tmp_path: Path) -> None:
    assert DeviceSampler.start(tmp_path / "samples.txt", 20, tmp_path) is None
    assert not (tmp_path / "samples.txt").exists()


def test_a_sampler_that_died_is_told(tmp_path: Path) -> None:
    with sampling(tmp_path / "samples.txt", jetson_nano(tmp_path / "nano")) as sampler:
        sampler.process.kill()
        sampler.process.wait()
        assert not sampler.stop()


def test_the_sampler_outlives_ctrl_c_and_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    root, journal = jetson_nano(tmp_path / "nano"), tmp_path / "samples.txt"
    program = (
        "import sys, time; from pathlib import Path; from runner.device.sampler import DeviceSampler\n"
        f"s = DeviceSampler.start(Path({str(journal)!r}), 20, Path({str(root)!r}))\n"
        "print(s.process.pid, flush=True); time.sleep(60)"
    )
    with running([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        wait_for_sweeps(journal, 1)
        # Its session is its own, so that a terminal's Ctrl-C does not reach it.
        assert os.getsid(child) == child
        parent.kill()
        parent.wait()
    wait_until(lambda: is_gone(child), "the sampler ends with its parent")
    assert read_sample_journal(journal).failures == {}


def test_the_sampling_process_imports_nothing_heavy(tmp_path: Path) -> None:
    program = "import sys, runner.device.sampler; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert not {"numpy", "pyarrow", "pandas", "typer", "rich", "serial"} & set(eval(said))


def test_a_torn_journal_keeps_what_was_whole(tmp_path: Path) -> None:
    journal = tmp_path / "samples.txt"
    whole = header_line([("gpu", "frequency_hz"), ("emc", "frequency_hz")], 250) + sweep_line(5, [7, None])
    for torn in ("6 0=4", "6", "x"):
        journal.write_text(whole + torn)
        found = read_sample_journal(journal)
        assert [(sample.time_ns, sample.source, sample.value) for sample in samples_of(found)] == [(5, "gpu", 7)]
        assert (found.failures, found.torn) == (None, 1)
    journal.write_text(whole + "6 9=4\n7 1=8\n")
    assert read_sample_journal(journal).values == [7, 8]
    assert read_sample_journal(journal).torn == 1


@pytest.mark.parametrize("text", ["", "\n", "[]\n", "{}\n", '{"sources": 3, "interval_ms": 1}\n', "\x00\n"])
def test_a_file_that_is_no_journal_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "samples.txt").write_text(text)
    with pytest.raises(MalformedTraceError, match=r"samples\.txt"):
        read_sample_journal(tmp_path / "samples.txt")


def test_the_sampler_leaves_the_cpus_that_a_run_is_held_to(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[set[int]] = []
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {2})
    monkeypatch.setattr("os.sched_setaffinity", lambda _, cpus: chosen.append(cpus))
    leave_the_cpus_of_the_run()
    assert chosen == [{0, 1, 3}]
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    leave_the_cpus_of_the_run()
    assert len(chosen) == 1


def test_a_profiler_of_the_run_does_not_enter_the_sampler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVTX_INJECTION64_PATH", "/no/such/library.so")
    with sampling(tmp_path / "samples.txt", jetson_nano(tmp_path / "nano")) as sampler:
        wait_for_sweeps(tmp_path / "samples.txt", 1)
        environment = Path(f"/proc/{sampler.process.pid}/environ").read_bytes()
        assert b"NVTX_INJECTION64_PATH" not in environment
        assert sampler.stop()
