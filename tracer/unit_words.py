"""What one thing is called that a breakdown is made of: an inference of our DUT, or a unit of any program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class UnitWords:
    """``one``, ``many``, ``each`` (with its article) and ``rate`` (how many a second)."""

    one: Literal["inference", "unit"]
    many: str
    each: str
    rate: str


INFERENCES = UnitWords("inference", "inferences", "an inference", "inf/s")
UNITS = UnitWords("unit", "units", "a unit", "units/s")


def unit_words(unit: str) -> UnitWords:
    """Of a ``unit`` as reports name it, ``inference`` or ``unit``."""
    return INFERENCES if unit == INFERENCES.one else UNITS
