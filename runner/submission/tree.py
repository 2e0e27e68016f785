"""The tree that MLPerf Tiny takes: written from judged sessions, whole or not at all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.submission.given_session import GivenSession, file_hashes
from tracer.errors import SubmissionError, UsageError, WriteError
from tracer.given_json import read_json
from tracer.submission.evidence import session_evidence
from tracer.submission.refusals import Refusal, Role, driver_of, model_refusals, session_refusals
from tracer.submission.rounds import ENERGYRUNNER_MARK, Round
from tracer.submission.system_description import description_faults, filled_description, system_facts
from tracer.whole_files import sync, write_json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*\Z")
BENCHMARK = "kws"
EVIDENCE = "evidence"
"""Folder of an organization beside its results; the checker of MLPerf Tiny looks at those alone."""

_ENERGY_FILES = ("energy_inf_*.png", "*timestamps.json", "*energy.bin")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a submission lies in a tree: ``DIVISION/ORGANIZATION``, and the system's id."""

    tree: Path
    division: str
    organization: str
    system: str

    @property
    def home(self) -> Path:
        """Folder of the organization."""
        return self.tree / self.division / self.organization

    @property
    def results(self) -> Path:
        """Folder of the sessions, one of each role in it."""
        return self.home / "results" / self.system / BENCHMARK

    @property
    def description(self) -> Path:
        """The system's description."""
        return self.home / "systems" / f"{self.system}.json"

    @property
    def evidence(self) -> Path:
        """The evidence."""
        return self.home / EVIDENCE / f"{self.system}-{BENCHMARK}.json"


def place_of(tree: Path, division: str, organization: str, system: Path) -> Place:
    """
    Where a submission will lie; the system's id is the name of its description.

    Raises:
        UsageError: if a name has blanks or other characters that the tree does not take, or something lies there.
    """
    for option, name in (("--organization", organization), ("--system", system.stem)):
        if not _NAME.match(name):
            raise UsageError(f"{option} {name}", "it names a folder", "take letters, digits, _, -, + and .")
    place = Place(tree, division, organization, system.stem)
    # Evidence without results is what a writing left that was killed.
    if place.results.exists():
        raise UsageError(place.results, "it exists", "remove it, or write elsewhere")
    return place


def read_description(path: Path) -> dict[str, Any]:
    """
    What a person wrote of the system; empty where the file is not there yet.

    Raises:
        UsageError: if it is no JSON object, or cannot be read.
    """
    if not path.exists():
        return {}
    try:
        found = read_json(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            path, f"cannot be read ({why})", "name one JSON object of texts, or a file to write"
        ) from None
    if not isinstance(found, dict):
        raise UsageError(path, "it is no JSON object", "write one JSON object of texts")
    for field, value in found.items():
        if not isinstance(value, str | int | float | None):
            raise UsageError(path, f"{field[:60]!r} is no text", "write one JSON object of texts")
    return found


def fill_description(path: Path, sessions: Sequence[GivenSession], place: Place) -> dict[str, str]:
    """The system's description, filled from the run of the first session that has one."""
    run = next((one.run for one in sessions if one.run is not None), None)
    facts = system_facts(run.info, run.samples()) if run is not None else {}
    return filled_description(read_description(path), facts, place.organization, place.division)


def refusals_of(sessions: Sequence[GivenSession], place: Place, rules: Round) -> list[Refusal]:
    """What the rules say against the sessions, their models and their files."""
    closed = place.division == "closed"
    found = [one for given in sessions for one in session_refusals(given.audit, given.role, rules, closed=closed)]
    found += model_refusals([(one.role, one.model) for one in sessions], closed=closed)
    if len({driver_of(one.audit.session) for one in sessions}) > 1:
        found.append(Refusal("hosts-differ", "submission", "not one host drove them", "take one host"))
    for given in sessions:
        for name in rules.hosts.get(driver_of(given.audit.session), ()):
            if not (given.folder / name).is_file():
                remedy = "name the folder that the host left"
                found.append(Refusal("files", str(given.folder), f"it has no {name}", remedy))
    return found


def description_refusals(description: Mapping[str, Any], path: Path, division: str) -> list[Refusal]:
    """What is wrong with a system's description."""
    return [
        Refusal("system", str(path), f"{field}: {problem}", "write it there")
        for field, problem in description_faults(description, division)
    ]


def refuse(refusals: Sequence[Refusal], what: str) -> None:
    """
    End with what speaks against a tree, if anything does.

    Raises:
        SubmissionError: with a line a refusal.
    """
    if refusals:
        lines = "".join(f"\n  {one.line()}" for one in refusals)
        raise SubmissionError(f"{what} is refused:{lines}")


def write_tree(
    place: Place, sessions: Sequence[GivenSession], description: Mapping[str, str], rules: Round, version: str
) -> list[Path]:
    """
    Write the tree's part of one system; the results come last, so that what was cut off is no submission.

    An ending that is told takes back what was new; after a kill the next writing replaces what is left.

    Returns:
        What was written: sessions, description, evidence.

    Raises:
        WriteError: if the disk does not take it.
    """
    driver = driver_of(sessions[0].audit.session)
    names = {one.role: submitted_files(one.folder, rules.hosts[driver], one.role) for one in sessions}
    files = {place.description: description, place.evidence: _evidence(place, sessions, names, rules, version)}
    partial = place.results.with_name(f".{BENCHMARK}.new")
    folders = {folder for path in (*files, partial) for folder in path.parents}
    new = [path for path in (*files, *sorted(folders, reverse=True)) if not path.exists()]
    try:
        # What a writer left that was killed.
        shutil.rmtree(partial, ignore_errors=True)
        for one in sessions:
            _copy(one.folder, names[one.role], partial / one.role)
        if driver == "energyrunner":
            (partial / ENERGYRUNNER_MARK).touch()
        for path, value in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, value)
        partial.replace(place.results)
    except BaseException as error:
        _take_back(partial, new)
        if not isinstance(error, OSError):
            raise
        raise WriteError(place.home, "cannot write the tree", error, "make room, or name another folder") from None
    return [*(place.results / one.role for one in sessions), place.description, place.evidence]


def _copy(folder: Path, names: Iterable[str], to: Path) -> None:
    to.mkdir(parents=True)
    for name in names:
        shutil.copyfile(folder / name, to / name)
        sync(to / name)


def _take_back(partial: Path, new: Sequence[Path]) -> None:
    """What an ended writing has made; others may have put something beside it, and that stays."""
    shutil.rmtree(partial, ignore_errors=True)
    for path in new:
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _evidence(
    place: Place, sessions: Sequence[GivenSession], names: Mapping[Role, list[str]], rules: Round, version: str
) -> dict[str, Any]:
    return {
        "made_by": f"kws-trace {version}",
        "round": rules.name,
        "division": place.division,
        "organization": place.organization,
        "system": place.system,
        "sessions": {
            one.role: session_evidence(
                one.audit, file_hashes(one.folder, names[one.role]), one.run.info if one.run is not None else None
            )
            for one in sessions
        },
    }


def submitted_files(folder: Path, required: Sequence[str], role: str) -> list[str]:
    """The files of a session that belong in the tree: those that its host must leave, and the energy monitor's."""
    names = [name for name in required if (folder / name).is_file()]
    if role == "energy":
        names += sorted(path.name for pattern in _ENERGY_FILES for path in folder.glob(pattern))
    return names
