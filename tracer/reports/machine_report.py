"""The machine of a run in words: its GPU and CUDA, its processor, and what was not recorded; and how two differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from tracer.figure_text import counted, number_text, size_text

if TYPE_CHECKING:
    from tracer.report_types.run import GpuFacts, RunFacts
    from tracer.runs.run_info import RunInfo

NOT_KNOWN = "not known"

_GPU = (
    ("driver", "driver"),
    ("CUDA driver", "driver_version"),
    ("CUDA runtime", "runtime_version"),
    ("cuDNN", "cudnn"),
)
_STATES = (("ECC", "ecc"), ("persistence", "persistence"), ("MIG", "mig"))


def used_gpu(gpus: Sequence[Mapping[str, Any]]) -> GpuFacts | None:
    """The GPU that the run used; the only one, where an older run does not say; None where it is not known."""
    used = [one for one in gpus if one.get("used")] or [one for one in gpus if len(gpus) == 1 and "used" not in one]
    return cast("GpuFacts", used[0]) if len(used) == 1 else None


def on_gpu(backend: Mapping[str, Any]) -> bool:
    """Whether the backend's device says that it is a GPU."""
    device = str(backend.get("device") or "").upper()
    return any(word in device for word in ("GPU", "CUDA", "TENSORRT"))


def load_lines(load: dict[str, Any]) -> list[str]:
    """A warning where other work ran on the machine when the measurement began."""
    from tracer.trust.checks import loaded

    if not loaded(load["before"], load["cpus"]):
        return []
    machine = f"{number_text(load['before'], 1)} on {counted(load['cpus'] or 1, 'CPU')}"
    return [f"WARNING: the load was {machine} before it began: other work ran beside, ratios hold better than times"]


def machine_lines(run: RunFacts) -> list[str]:
    """A line about the GPU where the run used one, and one about the machine; what was not recorded is named."""
    return [*([_gpu_line(run)] if on_gpu(run["backend"]) else []), _machine_line(run)]


def _gpu_line(run: RunFacts) -> str:
    gpu, cuda = used_gpu(run["gpus"]), run["cuda"]
    if gpu is None:
        how = "which of several was used" if len(run["gpus"]) > 1 else "its name and driver"
        return f"GPU: {how} not recorded; `kws-trace doctor` says whether a new run would"
    told = [gpu.get("name") or "name not known"]
    if gpu.get("compute_capability"):
        told.append(f"compute capability {gpu['compute_capability']}")
    if gpu.get("memory_bytes"):
        told.append(size_text(gpu["memory_bytes"] or 0))
    if gpu.get("power_limit_mw"):
        told.append(f"power limit {_watts(gpu['power_limit_mw'] or 0)}")
    facts = [*((label, cuda.get(key)) for label, key in _GPU), *((label, gpu.get(key)) for label, key in _STATES)]
    mps = cuda.get("mps")
    facts.append(("MPS", None if mps is None else "on" if mps else "off"))
    told += [f"{label} {value}" for label, value in facts if value is not None]
    return f"GPU: {', '.join(told)}{_unknown([label for label, value in facts if value is None])}"


def _machine_line(run: RunFacts) -> str:
    machine = run["machine"]
    told, unknown = [run["cpu"] or "processor not known"], []
    if machine.get("power_mode"):
        told.append(f"power mode {machine['power_mode']}")
    if machine.get("governor"):
        told.append(f"governor {machine['governor']}")
    else:
        unknown.append("governor")
    allowed, processors = machine.get("processors_allowed"), machine.get("processors")
    if allowed is not None and processors is not None:
        told.append(f"{allowed} of {counted(processors, 'processor')}")
    else:
        unknown.append("processors allowed")
    if machine.get("cpu_quota"):
        told.append(f"a quota of {number_text(machine['cpu_quota'], 2)}")
    for key, word in (("virtual_machine", "virtual machine"), ("container", "container")):
        found = machine.get(key)
        if found is None:
            unknown.append(f"whether in a {word}")
        else:
            told.append(f"{'in a' if found else 'no'} {word} ({machine.get(f'{key}_seen_by')})")
    return f"Machine: {', '.join(told)}{_unknown(unknown)}"


