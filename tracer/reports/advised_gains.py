"""The gains that a reader is led to, as text: on the first page and in the exported document."""

from __future__ import annotations

from typing import Any

from tracer.figure_text import MISSING, rate_number_text
from tracer.report_types.gpu import KernelFigures
from tracer.reports.breakdown_rows import gain_interval_text, gain_name, gain_text
from tracer.unit_words import INFERENCES, UnitWords

SHOWN_GAINS = 3
LEAST_ADVICE = 0.02
"""Of an inference: what gives less is no advice."""


def gain_rows(report: KernelFigures, words: UnitWords = INFERENCES) -> list[dict[str, Any]]:
    """
    What gives most: changes and parts of the run, the tracer's own ranges not among them; a bound is no advice.

    Nor is a gain that may as well be none, by its interval, where there are others.

    Returns:
        ``name``, ``title`` (what is done), ``gain``, ``interval`` and ``rate`` as text.
    """
    gpu = report["gpu"]
    if gpu is None:
        return []
    shown = gpu["unprofiled"]
    least = LEAST_ADVICE * (shown["wall_ns"] if shown else gpu["wall_ns"]["mean"])
    kinds = [one for one in report["gains"] if one["group"] in ("change", "kind") and one["name"] != "tracer"]
    advised = [one for one in kinds if not one["bound"] and one["gain_ns"] is not None and one["gain_ns"] >= least]
    sure = [one for one in advised if one["interval_ns"] is not None and one["interval_ns"][0] > 0]
    # What a user can do comes first; the report has it in this order, the largest first.
    return [
        {
            "name": gain_name(one),
            "title": gain_name(one) if one["group"] == "change" else f"without {gain_name(one)}",
            "gain": gain_text(one),
            "interval": gain_interval_text(one),
            "rate": MISSING if one["rate_hz"] is None else f"{rate_number_text(one['rate_hz'])} {words.rate}",
        }
        for one in (sure or advised)[:SHOWN_GAINS]
    ]


def gain_of(report: KernelFigures, name: str) -> str | None:
    """The gain of the change or kind of that ``name`` of ``gain_rows`` with its interval; None where it has none."""
    found = (one for one in report["gains"] if one["group"] in ("change", "kind") and gain_name(one) == name)
    one = next((one for one in found if one["gain_ns"] is not None), None)
    if one is None:
        return None
    return f"{'' if one['bound'] else '-'}{gain_text(one)} ({gain_interval_text(one)})"


def gain_note(report: KernelFigures, words: UnitWords = INFERENCES) -> str:
    """How the gains were got, for a caption."""
    beside = report["gpu"] and report["gpu"]["unprofiled"]
    return (
        f"By replaying each profiled {words.one} without it; means, 95 % intervals. Gains of two parts do not add up."
        f"{' The time that the profiler adds is taken out before.' if beside else ''}"
    )
