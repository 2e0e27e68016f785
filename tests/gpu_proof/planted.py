"""Launches of an earlier planted program on an H200: pairs of a capture and of blocks without a profiler."""

from __future__ import annotations

import json
import lzma
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from tests.gpu_proof.judging import Pair, predictions
from tracer.public import open_profile

LAUNCHES = range(1, 7)
REMOVALS = {**{name: ("stage", name) for name in ("busy", "sync", "copy")}, "one graph": ("change", "one graph")}


@cache
def planted_pair(folder: Path, launch: int) -> Pair:
    """
    One launch: ``plantedN.sqlite.xz`` is the capture of the whole, ``timesN.json`` has each variant's blocks.

    The variants were timed in turn within one process, and the whole's time there is also the base of the prediction.
    """
    times = json.loads((folder / f"times{launch}.json").read_text(encoding="utf-8"))
    measured = {name: float(np.mean(blocks)) for name, blocks in times.items()}
    with tempfile.TemporaryDirectory(prefix="planted-") as work:
        path = Path(work) / "planted.sqlite"
        path.write_bytes(lzma.decompress((folder / f"planted{launch}.sqlite.xz").read_bytes()))
        return Pair(predictions(open_profile(path), measured["whole"], REMOVALS), measured)


def planted_pairs(folder: Path) -> list[Pair]:
    """All of a folder."""
    return [planted_pair(folder, launch) for launch in LAUNCHES]
