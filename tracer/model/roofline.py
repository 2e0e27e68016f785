"""
How a measured inference stands against what the device could do.

The roofline model: Williams, Waterman, Patterson, "Roofline: an insightful visual performance model", CACM 52(4),
2009. The gentler measure, one operation a core and cycle, and the utilisation are those of the 2021 report.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tracer.model.devices import Limits
from tracer.model.model_cost import ModelCost
from tracer.report_types.limits import DeviceAlone, DeviceLimits, Moved, RooflinePoint, Traffic, Utilisation


def attainable_per_s(intensity: float, limits: Limits) -> float:
    """Operations a second at most, for ``intensity`` operations a byte: min(peak, intensity x bandwidth)."""
    return min(limits.fp32_per_s, intensity * limits.bytes_per_s)


def build_limits(
    operations: int,
    moved_bytes: int,
    least_moved_bytes: int,
    limits: Limits,
    measured_ns: float | None = None,
    *,
    weight_bytes: int,
) -> DeviceLimits:
    """
    Times in the limit, utilisation and bandwidth of one inference, on a device at its clocks.

    ``operations`` are arithmetic ones, a multiply-accumulate being two; ``moved_bytes`` if every operation goes to
    memory; ``least_moved_bytes`` the weights once, which are ``weight_bytes``, input and output.
    """
    peak_ns, gentle_ns = 1e9 * operations / limits.fp32_per_s, _per(operations, limits.gentle_per_s)
    times = (peak_ns, gentle_ns, measured_ns)
    on_chip, least, every = (
        _traffic("input and output", least_moved_bytes - weight_bytes, limits, times),
        _traffic("with the weights", least_moved_bytes, limits, times),
        _traffic("every tensor", moved_bytes, limits, times),
    )
    return {
        **_device(limits),
        "operations": operations,
        "moved_bytes": moved_bytes,
        "least_moved_bytes": least_moved_bytes,
        "peak_ns": peak_ns,
        "peak_fp16_ns": _per(operations, limits.fp16_per_s),
        "memory_ns": every["memory_ns"],
        "least_memory_ns": least["memory_ns"],
        "gentle_ns": gentle_ns,
        "limit_ns": max(peak_ns, least["memory_ns"]),
        "bound": least["bound"],
        "needed_bytes_per_s_gentle": every["needed_bytes_per_s_gentle"],
        "point": roofline_point("inference", operations, least_moved_bytes, limits, measured_ns),
        "point_through_memory": roofline_point("inference", operations, moved_bytes, limits, measured_ns),
        "traffic": [on_chip, least, every],
        "measured": None if not measured_ns else _measured(operations, moved_bytes, limits, measured_ns),
    }


def _device(limits: Limits) -> DeviceAlone:
    return {
        "device": limits.name,
        "source": limits.source,
        "cores": limits.cores,
        "clock_hz": limits.clock_hz,
        "fp32_per_s": limits.fp32_per_s,
        "fp16_per_s": limits.fp16_per_s,
        "tf32_per_s": limits.tf32_per_s,
        "bytes_per_s": limits.bytes_per_s,
        "ridge_operations_per_byte": limits.ridge,
    }


def _traffic(what: Moved, size: int, limits: Limits, times: tuple[float, float | None, float | None]) -> Traffic:
    """Of one assumption; ``times`` are those of the peak, of one operation a core and cycle, and the measured one."""
    peak_ns, gentle_ns, measured_ns = times
    memory_ns = 1e9 * size / limits.bytes_per_s
    return {
        "what": what,
        "bytes": size,
        "memory_ns": memory_ns,
        "bound": "memory" if memory_ns > peak_ns else "compute",
        "needed_bytes_per_s_gentle": _per(size, gentle_ns),
        "needed_bytes_per_s": _per(size, measured_ns),
    }


def roofline_point(
    name: str, operations: int, moved_bytes: int, limits: Limits, measured_ns: float | None
) -> RooflinePoint:
    """
    One point of a roofline: operations a byte, what is attainable there, and what was reached.

    ``intensity`` is None where no bytes move; then the peak is attainable.
    """
    intensity = operations / moved_bytes if moved_bytes else None
    return {
        "name": name,
        "intensity": intensity,
        "attainable_per_s": limits.fp32_per_s if intensity is None else attainable_per_s(intensity, limits),
        "reached_per_s": _per(operations, measured_ns),
        "measured_ns": measured_ns,
    }


def operation_points(
    costs: ModelCost, limits: Limits, measured_ns: Mapping[str, float] | None = None
) -> list[RooflinePoint]:
    """
    A point for each operation that computes and whose bytes are known.

    ``measured_ns`` is the time of an operation by its name, as TensorFlow's profiler gives it.
    """
    times = measured_ns or {}
    return [
        roofline_point(
            cost.operation.name, cost.operations, cost.moved_bytes or 0, limits, times.get(cost.operation.name)
        )
        for cost in costs.costs
        if cost.operations
    ]


def roofline_curve(limits: Limits, low: float, high: float, count: int = 64) -> list[tuple[float, float]]:
    """
    The roof as (operations a byte, operations a second), ``count`` points evenly on a logarithmic axis and the ridge.

    The axis goes from ``low``, positive, to ``high`` operations a byte; ``count`` is 2 at least.
    """
    step = (math.log(high) - math.log(low)) / (count - 1)
    axis = [low * math.exp(step * index) for index in range(count)]
    if low < limits.ridge < high:
        axis = sorted([*axis, limits.ridge])
    return [(intensity, attainable_per_s(intensity, limits)) for intensity in axis]


def _measured(operations: int, moved_bytes: int, limits: Limits, measured_ns: float) -> Utilisation:
    gentle = limits.gentle_per_s
    reached = 1e9 * operations / measured_ns
    needed = 1e9 * moved_bytes / measured_ns
    return {
        "measured_ns": measured_ns,
        "operations_per_s": reached,
        "utilisation_peak": reached / limits.fp32_per_s,
        "utilisation_gentle": None if gentle is None else reached / gentle,
        "needed_bytes_per_s": needed,
        "bandwidth_share": needed / limits.bytes_per_s,
    }


def _per(amount: int, by: float | None) -> float | None:
    """``amount`` a second by the nanoseconds that it took, or nanoseconds by a rate a second; None without ``by``."""
    return 1e9 * amount / by if by else None
