"""What a run and a profiler leave is writable by its owner alone, whatever umask they were started with."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from runner.umask import current_umask, keep_others_out, take_modes
from tests.attacks.programs import dut
from tests.needs import needs_nsys
from tests.serial_client import Client, below_profiler


def modes(folder: Path) -> dict[str, int]:
    """Of everything below ``folder``, and of itself."""
    return {str(path): stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.rglob("*"))}


def open_to_others(folder: Path, forbidden: int = 0o022) -> list[str]:
    return [path for path, mode in modes(folder).items() if mode & forbidden]


@pytest.mark.parametrize(
    ("inherited", "taken"), [(0, 0o022), (0o020, 0o022), (0o002, 0o002), (0o027, 0o027), (0o077, 0o077)]
)
def test_a_umask_that_lets_everybody_write_becomes_the_usual_one(inherited: int, taken: int) -> None:
    before = os.umask(inherited)
    try:
        keep_others_out()
        assert current_umask() == taken
    finally:
        os.umask(before)


def test_files_of_others_lose_the_modes_that_the_umask_forbids(tmp_path: Path) -> None:
    for name, mode in (("tmp", 0o777), ("tmp/report", 0o666), ("narrow", 0o600)):
        path = tmp_path / name
        path.mkdir() if name == "tmp" else path.touch()
        path.chmod(mode)
    (tmp_path / "link").symlink_to("/dev/null")
    take_modes(tmp_path, 0o027)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if not path.is_symlink()}
    assert found == {"tmp": 0o750, "report": 0o640, "narrow": 0o600}


def a_run(folder: Path, *options: str, umask: int) -> None:
    with dut(folder, *options, umask=umask) as child:
        with Client(folder / "dut") as client:
            client.load(bytes(490))
            client.ask(b"infer 20 1%")
        pids = below_profiler(folder) or [child.pid]
        os.kill(pids[0], signal.SIGTERM)
        assert child.stderr is not None
        child.stderr.read()
        child.wait(120)


def test_a_run_that_is_started_with_umask_0_is_its_owners(tmp_path: Path) -> None:
    a_run(tmp_path, umask=0)
    assert (tmp_path / "traces/run/windows").is_dir()
    assert open_to_others(tmp_path / "traces") == []


@pytest.mark.slow
@needs_nsys
@pytest.mark.parametrize(("umask", "forbidden"), [(0o022, 0o022), (0o077, 0o077)])
def test_a_profiled_run_has_the_modes_of_who_started_it(tmp_path: Path, umask: int, forbidden: int) -> None:
    a_run(tmp_path, "--nsys", "--capture-windows", "1", "--profiler-pairs", "1", umask=umask)
    assert (tmp_path / "traces/run/windows").is_dir()
    assert list((tmp_path / "traces/run.profile").iterdir())
    assert open_to_others(tmp_path / "traces", forbidden) == []
