"""Figures as words: a time in its unit, a share in percent."""

from __future__ import annotations


def time_text(ns: float | None) -> str:
    """Nanoseconds in the unit that leaves one to three digits before the point."""
    if ns is None:
        return "-"
    for limit, unit, size in ((1e3, "ns", 1.0), (1e6, "us", 1e3), (1e9, "ms", 1e6)):
        if abs(ns) < limit:
            return f"{ns / size:.0f} {unit}" if size == 1.0 else f"{ns / size:.2f} {unit}"
    return f"{ns / 1e9:.3f} s"


def share_text(share: float | None) -> str:
    """A share in percent; one that would read as nothing reads as less than a tenth."""
    if share is not None and 0 < share < 0.0005:
        return "< 0.1 %"
    return "-" if share is None else f"{100 * share:.1f} %"
