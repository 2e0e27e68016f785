"""The MLCommons runner's ``log.txt``: ``0726.010150 ulp-mlperf: Load complete.``, as its ``script.py`` prints it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from tracer.sessions.log_lines import Block, Line
from tracer.sessions.log_reader import LogReader, vector
from tracer.sessions.session import Evidence, HostLength, Kind, Session, SessionWindow
from tracer.sessions.streaming import StreamingLines

STAMPED = re.compile(r"(\d{4}\.\d{6}) (ulp-mlperf): (.*)$", re.DOTALL)
FIRST = re.compile(
    r"Logging initialized\. Writing output to |Initializing SerialDevice on port|Retrieving name from DUT"
)
_LOADING = re.compile(r"Loading file (.+?)(?: segment \d+)?$")
_RUNNING = re.compile(r"Running inference with (\d{1,20})/(\d{1,20}) \(warmup/measured\) iterations")
_RESULTS = re.compile(r"\s*m-results\s*: \[(.*)\]$")
LOOSE = re.compile(rf"{_LOADING.pattern}|{_RESULTS.pattern}")
"""What a log without the runner's stamps still tells of a window's input and its result."""
_ABOUT = re.compile(r"Device (name|model) retrieved: (.*)$")
_ELAPSED = re.compile(r"\s*Elapsed time\s*: (\d+(?:\.\d+)?)(?:  <<<< below minimum duration)?$")
RESOLUTION_S = 1.0
_OVERHEAD_S = 0.5
_LONGEST_S = 1800.0


@dataclass
class _Open:
    """A window that is being told."""

    input_name: str | None
    evidence: list[Evidence]
    loaded_s: float | None = None
    told_s: float | None = None
    inferences: int | None = None
    warmups: int | None = None
    runtime_us: float | None = None
    probabilities: tuple[float, ...] | None = None


class MlcommonsReader(LogReader):
    """Reads the MLCommons runner's log, whole or in part."""

    def __init__(self, path: Path, keep: int) -> None:
        super().__init__(path, keep, window_step=1, standard={})
        self._open: _Open | None = None
        self._streaming = StreamingLines()
        self._about: dict[str, str] = {}
        self._elapsed: list[float] = []
        self._energy = self._saved = self._accuracy = False
        self._nameless = False
        self._last_s: float | None = None

    def _take_block(self, block: Block) -> None:
        for line in block.lines:
            self._take(line)

    def _take(self, line: Line) -> None:
        evidence = self._evidence(line)
        if stamped := STAMPED.match(line.text):
            self._stamped(self._time(stamped[1]), stamped[3], evidence)
        elif LOOSE.match(line.text):
            self._stamped(None, line.text, evidence)
        else:
            self._unstamped(line.text, evidence)

    def _unstamped(self, text: str, evidence: Evidence) -> None:
        if running := _RUNNING.match(text):
            if self._open is not None:
                self._open.warmups, self._open.inferences = int(running[1]), int(running[2])
                self._open.evidence.append(evidence)
                self._pattern.count("Running inference")
        elif about := _ABOUT.match(text):
            self._about[about[1]] = about[2]
        elif text.startswith("Session logged in file"):
            self._saved = True
        elif text.startswith("WARNING: Failed to get name"):
            self._nameless = True
        elif text.startswith(("Power Edition Output", "Captured samples:", "Energy data for trial")):
            self._energy = True
            self._summary.take(text, evidence)
        elif elapsed := _ELAPSED.match(text):
            self._elapsed.append(float(elapsed[1]) * 1e6)
        elif self._streaming.take(text, evidence):
            pass
        elif text.startswith("--------------------"):
            self._close()
        else:
            self._summary.take(text, evidence)

    def _stamped(self, at_s: float | None, text: str, evidence: Evidence) -> None:
        if loading := _LOADING.match(text):
            self._close()
            self._open = _Open(loading[1], [evidence])
            self._pattern.count("Loading file")
            return
        window = self._open
        if text == "Load complete." and (window is None or window.runtime_us is not None):
            # The line that names the file is lost.
            self._close()
            window = self._open = _Open(None, [evidence])
        if window is not None:
            self._pattern.count(re.split("[0-9:]", text.strip(), maxsplit=1)[0].strip())
        if text == "Load complete." and window is not None:
            window.loaded_s = at_s
            window.evidence = [evidence]
        elif results := _RESULTS.match(text):
            # A log that begins in the middle of a window has not told of it before.
            window = self._open = window or _Open(None, [evidence])
            # An empty one still tells that the window is told to its end.
            window.probabilities = vector(results[1]) if self._has_room else ()
        else:
            before = len(self._summary.printed)
            self._summary.take(text, evidence)
            for row in self._summary.printed[before:]:
                if row.name == "runtime_s" and window is not None and window.runtime_us is None:
                    window.told_s, window.runtime_us = at_s, float(row.text) * 1e6
                    window.evidence.append(evidence)
                self._accuracy = self._accuracy or row.name in ("top1_percent", "auc")

    def _time(self, text: str) -> float | None:
        """Seconds of a leap year; the log has no year, and a session may pass into the next."""
        try:
            at_s = datetime.strptime("2024" + text, "%Y%m%d.%H%M%S").replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            return None
        if self._last_s is not None and at_s < self._last_s - 300 * 86_400:
            at_s += 366 * 86_400
        self._last_s = at_s
        return at_s

    def _close(self) -> None:
        window, self._open = self._open, None
        if window is None:
            return
        self._total += 1
        self._pattern.end(self._total, window.evidence[0])
        self._keep_window(
            SessionWindow(
                number=self._total,
                input_name=window.input_name,
                inferences=window.inferences,
                warmups=window.warmups,
                runtime_us=window.runtime_us,
                slack_us=500.0,
                host=_length(window, first=self._total == 1),
                probabilities=window.probabilities,
                evidence=tuple(window.evidence),
                complete=window.runtime_us is not None or self._energy,
                told_s=window.told_s,
            )
        )

    def _finish(self) -> Session:
        self._close_last()
        return Session(
            path=self._path,
            host="mlcommons",
            kind=self._kind(),
            mode=None,
            windows=tuple(self._with_elapsed()),
            model=self._about.get("model"),
            device=self._about.get("name"),
            streaming=self._streaming.streaming(self._about.get("model")),
            resolution_s=RESOLUTION_S,
            latency_s=_OVERHEAD_S,
            no_host_times=None if self._last_s is not None else "no line of the log bears a time",
            complete=self._saved,
            notes=("the runner never got the DUT's name",) if self._nameless and "name" not in self._about else (),
        )

    def _close_last(self) -> None:
        """The window at the end of the file: it counts as told only where its length was printed."""
        window = self._open
        if window is not None and window.probabilities is None:
            self._pattern.begin()
            self._open = None
            self._total += 1
            facts = (window.input_name, window.inferences, window.warmups)
            self._keep_window(SessionWindow(self._total, *facts, complete=False))
        self._close()

    def _with_elapsed(self) -> list[SessionWindow]:
        """Windows of an energy session have the length that the energy monitor's samples gave."""
        if not self._elapsed or len(self._elapsed) != len(self._windows):
            return self._windows
        return [
            replace(window, runtime_us=elapsed, slack_us=1000.0, host=None, complete=True)
            for window, elapsed in zip(self._windows, self._elapsed, strict=True)
        ]

    def _kind(self) -> Kind:
        if self._energy:
            return "energy"
        single = {window.inferences for window in self._windows if window.complete} == {1}
        return "accuracy" if self._accuracy or single else "performance"


def _length(window: _Open, *, first: bool) -> HostLength | None:
    """
    Bounds of the window by the host, whose times are whole seconds, cut off.

    The window lies between `Load complete` and its printed results, behind its warm-ups; those of the first window
    may take any time (a runtime prepares itself), those of later windows are taken to last as the timed ones do.
    """
    if window.loaded_s is None or window.told_s is None or window.runtime_us is None:
        return None
    length = window.told_s - window.loaded_s
    if not 0 <= length < _LONGEST_S:
        return None
    high = length + RESOLUTION_S
    each_s = window.runtime_us / 1e6 / window.inferences if window.inferences else 0.0
    warmups_s = 2 * each_s * (window.warmups or 0)
    low = 0.0 if first else max(0.0, length - RESOLUTION_S - warmups_s - _OVERHEAD_S)
    return HostLength(None, min(low, high), high)
