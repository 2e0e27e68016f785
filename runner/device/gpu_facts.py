"""
The GPUs of this machine and the CUDA of this process, for ``run.json``: off the timed path, None for the unknown.

NVML is asked in a process of its own (``runner.device.nvml``), and only where NVIDIA's driver for PCs is there; the
libraries that the runtime has loaded say which GPU the DUT uses.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runner.children import asked, module_command
from runner.device.board import read_board
from runner.device.gpu import nvidia_gpus
from runner.device.host import host_facts
from runner.device.loaded_cuda import loaded_cuda
from runner.device.sampler import INJECTED
from runner.device.sysfs import read_text
from tracer.reports.machine_report import on_gpu

NVML_LIMIT_S = 20.0
"""A driver without persistence initialises each GPU first, which takes seconds a GPU."""

DRIVER = Path("proc/driver/nvidia/version")
WINDOWS_NVML = Path("usr/lib/wsl/lib/libnvidia-ml.so.1")
"""Of Windows' driver below a Linux (WSL), which shows neither ``/proc/driver/nvidia`` nor ``/dev/nvidia*``."""

UNASKED = ("compute_capability", "memory_bytes", "ecc", "persistence", "mig", "power_limit_mw")


def asks_nvml(root: Path = Path("/")) -> bool:
    """Whether NVIDIA's driver for PCs is there; not on a Jetson, which is read under ``/sys``."""
    driver = any((root / path).exists() for path in (DRIVER, "dev/nvidiactl", WINDOWS_NVML))
    return driver and not read_board(root).is_jetson


def pc_has_gpu(root: Path = Path("/")) -> bool:
    """Whether a GPU of a PC is there for this process: a container may hold ``/dev/nvidiactl`` and no GPU."""
    there = bool(nvidia_gpus(root)) or any((root / "dev").glob("nvidia[0-9]*")) or (root / WINDOWS_NVML).exists()
    return there and asks_nvml(root)


def nvml_facts() -> dict[str, Any]:
    """What ``runner.device.nvml.facts`` says, asked in a process of its own; ``problem`` says why it says nothing."""
    try:
        clean = {name: value for name, value in os.environ.items() if name not in INJECTED}
        ran = asked(module_command("runner.device.nvml"), NVML_LIMIT_S, clean)
        found: dict[str, Any] = json.loads(ran.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        why = "no answer" if isinstance(error, ValueError) else str(error)
        return {
            "problem": f"NVML: {why}; does `nvidia-smi` work here?",
            "driver": None,
            "cuda_driver": None,
            "gpus": [],
        }
    return found


def run_gpu_facts(
    device: str,
    environment: Mapping[str, str],
    root: Path = Path("/"),
    ask_nvml: Callable[[], dict[str, Any]] = nvml_facts,
    cuda: Callable[[int], dict[str, Any]] = loaded_cuda,
) -> dict[str, Any]:
    """
    ``gpus`` and ``cuda`` of ``run.json``.

    Args:
        device: of the backend, as ``/device:GPU:0``.
        environment: of this process.
        root: where ``/proc`` lies.
        ask_nvml: as ``nvml_facts``; not called for a run on the CPU.
        cuda: as ``loaded_cuda``.
    """
    uses_gpu = on_gpu({"device": device})
    ordinal = re.search(r"GPU:(\d+)", device)
    loaded = cuda(int(ordinal[1]) if ordinal else 0) if uses_gpu else {}
    told = ask_nvml() if uses_gpu and asks_nvml(root) else {"gpus": []}
    listed = told["gpus"] or nvidia_gpus(root)
    gpus = [{"name": one["name"], "uuid": one["uuid"], **{key: one.get(key) for key in UNASKED}} for one in listed]
    if uses_gpu and not gpus and loaded.get("name"):
        gpus = [{"name": loaded["name"], "uuid": loaded["uuid"], **{key: loaded.get(key) for key in UNASKED}}]
    used = _used(gpus, loaded, environment) if uses_gpu else None
    return {
        "gpus": [_completed(one, loaded, used=_is_used(one, used, uses_gpu=uses_gpu)) for one in gpus],
        "cuda": {
            "driver": told.get("driver") or driver_version(root),
            "driver_version": loaded.get("driver_version") or told.get("cuda_driver"),
            "runtime_version": loaded.get("runtime_version"),
            "cudnn": loaded.get("cudnn"),
            "mps": mps_runs(environment, root) if gpus else None,
        },
    }


def sampled_gpu(device: str, gpus: list[dict[str, Any]], root: Path = Path("/")) -> str | None:
    """The UUID that the sampler asks NVML about: None for none, empty where it is not known which is used."""
    if not on_gpu({"device": device}) or not asks_nvml(root):
        return None
    return next((str(one["uuid"]) for one in gpus if one["used"] and one["uuid"]), "")


def _used(gpus: list[dict[str, Any]], loaded: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """The UUID of the GPU that CUDA gave the runtime, or that the user named, or the only one."""
    # CUDA may name a MIG instance where NVML lists whole GPUs.
    if loaded.get("uuid") in {one["uuid"] for one in gpus}:
        return str(loaded["uuid"])
    named = environment.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    found = [one["uuid"] for one in gpus if named.startswith("GPU-") and one["uuid"].startswith(named)]
    return str(found[0]) if len(found) == 1 else str(gpus[0]["uuid"]) if len(gpus) == 1 else None


def _is_used(gpu: Mapping[str, Any], used: str | None, *, uses_gpu: bool) -> bool | None:
    return False if not uses_gpu else None if used is None else gpu["uuid"] == used


def _completed(gpu: dict[str, Any], loaded: Mapping[str, Any], *, used: bool | None) -> dict[str, Any]:
    """With what the driver's own library says of the GPU that is used, where NVML was not asked."""
    known = {key: loaded[key] for key in UNASKED if used and gpu[key] is None and loaded.get(key) is not None}
    return {**gpu, **known, "used": used}


def driver_version(root: Path = Path("/")) -> str | None:
    """Of NVIDIA's kernel module, such as 580.159.04; None where there is none."""
    found = re.search(r"Module\b.*?\s(\d+(?:\.\d+)+)\s", read_text(root / DRIVER) or "")
    return found[1] if found else None


def mps_runs(environment: Mapping[str, str], root: Path) -> bool | None:
    """Whether CUDA's Multi-Process Service runs: its pipe or process; None in a container, unless seen."""
    pipe = environment.get("CUDA_MPS_PIPE_DIRECTORY") or "tmp/nvidia-mps"
    if (root / pipe.lstrip("/") / "control").exists():
        return True
    if any((read_text(comm) or "").startswith("nvidia-cuda-mps") for comm in (root / "proc").glob("[0-9]*/comm")):
        return True
    return False if host_facts(root)["container"] is False else None
