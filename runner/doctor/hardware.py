"""The hardware's state: power mode, clocks, temperature, throttling, other load, disk, and what can be sampled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runner.device.board import MODE_QUERY, MODE_TABLE, Board, read_power_mode
from runner.device.cpu import CpuPolicy, cpu_policies
from runner.device.gpu import GpuState, gpu_states
from runner.device.sampler import sampled_sources
from runner.device.thermal import thermal_zones, throttles
from runner.doctor.checks import ERROR, FINE, WARNING, Check
from runner.doctor.machine import Machine
from tracer.device.device_samples import FREQUENCY_HZ, POWER_MW
from tracer.figure_text import frequency_text, number_text, size_text

NEAR_LIMIT_MC = 10_000
HOT_MC = 85_000
"""Where a zone names no passive trip point."""

LEAST_DISK = 100_000_000
ENOUGH_DISK = 1_000_000_000
"""A window of a million inferences takes some 15 MB; a run's journal is there twice while its parts are written."""

OTHER_LOAD = 0.5
"""Runnable tasks, on average over a minute; the benchmark itself is not running yet."""

_MEMORY = re.compile(r"\bRAM \d+/\d+MB.*\bEMC(?:_FREQ)? (?:\d+%)?@([1-9]\d*)\b", re.IGNORECASE)
"""
Of ``tegrastats``, NVIDIA's own monitor, of JetPack 3 to 7: a line has ``EMC 2%@1866`` (3), ``EMC_FREQ 4%@1600`` (4
and later) or ``EMC_FREQ @4266`` (a Thor), without ``@`` where it may not be read, and ``@0`` where the board does not
know. Source: NVIDIA's Jetson Linux Developer Guide, "tegrastats Utility", and lines that users have printed.
"""


def check_board(machine: Machine, board: Board) -> Check:
    """Which board; on a PC what is absent is said here once."""
    if board.is_jetson:
        release = f", Jetson Linux {board.l4t}" if board.l4t else ""
        jetpack = f" (JetPack {board.jetpack})" if board.jetpack else ""
        return Check("board", FINE, f"{board.model or 'a Jetson'}{release}{jetpack}")
    names = re.findall(r"(?m)^model name\s*:\s*(.+)$", machine.read("proc/cpuinfo") or "")
    name = board.model or (names[0] if names else "this machine")
    return Check("board", FINE, f"{name} is no Jetson: no power mode, no jetson_clocks, no rails to look at")


def check_power_mode(machine: Machine) -> Check:
    """The nvpmodel mode, on a Jetson; anything but the board's MAXN is slower than the board can be."""
    ran = machine.run(MODE_QUERY)
    found = read_power_mode(ran.output) if ran is not None else None
    if found is None:
        why = "nvpmodel is not installed" if ran is None else "nvpmodel -q does not say it"
        return Check("power mode", WARNING, why, "sudo nvpmodel -q; without it the mode of the run is not known")
    name, number = found
    modes = re.findall(r"POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)", machine.read(MODE_TABLE) or "")
    fastest = [(other, label) for other, label in modes if label.startswith("MAXN")]
    if name.startswith("MAXN") and name in {"MAXN", *(label for _, label in fastest[-1:])}:
        return Check("power mode", FINE, f"{name} ({number})")
    if not fastest:
        return Check("power mode", FINE, f"{name} ({number}); this board's table has no MAXN")
    best, label = fastest[-1]
    remedy = f"sudo nvpmodel -m {best} ({label}), if its power supply and cooling allow it"
    return Check("power mode", WARNING, f"{name} ({number}): the board can be faster", remedy)


def check_clocks(machine: Machine, board: Board) -> Iterator[Check]:
    """Whether CPU and GPU hold one frequency, which two runs need to be comparable."""
    policies = cpu_policies(machine.root)
    if policies:
        yield _cpu_clocks(policies, board)
    elif board.is_jetson:
        yield Check("CPU clocks", WARNING, "cpufreq names no policy", "CPU frequencies will not be recorded")
    gpus = gpu_states(machine.root)
    if gpus:
        yield _gpu_clocks(gpus)
    elif board.is_jetson:
        yield Check("GPU clocks", WARNING, "devfreq names no GPU", "GPU frequencies will not be recorded")


def _cpu_clocks(policies: tuple[CpuPolicy, ...], board: Board) -> Check:
    governors = sorted({policy.governor or "unknown" for policy in policies})
    highest = max(policy.highest_hz or 0 for policy in policies)
    said = f"governor {', '.join(governors)}, up to {_mhz(highest)}"
    if all(policy.pinned for policy in policies):
        return Check("CPU clocks", FINE, f"{said}, held there")
    remedy = "sudo jetson_clocks" if board.is_jetson else "sudo cpupower frequency-set -g performance"
    return Check("CPU clocks", WARNING, f"{said}: it moves with the load", remedy)


