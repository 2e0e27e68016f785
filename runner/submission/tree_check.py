"""A tree that lies on disk, against the rules of its round: each system's keyword spotting, and the folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.submission.given_session import file_hashes
from runner.submission.tree import BENCHMARK, Place, description_refusals, submitted_files
from tracer.errors import SessionError, UsageError
from tracer.given_json import read_json
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.open_session import build_session
from tracer.submission.evidence import changed_figures, model_of, told_within
from tracer.submission.refusals import ROLES, Refusal, Role, driver_of, model_refusals, session_refusals
from tracer.submission.rounds import DIVISIONS, ENERGYRUNNER_MARK, LARGEST_MB, Round

_ALLOWED = (".git", ".github", "assets", ".vscode")
"""Folders at the top of a tree that the checker passes over."""


@dataclass
class TreeCheck:
    """What was found in a tree: the systems whose keyword spotting was judged, refusals, and what was not judged."""

    systems: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, name: str, where: Path | str, problem: str, remedy: str) -> None:
        """Add a refusal."""
        self.refusals.append(Refusal(name, str(where), problem, remedy))


def check_tree(tree: Path, rules: Round) -> TreeCheck:
    """
    Judge a tree by our own reading of its files.

    Raises:
        UsageError: if it holds no organization's results.
    """
    found = TreeCheck()
    if not tree.is_dir():
        raise UsageError(tree, "there is no such folder", "name the folder that holds closed/ or open/")
    for folder in sorted(one for one in tree.iterdir() if one.is_dir()):
        if folder.name not in (*DIVISIONS, *_ALLOWED):
            found.refuse("division", folder, "it is no division", f"take {' or '.join(DIVISIONS)}")
    homes = [home for division in DIVISIONS for home in _folders(tree / division) if (home / "results").is_dir()]
    if not homes:
        raise UsageError(tree, "no organization's results are in it", "name the folder that holds closed/ or open/")
    for home in homes:
        _check_folders(home, found)
        for system in _folders(home / "results"):
            _check_system(Place(tree, home.parent.name, home.name, system.name), rules, found)
    return found


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []


def _check_folders(home: Path, found: TreeCheck) -> None:
    """What the checker refuses or warns of in all that an organization hands in."""
    for path in sorted(home.rglob("*")):
        where = path.relative_to(home.parent.parent)
        if path.is_symlink():
            found.refuse("symbolic-link", where, "it is a symbolic link", "put the file itself there")
        elif path.is_dir():
            if path.name == "__pycache__":
                found.refuse("cache-folder", where, "Python made it", "remove it")
            elif not any(path.iterdir()):
                found.refuse("empty-folder", where, "it is empty", "remove it")
        elif path.is_file() and path.stat().st_size > LARGEST_MB << 20:
            found.refuse("large-file", where, f"it is larger than {LARGEST_MB} MiB", "leave it out")
        if " " in path.name or path.name.startswith("."):
            found.refuse("file-name", where, "a blank in it, or a dot before it", "give it another name")


def _check_system(place: Place, rules: Round, found: TreeCheck) -> None:
    _check_description(place, found)
    others = [one.name for one in _folders(place.results.parent) if one.name != BENCHMARK]
    if others:
        found.notes.append(f"{place.system}: not judged here: {', '.join(others)}")
    if not place.results.is_dir():
        return
    found.systems.append(f"{place.division}/{place.organization}/{place.system}")
    evidence = _json_object(place.evidence, found, "evidence") if place.evidence.is_file() else None
    if evidence is None:
        found.notes.append(f"{place.system}: no evidence file of kws-trace: which model ran is not known")
    models = []
    for role in ROLES:
        if (place.results / role).is_dir():
            if _check_session(place, role, rules, evidence, found):
                models.append((role, model_of(evidence or {}, role)))
        elif role != "energy":
            where = (place.results / role).relative_to(place.tree)
            found.refuse("test-missing", where, "it is not there", f"add the {role} session")
    if evidence is not None:
        found.refusals += model_refusals(models, closed=place.division == "closed")


def _check_description(place: Place, found: TreeCheck) -> None:
    where = place.description.relative_to(place.tree)
    if not place.description.is_file():
        found.refuse("system", where, "it is not there", "describe the system in it")
        return
    description = _json_object(place.description, found, "system")
    if description is not None:
        found.refusals += description_refusals(description, where, place.division)


def _check_session(
    place: Place, role: Role, rules: Round, evidence: Mapping[str, Any] | None, found: TreeCheck
) -> bool:
    """Whether there is a session that can be read; what is wrong with it is added."""
    folder = place.results / role
    try:
        audit = audit_session(build_session(folder / "log.txt"))
    except SessionError as error:
        found.refuse("unreadable", folder, str(error.problem or error), "put what the host left there")
        return False
    where = str(folder.relative_to(place.tree))
    rows = session_refusals(audit, role, rules, closed=place.division == "closed")
    found.refusals += [replace(one, where=where) for one in rows]
    required = _required(place, audit, rules)
    for name in required:
        if not (folder / name).is_file():
            found.refuse("files", where, f"it has no {name}", "put what the host left there")
    if role != "energy":
        for name in sorted({path.name for path in folder.iterdir()} - {*required, "results.json", ".gitkeep"}):
            found.refuse("files", where, f"{name} does not belong there", "remove it")
    if evidence is not None:
        told = told_within(evidence, "sessions", role)
        changed = changed_figures(told, audit, file_hashes(folder, submitted_files(folder, required, role)))
        if changed:
            problem = f"{', '.join(changed)} are not those of the evidence file"
            found.refuse("evidence", where, problem, "make the tree anew from the session")
    return True


def _required(place: Place, audit: SessionAudit, rules: Round) -> tuple[str, ...]:
    """The files that the checker asks for: its own mark says by which host's list."""
    marked = (place.results / ENERGYRUNNER_MARK).exists()
    host = "energyrunner" if marked else driver_of(audit.session)
    return rules.hosts.get(host, rules.hosts["mlcommons"])


def _json_object(path: Path, found: TreeCheck, name: str) -> dict[str, Any] | None:
    try:
        value = read_json(path)
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        found.refuse(name, path, "it is no JSON object", "write one")
        return None
    return value


def check_lines(found: TreeCheck) -> Iterator[str]:
    """What was judged, for a terminal."""
    for system in found.systems:
        yield f"{system}: keyword spotting judged"
    yield from found.notes
