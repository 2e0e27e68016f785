"""``kws-trace submission`` from its options to its end: read, judge, write, ask the official checker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from runner.submission.given_session import read_given
from runner.submission.official_checker import ask_checker
from runner.submission.tree import (
    description_refusals,
    fill_description,
    place_of,
    refusals_of,
    refuse,
    write_tree,
)
from runner.submission.tree_check import check_lines, check_tree
from tracer.errors import UsageError
from tracer.runs.run_store import stored_run
from tracer.submission.refusals import ROLES
from tracer.submission.rounds import Round
from tracer.submission.system_description import empty_fields
from tracer.whole_files import write_json


def write_job(
    out: Path,
    division: str,
    organization: str,
    system: Path,
    sessions: Mapping[str, Path],
    runs: Sequence[str],
    traces: Path,
    rules: Round,
    checker: Path | None = None,
) -> dict[str, Any]:
    """
    Write a tree of ``sessions`` by their role, and judge it as it lies there.

    Raises:
        SubmissionError: if the rules refuse it; then nothing was written but a description that was not there.
    """
    place = place_of(out, division, organization, system)
    opened = [stored_run(name, traces) for name in runs]
    given = [read_given(role, sessions[role], opened) for role in ROLES if role in sessions]
    description = fill_description(system, given, place)
    if not system.exists():
        _write_description(system, description)
    refusals = refusals_of(given, place, rules)
    refusals += description_refusals(description, system, division)
    refuse(refusals, f"a submission to round {rules.name}, {division} division,")
    written = write_tree(place, given, description, rules, metadata.version("kws-trace"))
    found = check_job(out, checker, rules)
    empty = empty_fields(description)
    lines = [str(path) for path in written]
    if empty:
        lines.append(f"empty in {place.description}, for you to write where it applies: {', '.join(empty)}")
    return {**found, "written": lines[: len(written)], "empty_fields": empty, "lines": [*lines, *found["lines"]]}


def check_job(tree: Path, checker: Path | None, rules: Round) -> dict[str, Any]:
    """
    Judge a tree, by our own reading and, where it is given, by the official checker.

    Raises:
        SubmissionError: if one of them refuses it.
    """
    found = check_tree(tree, rules)
    lines, refusals, official = list(check_lines(found)), list(found.refusals), None
    if checker is not None:
        official = ask_checker(checker, tree, rules)
        refusals += official.refusals(checker)
        lines += [f"official checker: {one}" for one in official.results]
    refuse(refusals, f"{tree}, by the rules of round {rules.name},")
    lines.append(f"no rule of round {rules.name} speaks against it")
    results = None if official is None else list(official.results)
    return {"round": rules.name, "systems": found.systems, "notes": found.notes, "official": results, "lines": lines}


def _write_description(path: Path, description: Mapping[str, str]) -> None:
    try:
        write_json(path, description)
    except OSError as error:
        raise UsageError(path, f"cannot be written ({error.strerror})", "name a file that can be written") from None