def _gpu_clocks(gpus: tuple[GpuState, ...]) -> Check:
    free = [gpu for gpu in gpus if not gpu.pinned]
    told = ", ".join(f"{gpu.name} at {_mhz(gpu.current_hz)} of {_mhz(gpu.highest_hz)}" for gpu in gpus)
    if not free:
        return Check("GPU clocks", FINE, f"{told}, held there")
    gated = " and switches itself off when idle" if any(gpu.railgated for gpu in free) else ""
    return Check("GPU clocks", WARNING, f"{told}: it moves with the load{gated}", "sudo jetson_clocks")


def _mhz(hertz: int | None) -> str:
    return "unknown MHz" if hertz is None else frequency_text(hertz)


def check_temperature(machine: Machine) -> Check | None:
    """The zone that is nearest to its limit; None where there are no zones."""
    zones = [
        (zone.temperature_mc, zone.throttles_at_mc or HOT_MC, zone.name)
        for zone in thermal_zones(machine.root)
        if zone.temperature_mc is not None
    ]
    if not zones:
        return None
    now, limit, name = min(zones, key=lambda zone: zone[1] - zone[0])
    said = f"{name} {number_text(now / 1000, 1)} C, throttles at {number_text(limit / 1000, 1)} C"
    if now < limit - NEAR_LIMIT_MC:
        return Check("temperature", FINE, said)
    return Check("temperature", WARNING, said, "let it cool, or set its fan to full")


def check_throttling(machine: Machine) -> Check | None:
    """What limits speed now, and what did since boot; None where nothing could."""
    found = throttles(machine.root)
    if not found:
        return None
    now = [one.name for one in found if not one.is_count and one.value > 0]
    counts = [f"{one.name} {one.value}" for one in found if one.is_count and one.value > 0]
    if now:
        remedy = "let it cool; on over-current a stronger power supply"
        return Check("throttling", WARNING, f"{', '.join(now)} limits speed now", remedy)
    if counts:
        # Counts of the past are no fault of this moment; a run compares them before and after.
        return Check("throttling", FINE, f"none now; events since boot: {', '.join(counts)}")
    return Check("throttling", FINE, "none now, none since boot")


def check_load(machine: Machine) -> Check:
    """Whether something else runs."""
    text = machine.read("proc/loadavg")
    if text is None:
        return Check("other load", WARNING, "/proc/loadavg is not there", "see that nothing else runs")
    minute = float(text.split()[0])
    said = f"{number_text(minute, 2)} runnable over the last minute"
    if minute <= OTHER_LOAD:
        return Check("other load", FINE, said)
    remedy = "end what `top` shows; a desktop too (sudo systemctl isolate multi-user.target)"
    return Check("other load", WARNING, f"{said}: the benchmark shares the machine", remedy)


def check_disk(machine: Machine, traces: Path) -> Check:
    """Room for runs."""
    free = machine.free_bytes(traces)
    if free is None:
        return Check("disk", WARNING, f"{traces}: its room cannot be told", "name another folder with --traces")
    said = f"{size_text(free)} free for {traces}"
    if free >= ENOUGH_DISK:
        return Check("disk", FINE, said)
    state = WARNING if free >= LEAST_DISK else ERROR
    return Check("disk", state, said, "make room, or name another folder with --traces")


def check_sampling(machine: Machine, board: Board) -> Check:
    """What a run will record of frequencies and power."""
    sources = sampled_sources(machine.root)
    kinds = {FREQUENCY_HZ: "frequencies", POWER_MW: "rails"}
    told = [
        f"{label} {', '.join(source.removeprefix('rail:') for source in named)}"
        for quantity, label in kinds.items()
        if (named := [source for source, kind in sources if kind == quantity])
    ]
    if not told:
        if board.is_jetson:
            return Check("sampling", WARNING, "no frequencies and no rails", "is /sys mounted (in a container)?")
        return Check("sampling", FINE, "nothing under /sys: no CPU frequencies, temperatures or rails in a run")
    absent = board.is_jetson and ("emc", FREQUENCY_HZ) not in sources
    if absent:
        # It prints for ever; what it printed until its time was up is enough.
        ran = machine.run(("tegrastats", "--interval", "200"), 1.0)
        memory = None if ran is None else memory_mhz(ran.output)
        silent = "; tegrastats does not tell it either" if ran is not None and ran.output else ""
        now = f"; now {memory} MHz by tegrastats" if memory is not None else silent
        remedy = "run as root to record the memory's frequency too"
        return Check("sampling", WARNING, f"{'; '.join(told)}; not the memory's{now}", remedy)
    return Check("sampling", FINE, "; ".join(told))


def memory_mhz(output: str) -> int | None:
    """Megahertz of the memory by the first line that tells them; None where none does."""
    found = next(filter(None, map(_MEMORY.search, output.splitlines())), None)
    return None if found is None else int(found[1])
