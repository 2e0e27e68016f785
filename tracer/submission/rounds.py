"""
The rules of MLPerf Tiny's rounds that a tree of keyword spotting must keep.

They are of mlcommons/tiny: ``benchmark/MLPerfTiny_Rules.adoc`` (hosts: energyrunner was permitted until summer 2025;
Top-1: *Constraints for the Closed division*; inputs: *Data Sets*, whole and unchanged), ``benchmark/runner/main.py``
(five windows by its ERROR 1, each met above 10.0 s) and ``tools/submission/submission_checker.py`` (files, folders).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tracer.errors import UsageError
from tracer.runs.windows import MINIMUM_S, OFFICIAL_WINDOWS
from tracer.trust.checks import BENCHMARK_INPUTS, TOP1_TARGET


@dataclass(frozen=True, slots=True)
class Round:
    """
    A round.

    ``hosts`` are the runners that it takes, each with the files that a session's folder must hold;
    ``top1_percent`` is the least Top-1 of keyword spotting in the closed division; ``inputs`` the size of its set.
    """

    name: str
    hosts: Mapping[str, tuple[str, ...]]
    top1_percent: float = 100 * TOP1_TARGET
    inputs: int = BENCHMARK_INPUTS
    windows: int = OFFICIAL_WINDOWS
    least_s: float = MINIMUM_S


_MLCOMMONS = ("log.txt", "results.json", "results.txt")
_ENERGYRUNNER = ("log.txt", "results.txt", "script.async")

ROUNDS = {
    one.name: one
    for one in (
        Round("1.3", MappingProxyType({"mlcommons": _MLCOMMONS, "energyrunner": _ENERGYRUNNER})),
        Round("1.4", MappingProxyType({"mlcommons": _MLCOMMONS})),
    )
}

DIVISIONS = ("closed", "open")
STATUSES = ("available", "preview", "rdi")
LARGEST_MB = 500
ENERGYRUNNER_MARK = "EEMBC_RUNNER"
"""A file of this name in a benchmark's folder tells the checker that energyrunner's files are beside it."""


def round_of(name: str) -> Round:
    """
    The rules of a round by its number, as ``1.4`` or ``v1.4``.

    Raises:
        UsageError: if it is not in the table.
    """
    found = ROUNDS.get(name.removeprefix("v"))
    if found is None:
        raise UsageError(f"--round {name}", "its rules are not known here", f"give one of {', '.join(ROUNDS)}")
    return found
