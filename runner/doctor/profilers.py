"""The profiler: is Nsight Systems there, will our ranges reach it, and may it trace CUDA."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.children import code_command
from runner.device.board import Board
from runner.doctor.checks import ERROR, FINE, WARNING, Check
from runner.doctor.machine import Machine
from runner.nsys.installation import installed_outside_path

ASK_RANGES = """
from importlib import metadata
from tracer.recording.nvtx_ranges import open_ranges
ranges = open_ranges("kws-trace-doctor")
print(metadata.version("nvtx"), "ranges" if ranges is not None else "none")
"""
OLDEST_NVTX = (0, 2, 12)
PARANOID = "proc/sys/kernel/perf_event_paranoid"


def check_profilers(machine: Machine, board: Board) -> Iterator[Check]:
    """Lines about nsys, nvtx and what may be traced."""
    version = _nsys_version(machine)
    yield _nsys(machine, board, version)
    yield _ranges(machine, version)
    if board.is_jetson:
        yield _tegra_permission(machine)
    yield _sampling_permission(machine)


def _nsys_version(machine: Machine) -> str | None:
    outside = [] if machine.which("nsys") else installed_outside_path(machine.root)
    ran = machine.run((str(outside[0]) if outside else "nsys", "--version"), 30.0)
    if ran is None or not ran.fine:
        return None
    found = re.search(r"version (\d+(?:\.\d+)+)", ran.output)
    return found[1] if found else None


def _nsys(machine: Machine, board: Board, version: str | None) -> Check:
    if version is not None:
        return Check("nsys", FINE, f"Nsight Systems {version}")
    if machine.which("nsys") is not None:
        return Check("nsys", WARNING, "it is there and does not say its version", "see what `nsys --version` says")
    remedy = "install Nsight Systems (Debian: nsight-systems in non-free), or use TensorFlow's profiler"
    if board.jetpack == 4:
        remedy = "JetPack 4 profiles with nvprof: capture there, read the file on a PC with `kws-trace kernels`"
    elif board.is_jetson:
        remedy = "sudo apt install nsight-systems-cli, of JetPack's own source, or use TensorFlow's profiler"
    return Check("nsys", WARNING, "not installed: no GPU kernels under the stages", remedy)


def _ranges(machine: Machine, nsys: str | None) -> Check:
    """
    Whether ranges arrive.

    ``nvtx`` asks a function that nsys releases of 2022 and 2023 lack before it records; the layer below it, which a
    run uses, asks nobody. So the layer decides, not the release of nsys.
    """
    remedy = "pip install 'nvtx>=0.2.12'"
    ran = machine.run(code_command(ASK_RANGES), 60.0)
    if ran is None or not ran.fine:
        return Check("NVTX ranges", ERROR, "the nvtx package does not import: no stage would be named", remedy)
    version, _, layer = ran.output.strip().partition(" ")
    under = f"nsys {nsys}" if nsys else "a profiler"
    if layer == "ranges":
        return Check("NVTX ranges", FINE, f"nvtx {version}: ranges are pushed by a layer that {under} records")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    why = "older than 0.2.12" if numbers < OLDEST_NVTX else "of a release whose lower layer we do not know"
    return Check("NVTX ranges", ERROR, f"nvtx {version} is {why}: {under} would record no stage", remedy)


def _tegra_permission(machine: Machine) -> Check:
    if machine.is_root:
        return Check("CUDA tracing", FINE, "root, as tracing CUDA on a Tegra asks for")
    remedy = 'for a profiled run: sudo env "PATH=$PATH" kws-trace run --nsys ...'
    return Check("CUDA tracing", WARNING, f"on a Tegra it needs root, and this is {machine.user}", remedy)


def _sampling_permission(machine: Machine) -> Check:
    text = machine.read(PARANOID)
    if text is None or machine.is_root or int(text) <= 2:
        level = "not there" if text is None else text
        return Check("perf_event_paranoid", FINE, f"{level}{' (root)' if machine.is_root else ''}")
    said = f"{text}: nsys cannot see operating-system calls and context switches (CUDA and NVTX it can)"
    return Check("perf_event_paranoid", WARNING, said, "sudo sysctl kernel.perf_event_paranoid=2, for a deep capture")
