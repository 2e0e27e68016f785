"""
The serial protocol of the MLPerf Tiny device under test, sans I/O: bytes in, commands and replies out.

No port, no clock and no model here. Source of the replies: the benchmark's reference firmware
(``benchmark/api/internally_implemented.cpp`` of MLCommons Tiny). Where invalid commands are answered otherwise than
there stands in ``docs/design.md``, "Deviations".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

MAX_COMMAND = 80
"""Characters of a command, without its ``%`` (EE_CMD_SIZE)."""

MAX_INFERENCES = 100_000_000
"""Of one window, with its warm-ups: a digit too many must not hold the line for days."""

MAX_WINDOW_S = 3600.0
"""How long a window may be expected to last, by the latency that was measured before the DUT was ready."""

FIRMWARE = "ULPMark for tinyML Firmware V0.0.1"
MODEL = "kws01"
READY = "m-ready"
INIT_DONE = "m-init-done"

_HELP = (
    FIRMWARE,
    "",
    "help         : Print this information",
    "name         : Print the name of the device",
    "timestsamp   : Generate a timetsamp",
    "db SUBCMD    : Manipulate a generic byte buffer",
    "  load N     : Allocate N bytes and set load counter",
    "  db HH[HH]* : Load 8-bit hex byte(s) until N bytes",
    "  print [N=16] [offset=0]",
    "             : Print N bytes at offset as hex",
    "infer N [W=0]: Load input, execute N inferences after W warmup loops",
    "results      : Return the result fp32 vector",
)
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}\Z")
_DROPPED = bytes(set(range(256)) - set(range(0x20, 0x7F)) - {0x0A, 0x0D})
_LINE_ENDS = re.compile(rb"[\r\n]")


class CommandReader:
    """Cuts the bytes of the line into commands; keeps half a command until the rest of it comes."""

    def __init__(self) -> None:
        self._pending = b""
        self._overlong = False

    @property
    def idle(self) -> bool:
        """Whether no command has begun."""
        return not self._pending and not self._overlong

    def clear(self) -> None:
        """Forget an unfinished command, as when the line ended in the middle of it."""
        self._pending = b""
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[str | None]:
        """
        Yield each command that ``data`` completes, without its ``%``; None for one that was too long.

        Commands in ``data`` may be glued together or cut anywhere.
        """
        *complete, rest = data.translate(None, _DROPPED).split(b"%")
        for piece in complete:
            self._take(piece)
            text, overlong = self._pending, self._overlong
            self.clear()
            yield None if overlong else text.decode("ascii")
        self._take(rest)

    def _take(self, piece: bytes) -> None:
        if b"\r" in piece or b"\n" in piece:
            self.clear()
            piece = _LINE_ENDS.split(piece)[-1]
        if self._overlong or len(self._pending) + len(piece) > MAX_COMMAND:
            self._pending, self._overlong = b"", True
        else:
            self._pending += piece


@dataclass(frozen=True, slots=True)
class Infer:
    """``infer N W``: the DUT loads the buffer and runs ``warmups``, then ``inferences`` timed."""

    inferences: int
    warmups: int


@dataclass(frozen=True, slots=True)
class Timestamp:
    """``timestamp``: the DUT reads its clock."""


@dataclass(frozen=True, slots=True)
class Results:
    """``results``: the DUT gives its last output vector."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An ``infer`` beyond the limit: the DUT answers ``line`` and tells its user ``why``."""

    line: str
    why: str


Request = Infer | Timestamp | Results | Refused
"""What a command asks of the DUT itself; everything else the protocol answers alone."""


