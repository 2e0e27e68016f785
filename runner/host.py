"""What a host of the benchmark does: handshake, load, infer; over any line, in the manner of energyrunner."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from runner.dataset import Dataset
from runner.link import Link
from tracer.errors import KwsTraceError

BYTES_A_COMMAND = 30
"""energyrunner keeps a command within 64 characters: 17 commands, with ``db load``'s own, fill 490 bytes."""

MINIMUM_S = 10.0
_LAP = re.compile(r"m-lap-us-(\d+)\Z")
_RESULTS = re.compile(r"m-results-\[([^\]]*)\]\Z")


class SilentDutError(KwsTraceError):
    """The DUT does not answer."""

    def __init__(self, command: str, seconds: float, *, answered_before: bool) -> None:
        remedy = "is `kws-trace run` ready on the other end, at the same baud, with no other program on the port?"
        super().__init__(f"no m-ready within {seconds:g} s of `{command}`; {remedy}")
        self.exit_code = 1 if answered_before else 2


class RefusedError(KwsTraceError):
    """The DUT answered with an error."""

    exit_code = 1

    def __init__(self, command: str, line: str) -> None:
        super().__init__(f"the DUT refused `{command}`: {line}")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply line and when it arrived, in seconds of the host's clock."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class WindowOutcome:
    """One window as the host saw it: laps in microseconds by the DUT, wall time in seconds by the host."""

    inferences: int
    lap_us: int
    wall_s: float
    probabilities: NDArray[np.float64]

    @property
    def rate_hz(self) -> float:
        """Inferences per second by the DUT's laps, as the benchmark counts."""
        return self.inferences * 1e6 / self.lap_us if self.lap_us else float("nan")

    @property
    def met(self) -> bool:
        """Whether the window lasted the 10 s that the benchmark asks for, by the laps."""
        return self.lap_us >= MINIMUM_S * 1e6

    @property
    def clocks_differ(self) -> bool:
        """Whether laps and host differ by more than 1 %, and by more than a line's latency explains."""
        difference = abs(self.lap_us / 1e6 - self.wall_s)
        return difference > 0.01 * self.wall_s and difference > 0.02


@dataclass(frozen=True, slots=True)
class PerformancePlan:
    """
    How long a performance window is.

    ``inferences`` fixes N; otherwise N is measured so that a window lasts ``seconds`` of wall time.
    """

    seconds: float = 11.0
    inferences: int | None = None
    warmups: int = 10
    windows: int = 5


@dataclass
class PerformanceOutcome:
    """The windows, and the median of their rates."""

    windows: list[WindowOutcome] = field(default_factory=list)

    @property
    def median_rate_hz(self) -> float:
        """The benchmark's figure."""
        return float(np.median([window.rate_hz for window in self.windows]))


@dataclass
class AccuracyOutcome:
    """Output vectors in the order of the dataset, and its classes."""

    labels: NDArray[np.int64]
    vectors: list[NDArray[np.float64]] = field(default_factory=list)


Listener = Callable[[str, str], None]


