"""A session on disk: ``log.txt`` and ``results.txt`` as energyrunner has them, ``results.json`` as MLCommons does."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tracer.errors import SessionError
from tracer.given_json import read_json


class SessionLog:
    """Writes lines as ``00019.937 dut: m-ready``: seconds of the day, who, what; each is on disk at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.session_id = f"{datetime.now().astimezone():%Y%m%d%H%M%S}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._log = (folder / "log.txt").open("w", encoding="utf-8")
            self._results = (folder / "results.txt").open("w", encoding="utf-8")
        except OSError as error:
            problem = f"cannot write the session here ({error.strerror})"
            raise SessionError(folder, problem, "name a folder with --session") from None
        # Seconds since midnight by a clock that nobody sets while a window runs.
        now = datetime.now().astimezone()
        midnight_s = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
        self._offset_s = midnight_s - time.perf_counter()

    def __enter__(self) -> SessionLog:
        self("session", f"m-session-start-id[{self.session_id}]")
        self("parser", "m-bmark-run-name[ML Performance 1.0.1]-code[ulp-mlperf]")
        self("sequencer", "m-sequencer-start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.close()
        self._results.close()

    def __call__(self, who: str, text: str) -> None:
        """Add a line to the log."""
        self._log.write(f"{self._stamp()} {who}: {text}\n")
        self._log.flush()

    def end(self) -> None:
        """The session's last lines before its results."""
        self("sequencer", "m-sequencer-stop")
        self("session", f"m-session-stop-id[{self.session_id}]")
        self("session", f"Saved this run to session ID {self.session_id}")

    def result(self, text: str) -> None:
        """Add a line to the results, and to the log."""
        self("ulp-mlperf", text)
        self._results.write(f"{self._stamp()} ulp-mlperf: {text}\n")
        self._results.flush()

    def entries(self, entries: list[dict[str, Any]]) -> None:
        """Write ``results.json``: an entry a window."""
        (self.folder / "results.json").write_text(json.dumps(entries), encoding="utf-8")

    def _stamp(self) -> str:
        return f"{(time.perf_counter() + self._offset_s) % 86400:09.3f}"


def session_folder(port: str, traces: Path) -> Path:
    """Within the run that is being recorded on ``port``, where there is one; else a new folder of ``sessions/``."""
    for path in traces.glob("*/run.json") if traces.is_dir() else []:
        try:
            facts = read_json(path)
        except (OSError, ValueError):
            continue
        if isinstance(facts, dict) and facts.get("state") == "recording" and _same_port(str(facts.get("port")), port):
            return _free(path.parent / "session")
    return _free(Path("sessions") / f"{datetime.now().astimezone():%Y%m%d%H%M%S}")


def _same_port(ours: str, theirs: str) -> bool:
    plain = [Path(port.removeprefix("pty:")).absolute() for port in (ours, theirs)]
    return plain[0] == plain[1] or ours.removeprefix("tcp-listen:") == theirs.removeprefix("tcp:")


def _free(folder: Path) -> Path:
    number, found = 2, folder
    while found.exists():
        found = folder.with_name(f"{folder.name}-{number}")
        number += 1
    return found
