"""A figure's spread, as every table of the JSON holds it."""

from __future__ import annotations

from typing import Literal, TypedDict


class EstimateFigures(TypedDict):
    """
    The spread of a figure.

    ``kind`` says what ``low`` and ``high`` are: ``interval``, 95 %; ``range``, the least and the most of ``count``
    ``unit``s, where no interval would cover what it says, for ``reason``; ``none``, then both are null. ``speeds``
    are the two that the values switch between, null where they do not.
    """

    kind: Literal["interval", "range", "none"]
    low: float | None
    high: float | None
    unit: str
    count: int
    reason: str
    speeds: list[float] | None
