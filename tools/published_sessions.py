"""
Judges every published session in a folder, and prints how many have which finding, by round.

The folder holds clones of mlcommons/tiny_results_v0.5 to v1.3: the first folder of a log's path is its round.
It fails where a log cannot be read, or a median energy is another than the printed one though its samples are there.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tracer.errors import SessionError
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.open_session import build_session

_SECTIONS = ("kind", "judged", "energy", "error", "warning", "note", "fault")
_VERDICTS = {True: "rule-valid", False: "not rule-valid", None: "not judged"}


def rows_of(audit: SessionAudit) -> Iterator[tuple[str, str]]:
    """What a session counts for: section and row, each once."""
    session = audit.session
    yield "kind", session.kind
    if session.kind != "accuracy":
        yield "judged", f"{session.kind}, {_VERDICTS[audit.valid]}"
    if session.kind == "energy":
        yield "energy", _energy(audit)
    yield from {(finding.severity, finding.rule) for finding in audit.findings}


def _energy(audit: SessionAudit) -> str:
    printed = {one.text for one in audit.session.printed if one.name == "median_energy_uj"}
    if audit.figures.median_energy_uj is None:
        return "median not recomputed"
    if not printed:
        return "median not printed"
    differs = any("energy" in finding.text for finding in audit.findings if finding.rule == "printed-differs")
    return "median differs" if differs or len(printed) > 1 else "median equal to the printed digit"


def main(arguments: list[str]) -> int:
    """Print the table; 0 where all could be read and no energy differs, and where there is no folder."""
    folder = Path(arguments[0]) if arguments else Path()
    logs = [one for one in sorted(folder.glob("*/**/*log.txt")) if not one.name.startswith("._")] if arguments else []
    if not logs:
        told = f"{folder} has no published sessions" if arguments else "no folder is named"
        sys.stdout.write(
            f"skipped: {told} (clones of mlcommons/tiny_results_v0.5 to v1.3: make published-sessions FOLDER=...)\n"
        )
        return 0
    table: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for log in logs:
        stage = log.relative_to(folder).parts[0]
        try:
            rows = list(rows_of(audit_session(build_session(log))))
        except SessionError as error:
            sys.stdout.write(f"{log}: {error}\n")
            rows = [("fault", "unread")]
        for row in rows:
            table[row][stage] += 1
        if ("energy", "median differs") in rows:
            sys.stdout.write(f"{log}: the median energy differs\n")
    _show(table, sorted({log.relative_to(folder).parts[0] for log in logs}), len(logs))
    return 1 if {("fault", "unread"), ("energy", "median differs")} & table.keys() else 0


def _show(table: dict[tuple[str, str], Counter[str]], stages: list[str], count: int) -> None:
    width = max(len(f"{section}: {row}") for section, row in table)
    names = "".join(f"{stage.removeprefix('tiny_results_'):>7}" for stage in stages)
    lines = [f"{f'{count} sessions':{width}}{names}    all"]
    for section, row in sorted(table, key=lambda one: (_SECTIONS.index(one[0]), one[1])):
        told = table[section, row]
        counts = "".join(f"{told[stage]:7}" for stage in stages)
        lines.append(f"{f'{section}: {row}':{width}}{counts}{told.total():7}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
