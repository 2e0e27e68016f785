"""
Figures as words: the one place that says how a number reads, in the terminal, on the pages and on a chart's axis.

Whatever is not there (None) reads ``-``. Nothing reads ``-0.0``. Thousands have commas, and a unit follows a blank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.report_types.estimates import EstimateFigures

MISSING = "-"

SECONDS_DECIMALS = 3
MICROSECONDS_DECIMALS = 2
OFFICIAL_RATE_DECIMALS = 3
ENERGY_DECIMALS = 3
"""Of the rate by the laps, and of an energy: as many as a host prints of it."""

D3_COUNT = ","
"""Formats of a chart's axes and tooltips, in the language of D3: ``10,000``."""
D3_MICROSECONDS = f",.{MICROSECONDS_DECIMALS}f"
D3_SECONDS = f",.{SECONDS_DECIMALS}f"
D3_RATIO = ",.3f"
D3_PREFIX = "~s"
"""``25G``: of an axis over many powers of ten."""


def number_text(value: float | None, decimals: int = 0) -> str:
    """A number with so many decimals: ``10,000.5``."""
    if value is None or not math.isfinite(value):
        return MISSING
    # The sum makes 0.0 of -0.0.
    return f"{round(float(value), decimals) + 0.0:,.{decimals}f}"


def signed_number_text(value: float | None, decimals: int = 1) -> str:
    """A difference: with its sign; what rounds to nothing is ``+0.0``."""
    text = number_text(value, decimals)
    return text if text == MISSING or text.startswith("-") else f"+{text}"


