"""Which Nsight Systems is installed, what it knows, and whether it may trace here; said before a run starts."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.children import NOBODYS_FOLDER, module_command
from runner.device.board import read_board
from tracer.errors import NotInstalledError, ProfilerError, UsageError, last_line

_FOLDERS = ("/opt/nvidia/nsight-systems/*/target-linux-*", "/opt/nvidia/nsight-systems/*/bin", "/usr/local/cuda/bin")
_IMPORTER = "host-linux-*/QdstrmImporter"


def nsys_failed(what: str, said: str) -> ProfilerError:
    """``nsys`` does not do what was asked of it."""
    return ProfilerError("nsys", what, f"it said: {last_line(said)}")


@dataclass(frozen=True, slots=True)
class Nsys:
    """
    An installation.

    Args:
        path: of the ``nsys`` program.
        version: as it prints it.
        options: the long options that its ``profile`` has.
        traces: what ``--trace`` takes.
        importer: turns ``.qdstrm`` into ``.nsys-rep`` where ``nsys`` itself does not; None where there is none.
    """

    path: Path
    version: str
    options: frozenset[str]
    traces: frozenset[str]
    importer: Path | None


def find_nsys() -> Nsys:
    """
    The ``nsys`` of PATH, else the newest under ``/opt/nvidia``.

    Raises:
        NotInstalledError: if there is none.
        ProfilerError: if it does not run.
    """
    found, installed = shutil.which("nsys"), installed_outside_path()
    if found is None and not installed:
        raise NotInstalledError(
            "nsys: not found in PATH nor under /opt/nvidia/nsight-systems; install it (JetPack: `sudo apt install "
            "nsight-systems-cli`; Debian: nsight-systems from non-free), or use --profiler tensorflow"
        )
    path = Path(found).absolute() if found is not None else installed[0]
    version = _said(path, "--version")
    match = re.search(r"version\s+(\S+)", version)
    if match is None:
        raise nsys_failed(f"{path} --version names no version", version)
    options, traces = parse_profile_help(_said(path, "profile", "--help"))
    return Nsys(path, match[1], options, traces, _importer(path))


def installed_outside_path(root: Path = Path("/")) -> list[Path]:
    """The ``nsys`` of NVIDIA's packages and of the CUDA toolkit, which PATH need not name, the newest first."""
    return [path for pattern in _FOLDERS for path in sorted(root.glob(f"{pattern[1:]}/nsys"), reverse=True)]


def parse_profile_help(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The long options that ``nsys profile --help`` lists, and the values that it names for ``--trace``."""
    options = frozenset(re.findall(r"^\s+(?:-\w, )?--([a-z][a-z-]+)", text, re.MULTILINE))
    after = re.search(r"^\s+(?:-t, )?--trace=?\s*$(.*?)(?=^\s+(?:-\w, )?--[a-z])", text, re.MULTILINE | re.DOTALL)
    words = re.findall(r"[a-z][a-z0-9-]+", after[1].partition("Select the API")[0]) if after else []
    return options, frozenset(words)


def refuse_without_root(arguments: Sequence[str], environment: Mapping[str, str], root: Path = Path("/")) -> None:
    """
    On Tegra only root can trace CUDA.

    ``arguments`` are those of this command line, after the program.

    Raises:
        UsageError: with the line that works.
    """
    if not read_board(root).is_jetson or os.geteuid() == 0:
        return
    kept = [name for name in ("PATH", "LD_LIBRARY_PATH") if environment.get(name)]
    settings = [f"{name}={environment[name]}" for name in kept]
    line = shlex.join(["sudo", "env", *settings, *module_command("runner", *arguments)])
    raise UsageError(
        f"nsys: on this board (Tegra) only root can trace CUDA; run\n\n  {line}\n\nwhat it writes will be yours"
    )


_INJECTIONS = ("NVTX_INJECTION64_PATH", "NVTX_INJECTION32_PATH", "CUDA_INJECTION64_PATH", "CUDA_INJECTION32_PATH")
"""Variables by which NVTX's headers and CUDA's driver are told of a tool's library."""


def attached_profiler(environment: Mapping[str, str]) -> dict[str, Any] | None:
    """
    The profiler that this process was started under, by what it sets for its injection; None for none.

    One that is not known is named by the file of the library that NVTX, or CUDA, loads for it.
    """
    libraries = [Path(environment[name]).name for name in _INJECTIONS if environment.get(name)]
    if any(name.startswith("NSYS_") for name in environment) or any("nsys" in one for one in libraries):
        return {"name": "nsys", "by": "hand"}
    return {"name": libraries[0], "by": "hand"} if libraries else None


def give_to_caller(paths: Sequence[Path], environment: Mapping[str, str]) -> None:
    """Under sudo, what was written belongs to who called; links are not followed."""
    if os.geteuid() != 0 or "SUDO_UID" not in environment:
        return
    owner, group = int(environment["SUDO_UID"]), int(environment.get("SUDO_GID", -1))
    for path in paths:
        for one in (path, *path.rglob("*")):
            os.chown(one, owner, group, follow_symlinks=False)


def _importer(path: Path) -> Path | None:
    real = path.resolve()
    for folder in (*real.parents[:3], Path("/usr/lib/nsight-systems")):
        found = sorted(folder.glob(_IMPORTER))
        if found:
            return found[0]
    return None


def _said(path: Path, *arguments: str) -> str:
    done = run_program([path, *arguments], 60.0)
    return done.stdout + done.stderr


def run_program(command: Sequence[str | Path], limit_s: float | None = None) -> subprocess.CompletedProcess[str]:
    """
    Run a program of an installation to its end.

    Raises:
        ProfilerError: if it does not start, or has not ended in time.
    """
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, check=False, cwd=NOBODYS_FOLDER
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise nsys_failed(f"{command[0]} does not run", str(error)) from None
