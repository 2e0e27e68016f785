"""The command: samples changes of each package, tries each, and tells those that no test sees."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import queue
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tools.mutants.importers import import_graph, module_name, nearest_tests
from tools.mutants.mutations import Mutation, mutations_of
from tools.mutants.trials import LIVE, NO_TEST, SURVIVED, Mutant, Seen, TreeCopy

Made = TypeVar("Made")
EXPLAINED = Path(__file__).with_name("explained.csv")
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
    every = [
        (path, mutation)
        for path in _modules(root, package)
        for mutation in mutations_of((root / path).read_text(encoding="utf-8"))
    ]
    return _mutants(root, random.Random(f"{seed}:{package}").sample(every, min(count, len(every))))  # noqa: S311 -- a sample


def survivors(root: Path, results: Path) -> list[Mutant]:
    """The changes that a file of results says nothing saw, where they stand in the source of now."""
    found = []
    for row in json.loads(results.read_text(encoding="utf-8"))["mutants"]:
        path = Path(row["file"])
        known = mutations_of((root / path).read_text(encoding="utf-8")) if row["outcome"] in LIVE else []
        alike = [one for one in known if (one.before, one.after) == (row["before"], row["after"])]
        found += [(path, min(alike, key=lambda one: abs(one.line - row["line"])))] if alike else []
    return _mutants(root, found)


def explained() -> set[tuple[str, ...]]:
    """File, line, before and after of changes that make the same program, or one as good: ``EXPLAINED`` says why."""
    with EXPLAINED.open(encoding="utf-8", newline="") as rows:
        return {(row["file"], row["line"], row["before"], row["after"]) for row in csv.DictReader(rows)}


def as_explained(path: Path, source: str, mutation: Mutation) -> tuple[str, ...]:
    """A change of a source, as ``explained`` has those that need no test."""
    return str(path), source.splitlines()[mutation.line - 1].strip(), mutation.before, mutation.after


def _mutants(root: Path, changes: Sequence[tuple[Path, Mutation]]) -> list[Mutant]:
    graph = import_graph(root, FOLDERS)
    tests = {path: nearest_tests(module_name(path), graph) for path, _ in changes}
    return [Mutant(path, one, tuple(f"{name.replace('.', '/')}.py" for name in tests[path])) for path, one in changes]


class Trials:
    """
    Copies of a tree, and what each file of tests ran of the product, found when it is first needed.

    Args:
        root: of the tree.
        jobs: as many changes are tried at a time.
        timeout_s: for one change; twenty times that for a file of tests.
    """

    def __init__(self, root: Path, jobs: int, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._seen: dict[str, Seen] = {}
        with contextlib.ExitStack() as stack:
            self._pool = stack.enter_context(ThreadPoolExecutor(jobs))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
            self._copies: queue.Queue[TreeCopy] = queue.Queue()
            for number in range(jobs):
                self._copies.put(stack.enter_context(TreeCopy(root, folder / f"tree{number}")))
            self._stack = stack.pop_all()

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _with_copy(self, work: Callable[[TreeCopy], Made]) -> Made:
        copy = self._copies.get()
        try:
            return work(copy)
        finally:
            self._copies.put(copy)

    def outcomes(self, mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, str]]:
        """Each once it is known what became of it; a file of tests that fails unchanged is left out, and told."""

        def unchanged(test: str) -> Seen:
            product = mutants[0].path.parts[0]
            return self._with_copy(lambda copy: copy.unchanged(test, product, 20 * self.timeout_s))

        files = sorted({test for mutant in mutants for test in mutant.tests} - self._seen.keys())
        for test, one in zip(files, self._pool.map(unchanged, files), strict=True):
            self._seen[test] = one
            if one.outcome not in (SURVIVED, NO_TEST):
                sys.stderr.write(f"without a change: {one.outcome}, left out: {test}\n")

        def tried(mutant: Mutant) -> tuple[Mutant, str]:
            passed = {test: self._seen[test] for test in mutant.tests if self._seen[test].outcome == SURVIVED}
            return mutant, self._with_copy(lambda copy: copy.try_mutant(mutant, passed, self.timeout_s))

        return self._pool.map(tried, mutants)


def main(words: list[str]) -> int:
    """Sample, try, print, write; 1 where a change survived."""
    parser = argparse.ArgumentParser(prog="make mutants", description="changes of tracer/ that no test sees")
    parser.add_argument("--package", action="append", help="such as tracer/kernels; by default each of tracer/")
    parser.add_argument("--count", type=int, default=200, help="changes of a package (%(default)s)")
    parser.add_argument("--seed", type=int, default=2021, help="of the sample (%(default)s)")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one change (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time (the cores)")
    parser.add_argument("--json", type=Path, default=Path("build/mutants.json"), help="file of results (%(default)s)")
    parser.add_argument("--again", type=Path, help="instead of a sample: what survived by this file of results")
    asked = parser.parse_args(words)
    root, rows, counts, known = Path.cwd(), [], Counter[str](), explained()
    asked.json.parent.mkdir(parents=True, exist_ok=True)

    def keep() -> None:
        asked.json.write_text(json.dumps({"seed": asked.seed, "mutants": rows}, indent=1) + "\n", encoding="utf-8")

    keep()
    with Trials(root, asked.jobs, asked.timeout) as trials:
        for package in [str(asked.again)] if asked.again else asked.package or packages_of(root, "tracer"):
            name = package.rstrip("/")
            mutants = survivors(root, asked.again) if asked.again else sample(root, name, asked.count, asked.seed)
            here = Counter[str]()
            for mutant, outcome in trials.outcomes(mutants):
                one = mutant.mutation
                source = (root / mutant.path).read_text(encoding="utf-8")
                if outcome in LIVE and as_explained(mutant.path, source, one) in known:
                    outcome = "explained"  # noqa: PLW2901 -- what became of it, in one word
                here[outcome] += 1
                rows.append({"file": str(mutant.path), "line": one.line, "before": one.before, "after": one.after})
                rows[-1] |= {"outcome": outcome, "tests": list(mutant.tests)}
                if outcome in LIVE:
                    sys.stdout.write(f"{mutant.path}:{one.line}: {outcome}: {one.before}  ->  {one.after}\n")
                # What is interrupted leaves what it found.
                sys.stdout.flush()
                keep()
            counts += here
            sys.stdout.write(
                f"{package}: {', '.join(f'{count} {name}' for name, count in here.items()) or 'nothing'}\n"
            )
    sys.stdout.write(f"in all: {', '.join(f'{count} {name}' for name, count in counts.items())}; see {asked.json}\n")
    return int(any(counts[name] for name in LIVE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
