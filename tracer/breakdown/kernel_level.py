"""
The kernel level of a run: its captures attributed, broken down and replayed, ready for figures.

Which inferences count: those of the captures that are no warm-ups, of no window that a signal cut, and in which the
profiler did nothing for itself. Wall time without a profiler is that of the timed inferences that no capture saw, of
this run or of one that is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.arrow_arrays import Flags, Integers, encode, integers
from tracer.breakdown.bottleneck import Bottleneck, bottleneck
from tracer.breakdown.breakdown import Breakdown, break_down
from tracer.breakdown.calibration import Target, spreads
from tracer.breakdown.gains import GainBase, blocks_of, gain_figures
from tracer.breakdown.inflation import Inflation, fit_inflation
from tracer.breakdown.replay import Replay
from tracer.breakdown.unprofiled import pair_walls_ns, stage_pairs, target_of, timed_spans, wall_times
from tracer.captures.attribution import Attribution, attribute
from tracer.captures.counted_work import counted_work, near_inferences
from tracer.captures.inference_ranges import InferenceRanges, stage_ranges
from tracer.captures.inference_work import FRAMEWORK_STAGES, InferenceWork, has_framework
from tracer.captures.stored_capture import read_captures
from tracer.captures.units import Units, units_of
from tracer.profiles.gpu_records import RecordCheck, check_records
from tracer.profiles.profile import Profile
from tracer.report_types.gpu import Gain
from tracer.runs.run_store import StoredRun
from tracer.runs.windows import official_rate_hz
from tracer.side_by_side import both
from tracer.unit_words import INFERENCES, UnitWords

REPLAYED = 300
"""Inferences that are replayed at most, spread over the captures: those vary, and more of one narrow it little."""


@dataclass(frozen=True)
class KernelLevel:
    """
    What the captures of a run say, or what a profile says of units of any program.

    ``keep`` marks the inferences of ``ranges`` that figures are made of; ``breakdown`` and ``work`` have just those.
    ``unprofiled_ns`` is the wall time of each timed inference that no profiler collected, ``unprofiled`` the name of
    their run; both are empty where there are none. ``interrupted`` counts the inferences that are left out as the
    profiler did something for itself in them; ``inflation`` is what it adds, where pairs of windows tell;
    ``pair_walls_ns`` of each pair the mean inference with the profiler on and off.
    """

    profile: Profile
    ranges: Units
    keep: Flags
    attribution: Attribution
    records: RecordCheck
    work: InferenceWork
    breakdown: Breakdown
    bottleneck: Bottleneck
    gains: list[Gain]
    unprofiled_ns: Integers
    unprofiled: str
    interrupted: int
    inflation: Inflation | None
    pair_walls_ns: list[tuple[float, float]]
    words: UnitWords = INFERENCES

    @property
    def computing_known(self) -> bool:
        """Whether the capture tells computing from the framework around it: by GPU work or by a host's operations."""
        return bool(len(self.work.gpu) or (has_framework(self.work.stage_names) and len(self.work.ops.start_ns)))


@dataclass(frozen=True, slots=True)
class Beside:
    """
    What is known of the inferences besides their capture.

    Args:
        target: unprofiled means that the replay is brought to; None leaves the profiler's time in.
        rate_hz: inferences per second now; None for those that the wall time gives.
        unprofiled_ns, unprofiled, inflation, pair_walls_ns: as in ``KernelLevel``.
        cluster: of each replayed inference, a number of what it varies with; None for parts of one capture.
        most_ns: as in ``GainBase``.
    """

    target: Target | None = None
    rate_hz: float | None = None
    unprofiled_ns: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    unprofiled: str = ""
    inflation: Inflation | None = None
    pair_walls_ns: Sequence[tuple[float, float]] = ()
    cluster: Integers | None = None
    most_ns: Mapping[str, float] = field(default_factory=dict)


def kernel_level(run: StoredRun, unprofiled: StoredRun | None = None, *, replayed: bool = True) -> KernelLevel | None:
    """
    Attribute, break down and replay the captures of ``run``; None where it has none.

    Args:
        run: with captures.
        unprofiled: a run of the same configuration without a profiler; None takes what this run timed outside its
            captures.
        replayed: False leaves out what a replay tells: gains and inflation.

    Raises:
        CaptureError: if a capture cannot be read.
        ProfileError: if two inferences of a capture overlap.
    """
    if not run.info.captures:
        return None
    profile = read_captures(run)
    ranges = stage_ranges(profile, process=run.info.captures[0].get("process"))
    spans = timed_spans(unprofiled or run, set() if unprofiled else set(ranges.numbers.tolist()))
    walls, target = wall_times(spans), target_of(spans)

    def beside(replay: Replay | None) -> Beside:
        return Beside(
            target=target,
            rate_hz=official_rate_hz((unprofiled or run).each_window) if target else None,
            unprofiled_ns=walls,
            unprofiled=(unprofiled or run).name if len(walls) else "",
            inflation=None if replay is None else fit_inflation(stage_pairs(run, replay)),
            pair_walls_ns=pair_walls_ns(run),
            cluster=None if replay is None else _clusters(run, replay.work.inferences.number),
            most_ns=_recorder_cost(run) if target else {},
        )

    return unit_level(profile, units_of(ranges), _counted(run, ranges.numbers), beside, replayed=replayed)


