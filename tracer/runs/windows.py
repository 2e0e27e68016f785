"""
The windows of a run, and the benchmark's rules for them: which count, how long, how fast, whether they are valid.

The recorded column ``kind`` holds what the DUT could know while it answered: whether N was 1. That a window of one
inference was a host's calibration and no part of an accuracy pass shows in what stands around it, so it is told here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from tracer.figure_text import counted

if TYPE_CHECKING:
    import pyarrow as pa

WindowKind = Literal["performance", "accuracy", "calibration", "capture", "uncaptured"]

_UNASKED = ("capture", "uncaptured")
"""Kinds that no host asked for: the two sides of a profiler pair."""

OFFICIAL_WINDOWS = 5
"""An official result is the median of this many performance windows."""

MINIMUM_S = 10
"""A performance window lasts at least this long."""

MINIMUM_NS = MINIMUM_S * 1_000_000_000

LOAD_COMMANDS = 14
"""
The fewest commands that load an input: ``db load``, and 490 bytes in hexadecimal, at most 80 characters a command.
A host sends fewer of others between two windows (``name``, ``profile``, ``timestamp``, ``results``).
"""


_WHAT = {"accuracy": "of the accuracy pass", "uncaptured": "beside a capture"}


def rate_hz(inferences: int | None, duration_ns: float | None) -> float | None:
    """Inferences per second; None where the length is not known or none."""
    return inferences * 1e9 / duration_ns if inferences and duration_ns is not None and duration_ns > 0 else None


def long_enough(duration_ns: float) -> bool:
    """Whether a performance window of this length is rule-valid."""
    return duration_ns >= MINIMUM_NS


def median_rate_hz(rates: Iterable[float | None]) -> float | None:
    """The benchmark's figure: the median of the rates of the windows; None without any."""
    return middle([rate for rate in rates if rate is not None])


def middle(values: Sequence[float]) -> float | None:
    """Their median, as NumPy's, which a list of runs starts without; None of no value."""
    ordered, count = sorted(values), len(values)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2 if count else None


@dataclass(frozen=True, slots=True)
class RunWindow:
    """
    What one ``infer`` command left, or one capture.

    ``number`` is the column ``window`` of the tables; ``ordinal`` counts the performance windows of the run from 1,
    as people do, and is None for the others. ``kind`` is ``calibration`` for what a host measured N by. The laps are
    what the host was told, in microseconds of the DUT's clock; ``start_ns`` and ``end_ns`` stand around the timed
    inferences. ``capture`` ran while a profiler collected, ``uncaptured`` the same inferences beside it while it did
    not; the two share ``pair``, which is None elsewhere. The load averages are the machine's, of the last minute.
    """

    number: int
    kind: WindowKind
    state: str
    inferences: int
    warmups: int
    lap_start_us: int | None
    lap_end_us: int | None
    start_ns: int
    end_ns: int
    cpu_ns: int
    recorder_ns: int
    input_sha256: str | None = None
    ordinal: int | None = None
    pair: int | None = None
    load_start: float | None = None
    load_end: float | None = None

    @property
    def complete(self) -> bool:
        """Whether no signal cut it."""
        return self.state == "complete"

    @property
    def lap_ns(self) -> int | None:
        """Length by the laps; None where one is missing."""
        if self.lap_start_us is None or self.lap_end_us is None:
            return None
        return (self.lap_end_us - self.lap_start_us) * 1000

    @property
    def wall_ns(self) -> int:
        """Length by the clock of the recorder."""
        return self.end_ns - self.start_ns

    @property
    def rate_hz(self) -> float | None:
        """The official rate, by the laps."""
        return rate_hz(self.inferences, self.lap_ns)

    @property
    def wall_rate_hz(self) -> float | None:
        """The rate by the clock of the recorder."""
        return rate_hz(self.inferences, self.wall_ns)

    @property
    def why_not_valid(self) -> tuple[str, ...]:
        """Why no official result may use it; empty for a rule-valid window."""
        why = []
        if self.kind != "performance":
            why.append(_WHAT.get(self.kind, f"a {self.kind}"))
        if not self.complete:
            why.append("cut short")
        if self.lap_ns is not None and not long_enough(self.lap_ns):
            why.append(f"under {MINIMUM_S} s by the laps")
        if not long_enough(self.wall_ns):
            why.append(f"under {MINIMUM_S} s of wall time")
        return tuple(why)

    @property
    def valid(self) -> bool:
        """Whether the window is rule-valid."""
        return not self.why_not_valid


def performance_windows(windows: Iterable[RunWindow]) -> list[RunWindow]:
    """Those that the official rate is the median of."""
    return [one for one in windows if one.kind == "performance" and one.complete]


