"""The runner's figures from its own raw lines, and which of those that it printed are others."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from tracer.accuracy.confusion import Classes, Vectors, top1_of
from tracer.classes import CLASSES
from tracer.figure_text import counted, significant_text
from tracer.runs.windows import median_rate_hz
from tracer.sessions.accuracy_figures import AucForm, auc, class_of
from tracer.sessions.clock_audit import WindowAudit
from tracer.sessions.file_findings import foreign_results
from tracer.sessions.finding import SOURCES, Finding
from tracer.sessions.session import Printed, Session, SessionWindow

NAMES = {
    "inferences": "inferences",
    "runtime_s": "runtime",
    "rate_hz": "throughput",
    "median_rate_hz": "median throughput",
    "top1_percent": "Top-1",
    "auc": "AUC",
    "energy_uj": "energy",
    "power_uw": "power",
    "power_mw": "power",
    "energy_per_inference_uj": "energy an inference",
    "median_energy_uj": "median energy an inference",
}


@dataclass(frozen=True, slots=True)
class Recomputed:
    """
    Figures from the raw lines, None where these do not give one; ``unknown`` says which and why.

    Rates are by the laps, as the benchmark counts; ``top1`` is a share, ``vectors`` how many it is of;
    ``median_energy_uj`` is of an inference.
    """

    median_rate_hz: float | None = None
    median_energy_uj: float | None = None
    top1: float | None = None
    auc: float | None = None
    auc_form: AucForm | None = None
    vectors: int = 0
    unknown: tuple[str, ...] = ()


Span = tuple[float, float]
"""What a figure can be: the bounds that its sources' own digits leave."""


def recompute(session: Session, audits: list[WindowAudit]) -> Recomputed:
    """The session's figures, from its complete windows."""
    unknown: list[str] = []
    median = None
    if session.kind != "accuracy" and audits:
        known = [audit.rate_hz for audit in audits if audit.rate_hz is not None]
        if len(known) == len(audits) == len(session.windows):
            median = median_rate_hz(known)
        else:
            lacking = len(session.windows) - len(known)
            of_all = counted(len(session.windows), "window")
            unknown.append(f"the median: {lacking} of {of_all} without a length by laps")
    if session.kind != "accuracy":
        unknown += [f"printed lengths: {session.no_lengths}"] if session.no_lengths else []
        unknown += [f"energy: {session.no_energy}"] if session.no_energy else []
        return Recomputed(median, _median_energy_uj(session), unknown=tuple(unknown))
    return _accuracy(session)


def _median_energy_uj(session: Session) -> float | None:
    if session.streaming is not None:
        return session.streaming.counted.energy_uj if session.streaming.counted is not None else None
    each_uj = [one.energy_per_inference_uj for one in session.windows]
    known = [one for one in each_uj if one is not None]
    return float(np.median(known)) if known and len(known) == len(each_uj) and not session.dropped_windows else None


def labelled_vectors(session: Session) -> tuple[Vectors, Classes]:
    """The result vectors of the inputs that name their class, float64 (N, 12), and these classes, int64 (N,)."""
    rows = [(class_of(window.input_name), window.probabilities) for window in session.timed]
    told = [(label, vector) for label, vector in rows if label is not None and vector and len(vector) == CLASSES]
    vectors = np.array([vector for _, vector in told], np.float64).reshape(len(told), CLASSES)
    return vectors, np.array([label for label, _ in told], np.int64)


def _accuracy(session: Session) -> Recomputed:
    vectors, labels = labelled_vectors(session)
    if session.dropped_windows:
        return Recomputed(unknown=("Top-1 and AUC: not all windows are kept",))
    if not len(labels):
        return Recomputed(unknown=("Top-1 and AUC: no window has a vector of 12 and an input that names its class",))
    share = top1_of(vectors, labels)
    form: AucForm = "normalised" if session.host == "mlcommons" else "thresholds"
    area = auc(labels, vectors, form)
    unknown = [] if area is not None else ["AUC: a class lacks an input, or a vector sums to 0 or has no numbers"]
    if lacking := len(session.windows) - len(labels):
        unknown.append(
            f"Top-1 and AUC of all {counted(len(session.windows), 'window')}: {lacking} without a vector, "
            "or an input that names its class"
        )
    return Recomputed(None, None, share, area, form, len(labels), tuple(unknown))


