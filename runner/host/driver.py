"""What a host of the benchmark does: handshake, load, infer; over any line, in the manner of energyrunner."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import numpy as np

from runner.host.outcomes import RefusedError, Reply, WindowOutcome
from runner.line.link import Link
from runner.line.port_errors import WriteTimeoutError
from runner.line.protocol import MAX_WINDOW_S, MODEL
from tracer.errors import DutError

BYTES_A_COMMAND = 30
"""energyrunner keeps a command within 64 characters: 17 commands, with ``db load``'s own, fill 490 bytes."""

SHORTEST_S = 0.001
"""Of warm-ups that were measured: below, the line was measured and not they."""

FASTEST_S = 1e-6
"""No inference is quicker."""

_LAP = re.compile(r"m-lap-us-(\d+)\Z")
_NAME = re.compile(r"m-name-dut-\[(.*)\]")
_MODEL = re.compile(r"m-model-\[(.*)\]")
_RESULTS = re.compile(r"m-results-\[([^\]]*)\]\Z")


Listener = Callable[[str, str], None]


class HostSession:
    """
    A conversation with a DUT.

    ``listener`` is told who said what (``sequencer``, ``parser``, ``dut``): the log. ``clock`` gives seconds.
    ``windows`` are those that were measured.
    """

    def __init__(
        self, link: Link, listener: Listener | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._link, self._listen, self._clock = link, listener or (lambda *_: None), clock
        self._rest = b""
        self._answered = False
        self._step = 0
        self._limits_ms = 0
        self._latency_s: float | None = None
        self._sent_s = 0.0
        self._input_name = ""
        self.name = ""
        self.windows: list[WindowOutcome] = []

    def handshake(self) -> None:
        """
        Ask for name, profile and timestamp.

        What a DUT says at its boot, which ends in an ``m-ready`` too, is passed over; so is one error, the
        answer to half a command that an earlier host left behind.

        Raises:
            DutError: if nothing answers, or what answers runs another model or is in energy mode.
        """
        try:
            replies = self._exchange("name", 10.0, mute=True)
        except RefusedError:
            replies = []
        for _ in range(3):
            names = [match[1] for reply in replies if (match := _NAME.match(reply.text))]
            if names:
                self.name = names[0]
                break
            self._answered = False
            replies = self._exchange("name", 10.0, mute=True)
        self._drain()
        for reply in self.command("profile"):
            if (match := _MODEL.match(reply.text)) and match[1] != MODEL:
                raise DutError(
                    f"{self.name}: the DUT runs the model {match[1]} and this host drives {MODEL}, keyword spotting; "
                    f"start a DUT of {MODEL}, or drive this one with its own benchmark"
                )
        if not any(_LAP.match(reply.text) for reply in self.command("timestamp")):
            raise DutError(
                f"{self.name}: the DUT is in energy mode, it marks time by pulses on a pin, and this host has no "
                "energy monitor to take them; start the DUT without --energy, or drive it with energyrunner or the "
                "MLCommons runner"
            )

    def _drain(self) -> None:
        while self._link.read(0.05):
            pass
        self._rest = b""

    def command(self, text: str, timeout_s: float = 10.0) -> list[Reply]:
        """
        Send one command and take its reply lines, without the last ``m-ready``.

        Raises:
            DutError: if no ``m-ready`` comes within ``timeout_s`` of the last line.
            RefusedError: if a line is an error.
        """
        infer = text.startswith("infer")
        self._sequence(f"dut {text}", "/dut.?: m-ready/" if infer else "/dut: m-ready/", None if infer else timeout_s)
        self._listen("parser", "m-ready-finished[dut]")
        return self._exchange(text, timeout_s, mute=False)

    def describe(self, version: str, settings: dict[str, str]) -> None:
        """Log who drives and with which settings, as energyrunner does before its first command to the DUT."""
        self._sequence("version", "/parser: m-ready/", 10.0)
        self._listen("parser", f"m-version[{version}]")
        self._listen("parser", "m-ready-finished[version]")
        self._sequence("bm cfg ulp-mlperf", "/parser: m-ready/", 10.0)
        for key, value in settings.items():
            self._listen("parser", f"m-bm-cfg-name[ulp-mlperf]-key[{key}]-val[{value}]")
        self._listen("parser", "m-ready-finished[bm]")

    def _sequence(self, command: str, acknowledgement: str, limit_s: float | None) -> None:
        """Log the next step; ``acc`` and ``total_ms`` are the limits so far: the steps to come are open."""
        self._step += 1
        limit_ms = -1 if limit_s is None else round(limit_s * 1000)
        self._listen(
            "sequencer",
            f"m-sequencing-i[{self._step}]-command[{command}]-ack[{acknowledgement}]-ms[{limit_ms}]"
            f"-acc[{self._limits_ms}]-total_ms[{self._limits_ms + limit_ms}]",
        )
        self._limits_ms += limit_ms
        self._listen("parser", f'Command "{command}"')

    def load(self, data: bytes, name: str = "input") -> None:
        """Load one input, each command acknowledged."""
        self._input_name = name
        self._sequence(f'bload dut "{name}"', "/parser: m-ready/", 10.0)
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
            raise RefusedError(
                "db", f"no m-load-done after the last of {len(data)} bytes: some were lost on the line"
            )
        self._listen("parser", "m-bload-done")
        self._listen("parser", "m-ready-finished[bload]")

    def infer(self, inferences: int, warmups: int) -> WindowOutcome:
        """Run one window; the DUT has ``silence_limit_s`` for it."""
        command = f"infer {inferences} {warmups}"
        replies = self.command(command, self.silence_limit_s(inferences + warmups))
        laps = [(reply.at_s, int(match[1])) for reply in replies if (match := _LAP.match(reply.text))]
        vectors = [match[1] for reply in replies if (match := _RESULTS.match(reply.text))]
        if len(laps) != 2 or not vectors:
            raise RefusedError(command, f"{len(laps)} laps and {len(vectors)} results instead of 2 and 1")
        try:
            values = np.array([float(value) for value in vectors[-1].split(",")])
        except ValueError:
            values = np.empty(0)
        if values.shape != (12,) or laps[1][1] < laps[0][1]:
            raise RefusedError(command, f"laps {laps[0][1]} and {laps[1][1]}, results {vectors[-1]}: not 12 numbers")
        lap_us, wall_s = laps[1][1] - laps[0][1], laps[1][0] - laps[0][0]
        outcome = WindowOutcome(inferences, lap_us, wall_s, values, laps[0][1], warmups, self._input_name)
        self.windows.append(outcome)
        self._latency_s = outcome.wall_s / inferences
        return outcome

    def silence_limit_s(self, inferences: int) -> float:
        """
        How long a DUT may be silent over so many inferences, in seconds.

        Five times what they take by the latency measured so far, and half a minute for what loads at the first ones;
        without a measured latency 100 ms an inference, at least five minutes. Never more than a window may last.
        """
        if self._latency_s is None:
            return min(max(300.0, 0.1 * inferences), MAX_WINDOW_S)
        return min(max(60.0, 30.0 + 5 * inferences * self._latency_s), MAX_WINDOW_S)

    def time_warmups(self, count: int) -> float:
        """
        Seconds of ``count`` warm-ups by the host's clock, from the command to `m-warmup-done`.

        Not from `m-warmup-start`: it may come in one read with the other, and then nothing lies between them.
        """
        command = f"infer 1 {count}"
        replies = self.command(command, self.silence_limit_s(count))
        done = [reply.at_s for reply in replies if reply.text == "m-warmup-done"]
        if not done:
            raise RefusedError(command, "no m-warmup-done")
        seconds = done[0] - self._sent_s
        if count >= 10_000 and seconds / count < FASTEST_S:
            raise RefusedError(command, "no model is that quick: it runs no warm-ups; give --inferences N")
        self._latency_s = seconds / count
        return max(seconds, SHORTEST_S)

    def _exchange(self, text: str, timeout_s: float, *, mute: bool) -> list[Reply]:
        self._sent_s = self._clock()
        try:
            self._link.write(f"{text}%".encode())
        except WriteTimeoutError:
            raise self._silent(text, 5.0) from None
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

    def _silent(self, command: str, seconds: float) -> DutError:
        remedy = "is `kws-trace run` ready on the other end, at the same baud, with no other program on the port?"
        if self._answered and command.startswith("infer"):
            remedy = "it answered until then: see what the DUT itself says, or give a smaller --inferences"
        said = f"no m-ready within {seconds:g} s of `{command}`; {remedy}"
        return DutError(said, exit_code=1 if self._answered else 2)

    def _lines(self, command: str, timeout_s: float) -> list[Reply]:
        data = self._link.read(timeout_s)
        at_s = self._clock()
        if not data:
            raise self._silent(command, timeout_s)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [Reply(at_s, line.decode("ascii", "replace").strip("\r\0")) for line in lines]