def unit_level(
    profile: Profile,
    units: Units,
    counted: Flags,
    beside: Callable[[Replay | None], Beside],
    words: UnitWords = INFERENCES,
    *,
    replayed: bool = True,
) -> KernelLevel:
    """
    Attribute, break down and replay the units of a profile that are ``counted``.

    Those in which the profiler did something for itself are left out, unless it did in all; ``beside`` says what is
    known besides, of the replay; without one there are no gains.
    """
    interrupted = interrupted_by_profiler(profile, units)
    keep = counted & ~interrupted if (counted & ~interrupted).any() else counted
    (attribution, work), records = both(lambda: _owned(profile, units, keep), lambda: check_records(profile))
    breakdown = break_down(work)
    replay = Replay(near_inferences(_some(profile, units, attribution, keep, work))) if replayed else None
    known = beside(replay)
    target = known.target
    return KernelLevel(
        profile=profile,
        ranges=units,
        keep=keep,
        attribution=attribution,
        records=records,
        work=work,
        breakdown=breakdown,
        bottleneck=bottleneck(breakdown, target.wall_ns if target else None, words),
        gains=[] if replay is None else _gains(replay, known, work),
        unprofiled_ns=known.unprofiled_ns,
        unprofiled=known.unprofiled,
        interrupted=int((counted & ~keep).sum()),
        inflation=known.inflation,
        pair_walls_ns=list(known.pair_walls_ns),
        words=words,
    )


def _owned(profile: Profile, units: Units, keep: Flags) -> tuple[Attribution, InferenceWork]:
    attribution = attribute(profile, units)
    return attribution, counted_work(profile, units, attribution, keep)


def _some(
    profile: Profile, units: Units, attribution: Attribution, keep: Flags, work: InferenceWork
) -> InferenceWork:
    """The ``work`` of those that count, or of ``REPLAYED`` of them."""
    if len(work.inferences) <= REPLAYED:
        return work
    picked = np.unique(np.linspace(0, len(work.inferences) - 1, REPLAYED).astype(int))
    return counted_work(profile, units, attribution, _only(keep, picked))


def _gains(replay: Replay, known: Beside, work: InferenceWork) -> list[Gain]:
    target, count = known.target, len(replay.work.inferences)
    wall = target.wall_ns if target else float(np.mean(replay.wall_ns)) if count else 0.0
    base = GainBase(
        wall_ns=wall,
        rate_hz=known.rate_hz or (1e9 / wall if wall else 0.0),
        target=target,
        spreads=spreads(known.inflation),
        cluster=blocks_of(count) if known.cluster is None else known.cluster,
        most_ns=known.most_ns,
    )
    gains = gain_figures(replay, base)
    if len(work.gpu) or len(work.ops.start_ns):
        return gains
    # What would remain without the framework is its computing, which this capture does not show.
    return [one for one in gains if one["name"] not in (*FRAMEWORK_STAGES, "framework")]


def interrupted_by_profiler(profile: Profile, ranges: InferenceRanges | Units) -> Flags:
    """Of each inference whether the profiler did something for itself meanwhile, as emptying a buffer."""
    ops, units = profile.host_ops, units_of(ranges)
    kind = encode(ops, "kind")
    rows = np.flatnonzero(kind.codes == kind.code_of("profiler"))
    process, begin, end = (integers(ops, name)[rows] for name in ("process", "start_ns", "end_ns"))
    found = np.zeros(len(units), np.bool_)
    for place, lane in enumerate(units.lanes):
        mine, own = process == lane.process, units.lane == place
        first, last = np.sort(begin[mine]) + lane.shift_ns, np.sort(end[mine]) + lane.shift_ns
        # Begun before the inference's end, less what had ended by its start: both in order, so counts tell.
        before = np.searchsorted(first, units.end_ns[own])
        found[own] = before > np.searchsorted(last, units.start_ns[own], side="right")
    return found


def _recorder_cost(run: StoredRun) -> dict[str, float]:
    """The tracer's own ranges cost what was measured at the start of the run, whatever a profiler adds to them."""
    cost = (run.info.recorder_cost or {}).get("ns_per_inference")
    return {} if cost is None else {"tracer": float(cost)}


def _clusters(run: StoredRun, numbers: Integers) -> Integers:
    """The capture of each inference; of a single one, equal parts of it."""
    firsts = sorted(int(one["first_inference"]) for one in run.info.captures if "first_inference" in one)
    if len(firsts) < 2:
        return blocks_of(len(numbers))
    return np.maximum(np.searchsorted(firsts, numbers, side="right") - 1, 0)


def _counted(run: StoredRun, numbers: Integers) -> Flags:
    """Inferences that are no warm-ups, of windows that no signal cut; all, where there is no other."""
    cut = [one.number for one in run.each_window if not one.complete]
    spans = run.spans()
    left = pc.or_(spans["warmup"], pc.is_in(spans["window"], value_set=pa.array(cut, pa.int32())))
    spans = spans.filter(pc.and_(pc.is_valid(spans["inference"]), left))
    keep: Flags = ~np.isin(numbers, np.unique(spans["inference"].to_numpy()))
    return keep if keep.any() else np.ones(len(numbers), bool)


def _only(keep: Flags, picked: Integers) -> Flags:
    some = np.zeros(len(keep), bool)
    some[np.flatnonzero(keep)[picked]] = True
    return some
