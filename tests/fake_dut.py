"""A DUT written from the protocol's table, on a pseudo-terminal: what tests of the host talk to."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from runner.line.port_errors import LineEndedError
from runner.line.ports import open_dut_link
from tests.children import PATIENCE_S


class FakeDut:
    """
    Answers as the firmware does; each inference takes ``inference_s``.

    Args:
        path: where the pseudo-terminal is linked.
        inference_s: of sleep.
        silent_after: goes silent at this many ``infer`` commands.
        refuse_after: answers an error from this many ``infer`` commands on.
    """

    def __init__(
        self,
        path: Path,
        inference_s: float = 0.0005,
        silent_after: int | None = None,
        refuse_after: int | None = None,
    ) -> None:
        self.path = path
        self.commands: list[str] = []
        self._inference_s = inference_s
        self._silent_after, self._refuse_after = silent_after, refuse_after
        self._buffer, self._size, self._infers = b"", 0, 0
        self._stop = threading.Event()
        self._link = open_dut_link(f"pty:{path}", 115200, self._stop.is_set)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> FakeDut:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the fake DUT's thread does not end"
        self._link.close()

    def _serve(self) -> None:
        rest = b""
        while not self._stop.is_set():
            try:
                rest += self._link.read(0.05)
            except LineEndedError:
                return
            *commands, rest = rest.split(b"%")
            for command in commands:
                self.commands.append(command.decode())
                self._answer(command.decode().split())

    def _say(self, *lines: str) -> None:
        self._link.write("".join(f"{line}\r\n" for line in lines).encode())

    def _lap(self) -> str:
        return f"m-lap-us-{round(time.perf_counter() * 1e6)}"

    def _answer(self, words: list[str]) -> None:
        if words[0] == "infer":
            self._infer(int(words[1]), int(words[2]))
            return
        if words[0] == "name":
            self._say("m-name-dut-[fake]")
        elif words[0] == "profile":
            self._say("m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]")
        elif words[0] == "timestamp":
            self._say(self._lap())
        elif words[:2] == ["db", "load"]:
            self._size, self._buffer = int(words[2]), b""
            self._say(f"m-[Expecting {self._size} bytes]")
        elif words[0] == "db":
            self._buffer += bytes.fromhex(words[1])
            if len(self._buffer) == self._size:
                self._say("m-load-done")
        self._say("m-ready")

    def _infer(self, inferences: int, warmups: int) -> None:
        self._infers += 1
        if self._silent_after is not None and self._infers > self._silent_after:
            return
        if self._refuse_after is not None and self._infers > self._refuse_after:
            self._say("e-[Model failed]", "m-ready")
            return
        self._say(f"m-warmup-start-{warmups}")
        time.sleep(warmups * self._inference_s)
        self._say("m-warmup-done", f"m-infer-start-{inferences}", self._lap())
        time.sleep(inferences * self._inference_s)
        self._say(self._lap(), "m-infer-done")
        given = self._buffer[0] % 12
        values = ",".join("0.890000" if number == given else "0.010000" for number in range(12))
        self._say(f"m-results-[{values}]", "m-ready")
