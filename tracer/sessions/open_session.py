"""From a path to a session: which files belong to it, who wrote them, one pass over the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tracer.errors import SessionError
from tracer.figure_text import counted
from tracer.given_files import files_below
from tracer.sessions.energy_monitor import with_monitor
from tracer.sessions.energyrunner import EnergyrunnerReader
from tracer.sessions.energyrunner_lines import REPLY
from tracer.sessions.energyrunner_lines import STAMPED as ENERGYRUNNER
from tracer.sessions.log_lines import Line, read_blocks, read_lines
from tracer.sessions.log_reader import cut_note, evidence_of
from tracer.sessions.mlcommons import FIRST, LOOSE, MlcommonsReader
from tracer.sessions.mlcommons import STAMPED as MLCOMMONS
from tracer.sessions.results_json import kind_of, marks_of, other_session, read_entries, windows_of, with_laps
from tracer.sessions.session import Irregularity, Session
from tracer.sessions.streaming import counts_of
from tracer.sessions.summary_lines import SummaryLines

KEPT_WINDOWS = 10_000
"""Windows of a session that are kept; the largest set of the benchmark's keyword spotting has 1000 inputs."""

_LOG, _RESULTS = "log.txt", "results.json"
_SNIFFED = 200
_NAME_A_LOG = "name a session's folder or its log.txt"


