"""What a query found, for people, for spreadsheets, for a page of a review and for a continuous integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from tracer import terminal_text
from tracer.figure_text import change_text, number_text, rate_number_text, share_text, significant_text, time_text
from tracer.fleet.tables import CONFIGURATION
from tracer.reports.breakdown_rows import part_text
from tracer.terminal_text import figure_table, plain, printable

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]

_SLOWDOWNS = ("slowdown", "low", "finds")
_LENGTHS = {"model_sha256": 12, "newest": 10}
"""As many characters as tell a hash, or a time, which is told to its day."""


def shared_values(rows: Sequence[Row]) -> list[str]:
    """In words what is the same in all rows of a configuration's table, so that the rows need not say it."""
    return [f"{_heading(name)}: {_cell(name, rows[0][name])}" for name in CONFIGURATION if _is_shared(rows, name)]


def text_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells, without what ``shared_values`` says and columns that are empty throughout."""
    names = [
        name
        for name in (rows[0] if rows else {})
        if not _is_shared(rows, name) and any(row[name] not in (None, "") for row in rows)
    ]
    return [_heading(name) for name in names], [[_cell(name, row[name]) for name in names] for row in rows]


def render_table(rows: Sequence[Row], console: Console) -> None:
    """Print what each configuration is, with a number, and a table that names it by that."""
    if not rows:
        console.print("nothing to show")
        return
    keys = list(dict.fromkeys(_key(row) for row in rows)) if set(CONFIGURATION) <= rows[0].keys() else []
    for number, key in enumerate(keys, 1):
        facts = zip(CONFIGURATION, key, strict=True)
        line = f"{number}: {', '.join(f'{_heading(name)} {_cell(name, value)}' for name, value in facts)}"
        console.print(line, markup=False, highlight=False)
    if keys:
        numbered = [{"no.": keys.index(_key(row)) + 1, **row} for row in rows]
        lines = dict.fromkeys(f"{row['no.']}: {row['why_not']}" for row in numbered if row.get("why_not"))
        console.print("\n".join(lines), markup=False, highlight=False, end="\n" if lines else "")
        unseen = (*CONFIGURATION, "why_not")
        rows = [{name: value for name, value in row.items() if name not in unseen} for row in numbered]
    headings, cells = text_table(rows)
    names = [name for name in headings if name in ("no.", "part", "kernel", "host")] or headings[:1]
    table = figure_table(names, headings[len(names) :])
    for row in cells:
        table.add_row(*(plain(cell) for cell in row))
    console.print(table)


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in CONFIGURATION)


def csv_text(rows: Sequence[Row]) -> str:
    """All columns with plain values, comma-separated."""
    columns = list(rows[0]) if rows else []
    return terminal_text.csv_text(columns, ([row[name] for name in columns] for row in rows))


def markdown_text(title: str, rows: Sequence[Row], left_out: Sequence[str]) -> str:
    """A heading, a table, and a list of the runs that are left out."""
    headings, cells = text_table(rows)
    lines = [f"## {title}", ""]
    lines += [f"{_markdown('; '.join(shared_values(rows)))}", ""] if rows else ["nothing to show", ""]
    if headings:
        lines += [f"| {' | '.join(map(_markdown, headings))} |", f"|{'---|' * len(headings)}"]
        lines += [f"| {' | '.join(map(_markdown, row))} |" for row in cells]
    if left_out:
        lines += ["", "Left out:", "", *(f"- {_markdown(sentence)}" for sentence in left_out)]
    return "\n".join(lines)


def junit_text(rows: Sequence[Row], fail_over: float, left_out: Sequence[str]) -> str:
    """
    The regressions as JUnit's XML: a test a configuration, which failed, passed, or was skipped with the reason.

    The form is that which Jenkins, GitLab and GitHub's actions read: ``testsuites``, ``testsuite``, ``testcase``.
    The runs that are left out stand in ``system-err``.
    """
    failed, skipped = sum(row["failed"] for row in rows), sum(bool(row["why_not"]) for row in rows)
    counts = f'tests="{len(rows)}" failures="{failed}" errors="0"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {counts}>"]
    lines.append(f'  <testsuite name="kws-trace fleet regressions" {counts} skipped="{skipped}" time="0">')
    for row in rows:
        name = quoteattr(printable(", ".join(_cell(key, row[key]) for key in CONFIGURATION)))
        said = printable(row["why_not"] or sentence(row, fail_over))
        lines.append(f'    <testcase classname="regressions" name={name} time="0">')
        if row["failed"]:
            lines.append(f"      <failure message={quoteattr(said)}/>")
        elif row["why_not"]:
            lines.append(f"      <skipped message={quoteattr(said)}/>")
        else:
            lines.append(f"      <system-out>{escape(said)}</system-out>")
        lines.append("    </testcase>")
    if left_out:
        sentences = "\n".join(f"left out: {printable(sentence)}" for sentence in left_out)
        lines.append(f"    <system-err>{escape(sentences)}</system-err>")
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"])


def sentence(row: Row, fail_over: float) -> str:
    """What was found of a configuration for which something can be told."""
    change = f"{change_text(1 + row['slowdown'])} (at least {change_text(1 + row['low'])})"
    verdict = "slower" if row["detected"] else "no slowdown detected"
    least = f"a slowdown of {share_text(row['finds'])} would be failed four times of five"
    return f"{verdict}: {change}, look {row['look']}, failed from {share_text(fail_over)}; {least}"


def _is_shared(rows: Sequence[Row], name: str) -> bool:
    return name in CONFIGURATION and name in rows[0] and all(row[name] == rows[0][name] for row in rows)


def _heading(name: str) -> str:
    for ending in ("_ns", "_hz"):
        name = name.removesuffix(ending)
    return name.replace("rule_valid", "rule-valid").replace("_", " ")


def _cell(name: str, value: Any) -> str:
    """By its type, then by its name: a question in SQL may call anything anything."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return _figure(name, value)
    text = printable(str(value))
    return part_text(text) if name == "part" else text[: _LENGTHS.get(name)]


def _figure(name: str, value: float | None) -> str:
    if name in _SLOWDOWNS:
        return change_text(None if value is None else 1 + value)
    if name.endswith("_ns"):
        return time_text(value)
    if name.endswith("_hz"):
        return rate_number_text(value)
    if value is None:
        return ""
    return number_text(value) if isinstance(value, int) else significant_text(value)


def _markdown(text: str) -> str:
    """As it stands in a line or a table of Markdown: nothing in a name is markup."""
    return "".join(f"\\{char}" if char in "\\|*_`[]<>#$~&" else char for char in printable(text))
