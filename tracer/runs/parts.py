"""The parts of a run's tables: their names, and by these and by what ``run.json`` counted which of them are gone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE_NAMES = ("spans", "windows", "results")
"""Of the tables that are in parts; their columns are in ``schema``."""

_PART = re.compile(r"part-(\d+)-(\d+)\.parquet\Z")
_SESSION = re.compile(r"session(?:-(\d{1,6}))?\Z")
_Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a table, and the rows of the journal that it covers."""

    path: Path
    first: int
    last: int


def part_path(folder: Path, table: str, first: int, last: int) -> Path:
    """Of the part of a run's table that has these rows of the journal."""
    return folder / table / f"part-{first:012d}-{last:012d}.parquet"


def parts_of(folder: Path) -> list[Part]:
    """Those of one table, in order; of a part whose rows another has too, none: a compaction was cut short there."""
    every = _every_part(folder)
    covered = set(_within_others(every))
    return [part for part in every if part not in covered]


def superseded(folder: Path) -> list[Part]:
    """Those of one table whose rows another part has: they can be removed."""
    return list(_within_others(_every_part(folder)))


def _every_part(folder: Path) -> list[Part]:
    """By first row; of those that begin with the same the one with the most rows comes first."""
    found = [(path, _PART.match(path.name)) for path in folder.glob("part-*.parquet")]
    parts = [Part(path, int(match[1]), int(match[2])) for path, match in found if match]
    return sorted(parts, key=lambda part: (part.first, -part.last))


def _within_others(ordered: Sequence[Part]) -> Iterator[Part]:
    end = -1
    for part in ordered:
        if part.last <= end:
            yield part
        end = max(end, part.last)


def missing_rows(
    parts: Mapping[str, Sequence[Part]], in_journal: Sequence[int], counted: Mapping[str, Any]
) -> list[str]:
    """
    A sentence for each part that is not there.

    Args:
        parts: of each table, those that are there.
        in_journal: numbers of the rows that the journal holds.
        counted: ``journal`` of ``run.json``: how many ``rows`` there were, and those that are ``lost``; a run that
            was not closed, and one of an older version, has none: then the tables are held against each other.
    """
    elsewhere = [(row, row) for row in (*in_journal, *counted.get("lost", ()))]
    ends = [part.last + 1 for found in parts.values() for part in found]
    end = max(counted.get("rows", 0), *ends, *(row + 1 for row in in_journal), 0)
    names = sorted({part.path.name for found in parts.values() for part in found})
    sentences = []
    for table, found in parts.items():
        known = [*((part.first, part.last) for part in found), *elsewhere]
        for first, last in _between(known, end):
            expected = part_path(Path(), "", first, last).name
            rows = f"part of the rows {first} to {last} of the journal" if first < last else f"part of row {first}"
            what = f"{table}/{expected}" if expected in names else f"{table}: the {rows}"
            sentences.append(f"{what} is missing: the figures are without what it held")
    return sentences


def missing_logs(folder: Path) -> list[str]:
    """A sentence for each session in a run's folder whose log is not there: they are numbered from the second on."""
    matches = [_SESSION.match(path.name) for path in folder.glob("session*")]
    numbers = [int(match[1] or 1) for match in matches if match]
    names = ["session" if number == 1 else f"session-{number}" for number in range(1, max(numbers, default=0) + 1)]
    missing = [name for name in names if not (folder / name / "log.txt").is_file()]
    return [f"{name}/log.txt is missing: what that session's host saw is not known" for name in missing]


def _between(ranges: Iterable[_Range], end: int) -> Iterator[_Range]:
    """First and last of what lies between ``ranges`` and below ``end``."""
    due = 0
    for first, last in sorted(ranges):
        if first > due:
            yield due, first - 1
        due = max(due, last + 1)
    if due < end:
        yield due, end - 1
