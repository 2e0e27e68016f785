"""Whether the files of a session describe one session, and whether the energy monitor's pulses are all there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer.figure_text import counted
from tracer.sessions.finding import EVIDENCE, SOURCES, Finding, Severity
from tracer.sessions.session import Printed, Session


def lost_stamps(session: Session) -> list[Finding]:
    """Pulses that the monitor lacks: an error where the runner made figures of what lies between the others."""
    told = len({one.window for one in session.printed if one.name == "energy_per_inference_uj"})
    windows = len(session.windows)
    found = []
    for one in (one for one in session.irregular if one.kind == "stamps"):
        text, paired = one.what, 0 < told < windows
        if paired:
            text += f"; the runner took pairs of them for windows, and printed {told} for the log's {windows}"
        severity: Severity = "error" if paired else "warning"
        found.append(Finding("stamps-lost", severity, text, SOURCES["stamps"], one.evidence))
    return found


def foreign_entries(session: Session) -> list[Finding]:
    """That ``results.json`` describes another session than the log: nothing of it is used then."""
    told = "; they describe different sessions, and nothing of it is used"
    return [
        Finding("files-differ", "error", one.what + told, SOURCES["files"], one.evidence)
        for one in session.irregular
        if one.kind == "entries"
    ]


def streaming_differences(session: Session) -> list[Finding]:
    """Printed figures of a streaming session that do not follow from the others."""
    streaming = session.streaming
    told = streaming.differences() if streaming is not None else []
    evidence = streaming.evidence if streaming is not None else ()
    return [Finding("printed-differs", "error", text, SOURCES["printed"], evidence) for text in told]


def foreign_results(session: Session, differing: Mapping[str, Sequence[Printed]]) -> Finding | None:
    """
    That ``results.txt`` describes another session than the log, None where nothing says so.

    It does where it tells of more windows than a log that ends by itself, or where the length of most of its windows,
    at least of two, is another.
    """
    rows = [one for one in session.printed if one.evidence.file.endswith("results.txt") and one.window is not None]
    told = sorted({one.window for one in rows if one.window is not None})
    count = len(session.windows) + session.dropped_windows
    if session.kind == "accuracy" or not rows or any(one.kind == "stamps" for one in session.irregular):
        return None
    name = rows[0].evidence.file
    if session.complete and len(told) > count > 0:
        text = f"{name} tells of {counted(len(told), 'window')}, the log has {count}"
    else:
        other = {one.window for one in differing.get("runtime_s", ()) if one.evidence.file == name}
        if len(other) < 2 or 2 * len(other) <= len(told):
            return None
        by = next((file for file in session.files if file.endswith("timestamps.json")), "the log")
        text = f"{counted(len(other), 'window')} of {len(told)} in {name} last another time than by {by}"
    text += ": they describe different sessions, and none of its figures is this log's"
    evidence = tuple(one.evidence for one in rows[:3]) + tuple(line for one in session.windows for line in one.lines)
    return Finding("files-differ", "error", text, SOURCES["files"], evidence[:EVIDENCE])
