"""energyrunner's ``log.txt``, and that of ``kws-trace host``: ``00019.937 dut: m-ready``."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tracer.sessions import energyrunner_lines as forms
from tracer.sessions.energyrunner_lines import OpenWindow, host_length, lost_before_windows
from tracer.sessions.log_lines import Line
from tracer.sessions.log_reader import LogReader, vector
from tracer.sessions.session import Evidence, Irregularity, Kind, Lap, Session, SessionWindow

_IRREGULAR_KEPT = 1000
_MEASURED = "times the host measured by one inference how many a window takes"


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
        self._in_windows = self._stopped = self._energy = self._loaded = self._repeats = False
        self._told: str | None = None
        self._model: str | None = None
        self._device: str | None = None

    def _take(self, line: Line) -> None:
        stamped = forms.STAMPED.match(line.text)
        if stamped is None:
            # A message of several lines: what the DUT said in it came with the stamp above.
            self._reply("dut", line.text, line)
            return
        stamp, who, text = stamped.groups()
        self._tell_time(float(stamp), line)
        if line.text == self._last_text and self._tells(who, text):
            self._add(Irregularity("duplicated", f"`{who}: {text[:60]}`", None, (self._evidence(line),)))
            return
        self._last_text = line.text
        if who in ("dut", "io"):
            self._energy = self._energy or who == "io"
            self._reply(who, text, line)
        elif who.startswith("ulp-"):
            self._summary.take(text, self._evidence(line))
        else:
            self._host_line(who, text, line)

    def _tells(self, who: str, text: str) -> bool:
        """Whether a line that stands twice in a row is one that cannot: not chatter, and no lap of a fast window."""
        if who in ("dut", "io"):
            reply = forms.REPLY.search(text)
            return reply is not None and "m-lap-us" not in reply[0]
        return who in ("parser", "sequencer", "session") or who.startswith("ulp-")

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

    def _host_line(self, who: str, text: str, line: Line) -> None:
        # A log of 100 MB has two million lines: what can be told without a pattern is.
        command = forms.COMMAND.match(text) if 'Command "' in text else None
        if "command[bload" in text or (command is not None and command[1].startswith("bload")):
            self._begin_load(line)
            if load := forms.LOAD.search(text):
                self._input = load[1]
        if "dut infer" in text and ("command[dut infer" in text or "command[io dut infer" in text):
            self._pattern.mark()
        if who in ("sequencer", "parser"):
            varies = forms.VARIES.search(text)
            kind = f"{who}: {text if varies is None else text[: varies.start()]}"
            self._pattern.count(kind)
            if not self._in_windows:
                self._preamble[re.sub(r"\[.*", "", kind)] += 1
        if command:
            self._command(command[1], line)
        elif text.startswith("m-") and not text.startswith(("m-sequencing", "m-ready")):
            self._fact(text)

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

    def _command(self, command: str, line: Line) -> None:
        self._repeats = forms.RESULTS.match(command) is not None
        if infer := forms.INFER.match(command):
            self._close(line, complete=True)
            self._in_windows = True
            self._pattern.mark()
            self._open = OpenWindow(self._input, begun_s=self._stamp, evidence=[self._evidence(line)])
            self._open.inferences = int(infer[1]) if infer[1] else None
            self._open.warmups = int(infer[2]) if infer[2] else None
        elif forms.QUICK.match(command):
            self._quick_s = self._stamp

    def _reply(self, who: str, text: str, line: Line) -> None:
        if self._quick_s is not None and self._stamp is not None:
            self._round_trip_s = max(self._round_trip_s, self._stamp - self._quick_s)
            self._quick_s = None
        reply = forms.REPLY.search(text) if "m-" in text else None
        if reply is None or reply.lastindex is None:
            return
        last = reply.lastindex
        name, values = (reply[last - 1], [reply[last]]) if last in forms.VALUED else (reply[last], [])
        if name == "ready" and who == "io" and not text.startswith("[dut]:"):
            return
        if name == "init-done":
            self._restarts.add(len(self._marks))
        elif name == "model":
            self._model = values[0]
        elif name == "name":
            self._device = values[0]
        else:
            self._answer(name, values, line)

    def _answer(self, name: str, values: list[str], line: Line) -> None:
        window = self._window_of(name, values, line)
        if window is not None:
            self._pattern.count(f"m-{name}")
        if name == "lap-us":
            self._lap(int(values[0]), line)
        elif window is None:
            return
        elif name == "warmup-start":
            window.warmups = int(values[0])
        elif name == "infer-start":
            window.inferences = int(values[0])
        elif name == "infer-done":
            window.finished = True
        elif name == "results":
            window.finished, window.told, self._told = True, values[0], values[0]
            window.probabilities = vector(values[0]) if self._has_room else None
        elif name == "ready":
            self._close(line, complete=True)

    def _window_of(self, name: str, values: list[str], line: Line) -> OpenWindow | None:
        """The window that a reply is of: the open one, or one that begins with it."""
        if name == "results" and self._open is not None and self._open.told not in (None, values[0]):
            self._close(line, complete=True)
        if self._open is None and self._opens(name, values):
            self._open = OpenWindow(self._input, evidence=[self._evidence(line)])
        return self._open

    def _opens(self, name: str, values: list[str]) -> bool:
        """Whether a reply outside a window is of a window whose first lines are lost, or were never logged."""
        if name == "results":
            # The command `results` prints again what `infer` printed.
            return not self._repeats and (self._loaded or values[0] != self._told)
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
            notes=(f"{self._measured} {_MEASURED}",) if self._measured else (),
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
