"""Limits: the roofline, the table of limits and the place among published results, from a run's report; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from tracer.figure_text import frequency_text, number_text, share_text, time_text
from tracer.model.devices import Limits, devices
from tracer.model.roofline import roofline_curve
from tracer.report_types.limits import DeviceLimits, Place, PublishedResult
from tracer.reports.model_cost_report import limit_rows
from tracer.reports.run_limits import board_of, run_limits
from tracer.runs.run_info import RunInfo

Frame = Any
"""A pandas DataFrame; pandas comes with types that need not be installed."""

FIRST_DEVICE = "nano"
"""Shown for a run whose board is not known: the board of the 2021 report."""
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


def default_device(info: RunInfo) -> str:
    """The run's own board, else ``FIRST_DEVICE``."""
    board = board_of(info)
    return FIRST_DEVICE if board is None else board.key


def roofline(limits: DeviceLimits) -> Roofline:
    """
    The roof of a device, and an inference below it.

    Args:
        limits: as ``tracer.model.roofline.build_limits`` gives it.
    """
    device = Limits(
        name=limits["device"],
        cores=limits["cores"],
        clock_hz=limits["clock_hz"],
        fp32_per_s=limits["fp32_per_s"],
        fp16_per_s=limits["fp16_per_s"],
        bytes_per_s=limits["bytes_per_s"],
        source=limits["source"],
    )
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
    rows = []
    for device in devices():
        limits = run_limits(info, (None, None), measured_ns, device.key)
        if limits is not None:
            rows.append(
                {
                    "device": device.name,
                    "cores": device.cores,
                    "GPU, MHz": device.gpu_hz / 1e6,
                    "float32, GFLOP/s": limits["fp32_per_s"] / 1e9,
                    "memory, GB/s": limits["bytes_per_s"] / 1e9,
                    "limit, us": limits["limit_ns"] / 1e3,
                    "bound by": limits["bound"],
                    "source": device.source,
                }
            )
    return pd.DataFrame(rows)


def place_frame(published: Place) -> Frame:
    """The nearest faster and slower published results about this run, from fast to slow."""
    own: PublishedResult = {
        "round": "",
        "submitter": "this run",
        "system": "",
        "latency_ns": published["latency_ns"],
        "times": 1.0,
        "source": "",
    }
    rows = [
        {
            "": where,
            "submitter": one["submitter"],
            "system": one["system"],
            "round": one["round"],
            "an inference": time_text(one["latency_ns"]),
            "inf/s": 1e9 / one["latency_ns"],
            "times this run": one["times"],
        }
        for where, found in (("faster", published["faster"]), ("", [own]), ("slower", published["slower"]))
        for one in found
    ]
    return pd.DataFrame(rows)


def round_frame(published: Place) -> Frame:
    """The place in each round by itself, a column a round."""
    return pd.DataFrame([{name: f"{one['rank']} of {one['of']}" for name, one in published["rounds"].items()}])


def headline(limits: DeviceLimits) -> list[tuple[str, str, str]]:
    """Label, figure and explanation of each of the first figures."""
    measured = limits["measured"]
    clock = "" if limits["clock_hz"] is None else f" at {frequency_text(limits['clock_hz'])}"
    found = [
        ("Limit", time_text(limits["limit_ns"]), f"No program for these operations is faster on it{clock}."),
        ("Bound by", limits["bound"], "Arithmetic at the float32 peak, or the least traffic: which takes longer."),
    ]
    if measured is not None:
        times = measured["measured_ns"] / limits["limit_ns"]
        found += [
            (
                "Measured, median",
                time_text(measured["measured_ns"]),
                f"{number_text(times, 1)} times the limit; no profiler.",
            ),
            ("Of the float32 peak", share_text(measured["utilisation_peak"]), "Rate reached over the peak rate."),
        ]
    return found


def missing_cost() -> str:
    """Why a run has no limits, and what counts its model, as Markdown of ours."""
    return (
        "**No limits: the operations of this run's model are not in its record.** They are counted when a run "
        "begins: one of an older version has none, nor has one whose model could not be read. "
        "`kws-trace cost MODEL --run RUN --device NAME` counts them from the model's file and sets the run's time "
        "beside them."
    )