def significant_text(value: float | None, digits: int = 3) -> str:
    """A number with so many digits that count, and all before the point: ``0.0123``, ``12.3``, ``4,800``."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) >= 10**digits:
        return number_text(value)
    rounded = float(f"{value:.{digits - 1}e}")
    places = digits - 1 - math.floor(math.log10(abs(rounded))) if rounded else 0
    return number_text(rounded, max(places, 0))


def tick_text(value: float) -> str:
    """Of an axis: as few digits as it has."""
    return f"{value:,.10g}"


def count_text(count: int | None) -> str:
    """``10,000``."""
    return MISSING if count is None else f"{count:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 window``, ``10,000 inferences``; the plural is the noun with an s unless given."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def time_text(ns: float | None) -> str:
    """Nanoseconds in the unit that leaves one to three digits before the point: ``12.35 us``."""
    if ns is None or not math.isfinite(ns):
        return MISSING
    for unit, size, decimals in (("ns", 1.0, 0), ("us", 1e3, MICROSECONDS_DECIMALS), ("ms", 1e6, 2)):
        if abs(round(ns / size, decimals)) < 1000:
            return f"{number_text(ns / size, decimals)} {unit}"
    return seconds_text(ns / 1e9)


def seconds_text(seconds: float | None) -> str:
    """``12.345 s``, whatever its length."""
    return _with_unit(number_text(seconds, SECONDS_DECIMALS), "s")


def minute_text(created: object) -> str:
    """To the minute a time as ``run.json`` has it (ISO 8601, UTC): ``2026-01-31 23:59``."""
    return str(created)[:16].replace("T", " ")


def share_text(share: float | None, decimals: int = 1) -> str:
    """A share in percent, ``27.1 %``; one that would read as nothing reads as less than the last digit."""
    if share is not None and share > 0 and round(100 * share, decimals) == 0:
        return f"< {10.0**-decimals:.{decimals}f} %"
    return _with_unit(number_text(None if share is None else 100 * share, decimals), "%")


def change_text(ratio: float | None, decimals: int = 1) -> str:
    """How much more than one a ratio is, in percent: ``+4.3 %``."""
    return _with_unit(signed_number_text(None if ratio is None else 100 * (ratio - 1), decimals), "%")


def ratio_text(ratio: float | None) -> str:
    """One figure over another: ``1.043``."""
    return number_text(ratio, 3)


def rate_text(rate_hz: float | None) -> str:
    """Inferences a second that were derived: ``232.1 inf/s``."""
    return _with_unit(rate_number_text(rate_hz), "inf/s")


def rate_number_text(rate_hz: float | None) -> str:
    """As ``rate_text`` for a column of them: with one decimal, or four digits: ``2,062.4``, ``12.38``."""
    return number_text(rate_hz, 1) if rate_hz is None or rate_hz >= 100 else significant_text(rate_hz, 4)


def official_rate_text(rate_hz: float | None) -> str:
    """Inferences a second by the laps, with the decimals that a host prints: ``232.143 inf/s``."""
    return _with_unit(number_text(rate_hz, OFFICIAL_RATE_DECIMALS), "inf/s")


def energy_text(energy_uj: float | None) -> str:
    """Microjoules, with the decimals that a host prints: ``3,454.848 uJ``."""
    return _with_unit(number_text(energy_uj, ENERGY_DECIMALS), "uJ")


def short_rate_text(rate_hz: float | None) -> str:
    """Inferences a second beside another rate, with four digits: ``2,628 inf/s``, ``0.1041 inf/s``."""
    return _with_unit(significant_text(rate_hz, 4), "inf/s")


def auc_text(area: float | None) -> str:
    """The area under the ROC curve: ``0.9877``."""
    return number_text(area, 4)


def frequency_text(hz: float | None) -> str:
    """A frequency of the hardware: ``918 MHz``, ``921.6 MHz``."""
    return _with_unit(number_text(None if hz is None else hz / 1e6, 1).removesuffix(".0"), "MHz")


def size_text(count: float | None) -> str:
    """Bytes of memory or disk, about: ``512 bytes``, ``1.23 MB``."""
    if count is not None and abs(count) < 1000:
        return counted(int(count), "byte")
    return _scaled_text(count, (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)))


def bandwidth_text(bytes_per_s: float | None) -> str:
    """Bytes a second: ``1.23 MB/s``, ``4,800 GB/s``."""
    return _scaled_text(bytes_per_s, (("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9)))


def giga_text(value: float | None, unit: str) -> str:
    """Thousands of millions of something a second: ``236 GFLOP/s``."""
    return _with_unit(significant_text(None if value is None else value / 1e9), f"G{unit}")


def ppm_text(ppm: float | None) -> str:
    """How far a clock's rate is from another's: ``+12.3 ppm``."""
    return _with_unit(signed_number_text(ppm), "ppm")


def interval_text(low: float | None, high: float | None, text: Callable[[float | None], str]) -> str:
    """``1.20 to 1.31 us``: both ends as ``text`` says them, the unit once where it is the same."""
    first, last = text(low), text(high)
    if MISSING in (first, last):
        return MISSING
    number, blank, unit = first.partition(" ")
    return f"{number if blank and last.endswith(f' {unit}') and number != '<' else first} to {last}"


def bounds_text(spread: EstimateFigures, text: Callable[[float | None], str]) -> str:
    """The 95 % interval of a figure, ``1.20 to 1.31 us``; a range, which promises no coverage, in brackets."""
    told = interval_text(spread["low"], spread["high"], text)
    return f"[{told}]" if spread["kind"] == "range" else told


def beside_text(spread: EstimateFigures, text: Callable[[float | None], str]) -> str:
    """What follows a figure: `` (1.20 to 1.31 us)``, of a range `` [1.20 to 1.31 us]``, of neither nothing."""
    if spread["kind"] == "none":
        return ""
    told = bounds_text(spread, text)
    return f" {told}" if spread["kind"] == "range" else f" ({told})"


def range_notes(spreads: Iterable[EstimateFigures]) -> list[str]:
    """What the brackets among these are, with each reason once; empty without one."""
    reasons = dict.fromkeys(one["reason"] for one in spreads if one["kind"] == "range")
    return [f"[ ] is a range, no interval: {'; '.join(reasons)}"] if reasons else []


def _scaled_text(value: float | None, units: tuple[tuple[str, float], ...]) -> str:
    if value is None:
        return MISSING
    for unit, size in units[:-1]:
        if abs(float(f"{value / size:.2e}")) < 1000:
            return f"{significant_text(value / size)} {unit}"
    unit, size = units[-1]
    return _with_unit(significant_text(value / size), unit)


def _with_unit(number: str, unit: str) -> str:
    return number if number == MISSING else f"{number} {unit}"
