"""What removing each part would give, of the calibrated replay: means, their intervals, and the rate that is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tracer.breakdown.calibration import Spread, Target, calibrated
from tracer.breakdown.removals import Removal
from tracer.breakdown.replay import Replay
from tracer.breakdown.replay_pass import HostTimes
from tracer.captures.row_bounds import Ints
from tracer.report_types.gpu import Gain, Group
from tracer.statistics.intervals import half_width

MARGIN = 0.02
"""Of the wall time: a gain that an assumption moves by more is a bound."""

LEAST_LEFT = 0.1
"""Of the wall time: where less would be left, the rate would be one over an uncertainty."""

ORDER: tuple[Group, ...] = ("change", "kind", "stage", "bound")


@dataclass(frozen=True, slots=True)
class GainBase:
    """
    What gains are counted from.

    Args:
        wall_ns: mean wall time of an inference without the profiler; where none was timed, of the replay.
        rate_hz: inferences per second now, as they are shown.
        target: unprofiled means that the replay is brought to; None leaves the profiler's time in.
        spreads: how what the profiler adds may be spread, the likeliest first.
        cluster: of each replayed inference, a number of what it varies with: its capture, or a part of the only one.
        most_ns: of removals by name, what was measured elsewhere to be the most that they can give.
    """

    wall_ns: float
    rate_hz: float
    target: Target | None
    spreads: tuple[Spread, ...]
    cluster: Ints
    most_ns: Mapping[str, float] = field(default_factory=dict)


def blocks_of(count: int) -> Ints:
    """Numbers of ten equal parts of one capture, for ``GainBase.cluster``."""
    return np.arange(count) * 10 // max(count, 1)


def gain_figures(replay: Replay, base: GainBase) -> list[Gain]:
    """Summarise the gains, changes first, largest first within each group."""
    if not len(replay.wall_ns):
        return []
    hosts: list[HostTimes] = [replay.measured]
    if base.target is not None:
        hosts = [calibrated(replay, base.target, spread) for spread in base.spreads]
    middle = replay.gains_ns(hosts[0])
    delayed = [replay.gains_ns(hosts[0], "low"), replay.gains_ns(hosts[0], "high")]
    spread = [replay.gains_ns(host) for host in hosts[1:]]
    figures, stages = [], _most(replay, hosts[0], base)
    for place, removal in enumerate(replay.removals):
        most = min(base.wall_ns, base.most_ns.get(removal.name, math.inf))
        if removal.group == "stage":
            most = min(most, stages[removal.name])
        means = [[float(gains[place].mean()) for gains in part] for part in (delayed, spread)]
        figures.append(_figure(removal, middle[place], means, base, most))
    return sorted(figures, key=lambda one: (ORDER.index(one["group"]), -(one["gain_ns"] or 0.0)))


def _figure(removal: Removal, gains: Ints, means: list[list[float]], base: GainBase, most: float) -> Gain:
    gain, half = float(gains.mean()), _half_width(gains, base.cluster)
    delayed, spread = means
    low, high = min(gain, *delayed, *spread), max(gain, *delayed, *spread)
    reason = ""
    if max(abs(one - gain) for one in delayed) > MARGIN * base.wall_ns:
        reason = "the capture does not show the delays of launches well enough"
    elif any(abs(one - gain) > MARGIN * base.wall_ns for one in spread):
        reason = "it depends on where the profiler's time lies"
    elif removal.group == "bound":
        reason = "no change to a program gives more"
    ends = [max(0.0, min(end, most)) for end in (low - half, high + half)]
    told = min(high if reason else gain, most)
    return {
        "name": removal.name,
        "group": removal.group,
        "gain_ns": told,
        "interval_ns": ends,
        "rate_hz": _rate(base, told),
        "rate_interval_hz": [_rate(base, end) for end in ends],
        "bound": "at most" if reason else None,
        "reason": reason,
    }


def _most(replay: Replay, host: HostTimes, base: GainBase) -> dict[str, float]:
    """Of each stage what it takes without the profiler: its own time, and its work's after it."""
    told = base.target.stages_ns if base.target else {}
    work, count = replay.work, len(replay.wall_ns)
    own = np.add(*replay.stages_ns(host)) if any(name not in told for name in work.stage_names) else None
    spilled, found = _spilled_ns(replay), {}
    for place, name in enumerate(work.stage_names):
        mine = work.stages.stage == place
        inside = float(own[mine].sum()) / count if own is not None and name not in told else told[name]
        found[name] = inside + float(spilled[mine].sum()) / count
    return found


def _spilled_ns(replay: Replay) -> Ints:
    """Of each stage range, how long GPU work that it launched ran after its end: later stages wait for it."""
    work = replay.work
    staged = np.flatnonzero(work.gpu_stage >= 0)
    rows, gpu = work.gpu_stage[staged], work.gpu
    after = gpu.end_ns[staged] - np.maximum(gpu.start_ns[staged], work.stages.end_ns[rows])
    found = np.zeros(len(work.stages.stage), np.int64)
    np.add.at(found, rows, np.maximum(after, 0))
    return found


def _half_width(gains: Ints, cluster: Ints) -> float:
    """Half the 95 % interval of the mean, over the means of the clusters."""
    size = np.bincount(cluster)
    means = np.bincount(cluster, gains)[size > 0] / size[size > 0]
    return half_width(means) if len(means) > 1 else 0.0


def _rate(base: GainBase, gain_ns: float) -> float | None:
    left = base.wall_ns - gain_ns
    return base.rate_hz * base.wall_ns / left if left > LEAST_LEFT * base.wall_ns else None
