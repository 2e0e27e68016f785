"""The launches of the proof on a GPU: a capture and its predictions on the disk, then each variant by itself."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from statistics import fmean
from typing import Any

from runner.device.gpu_facts import driver_version
from runner.nsys.installation import Nsys, find_nsys
from runner.nsys.reports import RAW, REPORTS, export_sqlite
from tests.conftest import ROOT
from tests.gpu_proof.judging import REMOVALS, Pair, Said, judged, predictions
from tests.gpu_proof.launch import WARMUPS
from tests.gpu_proof.program import DOMAIN, STAGES, UNIT, VARIANTS
from tracer.public import open_profile
from tracer.whole_files import written_whole

CAPTURED = 300
"""Inferences of a capture."""

TURNS, TURN = 8, 80
"""Turns of each launch that is timed, and inferences of one."""

LAUNCH = (sys.executable, "-m", "tests.gpu_proof.launch")


@dataclass(slots=True)
class Proof:
    """What is in the file of the proof; pairs are added to it, so that it may be made in several calls."""

    path: Path
    facts: dict[str, str]
    pairs: list[dict[str, Any]]

    @classmethod
    def opened(cls, path: Path) -> Proof:
        """That of a file, with its whole pairs; an empty one where there is none."""
        if not path.is_file():
            return cls(path, {}, [])
        told = json.loads(path.read_text(encoding="utf-8"))
        return cls(path, told["facts"], [one for one in told["pairs"] if "measured" in one])

    def add_pair(self, nsys: Nsys) -> None:
        """Capture, predict, write the predictions down, then measure."""
        names = list(VARIANTS)
        # Each pair begins with another variant, so that none is always first.
        first = len(self.pairs) % len(names)
        with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="gpu-proof-") as folder:
            waiting = {name: Waiting(name) for name in ("plain", *names[first:], *names[:first])}
            for one in waiting.values():
                stack.callback(one.end)
            for one in waiting.values():
                one.await_ready()
            plain, facts = waiting.pop("plain").turn()
            self._hold_facts(
                facts | {"driver": driver_version() or "", "nsys": nsys.version, "kernel": platform.release()}
            )
            path = captured(nsys, Path(folder))
            said = predictions(open_profile(path), plain, REMOVALS, f"{DOMAIN}:{UNIT}", STAGES, WARMUPS)
            predicted = {name: asdict(one) for name, one in said.items()}
            pair: dict[str, Any] = {"written": now(), "unprofiled_wall_ns": plain, "predicted": predicted}
            self.pairs.append(pair)
            self.write()
            pair["measured_from"] = now()
            rounds = [{name: one.turn()[0] for name, one in waiting.items()} for _ in range(TURNS)]
            pair["measured"] = {name: fmean(one[name] for one in rounds) for name in names}
            self.write()

    def _hold_facts(self, facts: dict[str, str]) -> None:
        if self.facts and self.facts != facts:
            raise SystemExit(f"{self.path}: it is of another machine or other versions; name another file")
        self.facts = facts

    def write(self) -> None:
        """All so far, with its verdicts."""
        whole = [one for one in self.pairs if "measured" in one]
        verdicts = {name: one.figures() for name, one in judged([read_pair(one) for one in whole]).items()}
        figures = {"source": "gpu", "date": now(), "facts": self.facts, "verdicts": verdicts, "pairs": self.pairs}
        with written_whole(self.path) as temporary:
            temporary.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def read_pair(told: Mapping[str, Any]) -> Pair:
    """A pair as it stands in the file."""
    return Pair({name: Said(**one) for name, one in told["predicted"].items()}, told["measured"])


class Waiting:
    """A launch of a variant in a process of its own, ``plain`` for one more of the whole; it waits for its turns."""

    def __init__(self, name: str) -> None:
        self._name = "whole" if name == "plain" else name
        command = [*LAUNCH, self._name, str(TURN), "--turns"]
        self._child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def await_ready(self) -> None:
        """Returns when it has its context on the GPU."""
        self._line()

    def turn(self) -> tuple[float, dict[str, str]]:
        """Mean nanoseconds of an inference, and what they hang on."""
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        figures = json.loads(self._line())
        return figures.pop("mean_ns"), figures

    def _line(self) -> str:
        assert self._child.stdout is not None
        if not (line := self._child.stdout.readline()):
            raise SystemExit(f"the launch of {self._name!r} ended with {self._child.wait()}; see what it said above")
        return line

    def end(self) -> None:
        """Ended where it still waits."""
        self._child.kill()
        self._child.wait()


def captured(nsys: Nsys, folder: Path) -> Path:
    """The whole program under nsys, as SQLite."""
    program = [*LAUNCH, "whole", str(CAPTURED)]
    wanted = {"trace": "cuda,nvtx", "sample": "none", "cpuctxsw": "none", "output": str(folder / "whole")}
    options = [f"--{name}={value}" for name, value in wanted.items() if name in nsys.options]
    command = [str(nsys.path), "profile", *options, *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"`{' '.join(command)}` ended with {done.returncode}; it said: {done.stderr.strip()[-2000:]}"
        )
    made = [path for suffix in (*REPORTS, RAW) for path in folder.glob(f"*{suffix}")]
    return export_sqlite(nsys, made[0], folder)


def now() -> str:
    """UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def prove(path: Path, count: int) -> Proof:
    """Add pairs to the file until it has ``count``."""
    nsys, proof = find_nsys(), Proof.opened(path)
    while len(proof.pairs) < count:
        print(f"pair {len(proof.pairs) + 1} of {count}", file=sys.stderr, flush=True)
        proof.add_pair(nsys)
    return proof
