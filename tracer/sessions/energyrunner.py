"""energyrunner's ``log.txt``, and that of ``kws-trace host``: ``00019.937 dut: m-ready``."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tracer.figure_text import counted
from tracer.sessions import energyrunner_lines as forms
from tracer.sessions.energyrunner_lines import OpenWindow, host_length, lost_before_windows
from tracer.sessions.line_forms import ZEROS, LineForm, LineForms
from tracer.sessions.log_lines import Block, Line
from tracer.sessions.log_reader import LogReader, vector
from tracer.sessions.repeated_windows import RepeatedWindows
from tracer.sessions.session import Evidence, Irregularity, Kind, Lap, Session, SessionWindow

_IRREGULAR_KEPT = 1000


class EnergyrunnerReader(LogReader):
    """Reads energyrunner's log, whole or in part, with or without the host's own lines and times."""

    def __init__(self, path: Path, keep: int) -> None:
        super().__init__(path, keep, window_step=2, standard=forms.STANDARD)
        self._marks: list[Lap] = []
        self._restarts: set[int] = set()
        self._settings: dict[str, str] = {}
        self._preamble: Counter[str] = Counter()
        self._irregular: list[Irregularity] = []
        self._open: OpenWindow | None = None
        self._input: str | None = None
        self._stamp: float | None = None
        self._first_stamp: float | None = None
        self._quick_s: float | None = None
        self._round_trip_s = 0.0
        self._backwards: Evidence | None = None
        self._last_text = ""
        self._measured = 0
        self._in_windows = self._stopped = self._energy = self._loaded = self._repeats = self._settled = False
        self._told: str | None = None
        self._forms, self._repeated = LineForms(), RepeatedWindows()
        self._model: str | None = None
        self._device: str | None = None

    def _take_block(self, block: Block) -> None:
        texts = block.texts
        forms_of = list(map(self._forms.__getitem__, "\n".join(texts).translate(ZEROS).split("\n")))
        codes = "".join([form.code for form in forms_of])
        at = 0
        while at < len(texts):
            end = self._repeated.end(texts, codes, at, self._stamp) if self._settled else at
            if end > at:
                self._skip(texts[at:end], codes[at:end], forms_of[at:end])
            else:
                end = at + 1
                self._take(Line(block.number + at, texts[at]), forms_of[at])
            at = end

    def _skip(self, texts: list[str], codes: str, forms_of: list[LineForm]) -> None:
        """Whole windows, each like the one before, of which nothing but their count is kept."""
        results = codes.rindex(self._repeated.results)
        self._told = texts[results][forms_of[results].value]
        windows = codes.count(codes[-1])
        self._total += windows
        self._pattern.repeat(windows)
        self._last_text = texts[-1]
        self._stamp = float(texts[-1][: forms_of[-1].stamp])

    def _take(self, line: Line, form: LineForm) -> None:
        if self._settled:
            self._repeated.add(form, line.text)
        if not form.stamp:
            # A message of several lines: what the DUT said in it came with the stamp above.
            self._reply(form, line)
            return
        self._tell_time(float(line.text[: form.stamp]), line)
        if form.once and line.text == self._last_text:
            told = f"`{form.who}: {line.text[form.start :][:60]}`"
            self._add(Irregularity("duplicated", told, None, (self._evidence(line),)))
            return
        self._last_text = line.text
        if form.who in ("dut", "io"):
            self._energy = self._energy or form.who == "io"
            self._reply(form, line)
        elif form.who.startswith("ulp-"):
            self._summary.take(line.text[form.start :], self._evidence(line))
        else:
            self._host_line(form, line)

    def _tell_time(self, stamp: float, line: Line) -> None:
        if self._stamp is None:
            self._first_stamp = stamp
        elif stamp < self._stamp:
            if stamp < self._stamp - 43_200:
                # ``kws-trace host`` stamps the second of the day: midnight has passed.
                stamp += 86_400 * round((self._stamp - stamp) / 86_400)
            if stamp < self._stamp - 1.5 * forms.RESOLUTION_S and self._backwards is None:
                self._backwards = self._evidence(line)
        self._stamp = stamp

    def _host_line(self, form: LineForm, line: Line) -> None:
        if form.loads:
            self._begin_load(line)
            if form.input is not None:
                self._input = line.text[form.input]
        if form.marks:
            self._pattern.mark()
        if form.kind:
            self._pattern.count(form.kind)
            if not self._in_windows:
                self._preamble[re.sub(r"\[.*", "", form.kind)] += 1
        if form.command:
            self._command(form, line)
        elif form.fact:
            self._fact(line.text[form.start :])

    def _fact(self, text: str) -> None:
        if setting := forms.SETTING.match(text):
            self._settings[setting[1]] = setting[2]
        elif version := forms.VERSION.match(text):
            self._settings["version"] = version[1]
        elif text.startswith(("m-sequencer-stop", "m-session-stop")):
            self._stopped = True
        elif text.startswith("m-bmark-run-name["):
            self._energy = self._energy or "code[ulp-ml]" in text

    def _begin_load(self, line: Line) -> None:
        if self._open is not None and (self._open.laps or self._open.finished):
            # The next input is loaded: the window is over, though its `m-ready` is lost.
            self._close(line, complete=True)
        if not self._in_windows:
            self._in_windows = True
            self._pattern.begin()
            for kind in lost_before_windows(self._preamble):
                self._add(Irregularity("lost", f"`{kind}`", None, (self._evidence(line),)))
        self._loaded = True

    def _command(self, form: LineForm, line: Line) -> None:
        self._repeats = form.command == "results"
        if form.command == "infer":
            self._close(line, complete=True)
            self._in_windows = True
            self._pattern.mark()
            inferences, warmups = line.text[form.counts[0]], line.text[form.counts[1]]
            self._open = OpenWindow(self._input, begun_s=self._stamp, evidence=[self._evidence(line)])
            self._open.inferences = int(inferences) if inferences else None
            self._open.warmups = int(warmups) if warmups else None
        elif form.command == "quick":
            self._quick_s = self._stamp

    def _reply(self, form: LineForm, line: Line) -> None:
        if self._quick_s is not None and self._stamp is not None:
            self._round_trip_s = max(self._round_trip_s, self._stamp - self._quick_s)
            self._quick_s = None
        name, value = form.reply, line.text[form.value]
        if name == "init-done":
            self._restarts.add(len(self._marks))
        elif name == "model":
            self._model = value
        elif name == "name":
            self._device = value
        elif name:
            self._answer(name, value, line)

    def _answer(self, name: str, value: str, line: Line) -> None:
        window = self._window_of(name, value, line)
        if window is not None:
            self._pattern.count(f"m-{name}")
        if name == "lap-us":
            self._lap(int(value), line)
        elif window is None:
            return
        elif name == "warmup-start":
            window.warmups = int(value)
        elif name == "infer-start":
            window.inferences = int(value)
        elif name == "infer-done":
            window.finished = True
        elif name == "results":
            window.finished, window.told, self._told = True, value, value
            window.probabilities = vector(value) if self._has_room else None
        elif name == "ready":
            before = self._total
            self._close(line, complete=True)
            if self._settled:
                self._repeated.window(may_repeat=self._total > before and self._pattern.settled)
            # From here on a window changes nothing but counts.
            self._settled = self._total >= self._keep and len(self._marks) >= 3 * self._keep

    def _window_of(self, name: str, value: str, line: Line) -> OpenWindow | None:
        """The window that a reply is of: the open one, or one that begins with it."""
        if name == "results" and self._open is not None and self._open.told not in (None, value):
            self._close(line, complete=True)
        if self._open is None and self._opens(name, value):
            self._open = OpenWindow(self._input, evidence=[self._evidence(line)])
        return self._open

    def _opens(self, name: str, value: str) -> bool:
        """Whether a reply outside a window is of a window whose first lines are lost, or were never logged."""
        if name == "results":
            # The command `results` prints again what `infer` printed.
            return not self._repeats and (self._loaded or value != self._told)
        return name in ("warmup-start", "warmup-done", "infer-start", "infer-done")

    def _lap(self, value: int, line: Line) -> None:
        number = self._total + 1 if self._open is not None else None
        has_window = self._open is not None and len(self._open.laps) < 8
        if not has_window and len(self._marks) >= 3 * self._keep:
            return
        lap = Lap(value, self._stamp, self._evidence(line), number)
        if self._open is not None and has_window:
            self._open.laps.append(lap)
        if len(self._marks) < 3 * self._keep:
            self._marks.append(lap)

    def _close(self, line: Line, *, complete: bool) -> None:
        window, self._open, self._loaded = self._open, None, False
        if window is None:
            return
        if self._measures(window):
            self._measured += 1
            self._pattern.back()
            first = len(self._marks) - len(window.laps)
            self._marks[first:] = [replace(lap, window=None) for lap in self._marks[first:]]
            return
        self._total += 1
        if complete:
            self._pattern.end(self._total, window.evidence[0] if window.evidence else self._evidence(line))
        if len(self._windows) >= self._keep:
            return
        self._keep_window(
            SessionWindow(
                number=self._total,
                input_name=window.input_name,
                inferences=window.inferences,
                warmups=window.warmups,
                laps=tuple(window.laps),
                probabilities=window.probabilities,
                host=host_length(window, self._round_trip_s),
                evidence=tuple(window.evidence),
                complete=complete or len(window.laps) == 2,
            )
        )

    def _measures(self, window: OpenWindow) -> bool:
        """Whether ``kws-trace host`` measured by this how many inferences a window takes."""
        performance = forms.MODES.get(self._settings.get("runMode", "")) == "performance"
        return performance and window.inferences == 1 and self._settings.get("iterInfer") != "1"

    def _add(self, irregularity: Irregularity) -> None:
        if len(self._irregular) < _IRREGULAR_KEPT:
            self._irregular.append(irregularity)

    def _finish(self) -> Session:
        self._close(Line(0, ""), complete=False)
        mode = self._settings.get("runMode")
        return Session(
            path=self._path,
            host="energyrunner",
            kind=self._kind(mode),
            mode=mode,
            windows=tuple(self._windows),
            model=self._model or self._settings.get("model"),
            device=self._device,
            runner_version=self._settings.get("version"),
            marks=tuple(self._marks),
            restarts=frozenset(self._restarts),
            irregular=tuple(self._irregular),
            resolution_s=forms.RESOLUTION_S,
            latency_s=max(self._round_trip_s, forms.LEAST_LATENCY_S),
            no_host_times=self._no_times(),
            complete=self._stopped,
            notes=(f"{counted(self._measured, 'time')} the host measured by one inference how many a window takes",)
            if self._measured
            else (),
        )

    def _kind(self, mode: str | None) -> Kind:
        if self._energy:
            return "energy"
        if mode in forms.MODES:
            return forms.MODES[mode]
        counts = {window.inferences for window in self._windows}
        # Where the lines that tell a count are lost, a vector each is left.
        told = bool(counts) and counts <= {1, None} and all(one.probabilities for one in self._windows)
        return "accuracy" if counts == {1} or told else "performance"

    def _no_times(self) -> str | None:
        if self._backwards is not None:
            return f"the log's own times go back at line {self._backwards.line}"
        if self._stamp is None or self._stamp == self._first_stamp:
            return "all lines of the log bear the same time"
        return None
