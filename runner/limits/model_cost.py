"""What ``kws-trace cost`` prints: the model's cost, the device's limits, and the place among published results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.device.gpu import nvidia_gpus
from runner.inference.models import SHIPPED_TFLITE
from runner.model_graphs.reader import model_format, read_operations
from tracer.errors import UsageError
from tracer.model.devices import Device, Limits, detect_device, find_device, match_gpu
from tracer.model.model_cost import ModelCost, count_model
from tracer.model.published import place_among
from tracer.model.roofline import build_limits, operation_points
from tracer.reports.model_cost_report import build_cost


@dataclass(frozen=True, slots=True)
class CostChoice:
    """The options of ``kws-trace cost``."""

    model: Path | None = None
    device: str | None = None
    gpu_mhz: float | None = None
    memory_mhz: float | None = None
    latency_us: float | None = None
    run: str | None = None
    threads: int | None = None
    traces: Path = Path("traces")


def gather_cost(choice: CostChoice) -> dict[str, Any]:
    """Everything that the command tells."""
    _check(choice)
    measured = _measured(choice)
    path = choice.model or measured.get("model") or SHIPPED_TFLITE
    cost = count_model(read_operations(path))
    limits = _limits(choice)
    latency_ns = measured.get("latency_ns")
    return {
        "model": {"path": str(path), "format": model_format(path)},
        "cost": build_cost(cost),
        "measured": _told(measured),
        "limits": None if limits is None else _limit_figures(cost, limits, latency_ns),
        "published": None if latency_ns is None or "no_place" in measured else place_among(latency_ns),
        "why_no_place": measured.get("no_place") or measured.get("would"),
        "notes": _notes(limits, measured),
    }


def _told(measured: dict[str, Any]) -> dict[str, Any] | None:
    told = {name: value for name, value in measured.items() if name not in ("would", "no_place")}
    return {name: str(value) if name == "model" else value for name, value in told.items()} or None


def _check(choice: CostChoice) -> None:
    if choice.latency_us is not None and choice.run is not None:
        raise UsageError("--latency-us and --run both say what was measured; leave one out")
    if choice.device == "cpu" and (choice.gpu_mhz or choice.memory_mhz):
        raise UsageError("--gpu-mhz and --memory-mhz are clocks of a Jetson; a CPU is measured, leave them out")


def _measured(choice: CostChoice) -> dict[str, Any]:
    """``latency_ns``, what it is from and, for a run, its model and the device that its backend used."""
    if choice.latency_us is not None:
        would = "--latency-us is a bare time, a place is of a rule-valid, trusted run"
        return {"latency_ns": choice.latency_us * 1000, "source": "--latency-us", "would": would}
    if choice.run is None:
        return {}
    from tracer.reports.report import build_report
    from tracer.runs.run_store import stored_run

    report = build_report(stored_run(choice.run, choice.traces))
    rate = report["median_rate_hz"]
    latency = 1e9 / rate if rate else report["inference"]["median_ns"]
    if latency is None:
        raise UsageError(f"{choice.run}: no inference was timed in it; name a run in which a window was finished")
    source = "median rate of its windows" if rate else "median inference"
    backend = str(report["run"]["backend"].get("device", ""))
    named = f"{report['run']['name']}: {source}"
    found: dict[str, Any] = {"latency_ns": latency, "source": named, "backend": backend}
    if report["why_no_place"] is not None:
        found["no_place"] = report["why_no_place"]
    path = Path(str(report["run"]["model"].get("path", "")))
    if path.name and path.exists():
        found["model"] = path
    elif choice.model is None:
        raise UsageError(f"{choice.run}: its model {path} is not here; name the model's file")
    return found


def _limits(choice: CostChoice) -> Limits | None:
    if choice.device == "cpu":
        from runner.limits.cpu_probe import probe_cpu

        return probe_cpu(choice.threads)
    device = find_device(choice.device) if choice.device else detect_device() or _only_gpu()
    if device is None:
        return None
    clocks = [None if mhz is None else mhz * 1e6 for mhz in (choice.gpu_mhz, choice.memory_mhz)]
    return device.limits(*clocks)


def _only_gpu() -> Device | None:
    """The peaks of the GPU of this PC, where it has one whose name is no other card's."""
    gpus = nvidia_gpus()
    return match_gpu(gpus[0]["name"]) if len(gpus) == 1 else None


def _limit_figures(cost: ModelCost, limits: Limits, latency_ns: float | None) -> dict[str, Any]:
    figures = build_limits(
        cost.operations, cost.moved_bytes, cost.least_moved_bytes, limits, latency_ns, weight_bytes=cost.weight_bytes
    )
    return {**figures, "points": operation_points(cost, limits)}


def _notes(limits: Limits | None, measured: dict[str, Any]) -> list[str]:
    notes = []
    if limits is None:
        notes.append("no limits: no known Jetson or GPU; --device NAME, or --device cpu to measure this CPU")
    elif "CPU" in measured.get("backend", "").upper() and not limits.source.startswith("measured here"):
        notes.append("the run was on a CPU, the limits are of a GPU: --device cpu measures this machine's CPU")
    return notes