class DutProtocol:
    """
    The state of the protocol, which is the input buffer, and its replies.

    ``vendor`` is the name in ``m-name-dut-[...]``; ``buffer_sizes`` are the bytes of input that the model takes;
    ``most`` is how many inferences a window may have, see ``most_inferences``.
    """

    def __init__(self, vendor: str, buffer_sizes: Sequence[int], most: int = MAX_INFERENCES) -> None:
        self._vendor, self._most = vendor, most
        self._sizes = tuple(buffer_sizes)
        self._buffer = bytearray()
        self._size = 0

    @property
    def loaded(self) -> bytes | None:
        """The input, once the buffer is full."""
        return bytes(self._buffer) if self._size and len(self._buffer) == self._size else None

    def handle(self, command: str | None) -> list[str] | Request:
        """
        Answer one command.

        ``command`` is its text without ``%``; None for one that was too long.

        Returns:
            Reply lines, the last of them ``m-ready``; or a request that the DUT itself must fulfil, which
            then sends the lines of ``*_lines`` and ``m-ready``.
        """
        if command is None:
            return ["e-[Command too long]", READY]
        words = [word for word in command.split(" ") if word]
        if words and words[0] == "db":
            return [*self._buffer_lines(words[1:]), READY]
        if words and words[0] == "infer":
            answer = self._infer(words[1:])
            return [answer, READY] if isinstance(answer, str) else answer
        if words and words[0] == "timestamp":
            return Timestamp()
        if words and words[0] == "results":
            return Results()
        return [*self._plain_lines(words), READY]

    def _plain_lines(self, words: list[str]) -> list[str]:
        if not words:
            return []
        if words[0] == "name":
            return [f"m-name-dut-[{self._vendor}]"]
        if words[0] == "profile":
            return [f"m-profile-[{FIRMWARE}]", f"m-model-[{MODEL}]"]
        if words[0] == "help":
            return list(_HELP)
        return [f"e-[Unknown command: {words[0]}]"]

    def _buffer_lines(self, words: list[str]) -> list[str]:
        if not words:
            return ["e-[Command 'db' requires a subcommand]"]
        if words[0] == "load":
            return [self._load_line(words[1:])]
        if words[0] == "print":
            return print_lines(bytes(self._buffer), self._size)
        return self._hex_lines(words[0])

    def _load_line(self, words: list[str]) -> str:
        if not words:
            return "e-[Command 'db load' requires the # of bytes]"
        if not _NUMBER.match(words[0]):
            return f"e-[Command 'db load' needs a number of bytes, not '{words[0]}']"
        size = int(words[0])
        if size <= 0:
            return "e-[Command 'db load' must be >0 bytes]"
        if size not in self._sizes:
            takes = " or ".join(str(known) for known in self._sizes)
            return f"e-[Supplied buffer size {size}: this model takes {takes} bytes]"
        self._size = size
        self._buffer = bytearray()
        return f"m-[Expecting {size} bytes]"

    def _hex_lines(self, digits: str) -> list[str]:
        if not self._size:
            return ["e-[Command 'db HEX' without 'db load N' before it]"]
        room = self._size - len(self._buffer)
        if not room:
            return [f"e-[Buffer is full: {self._size} bytes]"]
        if len(digits) % 2:
            return ["e-[Insufficent number of hex digits]"]
        taken = digits[: 2 * room]
        try:
            # fromhex forgives blanks, which no word holds.
            self._buffer += bytes.fromhex(taken)
        except ValueError:
            pairs = (taken[i : i + 2] for i in range(0, len(taken), 2))
            wrong = next(pair for pair in pairs if not re.fullmatch("[0-9a-fA-F]{2}", pair))
            return [f"e-[Invalid hex digit '{wrong}']"]
        return ["m-load-done"] if len(self._buffer) == self._size else []

    def _infer(self, words: list[str]) -> Infer | Refused | str:
        numbers = [1, 10]
        for place, (word, what) in enumerate(zip(words, ("iterations", "warmup"), strict=False)):
            if not _NUMBER.match(word):
                return f"e-[Inference {what} must be a number, not '{word}']"
            numbers[place] = int(word)
        if numbers[0] <= 0:
            return "e-[Inference iterations must be >0]"
        if numbers[1] < 0:
            return "e-[Inference warmup must be >=0]"
        if sum(numbers) > self._most:
            limit = f"iterations and warmup together must be <={self._most}"
            why = (
                f"the host asked for {numbers[0]:,} inferences after {numbers[1]:,} warm-ups and was refused: a "
                f"window may have {self._most:,} (an hour by the measured latency, and never more than "
                f"{MAX_INFERENCES:,}); lower N in the host"
            )
            return Refused(f"e-[Inference {limit}]", why)
        if self.loaded is None:
            takes = self._size or self._sizes[0]
            return f"e-[Input has {len(self._buffer)} bytes, expected {takes}: 'db load' first]"
        return Infer(*numbers)


def most_inferences(latency_ns: float) -> int:
    """How many inferences of this latency (ns) a window may have, at least one."""
    return max(1, min(MAX_INFERENCES, int(MAX_WINDOW_S * 1e9 / max(latency_ns, 1.0))))


def print_lines(buffer: bytes, size: int) -> list[str]:
    """
    The lines of ``db print``: eight bytes a line, and the firmware's blank line after a short last one.

    Bytes not loaded yet print as zero; ``size`` is what the buffer expects.
    """
    whole = buffer.ljust(size, b"\0")
    lines = ["m-buffer-" + whole[i : i + 8].hex("-") for i in range(0, size, 8)]
    return [*lines, ""] if size % 8 else lines


def mode_line(mode: Literal["performance", "energy"]) -> str:
    """What a DUT says first when it starts, before anybody asks; its first timestamp and ``m-init-done`` follow."""
    return f"m-timestamp-mode-{mode}"


def lap_line(now_us: int) -> str:
    """One lap: wall time in microseconds."""
    return f"m-lap-us-{now_us}"


def results_line(probabilities: Sequence[float]) -> str:
    """The output vector, six decimals each, as energyrunner's own ports print it."""
    return "m-results-[" + ",".join(f"{value:.6f}" for value in probabilities) + "]"


def encode(lines: Sequence[str]) -> bytes:
    """Reply lines as bytes of the line, each ended by CR LF."""
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace")
