"""
``make sizes``: what each set of extras is on a board, and what its imports take here.

Wheels are resolved for aarch64 from ``constraints/``; of each only the directory at its end is read.
Import times are medians of processes of their own, in turn; ``nothing`` is Python alone.
"""

from __future__ import annotations

import statistics
import struct
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tools.constraints import HOME, TARGETS

SETS = {
    "jetpack-4": ("",),
    "jetpack-6": ("", "[analysis]", "[dashboard]"),
    "jetpack-7": ("", "[analysis]", "[dashboard]", "[tensorflow]", "[runtimes]"),
}
GOAL_MB = 275
"""Of the core, unpacked."""
ROUNDS = 9
MODULES = ("nothing", "numpy", "ai_edge_litert.interpreter", "nvtx", "pyarrow", "pyarrow.parquet", "serial")
MODULES += ("google.protobuf", "rich.console", "typer", "tracer", "runner.cli", "runner.dut.run_job")

_END, _ENTRY = b"PK\x05\x06", b"PK\x01\x02"


def wheels(extras: str, constraints: str, python: str, platform: str) -> list[dict[str, Any]]:
    """``url`` and ``size`` of the wheels that a board of this Python would take, without our own."""
    command = [HOME / ".venv/bin/uv", "pip", "compile", "--quiet", "--no-header", "--format", "pylock.toml"]
    command += ["--only-binary", ":all:", "--no-binary", "kws-trace", "-c", HOME / f"constraints/{constraints}.txt"]
    command += ["--python-version", python, "--python-platform", platform, "-"]
    wanted = f"kws-trace{extras} @ {HOME.as_uri()}"
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{constraints}{extras}: {done.stderr}")
    packages = _toml(done.stdout)["packages"]
    return [package["wheels"][0] for package in packages if package["name"] != "kws-trace"]


def unpacked(wheel: dict[str, Any]) -> int:
    """Bytes of a wheel's files, by its directory (PKWARE's APPNOTE, 4.3.12 and 4.3.16)."""
    tail = _bytes(wheel["url"], f"-{1 << 16}")
    at = tail.rindex(_END)
    length, offset = struct.unpack_from("<II", tail, at + 12)
    directory = _bytes(wheel["url"], f"{offset}-{offset + length - 1}")
    total = at = 0
    while directory[at : at + 4] == _ENTRY:
        total += struct.unpack_from("<I", directory, at + 24)[0]
        at += 46 + sum(struct.unpack_from("<HHH", directory, at + 28))
    return total


def _bytes(url: str, which: str) -> bytes:
    request = urllib.request.Request(url, headers={"Range": f"bytes={which}"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        data: bytes = answer.read()
    return data


def _toml(text: str) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError:  # Python 3.10
        raise SystemExit("make sizes needs Python 3.11 or newer, for tomllib") from None
    return tomllib.loads(text)


def import_times_ms() -> dict[str, float]:
    """Medians of ``ROUNDS`` processes each, in turn."""
    times: dict[str, list[float]] = {name: [] for name in MODULES}
    for _ in range(ROUNDS):
        for name, kept in times.items():
            code = "" if name == "nothing" else f"import {name}"
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, cwd=HOME)
            kept.append(1e3 * (time.perf_counter() - began))
    return {name: statistics.median(kept) for name, kept in times.items()}


def print_sizes() -> bool:
    """Print the table of sets; returns whether every core is within the goal."""
    within = True
    print(f"{'aarch64, from constraints/':40} {'wheels':>6} {'MB down':>8} {'MB unpacked':>12}")
    for target in TARGETS:
        for extras in SETS[target.name]:
            found = wheels(extras, target.name, target.python, target.platform)
            with ThreadPoolExecutor(8) as pool:
                sizes = list(pool.map(unpacked, found))
            name = f"{target.name}, Python {target.python}: core {extras}".rstrip()
            down = sum(one["size"] for one in found)
            print(f"{name:40} {len(found):6} {down / 1e6:8.0f} {sum(sizes) / 1e6:12.0f}", flush=True)
            if not extras:
                within = within and sum(sizes) <= GOAL_MB * 1e6
                most = sorted(zip(sizes, found, strict=True), key=lambda one: -one[0])[:4]
                for size, one in most:
                    print(f"    {Path(one['url']).name.partition('-')[0]:36} {'':6} {'':8} {size / 1e6:12.0f}")
    return within


if __name__ == "__main__":
    fits = print_sizes()
    print(f"\n{'import here, ms, without Python itself':40}")
    measured = import_times_ms()
    for module, took in measured.items():
        print(f"{module:40} {took - (0 if module == 'nothing' else measured['nothing']):6.0f}")
    if not fits:
        sys.exit(f"a core is over {GOAL_MB} MB unpacked")
