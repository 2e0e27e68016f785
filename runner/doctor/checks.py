"""What a check says: a state, a sentence, a remedy, and where it can be done for the user, how and how undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FINE = "fine"
WARNING = "warning"
ERROR = "error"
STATES = (FINE, WARNING, ERROR)


@dataclass(frozen=True, slots=True)
class Repair:
    """Commands that need root, in order, and those that undo them, in order."""

    commands: tuple[tuple[str, ...], ...]
    undo: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """
    One line of the doctor.

    Args:
        check: what was looked at, a few words that stay the same.
        state: ``fine``, ``warning`` (a figure may suffer, or a part is not to be had) or ``error`` (a session fails).
        said: what was found.
        remedy: what to do; None where it is fine.
        repair: the remedy as commands, where ``--fix`` can do it.
    """

    check: str
    state: str
    said: str
    remedy: str | None = None
    repair: Repair | None = None

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"no such state: {self.state}")
        if (self.state == FINE) != (self.remedy is None):
            raise ValueError(f"{self.check}: a remedy for each finding that is not fine, and for no other")

    def as_json(self) -> dict[str, Any]:
        """The line for ``--json``."""
        return {
            "check": self.check,
            "state": self.state,
            "said": self.said,
            "remedy": self.remedy,
            "fix": [" ".join(command) for command in self.repair.commands] if self.repair else [],
        }


def worst(findings: Iterable[Check]) -> str:
    """The worst state among them; fine if there are none."""
    return max((finding.state for finding in findings), key=STATES.index, default=FINE)
