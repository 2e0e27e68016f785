"""
The lines of nvprof's text output: prefixes, headers, units, one row at a time; no file and no table.

Sources: NVIDIA's Profiler User's Guide (nvprof, output modes) and outputs that people published. nvprof marks its own
lines with ``==PID==``, or with ``========`` where it reads a saved profile; the rows between them carry no mark, and
what the program printed may stand anywhere.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tracer.profiles.columns import LARGEST

UNITS_NS: Mapping[str, float] = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
UNITS_BYTES: Mapping[str, int] = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}

_MARK = re.compile(r"(?<!=)(?:==(?P<pid>\d{1,18})==|={8}) (?P<rest>\S.*)")
_FIGURE = r"\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?"
_TIME = re.compile(rf"({_FIGURE})(ns|us|ms|s)")
_SIZE = re.compile(rf"({_FIGURE})([KMG]?B)")
_TYPED = re.compile(r"\s*(?:(?P<type>[A-Z][A-Za-z ()]*):\s+)?(?P<share>\d+(?:\.\d+)?)%?\s+(?P<rest>\S.*)")


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of nvprof's own: the process (0 where it names none) and what it says."""

    process: int
    says: str


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a table; ``form`` is ``summary``, ``gpu_trace`` or ``api_trace``."""

    columns: tuple[str, ...]
    csv: bool
    form: str


def read_mark(line: str) -> Mark | None:
    """The mark in a line; the program's own output may stand before it, unended."""
    match = _MARK.search(line)
    return Mark(int(match["pid"] or 0), match["rest"].strip()) if match else None


def read_header(line: str) -> Header | None:
    """The head of a summary or of a trace, as text or as CSV; None for any other line."""
    if "Name" not in line or ("Time(%)" not in line and "Duration" not in line):
        return None
    if line.lstrip().startswith('"'):
        columns, separated = read_csv(line), True
    else:
        columns, separated = re.split(r"\s{2,}", line.strip()), False
    names, form = set(columns), None
    if {"Time(%)", "Time", "Calls", "Name"} <= names and columns[-1] == "Name":
        form = "summary"
    elif {"Start", "Duration", "Name"} <= names:
        form = "gpu_trace" if {"Device", "Stream"} <= names else "api_trace" if len(columns) <= 4 else None
    return Header(tuple(columns), separated, form) if form else None


def read_csv(line: str) -> list[str]:
    """The cells of one CSV line; a quote left open ends with the line."""
    try:
        return [cell.strip() for cell in next(csv.reader([line]), [])]
    except csv.Error:
        return []


def read_units(header: Header, line: str) -> dict[str, str] | None:
    """The unit of each column from the second line of a CSV table; None if the line holds none."""
    cells = read_csv(line)
    known = {"", "%", "GB/s", "MB/s", "KB/s", "B/s", *UNITS_NS, *UNITS_BYTES}
    if len(cells) != len(header.columns) or not any(cells) or not set(cells) <= known:
        return None
    return dict(zip(header.columns, cells, strict=True))


def nanoseconds(text: str, unit: str = "") -> int | None:
    """``22.573us``, or ``22.573`` of a unit, in nanoseconds; None if it is no time."""
    return _scaled(_TIME, UNITS_NS, text + unit)


def size_bytes(text: str, unit: str = "") -> int | None:
    """``38.147MB`` in bytes, whose prefixes nvprof takes as powers of 1024; None if it is no size."""
    return _scaled(_SIZE, UNITS_BYTES, text + unit)


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One row of a summary; ``block`` is the name before the first row of each block, None where none stands."""

    block: str | None
    share: float
    total_ns: int
    count: int
    name: str


def read_summary_line(header: Header, line: str, units: Mapping[str, str]) -> SummaryLine | None:
    """A row of a summary; None for what the program printed in between."""
    if header.csv:
        return _csv_summary_line(header, line, units)
    match = _TYPED.fullmatch(line)
    if match is None:
        return None
    # After Time and Calls come as many times as the head has columns between Calls and Name.
    between = len(header.columns) - header.columns.index("Calls") - 2
    cells = match["rest"].split(None, 2 + between)
    if len(cells) != 3 + between or any(nanoseconds(cell) is None for cell in cells[2:-1]):
        return None
    return _summary_line(match["type"], match["share"], nanoseconds(cells[0]), cells[1], cells[-1].strip())


def _csv_summary_line(header: Header, line: str, units: Mapping[str, str]) -> SummaryLine | None:
    cells = read_csv(line)
    if len(cells) != len(header.columns):
        return None
    row = dict(zip(header.columns, cells, strict=True))
    total = nanoseconds(row["Time"], units.get("Time", ""))
    return _summary_line(row.get("Type"), row["Time(%)"], total, row["Calls"], row["Name"])


def _summary_line(block: str | None, share: str, total: int | None, calls: str, name: str) -> SummaryLine | None:
    if total is None or not name or not re.fullmatch(r"[0-9]{1,18}", calls):
        return None
    if not re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,12})?", share) or float(share) > 100:
        return None
    return SummaryLine(block, float(share) / 100, total, int(calls), name)


def read_trace_line(header: Header, line: str) -> dict[str, str] | None:
    """The cells of a row of a trace by column; None for a line of another form. A dash is an empty cell."""
    cells = read_csv(line) if header.csv else re.split(r"\s{2,}", line.strip(), maxsplit=len(header.columns) - 1)
    if len(cells) != len(header.columns):
        return None
    return {name: "" if cell == "-" else cell for name, cell in zip(header.columns, cells, strict=True)}


def split_correlation(name: str) -> tuple[str, int | None]:
    """``vectorAdd(int*) [112]`` into the kernel's name and the launch's correlation id."""
    match = re.fullmatch(r"(.+?) \[(\d{1,18})\]", name)
    return (match[1], int(match[2])) if match else (name, None)


def _scaled(form: re.Pattern[str], units: Mapping[str, float], text: str) -> int | None:
    match = form.fullmatch(text.strip())
    if match is None:
        return None
    value = float(match[1]) * units[match[2]]
    return round(value) if value < LARGEST else None
