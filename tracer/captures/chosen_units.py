"""What the unit of a breakdown is: the range that is named, else what the capture has; and in words which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tracer.arrow_arrays import Flags
from tracer.captures.ended_ranges import ended_ranges
from tracer.captures.unit_ranges import outermost_repeated, range_units, wanted_ranges
from tracer.captures.unit_windows import synchronised_units, window_units
from tracer.captures.units import Units
from tracer.errors import ProfileError, UsageError
from tracer.figure_text import time_text
from tracer.profiles.profile import Profile
from tracer.unit_words import INFERENCES, UNITS, UnitWords

How = Literal["named range", "outermost range that repeats", "synchronisations", "windows", "whole capture"]


@dataclass(frozen=True, slots=True)
class ChosenUnits:
    """
    Units and what they are.

    Args:
        units: as they lie in the capture.
        name: the range's, as ``--range`` takes it; of units without one a word for them.
        how: they were chosen.
        sentence: the same for a reader.
        window_ns: length of fixed windows; None of other units.
        ours: they are the inferences of ``kws-trace run``.
        counted: of each unit whether figures are made of it: not those that were to be skipped.
    """

    units: Units
    name: str
    how: How
    sentence: str
    counted: Flags
    window_ns: int | None = None
    ours: bool = False

    @property
    def words(self) -> UnitWords:
        """What they are called."""
        return INFERENCES if self.ours else UNITS


def chosen_units(
    profile: Profile, pattern: str | None = None, stages: Sequence[str] | None = None, skip: int = 0
) -> ChosenUnits:
    """
    The units of a profile.

    Args:
        profile: with a timeline.
        pattern: the range whose instances are units: a name, or ``domain:name``, globs too; None for the outermost
            that repeats, and without one what lies between synchronisations, or windows, or the whole capture.
        stages: names of the ranges within that are the stages; None for the children that tile the units.
        skip: units that are left out at the start of each process, or thread, as a program's warm-up.

    Raises:
        ProfileError: if there is no such range, units of one thread overlap, or the profile has nothing to divide.
        UsageError: if a stage that is named is in no unit, or nothing is left.
    """
    found = ended_ranges(profile)
    how: How = "named range"
    if pattern is None:
        repeated = outermost_repeated(profile, found)
        if repeated is None:
            return _skipped(_without_ranges(profile, stages), skip)
        pattern, places = repeated
        how = "outermost range that repeats"
    else:
        places = wanted_ranges(profile, found, pattern)
    units, ours = range_units(profile, found, places, stages)
    what = "NVTX range" if how == "named range" else "outermost NVTX range that repeats"
    said = f"A unit is an instance of the {what} {pattern}"
    return _skipped(ChosenUnits(units, pattern, how, said, _all(units), ours=ours), skip)


def _without_ranges(profile: Profile, stages: Sequence[str] | None) -> ChosenUnits:
    if stages is not None:
        raise UsageError(
            "--stages", "no NVTX range repeats in this profile, and stages are ranges in units", "leave it out"
        )
    why = (
        "No NVTX range repeats outside the others of its name" if len(profile.nvtx_ranges) else "Without NVTX ranges"
    )
    if not (len(profile.gpu_work) or len(profile.api_calls) or len(profile.host_ops)):
        raise ProfileError(
            profile.path,
            "it has no GPU work, no CUDA call and no range that repeats",
            "record with --trace cuda,nvtx",
        )
    units = synchronised_units(profile, "unit")
    if units is not None:
        said = f"{why}: a unit is from the end of one synchronising CUDA call to that of the next"
        return ChosenUnits(units, "between synchronisations", "synchronisations", said, _all(units))
    units, length = window_units(profile, "unit")
    if length is None:
        said = f"{why}, and too little happens to divide: the unit is the whole capture"
        return ChosenUnits(units, "whole capture", "whole capture", said, _all(units))
    said = f"{why}, and synchronising calls do not divide it: a unit is a window of {time_text(length)}"
    return ChosenUnits(units, f"windows of {time_text(length)}", "windows", said, _all(units), window_ns=length)


def _skipped(chosen: ChosenUnits, skip: int) -> ChosenUnits:
    if skip < 0:
        raise UsageError("--skip", f"{skip} units cannot be left out", "give 0 or more")
    if not skip:
        return chosen
    lane = chosen.units.lane
    first = np.searchsorted(lane, np.arange(len(chosen.units.lanes)))
    counted = np.arange(len(lane)) - first[lane] >= skip
    if not counted.any():
        raise UsageError("--skip", f"{skip} units are left out, and there are no more", "leave out fewer")
    return replace(chosen, counted=counted)


def _all(units: Units) -> Flags:
    return np.ones(len(units), np.bool_)
