"""The report of a set of launches."""

from __future__ import annotations

from typing import Literal, TypedDict

from tracer.report_types.trust import Trust


class LaunchFigures(TypedDict):
    """One launch: its rate, median inference (null where it has none), performance windows, and judgement."""

    name: str
    number: int
    state: str
    windows: int
    rate_hz: float | None
    median_ns: float | None
    why_not_official: str | None
    trust: Trust


class OverLaunches(TypedDict):
    """
    The mean of a figure of ``count`` launches, with its spread.

    ``kind`` says what ``low`` and ``high`` are: ``interval``, 95 % by Student's t over launches; ``range``, the least
    and the most of too few launches for one; ``none``, of one launch, and both are null. ``deviation`` is the
    standard deviation between launches over the mean, null of one.
    """

    count: int
    mean: float
    deviation: float | None
    kind: Literal["interval", "range", "none"]
    low: float | None
    high: float | None


class LaunchSetReport(TypedDict):
    """
    Launches of one configuration.

    ``of`` is how many were asked for, ``left_out`` names those that are in no mean: without a timed inference, or
    not complete. ``rate_hz`` and ``median_ns`` are null without a launch that has one. ``trust`` is of the launches
    in the means: each check as it is in the worst of them.
    """

    schema_version: int
    id: str
    name: str
    of: int
    launches: list[LaunchFigures]
    left_out: list[str]
    rate_hz: OverLaunches | None
    median_ns: OverLaunches | None
    trust: Trust
