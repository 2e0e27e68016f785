"""What removing each part would give, over all inferences: medians, their intervals, and the benchmark's rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.breakdown.replay import Replay
from tracer.captures.row_bounds import Ints
from tracer.statistics import bootstrap_interval


@dataclass(frozen=True, slots=True)
class GainFigure:
    """
    The gain of one removal, per inference.

    Args:
        name: what is removed, as in ``Removal.name``.
        group: ``kind``, ``stage`` or ``bound``.
        gain_ns: median over the inferences.
        interval_ns: bootstrap interval of that median, 95 %.
        rate_hz: inferences per second with the gain, ``1e9 / (wall - gain)``; none where nothing would be left.
        rate_interval_hz: of the interval's ends; either may be none.
        upper_bound: true where the wall time is that of an unprofiled run: the profiler has lengthened the overhead
            from which the gain comes, so the gain is at most this.
        capped: whether the replay's own figure was above the overhead of the unprofiled run.
    """

    name: str
    group: str
    gain_ns: float
    interval_ns: tuple[float, float]
    rate_hz: float | None
    rate_interval_hz: tuple[float | None, float | None]
    upper_bound: bool
    capped: bool


def gain_figures(replay: Replay, busy_ns: Ints, unprofiled_wall_ns: float | None = None) -> list[GainFigure]:
    """
    Summarise the gains, largest first within each group.

    Args:
        replay: of the profiled run.
        busy_ns: ``Breakdown.busy_ns`` of the same inferences.
        unprofiled_wall_ns: median wall time of an inference of an unprofiled run of the same configuration. Then a
            gain is capped by that run's overhead (this wall time minus the GPU's busy time), plus the GPU work that
            the removal takes out.
    """
    if not len(replay.wall_ns):
        return []
    wall = float(np.median(replay.wall_ns)) if unprofiled_wall_ns is None else float(unprofiled_wall_ns)
    busy = min(wall, float(np.median(busy_ns)))
    figures = []
    for removal, gains, gpu in zip(replay.removals, replay.gain_ns, replay.removed_gpu_ns, strict=True):
        cap = wall
        if unprofiled_wall_ns is not None:
            cap = wall - busy + min(busy, float(np.median(gpu)))
        gain, (low, high) = float(np.median(gains)), bootstrap_interval(gains)
        figures.append(
            GainFigure(
                name=removal.name,
                group=removal.group,
                gain_ns=min(cap, gain),
                interval_ns=(min(cap, low), min(cap, high)),
                rate_hz=_rate(wall, min(cap, gain)),
                rate_interval_hz=(_rate(wall, min(cap, low)), _rate(wall, min(cap, high))),
                upper_bound=unprofiled_wall_ns is not None,
                capped=gain > cap,
            )
        )
    order = ("kind", "stage", "bound")
    return sorted(figures, key=lambda figure: (order.index(figure.group), -figure.gain_ns))


def _rate(wall_ns: float, gain_ns: float) -> float | None:
    return 1e9 / (wall_ns - gain_ns) if wall_ns > gain_ns else None
