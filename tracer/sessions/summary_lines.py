"""The figures that a runner prints, in both runners' words: windows, the median, Top-1 and AUC."""

from __future__ import annotations

import re

from tracer.sessions.session import Evidence, Irregularity, Printed, PrintedName, PrintedRequirement

_NUMBER = r"(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|NaN|nan|-?Infinity|-?inf)"
_HEAD = re.compile(r"Performance results for window (\d{1,20}):?$")
_ROWS: tuple[tuple[PrintedName, re.Pattern[str]], ...] = (
    ("inferences", re.compile(r"\s*# Inferences\s*:\s*(\d+)$")),
    ("runtime_s", re.compile(rf"\s*Runtime\s*:\s*{_NUMBER} sec\.$")),
    ("rate_hz", re.compile(rf"\s*Throughput\s*:\s*{_NUMBER} inf\./sec\.$")),
)
_ENERGY_HEAD = re.compile(r"Energy data for (window|trial) (\d{1,20})\b")
_ENERGY_ROWS: tuple[tuple[PrintedName, re.Pattern[str]], ...] = (
    ("energy_per_inference_uj", re.compile(rf"\s*Energy/Inf\.?\s*:\s*{_NUMBER} uJ/inf\.?$")),
    ("energy_uj", re.compile(rf"\s*(?:Total )?Energy\s*:\s*{_NUMBER} uJ$")),
    ("power_uw", re.compile(rf"\s*Power\s*:\s*{_NUMBER} uW$")),
    ("power_mw", re.compile(rf"\s*Power\s*:\s*{_NUMBER} mW\.?$")),
)
_MET = re.compile(r"\s*Runtime requirements have been met\.$")
_NOT_MET = re.compile(r"\s*(?:e-\[The run must take at least .*\]|Runtime requirements have NOT been met.*)$")
_SESSION_ROWS: tuple[tuple[PrintedName, re.Pattern[str]], ...] = (
    ("median_rate_hz", re.compile(rf"Median throughput is\s+{_NUMBER} inf\./sec\.$")),
    ("median_energy_uj", re.compile(rf"Median energy cost is\s+{_NUMBER} uJ/inf\.$")),
    ("top1_percent", re.compile(rf"(?:Top-1:|Top 1% =)\s*{_NUMBER}%?$")),
    ("auc", re.compile(rf"AUC\s?[:=]\s*{_NUMBER}$")),
)


class SummaryLines:
    """
    Takes the text of line after line, gives what was printed; of rows and verdicts ``keep`` are kept.

    ``window_step`` is what the runner adds to a window's number from one to the next (energyrunner counts laps: 2).
    """

    def __init__(self, window_step: int, keep: int) -> None:
        self._step, self._keep = window_step, keep
        self._window: int | None = None
        self._rows: dict[str, Evidence] = {}
        self._judged = False
        self._energy_window: int | None = None
        self.printed: list[Printed] = []
        self.verdicts: list[PrintedRequirement] = []
        self.irregular: list[Irregularity] = []
        self.errors: list[Evidence] = []

    def take(self, text: str, evidence: Evidence) -> None:
        """A line; one that is not of a summary is passed over."""
        if head := _HEAD.match(text):
            self._begin(max(1, int(head[1]) // self._step), headed=True)
        elif (met := bool(_MET.match(text))) or _NOT_MET.match(text):
            if self._judged:
                self._begin((self._window or 0) + 1, headed=False)
            self._judged = True
            if len(self.verdicts) < self._keep:
                self.verdicts.append(PrintedRequirement(self._window, met, evidence))
        elif energy := _ENERGY_HEAD.match(text):
            # energyrunner counts pulses from 2, the MLCommons runner its windows from 0.
            self._energy_window = int(energy[2]) // self._step if energy[1] == "window" else int(energy[2]) + 1
        elif text.startswith("Cannot compute accuracy"):
            self.close()
        elif re.match(r"ERROR[ :]", text):
            self.errors.append(evidence)
        else:
            self._take_row(text, evidence)

    def _take_row(self, text: str, evidence: Evidence) -> None:
        if self._energy_window is not None:
            for name, pattern in _ENERGY_ROWS:
                if (row := pattern.match(text)) and len(self.printed) < self._keep:
                    self.printed.append(Printed(name, row[1], evidence, self._energy_window))
                    return
        for name, pattern in _ROWS:
            if row := pattern.match(text):
                self._row(name, row[1], evidence)
                return
        for name, pattern in _SESSION_ROWS:
            if row := pattern.match(text):
                self.close()
                self.printed.append(Printed(name, row[1], evidence))
                return

    def close(self) -> None:
        """End the block of a window: a row that it lacks was lost, provided that a later line followed."""
        if self._window is not None and self._rows:
            lacking = [name for name, _ in _ROWS if name not in self._rows]
            if lacking:
                self._lost(f"the printed {', '.join(lacking)} of a window", tuple(self._rows.values()))
        self._window, self._rows, self._judged = None, {}, False

    def _begin(self, window: int, *, headed: bool) -> None:
        last = tuple(self._rows.values())
        self.close()
        self._window = window
        if not headed:
            self._lost("the heading of a printed window", last)

    def _row(self, name: PrintedName, value: str, evidence: Evidence) -> None:
        if self._window is None or name in self._rows:
            self._begin((self._window or 0) + 1, headed=False)
        self._rows[name] = evidence
        if len(self.printed) < self._keep:
            self.printed.append(Printed(name, value, evidence, self._window))

    def _lost(self, what: str, evidence: tuple[Evidence, ...]) -> None:
        if len(self.irregular) < self._keep:
            self.irregular.append(Irregularity("lost", what, self._window, evidence))