class HostSession:
    """
    A conversation with a DUT.

    Args:
        link: the host's end of the line.
        listener: told who said what (``sequencer``, ``parser``, ``dut``): the log.
        clock: seconds; tests give their own.
    """

    def __init__(
        self, link: Link, listener: Listener | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._link, self._listen, self._clock = link, listener or _say_nothing, clock
        self._rest = b""
        self._answered = False
        self._step = 0
        self.name = ""

    def handshake(self) -> None:
        """Ask for name and profile; what a DUT said at its boot is passed over."""
        for command in ("name", "profile", "timestamp"):
            for reply in self.command(command):
                if match := re.match(r"m-name-dut-\[(.*)\]", reply.text):
                    self.name = match[1]

    def command(self, text: str, timeout_s: float = 10.0) -> list[Reply]:
        """
        Send one command and take its reply lines, without the last ``m-ready``.

        Raises:
            SilentDutError: if no ``m-ready`` comes within ``timeout_s`` of the last line.
            RefusedError: if a line is an error.
        """
        self._step += 1
        self._listen("sequencer", f"m-sequencing-i[{self._step}]-command[dut {text}]-ack[/dut.?: m-ready/]-ms[-1]")
        self._listen("parser", f'Command "dut {text}"')
        self._listen("parser", "m-ready-finished[dut]")
        return self._exchange(text, timeout_s, mute=False)

    def load(self, data: bytes, name: str = "input") -> None:
        """Load one input, each command acknowledged."""
        self._step += 1
        self._listen("sequencer", f'm-sequencing-i[{self._step}]-command[bload dut "{name}"]-ack[/parser: m-ready/]')
        self._listen("parser", f'Command "bload dut "{name}""')
        self._listen("parser", f"File size is {len(data)}, loading...")
        self._listen("parser", "Starting at byte offset 0")
        self._listen("parser", f"Sending {len(data)} bytes")
        self._listen("parser", "m-mute-target[dut]")
        began = self._clock()
        self._exchange(f"db load {len(data)}", 10.0, mute=True)
        last: list[Reply] = []
        for start in range(0, len(data), BYTES_A_COMMAND):
            last = self._exchange("db " + data[start : start + BYTES_A_COMMAND].hex(), 10.0, mute=True)
        took = max(self._clock() - began, 1e-6)
        self._listen("parser", "m-unmute-target[dut]")
        self._listen("parser", f"Binary load took {took:.3f} sec, or {len(data) / took / 1000:.3f} kB/sec")
        if not any(reply.text == "m-load-done" for reply in last):
            raise RefusedError("db", "no m-load-done after the last byte: bytes were lost")
        self._listen("parser", "m-bload-done")
        self._listen("parser", "m-ready-finished[bload]")

    def infer(self, inferences: int, warmups: int) -> WindowOutcome:
        """Run one window."""
        # The longest silence is the window itself; a Jetson's first one may take half a minute.
        command = f"infer {inferences} {warmups}"
        replies = self.command(command, timeout_s=300.0)
        laps = [(reply.at_s, int(match[1])) for reply in replies if (match := _LAP.match(reply.text))]
        vectors = [match[1] for reply in replies if (match := _RESULTS.match(reply.text))]
        if len(laps) != 2 or not vectors:
            raise RefusedError(command, f"{len(laps)} laps and {len(vectors)} results instead of 2 and 1")
        values = np.array([float(value) for value in vectors[-1].split(",")])
        return WindowOutcome(inferences, laps[1][1] - laps[0][1], laps[1][0] - laps[0][0], values)

    def time_warmups(self, count: int) -> float:
        """Seconds of ``count`` warm-ups, by the host's clock."""
        replies = self.command(f"infer 1 {count}", timeout_s=300.0)
        at = {reply.text.rsplit("-", 1)[0] if "start" in reply.text else reply.text: reply.at_s for reply in replies}
        return at["m-warmup-done"] - at["m-warmup-start"]

    def _exchange(self, text: str, timeout_s: float, *, mute: bool) -> list[Reply]:
        self._link.write(f"{text}%".encode())
        replies: list[Reply] = []
        while True:
            for reply in self._lines(text, timeout_s):
                if not mute:
                    self._listen("dut", reply.text)
                if reply.text == "m-ready":
                    self._answered = True
                    return replies
                if reply.text.startswith("e-["):
                    raise RefusedError(text, reply.text)
                replies.append(reply)

    def _lines(self, command: str, timeout_s: float) -> list[Reply]:
        data = self._link.read(timeout_s)
        at_s = self._clock()
        if not data:
            raise SilentDutError(command, timeout_s, answered_before=self._answered)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [Reply(at_s, line.decode("ascii", "replace").strip("\r\0")) for line in lines]


def _say_nothing(_who: str, _text: str) -> None:
    return None


def run_performance(
    session: HostSession, dataset: Dataset, plan: PerformancePlan, progress: Callable[[], None] = lambda: None
) -> PerformanceOutcome:
    """
    Five inputs, one window each.

    Raises:
        KwsTraceError: if the DUT stops answering.
    """
    outcome = PerformanceOutcome()
    count = plan.inferences
    for number in range(plan.windows):
        index = number % len(dataset.names)
        session.load(dataset.input(index), dataset.names[index])
        if count is None:
            count = measure_inferences(session, plan)
        outcome.windows.append(session.infer(count, plan.warmups))
        progress()
    return outcome


def measure_inferences(session: HostSession, plan: PerformancePlan) -> int:
    """
    N for windows of ``plan.seconds``, from warm-ups that grow to a tenth of it.

    Warm-ups before a single inference are timed by their lines' arrival, so that the DUT's record holds no
    performance window but the five of the benchmark.
    """
    count = 10
    while True:
        seconds = max(session.time_warmups(count), 1e-6)
        if seconds >= min(plan.seconds / 10, 1.0):
            return max(2, round(count * plan.seconds / seconds))
        count = max(2 * count, min(round(count * plan.seconds / 8 / seconds), 100 * count))


def run_accuracy(
    session: HostSession, dataset: Dataset, progress: Callable[[], None] = lambda: None
) -> AccuracyOutcome:
    """
    Each input once.

    Raises:
        KwsTraceError: if the DUT stops answering.
    """
    outcome = AccuracyOutcome(dataset.labels)
    for index, name in enumerate(dataset.names):
        session.load(dataset.input(index), name)
        outcome.vectors.append(session.infer(1, 0).probabilities)
        progress()
    return outcome
