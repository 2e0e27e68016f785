"""
One line of ``tegrastats``, NVIDIA's own monitor, of JetPack 3 to 6.

What changed over the releases: a date in front (5.1 and later), rails as ``POM_5V_IN 900/943`` (milliwatts without a
unit, 4) or ``VDD_IN 4936mW/4936mW`` (5 and later), the GPU's frequency as ``@76``, ``@[305]`` or ``@[0,0]`` (one a
cluster) or not at all where it may not be read, cores as ``[2%@102,off]`` or, before, ``[2%,off]@102``. Source:
NVIDIA's Jetson Linux Developer Guide, "tegrastats Utility".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tracer.device.device_samples import FREQUENCY_HZ, POWER_MW, TEMPERATURE_MC, Sample
from tracer.errors import KwsTraceError

_MEMORY = re.compile(r"\bRAM (\d+)/(\d+)MB")
_CPU = re.compile(r"\bCPU \[([^\]]*)\](?:@(\d+))?", re.IGNORECASE)
_LOAD = re.compile(r"\b(EMC|EMC_FREQ|GR3D|GR3D_FREQ) (\d+)%(?:@\[?([\d,]+)\]?)?")
_TEMPERATURE = re.compile(r"\b([A-Za-z][\w.-]*)@(-?\d+(?:\.\d+)?)C\b")
_RAIL = re.compile(r"\b([A-Z][A-Z0-9_]*) (\d+)(?:mW)?/(\d+)(?:mW)?(?=\s|$)")
COLDEST_C = -40.0


class TegrastatsError(KwsTraceError):
    """A line that tegrastats did not write."""

    def __init__(self, line: str) -> None:
        super().__init__(f"tegrastats: no line of its begins {line[:40]!r}; give its output as it is printed")
        self.line = line


@dataclass(frozen=True, slots=True)
class CoreLoad:
    """One CPU that is on: percent of the time it was busy, and its megahertz where the line has them."""

    percent: int
    mhz: int | None


@dataclass(frozen=True, slots=True)
class Tegrastats:
    """
    What one line says. None, or absent, is what it does not say; nothing that it does not say is zero.

    Attributes:
        ram_mb: used and there.
        cores: None for one that is off.
        gpu_percent: load of the GPU.
        gpu_mhz: of each cluster; empty where it is not told.
        emc_percent: load of the memory's bus.
        emc_mhz: of the memory.
        temperatures_c: degrees by sensor; one of a part that is off (-256) is left out.
        rails_mw: milliwatts now and on average by rail.
    """

    ram_mb: tuple[int, int]
    cores: tuple[CoreLoad | None, ...]
    gpu_percent: int | None = None
    gpu_mhz: tuple[int, ...] = ()
    emc_percent: int | None = None
    emc_mhz: int | None = None
    temperatures_c: dict[str, float] = field(default_factory=dict)
    rails_mw: dict[str, tuple[int, int]] = field(default_factory=dict)

    def samples(self, time_ns: int) -> list[Sample]:
        """The line's frequencies, temperatures and rails as samples at ``time_ns``, which the line does not tell."""
        found = [
            Sample(time_ns, f"cpu{number}", FREQUENCY_HZ, core.mhz * 1_000_000)
            for number, core in enumerate(self.cores)
            if core is not None and core.mhz is not None
        ]
        if self.gpu_mhz:
            found.append(Sample(time_ns, "gpu", FREQUENCY_HZ, max(self.gpu_mhz) * 1_000_000))
        if self.emc_mhz is not None:
            found.append(Sample(time_ns, "emc", FREQUENCY_HZ, self.emc_mhz * 1_000_000))
        found += [
            Sample(time_ns, f"thermal:{name}", TEMPERATURE_MC, round(degrees * 1000))
            for name, degrees in self.temperatures_c.items()
        ]
        found += [Sample(time_ns, f"rail:{name}", POWER_MW, now) for name, (now, _) in self.rails_mw.items()]
        return found


def parse_tegrastats(line: str) -> Tegrastats:
    """
    Read one line.

    Raises:
        TegrastatsError: if it has no memory and no CPUs, which every release prints.
    """
    memory, cpu = _MEMORY.search(line), _CPU.search(line)
    if memory is None or cpu is None:
        raise TegrastatsError(line)
    loads = {found[1].removesuffix("_FREQ"): found for found in _LOAD.finditer(line)}
    gpu_percent, gpu_mhz = _load(loads.get("GR3D"))
    emc_percent, emc_mhz = _load(loads.get("EMC"))
    after_cpu = line[cpu.end() :]
    temperatures = {found[1]: float(found[2]) for found in _TEMPERATURE.finditer(after_cpu)}
    return Tegrastats(
        ram_mb=(int(memory[1]), int(memory[2])),
        cores=_cores(cpu[1], cpu[2]),
        gpu_percent=gpu_percent,
        gpu_mhz=gpu_mhz,
        emc_percent=emc_percent,
        emc_mhz=emc_mhz[0] if emc_mhz else None,
        temperatures_c={name: degrees for name, degrees in temperatures.items() if degrees > COLDEST_C},
        rails_mw={
            found[1]: (int(found[2]), int(found[3])) for found in _RAIL.finditer(after_cpu) if found[1] != "NC"
        },
    )


def _cores(text: str, shared_mhz: str | None) -> tuple[CoreLoad | None, ...]:
    cores: list[CoreLoad | None] = []
    for word in text.split(","):
        percent, _, mhz = word.strip().partition("%")
        mhz = mhz.removeprefix("@") or shared_mhz or ""
        cores.append(CoreLoad(int(percent), int(mhz) if mhz.isdigit() else None) if percent.isdigit() else None)
    return tuple(cores)


def _load(found: re.Match[str] | None) -> tuple[int | None, tuple[int, ...]]:
    if found is None:
        return None, ()
    return int(found[2]), tuple(int(mhz) for mhz in (found[3] or "").split(",") if mhz)
