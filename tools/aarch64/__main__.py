"""
``make check-aarch64``: install from the constraints for arm64, and run what a board runs, under qemu.

For each suite of Debian: its Python, the registry's aarch64 wheels, the import of every module of the core, ``infer``
over the shipped inputs, a ``run`` that ``host`` drives over a pseudo-terminal, ``report`` and ``kernels``, whose
answers must be those of this machine. Prints minutes by part.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.aarch64 import board
from tools.aarch64.debian import packages, unpack
from tools.aarch64.emulation import in_tree, interpreter, missing

HOME = Path(__file__).resolve().parent.parent.parent
QEMU_OF = "trixie"
"""qemu 7.2 of bookworm dies in LiteRT 2.3.0 (signal 11, at any -cpu); qemu 10 runs it."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A Debian release: its Python and glibc, and the constraints whose wheels run on both."""

    name: str
    python: str
    platform: str
    constraints: str


SUITES = (
    Suite("bookworm", "3.11", "aarch64-manylinux_2_36", "jetpack-6"),
    Suite("trixie", "3.13", "aarch64-manylinux_2_39", "jetpack-7"),
)

PLAIN = {"COLUMNS": "100", "NO_COLOR": "1"}

minutes: list[tuple[str, float]] = []


@contextmanager
def part(name: str) -> Iterator[None]:
    """Time it for the table at the end."""
    print(f"-- {name}", flush=True)
    began = time.monotonic()
    try:
        yield
    finally:
        minutes.append((name, (time.monotonic() - began) / 60))


def install_wheels(suite: Suite, site: Path) -> None:
    """The core of this checkout and what it needs, at the committed versions, into ``site``."""
    uv = [HOME / ".venv/bin/uv", "pip", "install", "--quiet", "--target", site]
    uv += ["--python-platform", suite.platform, "--python-version", suite.python]
    uv += ["--only-binary", ":all:", "--no-binary", "kws-trace", "-c", HOME / f"constraints/{suite.constraints}.txt"]
    subprocess.run([*uv, HOME], check=True)
    # A Python of the same version, where there is one, compiles in seconds what would take minutes under qemu.
    if (own := shutil.which(f"python{suite.python}")) is not None:
        subprocess.run([own, "-m", "compileall", "-q", "-j", "2", site], check=False, capture_output=True)


def check(suite: Suite, folder: Path) -> None:
    """Install, and run what a board runs."""
    tree, site, work = (folder / suite.name / name for name in ("tree", "site", "work"))
    work.mkdir(parents=True)
    with part(f"{suite.name}: Python {suite.python} of arm64"):
        needed = ["python3", "libc-bin", "libstdc++6"]
        unpack(packages(suite.name, "arm64", needed, folder / suite.name / "apt", closure=True), tree)
    with part(f"{suite.name}: wheels of constraints/{suite.constraints}.txt"):
        install_wheels(suite, site)
    capture = board.capture_of(HOME)
    bound = {
        site: "/site",
        work: "/tmp",
        HOME / "traces": "/traces",
        HOME / "tools": "/checks",
        capture.parent: "/captures",
    }
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **PLAIN}
    environment["PYTHONPATH"] = "/site"
    for name in board.PARTS:
        with part(f"{suite.name}: {name}"):
            line = ["/usr/bin/python3", "/checks/aarch64/board.py", name, f"/captures/{capture.name}"]
            done = subprocess.run(
                in_tree(tree, bound, environment, line), stdout=subprocess.PIPE, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(
                    f"check-aarch64: {suite.name}: {name} failed ({done.returncode})\n{done.stdout[-4000:]}"
                )
            judge(name, done.stdout, capture)


def judge(name: str, said: str, capture: Path) -> None:
    """Show what was said; what reads files must read the same numbers as on this machine."""
    if name not in board.READINGS:
        sys.stdout.write(said)
        return
    line = [HOME / ".venv/bin/python", "-m", "runner", *board.reading(name, HOME / "traces", capture)]
    settings = {**os.environ, **PLAIN}
    here = subprocess.run(line, capture_output=True, text=True, check=True, env=settings).stdout
    if differing := board.differences(here, said):
        raise SystemExit(f"check-aarch64: {name} reads otherwise than on this machine: {'; '.join(differing[:5])}")
    print(f"{len(here):,} characters of JSON as on this machine")


def main() -> None:
    """Check every suite, or those that are named."""
    parser = argparse.ArgumentParser(prog="make check-aarch64", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    wanted = parser.parse_args().suites
    if lacking := missing():
        sys.exit("check-aarch64 needs:\n" + "\n".join(f"  {each}" for each in lacking))
    folder = Path(tempfile.mkdtemp(prefix="kws-trace-aarch64-"))
    try:
        with part("qemu"):
            files = packages(QEMU_OF, "amd64", ["qemu-user"], folder / "qemu/apt", closure=False)
            unpack(files, folder / "qemu/tree")
        with interpreter(folder / "qemu/tree/usr/bin/qemu-aarch64"):
            for suite in SUITES:
                if not wanted or suite.name in wanted:
                    check(suite, folder)
    finally:
        shutil.rmtree(folder)
        print("\nminutes by part:", *(f"{took:6.1f}  {name}" for name, took in minutes), sep="\n")
        print(f"{sum(took for _, took in minutes):6.1f}  in all")


if __name__ == "__main__":
    main()
