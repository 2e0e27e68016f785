"""The rules of MLPerf Tiny's rounds that a tree of keyword spotting must keep, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tracer.errors import UsageError

RULES = "mlcommons/tiny, benchmark/MLPerfTiny_Rules.adoc"
CHECKER = "mlcommons/tiny, tools/submission/submission_checker.py"
RUNNER = "mlcommons/tiny, benchmark/runner/main.py"


@dataclass(frozen=True, slots=True)
class Round:
    """
    A round.

    ``hosts`` are the runners that it takes, each with the files that a session's folder must hold;
    ``top1_percent`` is the least Top-1 of keyword spotting in the closed division; ``inputs`` the size of its set.
    """

    name: str
    hosts: Mapping[str, tuple[str, ...]]
    top1_percent: float = 90.0
    inputs: int = 1000
    windows: int = 5
    least_s: float = 10.0


_MLCOMMONS = ("log.txt", "results.json", "results.txt")
_ENERGYRUNNER = ("log.txt", "results.txt", "script.async")

ROUNDS = {
    one.name: one
    for one in (
        Round("1.3", MappingProxyType({"mlcommons": _MLCOMMONS, "energyrunner": _ENERGYRUNNER})),
        Round("1.4", MappingProxyType({"mlcommons": _MLCOMMONS})),
    )
}

SOURCES = {
    "host": f"{RULES}, EnergyRunner benchmark framework: permitted in summer 2025, then the MLCommons runner alone",
    "files": f"{CHECKER}, MLC_REQUIRED_ACC_FILES and EEMBC_REQUIRED_ACC_FILES",
    "accuracy": f"{RULES}, Constraints for the Closed division; {CHECKER}, accuracy-target",
    "inputs": f"{RULES}, Data Sets: the accuracy set is used whole and unchanged",
    "windows": f"{RUNNER}: five windows (ERROR 1), the requirement met above 10.0 s",
    "model": f"{RULES}, Closed Division and Model Equivalence: the reference's weights, quantized at most",
    "code": f"{RULES}, Benchmark Runner: the same code for the accuracy and the performance mode",
    "tests": f"{CHECKER}, required_tests",
    "system": f"{CHECKER}, check_results_dir: systems/ID.json with a Status",
    "folders": f"{CHECKER}, check_results_dir: folder checks",
    "raw": "the figures follow from the raw lines of the session",
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
