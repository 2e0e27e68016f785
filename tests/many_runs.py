"""A folder of many runs for the price of one: hard links to one small run, each with a ``run.json`` of its own."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

from tests.dashboard_runs import plain_run, windows_of


def many_runs(traces: Path, count: int) -> list[str]:
    """``count`` runs, each a minute younger than the one before; their names. All were made a day ago."""
    seed = traces.with_name(f"{traces.name}-seed")
    plain_run(seed, "seed", windows_of(inferences=5, captured=0))
    facts = json.loads((seed / "seed" / "run.json").read_text(encoding="utf-8"))
    names = [f"run-{number:05d}" for number in range(count)]
    for number, name in enumerate(names):
        folder = traces / name
        shutil.copytree(seed / "seed", folder, copy_function=os.link)
        (folder / "run.json").unlink()
        day, minute = divmod(number, 24 * 60)
        created = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T{minute // 60:02d}:{minute % 60:02d}:00.000+00:00"
        own = {**facts, "run_id": f"{number:08d}", "name": name, "created": created}
        (folder / "run.json").write_text(json.dumps(own), encoding="utf-8")
        age(folder)
    age(traces / names[0], shared=True)
    shutil.rmtree(seed)
    return names


def age(folder: Path, *, shared: bool = False) -> None:
    """
    Put the times of a run's files back by a day: what changed just now is not kept by an index.

    Those that other runs share only where that is asked for.
    """
    then_ns = time.time_ns() - 86_400_000_000_000
    for path in (*folder.rglob("*"), folder):
        if shared or path.is_dir() or path.stat().st_nlink == 1:
            os.utime(path, ns=(then_ns, then_ns))