def _unknown(names: Sequence[str]) -> str:
    return f"; {NOT_KNOWN}: {', '.join(names)}" if names else ""


def _of_gpu(key: str) -> Callable[[RunInfo], Any]:
    return lambda info: (used_gpu(info.gpus) or {}).get(key) if on_gpu(info.backend) else None


def _of_cuda(key: str) -> Callable[[RunInfo], Any]:
    return lambda info: info.cuda.get(key) if on_gpu(info.backend) else None


def _of_machine(key: str) -> Callable[[RunInfo], Any]:
    return lambda info: info.machine.get(key)


def _which_gpu(info: RunInfo) -> str | None:
    gpu = used_gpu(info.gpus) if on_gpu(info.backend) else None
    return f"{gpu.get('name')} ({gpu['uuid']})" if gpu is not None and gpu.get("uuid") else None


def _watts(milliwatts: float) -> str:
    return f"{number_text(milliwatts / 1000)} W"


def _power_limit(info: RunInfo) -> str | None:
    limit = _of_gpu("power_limit_mw")(info)
    return None if limit is None else _watts(limit)


def _quota(info: RunInfo) -> Any:
    """A run that knows its machine knows that it has none."""
    return (info.machine.get("cpu_quota") or "none") if info.machine else None


REFUSED_BY: tuple[tuple[str, Callable[[RunInfo], Any]], ...] = (("other GPU", _of_gpu("name")),)
"""Facts by which two runs are not compared where both know them and they differ."""

WARNED_BY: tuple[tuple[str, Callable[[RunInfo], Any]], ...] = (
    ("a profiler was attached to one of them", lambda info: (info.profiler or {}).get("name", "no profiler")),
    ("other machine", lambda info: f"{info.host} ({info.cpu})"),
    ("two GPUs", _which_gpu),
    ("other GPU driver", _of_cuda("driver")),
    ("other CUDA driver", _of_cuda("driver_version")),
    ("other CUDA runtime", _of_cuda("runtime_version")),
    ("other cuDNN", _of_cuda("cudnn")),
    ("other state of ECC", _of_gpu("ecc")),
    ("other state of MIG", _of_gpu("mig")),
    ("other persistence mode", _of_gpu("persistence")),
    ("MPS ran in one of them", _of_cuda("mps")),
    ("other power mode", _of_machine("power_mode")),
    ("other power limit of the GPU", _power_limit),
    ("other governor", _of_machine("governor")),
    ("other number of processors allowed", _of_machine("processors_allowed")),
    ("other CPU quota", _quota),
    ("a virtual machine in one of them", _of_machine("virtual_machine")),
    ("a container in one of them", _of_machine("container")),
)
"""Facts that are told where both runs know them and they differ."""


def differing_facts(one: RunInfo, two: RunInfo, table: Sequence[tuple[str, Callable[[RunInfo], Any]]]) -> list[str]:
    """A sentence for each fact of ``table`` that both runs know and that differs: ``other governor: a against b``."""
    pairs = [(words, fact(one), fact(two)) for words, fact in table]
    return [
        f"{words}: {_shown(mine)} against {_shown(theirs)}"
        for words, mine, theirs in pairs
        if mine is not None and theirs is not None and mine != theirs
    ]


def unknown_facts(one: RunInfo, two: RunInfo) -> list[str]:
    """In a sentence which facts of the GPU a run on one lacks, so that whether both are alike is not known."""
    lacking = [info.name for info in (one, two) if on_gpu(info.backend) and used_gpu(info.gpus) is None]
    named = " and ".join(dict.fromkeys(lacking))
    return [f"the GPU was not recorded in {named}: whether it was the same is not known"] if lacking else []


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
