"""
A command that writes, ended or refused at each change that it makes on the disk, in turn, and given once more.

``KWS_TRACE_FAULTS`` says how many ways of each command are tried, as ``make faults`` does; 0 is all of them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from runner import program
from tests.attacks.programs import SCRIPT
from tests.children import forked
from tests.conftest import ROOT
from tests.dashboard_runs import plain_run, windows_of
from tests.nsys_export import NsysExport
from tests.recorded import info
from tests.submissions import RULES, Submission
from tracer.runs import run_writer
from tracer.runs.run_writer import RunWriter
from tracer.submission.rounds import ROUNDS

WAYS = int(os.environ.get("KWS_TRACE_FAULTS", "12"))
CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink")
"""Audit events of Python, beside ``open`` for writing. What Arrow's own code opens is not among them."""

SIGNALS = ("SIGINT", "SIGINT twice", "SIGTERM", "SIGHUP", "SIGKILL")
REFUSALS = ("ENOSPC", "EACCES")
WORKPLACE = ".pull"
"""What a pull goes on with, and no result."""


@dataclass(frozen=True)
class Ended:
    """Exit code, negative by a signal; what was said; how many changes were begun."""

    code: int
    said: str
    changes: int


def ended(words: list[str], folder: Path, way: str = "", at: int = -1) -> Ended:
    """``kws-trace WORDS`` in ``folder``, in a copy of this process; from the change ``at`` on it is harmed."""
    said, counted = folder.parent / "said", folder.parent / "counted"
    counted.write_bytes(b"")

    def work() -> None:
        os.chdir(folder)
        os.environ["XDG_CACHE_HOME"] = str(folder.parent / "cache")
        sys.stdout = sys.stderr = said.open("w", buffering=1)
        sys.argv = [SCRIPT, *words]
        # A set of 36 inputs is one of a submission here.
        ROUNDS["1.4"] = RULES
        sys.addaudithook(_harming(folder, os.open(counted, os.O_WRONLY), way, at))
        try:
            program.main()
        except SystemExit as left:
            os._exit(left.code if isinstance(left.code, int) else 0 if left.code is None else 1)

    with forked(work) as child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(code, said.read_text(), counted.stat().st_size)


def _harming(folder: Path, counted: int, way: str, at: int) -> Callable[[str, tuple[Any, ...]], None]:
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if (
            event == "open"
            and isinstance(arguments[2], int)
            and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            paths = arguments[:1]
        elif event in CHANGES:
            paths = arguments[:2]
        else:
            return
        named = [os.path.abspath(one) for one in paths if isinstance(one, str | os.PathLike)]
        if not any(one.startswith(f"{folder}/") for one in named):
            return
        seen += 1
        os.write(counted, b".")
        if seen - 1 == at and way in REFUSALS:
            raise OSError(getattr(errno, way), os.strerror(getattr(errno, way)), named[0])
        if way in SIGNALS and seen - 1 in ((at, at + 1) if way.endswith("twice") else (at,)):
            os.kill(os.getpid(), getattr(signal, way.split(maxsplit=1)[0]))

    return hook


def content(folder: Path) -> dict[str, str]:
    """The files below a folder by their names, as digests; folders too; without those of ``WORKPLACE``."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
        if WORKPLACE not in path.parts
    }


def _submission(folder: Path) -> list[str]:
    made = Submission(folder / "given")
    (folder / "board.json").write_text('{"Status": "Available", "Board Name": "a board"}')
    words = ["submission", "tree", "--organization", "Acme", "--system", "board.json", "--run", "given/run"]
    assert made.accuracy == folder / "given" / "accuracy"
    return [*words, "--performance", "given/performance", "--accuracy", "given/accuracy"]


def _profile(folder: Path) -> list[str]:
    export = NsysExport()
    export.ranges([100, 1100], [900, 1900], "step", process=7, thread=7)
    export.kernels([200, 1200], [300, 1300], "gemm", process=7, correlation_id=[1, 2])
    export.write(folder / "given.sqlite")
    return ["breakdown", "given.sqlite", "--html", "out.html"]


def _parts(folder: Path) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_writer, "PART_SPANS", 130)
        writer = RunWriter.create(folder / "t", "many", info("many"), lambda _: None)
        for window in windows_of(performance=3, inferences=40):
            writer.append(window)
            writer.make_parts_if_due()
        writer.close()
    return ["runs", "--compact", "--traces", "t"]


def _runs(folder: Path, *words: str) -> list[str]:
    for name in ("one", "two"):
        plain_run(folder / "t", name, windows_of(inferences=5, captured=0), run_id=name)
    (folder / "here").mkdir()
    return list(words)


SAMPLE = str(ROOT / "traces" / "sample-cpu")
WRITERS: dict[str, Callable[[Path], list[str]]] = {
    "submission": _submission,
    "pull": lambda folder: _runs(folder, "pull", "t", "--traces", "here"),
    "compact": _parts,
    "baseline": lambda folder: _runs(folder, "baseline", "set", "b", "one", "--traces", "t"),
    "breakdown": _profile,
    "report": lambda _: ["report", SAMPLE, "--html", "out.html"],
    "export": lambda _: ["export", SAMPLE, "--perfetto", "out.pftrace"],
}


def _tried(changes: int) -> Iterator[tuple[str, int]]:
    ways = list(product((*SIGNALS, *REFUSALS), range(changes)))
    random.Random(14).shuffle(ways)
    yield from ways[: WAYS or None]


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("command", WRITERS)
def test_a_command_that_is_ended_at_any_change_leaves_whole_files_and_comes_to_its_end_the_next_time(
    tmp_path: Path, command: str
) -> None:
    given, folder = tmp_path / "given", tmp_path / "place" / "now"
    given.mkdir()
    words = WRITERS[command](given)

    def fresh() -> None:
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(given, folder)

    fresh()
    good = ended(words, folder)
    assert good.code == 0, good.said
    before, after = content(given), content(folder)
    for way, at in _tried(good.changes):
        fresh()
        bad = ended(words, folder, way, at)
        where = f"{way} at change {at}: {bad}"
        assert "Traceback" not in bad.said, where
        assert "nobody foresaw" not in bad.said, where
        if way in REFUSALS:
            assert bad.code == 0 or (bad.code in (1, 2) and bad.said.strip()), where
        else:
            number = getattr(signal, way.split()[0])
            assert bad.code == (-number if way == "SIGKILL" else 128 + number), where
        _holds(content(folder), before, after, where, killed=way == "SIGKILL")
        for left in folder.rglob(".*.new"):
            os.utime(left, (time.time() - 7_200,) * 2)
        assert ended(words, folder).code == 0, where
        assert content(folder) == after, where


def _holds(now: dict[str, str], before: dict[str, str], after: dict[str, str], where: str, *, killed: bool) -> None:
    """Each file is as it was or as it is to be; what was killed may leave others that begin with a dot."""
    for name, digest in now.items():
        if killed and any(part.startswith(".") for part in Path(name).parts):
            continue
        assert digest in (before.get(name), after.get(name)), f"{name}: {where}"
    for name, digest in before.items():
        assert now.get(name) in (digest, after.get(name)), f"{name} is gone: {where}"