def accuracy_windows(windows: Iterable[RunWindow]) -> list[RunWindow]:
    """Those whose results are the accuracy pass."""
    return [one for one in windows if one.kind == "accuracy" and one.complete]


def asked_windows(windows: Iterable[RunWindow]) -> list[RunWindow]:
    """Those that a host asked for, or ``kws-trace infer``: neither side of a profiler pair."""
    return [one for one in windows if one.kind not in _UNASKED]


@dataclass(frozen=True, slots=True)
class ProfilerPair:
    """
    The same inferences with the profiler collecting and without, next to each other in time.

    ``number`` is the column ``pair``; which of the two ran first alternates from pair to pair.
    """

    number: int
    captured: RunWindow
    uncaptured: RunWindow


def profiler_pairs(windows: Iterable[RunWindow]) -> list[ProfilerPair]:
    """The pairs of a run, by number; those that a signal cut are left out. None in runs of schema version 1."""
    sides: dict[int, dict[str, RunWindow]] = {}
    for one in windows:
        if one.pair is not None and one.complete:
            sides.setdefault(one.pair, {})[one.kind] = one
    return [
        ProfilerPair(number, both["capture"], both["uncaptured"])
        for number, both in sorted(sides.items())
        if both.keys() == set(_UNASKED)
    ]


def figure_windows(windows: Sequence[RunWindow]) -> list[RunWindow]:
    """Those that figures are made of: of performance; where there is none, of accuracy; else of calibration."""
    chosen = performance_windows(windows) or accuracy_windows(windows)
    return chosen or [one for one in asked_windows(windows) if one.complete]


def official_rate_hz(windows: Iterable[RunWindow]) -> float | None:
    """The run's figure in inferences per second; None without a performance window."""
    return median_rate_hz(one.rate_hz for one in performance_windows(windows))


def why_not_official(windows: Iterable[RunWindow]) -> str | None:
    """Why the median rate of a run's performance windows is no official result; None where it is one."""
    done = performance_windows(windows)
    if len(done) != OFFICIAL_WINDOWS:
        return f"{counted(len(done), 'window')}, not {OFFICIAL_WINDOWS}"
    short = sum(not one.valid for one in done)
    return f"{short} of {len(done)} windows under {MINIMUM_S} s" if short else None


def windows_of(
    table: pa.Table, results: pa.Table, commands: Callable[[], Mapping[int, int]]
) -> tuple[RunWindow, ...]:
    """
    The windows of a run by number, those of one inference told apart.

    The tables are of ``schema.WINDOWS``, by number, and ``schema.RESULTS``; ``commands`` gives how many commands came
    over the line since the window before, by number, and is asked only where neighbours may have one input.
    """
    inputs = dict(zip(results["window"].to_pylist(), results["input_sha256"].to_pylist(), strict=True))
    names = [name for name in table.schema.names if name not in ("run_id", "window")]
    windows = [
        RunWindow(number=row["window"], input_sha256=inputs.get(row["window"]), **{name: row[name] for name in names})
        for row in table.to_pylist()
    ]
    shared = _on_a_shared_input(windows, commands)
    told, ordinal = [], 0
    for one in windows:
        ordinal += one.kind == "performance"
        kind = "calibration" if one.kind == "accuracy" and one.number in shared else one.kind
        told.append(replace(one, kind=kind, ordinal=ordinal if kind == "performance" else None))
    return tuple(told)


def _on_a_shared_input(windows: Sequence[RunWindow], commands: Callable[[], Mapping[int, int]]) -> set[int]:
    """
    Numbers of the windows that a host asked for beside another one on the same loaded input.

    Each window of an accuracy pass has an input that was loaded for it alone: energyrunner, the MLCommons runner and
    ``kws-trace host`` load, infer once, and load the next. A host that measures N infers several times after one
    load, and then its performance window. Two inputs that differ were loaded each; equal ones were where the line
    brought what a load takes, or nothing (``kws-trace infer``, which has no line). The input of an aborted window is
    not known: the line alone tells whether it was loaded for it. Whoever asks again after such a window was given
    no result by it, so this measures no N.
    """
    asked = asked_windows(windows)
    shared: set[int] = set()
    counts: Mapping[int, int] | None = None
    for before, one in pairwise(asked):
        known = None not in (before.input_sha256, one.input_sha256)
        if not before.complete or (known and before.input_sha256 != one.input_sha256):
            continue
        counts = commands() if counts is None else counts
        if 0 < counts.get(one.number, 0) < LOAD_COMMANDS:
            shared |= {before.number, one.number}
    return shared
