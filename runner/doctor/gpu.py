"""The GPUs of a PC and the host: what a run will record of them, and what about them disturbs a figure."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from runner.children import module_command
from runner.device.gpu_facts import NVML_LIMIT_S, asks_nvml, mps_runs
from runner.device.host import host_facts
from runner.doctor.checks import FINE, WARNING, Check
from runner.doctor.machine import Machine
from tracer.device.device_samples import throttle_words
from tracer.figure_text import counted, number_text, size_text

STATES = (("ECC", "ecc"), ("persistence", "persistence"), ("MIG", "mig"))


def check_gpus(machine: Machine) -> Iterator[Check]:
    """A line a GPU, one for MPS and one for what NVML can be sampled of; none where NVIDIA's driver is not there."""
    if not asks_nvml(machine.root):
        return
    told = _nvml(machine)
    if told["problem"]:
        yield Check("GPU sampling", WARNING, "no GPU frequencies, power or throttling in a run", told["problem"])
        return
    versions = f"driver {told['driver'] or 'not known'}, CUDA driver {told['cuda_driver'] or 'not known'}"
    for gpu in told["gpus"]:
        yield _gpu(gpu, versions)
        yield _sampling(gpu)
    running = mps_runs(os.environ, machine.root)
    if running:
        remedy = "it shares the GPU with other programs: echo quit | nvidia-cuda-mps-control"
        yield Check("MPS", WARNING, "CUDA's Multi-Process Service runs", remedy)
    else:
        yield Check("MPS", FINE, "not known in a container" if running is None else "does not run")


def check_host(machine: Machine) -> Check:
    """Processors that may be used, and whether another system lies below."""
    facts = host_facts(machine.root)
    told = [f"{facts['processors_allowed']} of {counted(facts['processors'], 'processor')}"]
    told += [] if facts["governor"] else ["no governor that this system tells"]
    for key, word in (("virtual_machine", "virtual machine"), ("container", "container")):
        found, by = facts[key], facts[f"{key}_seen_by"]
        told.append(f"not known whether in a {word}" if found is None else f"{'a' if found else 'no'} {word} ({by})")
    said = ", ".join(told)
    if facts["cpu_quota"]:
        said = f"{said}; its control group gives it {number_text(facts['cpu_quota'], 2)} processors of time"
        return Check("host", WARNING, said, "lift the quota (docker run without --cpus): it stops the DUT in between")
    return Check("host", FINE, said)


def _nvml(machine: Machine) -> dict[str, Any]:
    ran = machine.run(module_command("runner.device.nvml"), NVML_LIMIT_S)
    try:
        found: dict[str, Any] = json.loads(ran.output if ran is not None and ran.fine else "")
    except ValueError:
        return {"problem": "NVML gives no answer; does `nvidia-smi` work here?"}
    return found


def _gpu(gpu: dict[str, Any], versions: str) -> Check:
    states = [f"{label} {gpu[key] or 'not known'}" for label, key in STATES]
    memory = "memory not known" if gpu["memory_bytes"] is None else size_text(gpu["memory_bytes"])
    capability = f"compute capability {gpu['compute_capability'] or 'not known'}"
    said = ", ".join([gpu["name"] or "a GPU without a name", capability, memory, versions, *states])
    held = throttle_words(gpu["reasons"] or 0)
    if held:
        return Check(
            "GPU", WARNING, f"{said}; held down now by: {', '.join(held)}", "let it cool, or give it more power"
        )
    if gpu["mig"] == "on":
        remedy = "a run is of a part of it: sudo nvidia-smi -mig 0, or compare with runs on the same part alone"
        return Check("GPU", WARNING, said, remedy)
    if gpu["persistence"] == "off":
        remedy = "sudo nvidia-smi -pm 1: without it the driver unloads the GPU between programs"
        return Check("GPU", WARNING, said, remedy)
    return Check("GPU", FINE, said)


def _sampling(gpu: dict[str, Any]) -> Check:
    sampled = ", ".join(f"{source} {quantity}" for source, quantity in gpu["sampled"]) or "nothing"
    if not gpu["unsampled"]:
        return Check("GPU sampling", FINE, f"{sampled}, by NVML")
    return Check("GPU sampling", WARNING, f"{sampled}, by NVML", "; ".join(gpu["unsampled"]))
