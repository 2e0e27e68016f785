"""The energy monitor's timestamps beside a log of energyrunner: ``*timestamps.json``, a list of seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tracer.errors import SessionError
from tracer.sessions.session import Session

_RESOLUTION_US = 1000.0


def with_stamps(session: Session, folder: Path) -> Session:
    """
    The session with its windows' lengths by the monitor's timestamps, where the log has no laps of them.

    The DUT marks its start by a pulse on a pin, then the begin and the end of each window: 1 + 2 a window. A file of
    another count is left alone, and a note says so. A stamp is exact to 1 ms.

    Raises:
        SessionError: if the file is no list of rising times.
    """
    files = sorted(folder.glob("*timestamps.json"))
    if session.kind != "energy" or len(files) != 1 or any(window.laps for window in session.windows):
        return session
    stamps, windows = _read(files[0]), session.windows
    if len(stamps) != 1 + 2 * len(windows):
        note = (
            f"{files[0].name} has {len(stamps)} timestamps where {1 + 2 * len(windows)} would be those of the windows"
        )
        return replace(session, notes=(*session.notes, note))
    lengths_us = [1e6 * (end - begin) for begin, end in zip(stamps[1::2], stamps[2::2], strict=True)]
    timed = tuple(
        replace(window, runtime_us=length, slack_us=_RESOLUTION_US)
        for window, length in zip(windows, lengths_us, strict=True)
    )
    note = f"windows are as long as the energy monitor's {files[0].name} says: the log has no laps"
    return replace(session, windows=timed, notes=(*session.notes, note), files=(*session.files, files[0].name))


def _read(path: Path) -> list[float]:
    try:
        told: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SessionError(path, f"it cannot be read ({error})", "leave it out, or copy it anew") from None
    numbers = isinstance(told, list) and all(type(one) in (int, float) for one in told)
    if not numbers or any(later < earlier for earlier, later in pairwise(told)):
        raise SessionError(path, "it is no list of rising times", "leave it out, or copy it anew")
    return [float(one) for one in told]