def differences(session: Session, audits: list[WindowAudit], figures: Recomputed) -> list[Finding]:
    """Printed figures that the raw lines do not give, to the printed digit."""
    windows = {window.number: (window, audit) for window, audit in zip(session.timed, audits, strict=True)}
    found: dict[str, list[tuple[Printed, str]]] = {}
    for printed in session.printed:
        if printed.window is None:
            spans = _whole_spans(printed.name, session, figures)
        else:
            known = windows.get(printed.window)
            spans = _window_spans(printed.name, session, *known) if known else []
        if spans and not any(_agrees(printed.text, span) for span in spans):
            expected = significant_text(sum(spans[0]) / 2, 6)
            found.setdefault(printed.name, []).append((printed, expected))
    foreign = foreign_results(session, {name: [row for row, _ in rows] for name, rows in found.items()})
    if foreign is not None:
        return [foreign]
    return [_finding(session, name, rows) for name, rows in found.items()]


def _finding(session: Session, name: str, rows: list[tuple[Printed, str]]) -> Finding:
    printed, expected = rows[0]
    where = f" of window {printed.window}" if printed.window is not None else ""
    more = f"; and {len(rows) - 1} more" if len(rows) > 1 else ""
    return Finding(
        rule="printed-differs",
        # The rate of a single inference is no figure of the benchmark.
        severity="note" if session.kind == "accuracy" and printed.window is not None else "error",
        text=f"the printed {NAMES[name]}{where} is {printed.text}, its raw lines give {expected}{more}",
        source=SOURCES["printed"],
        evidence=tuple(row.evidence for row, _ in rows[:5]),
        windows=tuple(dict.fromkeys(row.window for row, _ in rows if row.window is not None)),
    )


def _whole_spans(name: str, session: Session, figures: Recomputed) -> list[Span]:
    """What a figure of the session can be by the raw lines; none where not all windows have theirs."""
    whole = figures.vectors == len(session.windows)
    if name == "median_rate_hz" and session.no_lengths is None and figures.median_rate_hz is not None:
        return _median_spans(session, figures.median_rate_hz)
    if name == "median_energy_uj" and figures.median_energy_uj is not None:
        return [(figures.median_energy_uj, figures.median_energy_uj)]
    if name == "top1_percent" and figures.top1 is not None and whole:
        return [(100 * figures.top1, 100 * figures.top1)]
    if name == "auc" and figures.auc is not None and whole:
        return [(figures.auc, figures.auc)]
    return []


def _window_spans(name: str, session: Session, window: SessionWindow, audit: WindowAudit) -> list[Span]:
    """What a figure of a window can be: by the laps as they stand, and with a wrapped counter put right."""
    count = window.inferences
    power_mw = window.power_mw
    exact = {
        "inferences": count,
        "energy_per_inference_uj": window.energy_per_inference_uj,
        "energy_uj": window.energy_uj,
        "power_mw": power_mw,
        "power_uw": None if power_mw is None else 1000 * power_mw,
    }
    if name in exact:
        value = exact[name]
        return [] if value is None else [(value, value)]
    half = window.elapsed_slack_us
    lengths = [us for us in (window.elapsed_us, audit.elapsed_us) if us and session.no_lengths is None]
    if name == "runtime_s":
        return [((us - half) / 1e6, (us + half) / 1e6) for us in lengths]
    if name == "rate_hz" and count:
        ends = [(count * 1e6 / (us + half), count * 1e6 / (us - half)) for us in lengths if abs(us) > half]
        return [(min(pair), max(pair)) for pair in ends]
    return []


def _median_spans(session: Session, exact: float) -> list[Span]:
    """By the laps, a wrapped counter put right; and as they stand, as far as printed lengths allow."""
    rates = [(w.inferences, w.elapsed_us, w.elapsed_slack_us) for w in session.timed]
    if not all(count and us and abs(us) > slack for count, us, slack in rates):
        return [(exact, exact)]
    low = float(np.median([count * 1e6 / (us + slack) for count, us, slack in rates if count and us]))
    high = float(np.median([count * 1e6 / (us - slack) for count, us, slack in rates if count and us]))
    return [(exact, exact), (min(low, high), max(low, high))]


def _agrees(text: str, span: Span) -> bool:
    """Whether a value within the bounds reads so when it is rounded to as many digits."""
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        # NaN, or infinity.
        return False
    half = 0.5 * 10.0**exponent
    # The last digit may have been rounded half up or half to even, on a float either way.
    room = half * (1 + 1e-6) + 1e-9 * abs(float(value))
    return span[0] - room <= float(value) <= span[1] + room