def session_paths(path: Path) -> list[Path]:
    """
    The sessions at a path: a log, a session's folder, or a folder of such folders, in the order of their names.

    Returns:
        A log each, or a ``results.json`` that has no log beside it.

    Raises:
        SessionError: if there is none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SessionError(path, "there is no such file", "name a session's folder or its log")
    for pattern in (f"*{_LOG}", _RESULTS, f"*/*{_LOG}"):
        if found := _sessions(path.glob(pattern)):
            return found
    below = _sessions(one for one in files_below(path) if one.name.endswith((_LOG, _RESULTS)))
    if not below:
        raise SessionError(path, "no log.txt is in it", "name a session's folder or its log")
    return [one for one in below if one.name.endswith(_LOG)] or below


def _sessions(found: Iterable[Path]) -> list[Path]:
    # ``._log.txt`` is what an archive made on a Mac has beside each file.
    return sorted(one for one in found if one.is_file() and not one.name.startswith("._"))


def build_session(path: Path, keep: int = KEPT_WINDOWS) -> Session:
    """
    Read one session.

    Args:
        path: its log (``results.txt`` and ``results.json`` beside it are read too), its folder, or its
            ``results.json``.
        keep: windows that are kept in memory; how many more there were is said.

    Returns:
        The session; where its log was cut, what stands whole in it, and a note that says so.

    Raises:
        SessionError: if no runner wrote it, or it cannot be read.
    """
    if path.is_dir():
        logs = session_paths(path)
        if len(logs) > 1:
            raise SessionError(path, f"{len(logs)} sessions are in it", "name one of them")
        path = logs[0]
    session = _from_json(path, keep) if path.suffix == ".json" else _from_log(path, keep)
    if session.dropped_windows:
        dropped = counted(session.dropped_windows, "window")
        beyond = f"{dropped} beyond the first {keep} not kept: no figure is made of them"
        session = replace(session, notes=(*session.notes, beyond))
    return session


def _from_log(path: Path, keep: int) -> Session:
    host = _host_of(list(islice(read_lines(path), _SNIFFED)))
    if host == "energyrunner":
        session = EnergyrunnerReader(path, keep).read(read_blocks(path))
    elif host == "mlcommons":
        session = MlcommonsReader(path, keep).read(read_blocks(path))
    else:
        raise SessionError(path, "no line of it is of energyrunner or the MLCommons runner", _NAME_A_LOG)
    if path.name.endswith(_LOG):
        session = _with_results(session, path.with_name(f"{path.name.removesuffix(_LOG)}results.txt"))
        session = _with_entries(session, path.with_name(_RESULTS), keep)
        session = with_monitor(session, path.parent)
    return session


def _host_of(lines: list[Line]) -> str | None:
    for line in lines:
        if ENERGYRUNNER.match(line.text):
            return "energyrunner"
        if MLCOMMONS.match(line.text) or FIRST.match(line.text):
            return "mlcommons"
    # Neither has times: what was kept of a log, or of a terminal.
    for line in lines:
        if REPLY.search(line.text):
            return "energyrunner"
        if LOOSE.match(line.text):
            return "mlcommons"
    return None


def _with_results(session: Session, path: Path) -> Session:
    """The session with the figures that ``results.txt`` holds."""
    if not path.is_file():
        return session
    energyrunner = session.host == "energyrunner"
    summary = SummaryLines(window_step=2 if energyrunner else 1, keep=4 * KEPT_WINDOWS)
    notes: list[str] = []
    last, repeated = "", 0
    for line in read_lines(path):
        stamped = (ENERGYRUNNER if energyrunner else MLCOMMONS).match(line.text)
        text = stamped[3] if stamped else line.text
        if energyrunner and text == last and text.strip("-"):
            # energyrunner writes a line once for each session that its window has had open.
            repeated += 1
        elif line.ended and line.whole:
            last = text
            summary.take(text, evidence_of(path.name, line))
        else:
            notes.append(f"{path.name}: {cut_note(line)}")
    if repeated:
        notes.append(f"{path.name} has {counted(repeated, 'line')} that only repeat the one before")
    return replace(
        session,
        printed=(*session.printed, *summary.printed),
        verdicts=(*session.verdicts, *summary.verdicts),
        notes=(*session.notes, *notes),
        files=(*session.files, path.name),
    )


def _with_entries(session: Session, path: Path, keep: int) -> Session:
    if session.host != "mlcommons":
        return session
    if not path.is_file():
        return replace(session, no_energy=f"no {path.name} is beside the log" if session.kind == "energy" else None)
    entries, note = read_entries(path)
    exact = windows_of(entries, path.name, keep)
    other = other_session(session.windows, exact, whole=session.complete and note is None)
    if other is not None and session.streaming is None and not session.dropped_windows:
        lines = tuple(line for one in (*exact[:1], *session.windows[:1]) for line in one.evidence[:1])
        foreign = Irregularity("entries", f"{path.name}: {other}", None, lines)
        return replace(session, irregular=(*session.irregular, foreign), files=(*session.files, path.name))
    windows = with_laps(session.windows, exact)
    if session.streaming is not None:
        counts = counts_of(entries, exact[0].energy_uj if exact else None)
        session = replace(session, streaming=replace(session.streaming, counted=counts))
    lacking = [one for one in windows if one.energy_uj is None]
    no_energy = f"{path.name} has no samples of {counted(len(lacking), 'window')}" if lacking else None
    return replace(
        session,
        windows=windows,
        kind=kind_of(entries) or session.kind,
        marks=marks_of(windows),
        no_energy=no_energy if session.kind == "energy" else None,
        notes=(*session.notes, note) if note else session.notes,
        files=(*session.files, path.name),
    )


def _from_json(path: Path, keep: int) -> Session:
    entries, note = read_entries(path)
    windows = windows_of(entries, path.name, keep)
    if not windows:
        raise SessionError(path, "no window stands whole in it", _NAME_A_LOG)
    return Session(
        path=path,
        host="mlcommons",
        kind=kind_of(entries) or "performance",
        mode=None,
        windows=tuple(windows),
        marks=marks_of(windows),
        no_host_times="results.json has none",
        complete=note is None,
        notes=("only results.json is here: it has no times of the host", *([note] if note else [])),
        files=(path.name,),
    )


def iter_sessions(paths: list[Path]) -> Iterator[Path]:
    """Each session once, in the order in which the paths name them."""
    seen: set[Path] = set()
    for path in paths:
        for one in session_paths(path):
            if one.resolve() not in seen:
                seen.add(one.resolve())
                yield one
