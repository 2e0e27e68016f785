"""The launches of the proof on a GPU: a capture and its predictions on the disk, then each variant by itself."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runner.nsys.installation import Nsys, find_nsys
from runner.nsys.reports import RAW, REPORTS, export_sqlite
from tests.conftest import ROOT
from tests.gpu_proof.judging import REMOVALS, Pair, Said, judged, predictions
from tests.gpu_proof.launch import WARMUPS
from tests.gpu_proof.program import DOMAIN, STAGES, UNIT, VARIANTS
from tracer.public import open_profile
from tracer.whole_files import written_whole

CAPTURED, TIMED = 300, 2_000
"""Inferences of a capture, and of a launch that is timed."""


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
        plain, facts = launched("whole")
        facts |= {"nsys": nsys.version, "kernel": platform.release()}
        if self.facts and self.facts != facts:
            raise SystemExit(f"{self.path}: it is of another machine or other versions; name another file")
        self.facts = facts
        with tempfile.TemporaryDirectory(prefix="gpu-proof-") as folder:
            path = captured(nsys, Path(folder))
            said = predictions(open_profile(path), plain, REMOVALS, f"{DOMAIN}:{UNIT}", STAGES, WARMUPS)
        predicted = {name: asdict(one) for name, one in said.items()}
        pair: dict[str, Any] = {"written": now(), "unprofiled_wall_ns": plain, "predicted": predicted}
        self.pairs.append(pair)
        self.write()
        names = list(VARIANTS)
        # Each pair begins with another variant, so that none is always first.
        first = len(self.pairs) % len(names)
        pair["measured_from"] = now()
        pair["measured"] = {name: launched(name)[0] for name in names[first:] + names[:first]}
        self.write()

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


def launched(variant: str) -> tuple[float, dict[str, str]]:
    """Mean nanoseconds of an inference of a variant in a process of its own, and what they hang on."""
    told = json.loads(_ran([sys.executable, "-m", "tests.gpu_proof.launch", variant, str(TIMED)]))
    return told.pop("mean_ns"), told


def captured(nsys: Nsys, folder: Path) -> Path:
    """The whole program under nsys, as SQLite."""
    program = [sys.executable, "-m", "tests.gpu_proof.launch", "whole", str(CAPTURED)]
    wanted = {"trace": "cuda,nvtx", "sample": "none", "cpuctxsw": "none", "output": str(folder / "whole")}
    options = [f"--{name}={value}" for name, value in wanted.items() if name in nsys.options]
    _ran([str(nsys.path), "profile", *options, *program])
    made = [path for suffix in (*REPORTS, RAW) for path in folder.glob(f"*{suffix}")]
    return export_sqlite(nsys, made[0], folder)


def _ran(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"`{' '.join(command)}` ended with {done.returncode}; it said: {done.stderr.strip()[-2000:]}"
        )
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


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
