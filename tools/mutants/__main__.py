"""The command: samples changes of each package, tries each, and tells those that no test sees."""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.mutants.importers import import_graph, module_name, nearest_tests
from tools.mutants.mutations import mutations_of
from tools.mutants.trials import NO_TEST, SURVIVED, Mutant, TreeCopy

FOLDERS = ("tracer", "runner", "dashboard", "tests", "tools")


def packages_of(root: Path, folder: str) -> list[str]:
    """The folders of modules in ``folder``; itself stands for the modules at its first level."""
    found = [folder, *(str(path.parent.relative_to(root)) for path in sorted((root / folder).glob("*/__init__.py")))]
    return [name for name in found if any(_modules(root, name, folder))]


def _modules(root: Path, package: str, top: str = "tracer") -> list[Path]:
    paths = (root / package).glob("*.py") if package == top else (root / package).rglob("*.py")
    return sorted(path.relative_to(root) for path in paths)


def sample(root: Path, package: str, count: int, seed: int) -> list[Mutant]:
    """
    ``count`` changes of a package, the same ones for the same seed and source.

    Args:
        root: of the tree.
        package: folder of modules.
        count: at most so many.
        seed: of the sample.
    """
    graph = import_graph(root, FOLDERS)
    every = [
        (path, mutation)
        for path in _modules(root, package)
        for mutation in mutations_of((root / path).read_text(encoding="utf-8"))
    ]
    picked = random.Random(f"{seed}:{package}").sample(every, min(count, len(every)))  # noqa: S311 -- a sample
    tests = {path: nearest_tests(module_name(path), graph) for path, _ in picked}
    return [Mutant(path, one, tuple(f"{name.replace('.', '/')}.py" for name in tests[path])) for path, one in picked]


def try_all(root: Path, mutants: Sequence[Mutant], jobs: int, timeout_s: float) -> list[tuple[Mutant, str]]:
    """Each with what became of it, ``jobs`` at a time; those whose tests fail unchanged are left out, and told."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: queue.Queue[TreeCopy] = queue.Queue()
        for number in range(jobs):
            copies.put(TreeCopy(root, Path(folder) / f"tree{number}"))

        def unchanged(tests: tuple[str, ...]) -> str:
            copy = copies.get()
            try:
                return copy.run(tests, 10 * timeout_s) if tests else NO_TEST
            finally:
                copies.put(copy)

        def tried(mutant: Mutant) -> tuple[Mutant, str]:
            copy = copies.get()
            try:
                return mutant, copy.try_mutant(mutant, timeout_s)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(jobs) as pool:
            sets = sorted({mutant.tests for mutant in mutants})
            passes = dict(zip(sets, pool.map(unchanged, sets), strict=True))
            for tests, outcome in passes.items():
                if outcome not in (SURVIVED, NO_TEST):
                    sys.stderr.write(f"without a change: {outcome}, left out: {' '.join(tests)}\n")
            return list(pool.map(tried, [one for one in mutants if passes[one.tests] in (SURVIVED, NO_TEST)]))


def main(words: list[str]) -> int:
    """Sample, try, print, write; 1 where a change survived."""
    parser = argparse.ArgumentParser(prog="make mutants", description="changes of tracer/ that no test sees")
    parser.add_argument("--package", action="append", help="such as tracer/kernels; by default each of tracer/")
    parser.add_argument("--count", type=int, default=200, help="changes of a package (%(default)s)")
    parser.add_argument("--seed", type=int, default=2021, help="of the sample (%(default)s)")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one change (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time (the cores)")
    parser.add_argument("--json", type=Path, default=Path("build/mutants.json"), help="file of results (%(default)s)")
    asked = parser.parse_args(words)
    root, rows, counts = Path.cwd(), [], Counter[str]()
    for package in asked.package or packages_of(root, "tracer"):
        mutants = sample(root, package.rstrip("/"), asked.count, asked.seed)
        here = Counter[str]()
        for mutant, outcome in try_all(root, mutants, asked.jobs, asked.timeout):
            one = mutant.mutation
            here[outcome] += 1
            rows.append({"file": str(mutant.path), "line": one.line, "before": one.before, "after": one.after})
            rows[-1] |= {"outcome": outcome, "tests": list(mutant.tests)}
            if outcome in (SURVIVED, NO_TEST):
                sys.stdout.write(f"{mutant.path}:{one.line}: {outcome}: {one.before}  ->  {one.after}\n")
        counts += here
        sys.stdout.write(f"{package}: {', '.join(f'{count} {name}' for name, count in here.items()) or 'nothing'}\n")
        sys.stdout.flush()
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({"seed": asked.seed, "mutants": rows}, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"in all: {', '.join(f'{count} {name}' for name, count in counts.items())}; see {asked.json}\n")
    return int(counts[SURVIVED] + counts[NO_TEST] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
