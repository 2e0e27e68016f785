"""A run against what its board, or another device, could do: from the counted model and the measured time; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.errors import DeviceError
from tracer.figure_text import counted, frequency_text, giga_text, rate_text, share_text, time_text
from tracer.model.devices import Device, Limits, find_device
from tracer.reports.machine_report import on_gpu, used_gpu

if TYPE_CHECKING:
    from tracer.report_types.limits import Place, RunLimits
    from tracer.runs.run_info import RunInfo
    from tracer.runs.run_store import StoredRun

COUNTS = ("operations", "macs", "parameters", "weight_bytes", "moved_bytes", "least_moved_bytes")
"""Of one inference, as ``model_cost.ModelCost`` has them: what ``run.json`` keeps of the model's cost."""

_LARGEST = 1 << 62


def counted_cost(info: RunInfo) -> dict[str, int] | None:
    """The ``COUNTS`` of the run's model; None where they were not recorded or cannot be counts."""
    found = {name: info.cost.get(name) for name in COUNTS}
    known = {name: one for name, one in found.items() if type(one) is int and 0 <= one < _LARGEST}
    return known if len(known) == len(COUNTS) and known["operations"] else None


def board_of(info: RunInfo) -> Device | None:
    """The device that the run was made on; None where it is none of ``tracer.model.devices``."""
    try:
        return None if info.board is None else find_device(info.board)
    except DeviceError:
        return None


def measured_frequencies(run: StoredRun) -> tuple[float | None, float | None]:
    """Of the GPU and of the memory, in Hz, during what figures are made of; None for what was not sampled."""
    from tracer.reports.window_frequencies import figure_frequencies

    known = {one.source: one.median_hz for one in figure_frequencies(run)}
    gpu, memory = (known.get(source) or None for source in ("gpu", "emc"))
    return gpu, memory


def run_limits(
    info: RunInfo,
    frequencies: tuple[float | None, float | None],
    measured_ns: float | None,
    device: str | Limits | None = None,
) -> RunLimits | None:
    """
    The limits of one inference of a run, which takes ``measured_ns`` without a profiler, on a device.

    ``frequencies`` are ``measured_frequencies``. ``device`` is a key of ``tracer.model.devices``, the limits of a CPU
    that was measured, or None for the run's board. None where the model was not counted, or no device is known.

    Raises:
        DeviceError: if there is no such device.
    """
    board = board_of(info)
    chosen = find_device(device) if isinstance(device, str) else device or board
    cost = counted_cost(info)
    if chosen is None or cost is None:
        return None
    from tracer.model.roofline import build_limits

    gpu_hz, memory_hz = _used_frequencies(info, chosen, frequencies)
    limits = chosen.limits(gpu_hz, memory_hz) if isinstance(chosen, Device) else chosen
    figures = build_limits(
        cost["operations"],
        cost["moved_bytes"],
        cost["least_moved_bytes"],
        limits,
        measured_ns or None,
        weight_bytes=cost["weight_bytes"],
    )
    notes = _notes(info, chosen, gpu_hz)
    key = chosen.key if isinstance(chosen, Device) else "cpu"
    return {**figures, "key": key, "gpu_hz": gpu_hz, "memory_hz": memory_hz, "notes": notes}


def why_no_limits(info: RunInfo, device: str | Limits | None) -> str | None:
    """Why limits that were asked for, by name or by a board in the record, are not there; None where nobody asked."""
    if counted_cost(info) is None:
        asked = device is not None or info.board is not None
        remedy = "`kws-trace cost MODEL --run RUN` counts them from the model's file"
        return f"no limits: the model's operations are not in this run; {remedy}" if asked else None
    if device is not None or board_of(info) is not None:
        return None
    if info.board is not None:
        return f"no limits: {info.board!r}, the run's board, is not in our table; name a device with --device"
    if not on_gpu(info.backend):
        return None
    gpu = used_gpu(info.gpus)
    measure = "`kws-trace bandwidth` measures this machine's copies, and --device names a device"
    if gpu is None or not gpu.get("name"):
        return f"no limits: the run does not say which GPU it used; {measure}"
    return f"no limits: the peaks of {gpu['name']} are not in our table; {measure}"


def limits_lines(limits: RunLimits | None, published: Place | None, why_no_place: str | None) -> list[str]:
    """The limit, how much of the peak was reached, and the place among published results or why there is none."""
    lines = []
    if limits is not None:
        clock, measured = limits["clock_hz"], limits["measured"]
        at = "" if clock is None else f" at {frequency_text(clock)}"
        highest = " (its highest frequency)" if limits["key"] != "cpu" and limits["gpu_hz"] is None else ""
        peak = f"; {share_text(measured['utilisation_peak'])} of the float32 peak" if measured else ""
        limit = f"{time_text(limits['limit_ns'])} ({limits['bound']}-bound)"
        lines.append(f"Limit on {limits['device']}{at}{highest}: {limit}{peak}")
        lines += [f"Limit: {note}" for note in limits["notes"]]
    if published is not None:
        lines.append(f"Published results of {place_text(published, 'is')}")
    elif why_no_place is not None:
        lines.append(f"Published results: no place ({why_no_place})")
    return lines


def place_text(place: Place, verb: str) -> str:
    """The round, the rate and its rank in words; ``verb`` is ``is`` of a run that has a place."""
    rate, latency = rate_text(1e9 / place["latency_ns"]), time_text(place["latency_ns"])
    ranked = f"{verb} {place['rank']} of {place['of']}"
    return f"{place['round']}, {place['division']} division: {rate} ({latency} an inference) {ranked}"


def _used_frequencies(
    info: RunInfo, chosen: Device | Limits, frequencies: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """
    What of the run's frequencies holds for a device: none for another device than the run's.

    A run whose board was not recognised is taken to be made on the device that the user names.
    """
    if isinstance(chosen, Limits) or info.board not in (None, chosen.key):
        return None, None
    # A GPU that does nothing is clocked down: that says nothing of what it could do.
    return (None if _on_cpu(info) else frequencies[0]), frequencies[1]


def _notes(info: RunInfo, chosen: Device | Limits, gpu_hz: float | None) -> list[str]:
    notes = []
    if isinstance(chosen, Device):
        if info.board not in (None, chosen.key):
            notes.append(f"of another device than the run's ({info.board}): at the highest frequencies")
        elif _on_cpu(info):
            notes.append("the run was on the CPU, the limit is the GPU's; `report --device cpu` measures a CPU")
        elif gpu_hz is None:
            notes.append("the GPU's frequency was not recorded")
    else:
        notes.append(f"of a CPU that was measured now; the run was made on {info.host or 'a machine not told'}")
    if (info.profiler or {}).get("by") == "hand":
        notes.append("the time is of a run under a profiler, which lengthens it")
    if isinstance(chosen, Device) and chosen.tf32_per_s and "float32" in info.cost.get("arithmetic", ()):
        peak = giga_text(chosen.tf32_per_s, "FLOP/s")
        notes.append(
            f"of float32 on the CUDA cores: where the runtime rounds to TF32, tensor cores make up to {peak}"
        )
    if "int8" in info.cost.get("arithmetic", ()):
        notes.append("the model computes in int8, the limit is float32's: int8 units may be faster")
    skipped = info.cost.get("not_counted")
    if skipped:
        notes.append(f"{counted(skipped, 'operation')} of the model not counted: the limit is without them")
    return notes


def _on_cpu(info: RunInfo) -> bool:
    return "CPU" in str(info.backend.get("device", "")).upper()
