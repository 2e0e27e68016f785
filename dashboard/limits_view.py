"""Limits: the roofline, the table of limits and the place among published results, from a run's report; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.frames import Frame
from tracer.figure_text import frequency_text, number_text, share_text, time_text
from tracer.model.devices import Limits, devices
from tracer.model.roofline import roofline_curve
from tracer.report_types.limits import DeviceLimits, Place, PublishedResult
from tracer.reports.model_cost_report import limit_rows
from tracer.reports.run_limits import board_of, run_limits
from tracer.runs.run_info import RunInfo

AROUND = 4.0
"""The axes reach past the outermost point by this factor."""
LIMIT, MEASURED, THROUGH_MEMORY = "limit", "measured", "measured, every tensor through memory"


@dataclass(frozen=True, slots=True)
class Roofline:
    """
    What a roofline chart draws; intensities in operations a byte, rates in operations a second.

    Args:
        roof: ``intensity`` and ``per_s`` a row.
        points: ``point``, ``intensity``, ``per_s`` and ``time`` a row.
        ridge: intensity at which the memory is just fast enough for the peak.
        across: lowest and highest intensity of the axis.
        upward: lowest and highest rate of the axis.
    """

    roof: Frame
    points: Frame
    ridge: float
    across: tuple[float, float]
    upward: tuple[float, float]


def device_names() -> dict[str, str]:
    """Each device's name by its key, in the order of the table."""
    return {device.key: device.name for device in devices()}


def default_device(info: RunInfo) -> str | None:
    """The run's own board; None where it is not known: another's limits are shown only to who asks for them."""
    board = board_of(info)
    return None if board is None else board.key


def roofline(limits: DeviceLimits) -> Roofline:
    """
    The roof of a device, and an inference below it.

    Args:
        limits: as ``tracer.model.roofline.build_limits`` gives it.
    """
    peaks = (limits["fp32_per_s"], limits["fp16_per_s"], limits["bytes_per_s"])
    device = Limits(limits["device"], limits["cores"], limits["clock_hz"], *peaks, limits["source"])
    points = _points(limits)
    intensities = [device.ridge, *(row["intensity"] for row in points)]
    across = (min(intensities) / AROUND, max(intensities) * AROUND)
    roof = roofline_curve(device, *across)
    rates = [roof[0][1], device.fp32_per_s, *(row["per_s"] for row in points)]
    return Roofline(
        roof=pd.DataFrame(roof, columns=["intensity", "per_s"]),
        points=pd.DataFrame(points, columns=["point", "intensity", "per_s", "time"]),
        ridge=device.ridge,
        across=across,
        upward=(min(rates) / AROUND, max(rates) * AROUND),
    )


def _points(limits: DeviceLimits) -> list[dict[str, Any]]:
    """Those whose intensity is known: where no bytes move there is none."""
    least, through, measured = limits["point"], limits["point_through_memory"], limits["measured"]
    rows = [(LIMIT, least["intensity"], least["attainable_per_s"], limits["limit_ns"])]
    if measured is not None:
        reached, time_ns = measured["operations_per_s"], measured["measured_ns"]
        rows += [(MEASURED, least["intensity"], reached, time_ns)]
        rows += [(THROUGH_MEMORY, through["intensity"], reached, time_ns)]
    return [
        {"point": name, "intensity": intensity, "per_s": rate, "time": time_text(ns)}
        for name, intensity, rate, ns in rows
        if intensity
    ]


def limit_frame(limits: DeviceLimits) -> Frame:
    """``what`` and ``figure``: the rows that ``kws-trace cost`` prints."""
    return pd.DataFrame(limit_rows(limits), columns=["what", "figure"])


def device_frame(info: RunInfo, measured_ns: float | None) -> Frame:
    """A row a device at its highest frequencies: its peaks, its limit for the run's model, and its source."""
    columns = ["device", "cores", "GPU, MHz", "float32, GFLOP/s", "memory, GB/s", "limit, us", "bound by", "source"]
    rows = []
    for device in devices():
        limits = run_limits(info, (None, None), measured_ns, device.key)
        if limits is not None:
            peaks = (device.gpu_hz / 1e6, limits["fp32_per_s"] / 1e9, limits["bytes_per_s"] / 1e9)
            figures = (round(one, 1) for one in (*peaks, limits["limit_ns"] / 1e3))
            rows.append((device.name, device.cores, *figures, limits["bound"], device.source))
    return pd.DataFrame(rows, columns=columns)


def place_frame(published: Place) -> Frame:
    """The nearest faster and slower published results about this run, from fast to slow."""
    columns = ["", "submitter", "system", "round", "an inference", "inf/s", "times this run"]

    def row(where: str, who: tuple[str, str, str], latency_ns: float, times: float) -> tuple[Any, ...]:
        return (where, *who, time_text(latency_ns), round(1e9 / latency_ns, 1), times)

    def rows(where: str, found: list[PublishedResult]) -> list[tuple[Any, ...]]:
        who = [(one["submitter"], one["system"], one["round"]) for one in found]
        return [row(where, one, it["latency_ns"], it["times"]) for one, it in zip(who, found, strict=True)]

    own = row("", ("this run", "", ""), published["latency_ns"], 1.0)
    faster, slower = rows("faster", published["faster"]), rows("slower", published["slower"])
    return pd.DataFrame([*faster, own, *slower], columns=columns)


def round_frame(published: Place) -> Frame:
    """The place in each round by itself, a column a round."""
    return pd.DataFrame([{name: f"{one['rank']} of {one['of']}" for name, one in published["rounds"].items()}])


def headline(limits: DeviceLimits) -> list[tuple[str, str, str | None]]:
    """Label, figure and explanation of each of the first figures."""
    measured, limit_ns = limits["measured"], limits["limit_ns"]
    clock = "" if limits["clock_hz"] is None else f" at {frequency_text(limits['clock_hz'])}"
    bound = "Arithmetic at the float32 peak, or the least traffic: which takes longer."
    found: list[tuple[str, str, str | None]] = [
        ("Limit", time_text(limit_ns), f"No program for these operations is faster on it{clock}."),
        ("Bound by", limits["bound"], bound),
    ]
    if measured is not None:
        took, of_peak = measured["measured_ns"], share_text(measured["utilisation_peak"])
        times = f"{number_text(took / limit_ns, 1)} times the limit; no profiler."
        found.append(("Measured, median", time_text(took), times))
        found.append(("Of the float32 peak", of_peak, "Rate reached over the peak rate."))
    return found
