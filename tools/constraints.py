"""
Write ``constraints/``: for each JetPack the versions that fit its Python, its glibc and NVIDIA's wheels.

``python -m tools.constraints`` resolves for aarch64, wheels only: nothing is built on a board.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Target:
    """
    A JetPack's environment.

    ``beside`` stands in for a wheel of NVIDIA's while versions are found; ``ranges`` replace what only one of its
    versions wants.
    """

    name: str
    about: str
    python: str
    platform: str
    extras: str
    bounds: tuple[str, ...] = ()
    beside: str | None = None
    ranges: tuple[tuple[str, str], ...] = ()


TARGETS = (
    Target(
        "jetpack-4",
        "JetPack 4 and 5 (Nano, TX2, Xavier), with a Python 3.10 of your own: LiteRT on the CPU",
        python="3.10",
        platform="aarch64-manylinux2014",
        extras="",
    ),
    Target(
        "jetpack-6",
        "JetPack 6 (Orin), its Python 3.10, beside NVIDIA's TensorFlow 2.16 or 2.17",
        python="3.10",
        platform="aarch64-manylinux_2_35",
        extras="[dashboard]",
        bounds=("numpy==1.26.4", "protobuf>=4.25,<5"),
        beside="tensorflow==2.16.2",
        ranges=(("ml-dtypes", ">=0.3.2,<0.5"), ("tensorboard", ">=2.16,<2.18")),
    ),
    Target(
        "jetpack-7",
        "JetPack 7 (Orin, Thor), its Python 3.12: LiteRT, and TensorFlow on the CPU",
        python="3.12",
        platform="aarch64-manylinux_2_39",
        extras="[dashboard,tensorflow]",
        # pyarrow 25 and 26 bring 16 MB more: the core would be over 275 MB unpacked.
        bounds=("pyarrow<25",),
    ),
)


def resolved(target: Target) -> str:
    """The file's text."""
    needs = [f"kws-trace{target.extras} @ {HOME.as_uri()}", *([target.beside] if target.beside else [])]
    command = [HOME / ".venv/bin/uv", "pip", "compile", "--quiet", "--no-emit-index-url", "--no-header"]
    command += ["--no-annotate", "--only-binary", ":all:", "--no-binary", "kws-trace"]
    command += ["--python-version", target.python, "--python-platform", target.platform]
    bounds = [f"{bound}\n" for bound in target.bounds]
    done = subprocess.run(
        [*command, "-"], input="\n".join([*needs, *bounds]), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{target.name}: {done.stderr}")
    left_out = {"kws-trace", (target.beside or "").partition("==")[0]}
    ranges = dict(target.ranges)
    lines = [f"# {target.about}.", f"# pip install -c constraints/{target.name}.txt '.{target.extras}'"]
    for line in done.stdout.splitlines():
        name = line.partition("==")[0].partition(" @ ")[0]
        if name not in left_out:
            lines.append(name + ranges[name] if name in ranges else line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for one in TARGETS:
        path = HOME / "constraints" / f"{one.name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(resolved(one), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(HOME)}\n")
