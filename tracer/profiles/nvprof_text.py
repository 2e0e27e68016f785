"""
nvprof's text: the summary in both layouts, and the traces of GPU work and of API calls, as text or as CSV.

A summary has totals and no timeline. A GPU trace has a timeline and no launches, unless ``--print-api-trace`` was
asked for too: then both stand in one table, joined by the correlation id.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracer.errors import ProfileError
from tracer.figure_text import counted
from tracer.given_files import LONGEST_LINE, open_file
from tracer.profiles.columns import MEMSET_NAME, copy_label, copy_name, rows_table
from tracer.profiles.nvprof_lines import (
    Header,
    Mark,
    SummaryLine,
    nanoseconds,
    read_header,
    read_mark,
    read_summary_line,
    read_trace_line,
    read_units,
    size_bytes,
    split_correlation,
)
from tracer.profiles.profile import API_CALLS, GPU_WORK, HOST_OPS, NVTX_RANGES, Profile, ProfileSummary, SummaryRow

RECORD_AGAIN = "record it with nvprof --print-gpu-trace --csv --log-file FILE, or without options for a summary"
MOST_WARNINGS = 10

_BLOCKS = {"GPU activities": "gpu", "API calls": "api"}
_NOTHING = ("No kernels were profiled.", "No API activities were profiled.")
_UNIFIED_COPY = re.compile(r"\[Unified Memory Memcpy (\w+)\]")
_COPY = re.compile(r"\[CUDA memcpy (\w+)\]")


@dataclass(slots=True)
class _Found:
    """What has been read so far, and the table that the next line belongs to."""

    process: int = 0
    block: str | None = None
    header: Header | None = None
    units: dict[str, str] = field(default_factory=dict)
    executables: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    nothing: set[int] = field(default_factory=set)
    summary: dict[int, list[tuple[str, SummaryLine]]] = field(default_factory=dict)
    work: list[tuple[Any, ...]] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    devices: dict[str, int] = field(default_factory=dict)
    traces: set[str] = field(default_factory=set)
    page_faults: int = 0
    other: set[str] = field(default_factory=set)
    unended: bool = False


def read_nvprof_text(path: Path) -> Profile | ProfileSummary:
    """
    Read what nvprof printed, with the program's own output in between.

    Returns:
        a ``Profile`` if it holds a trace, times from the start of nvprof's session; else a ``ProfileSummary``, whose
        rows of several processes are added up.

    Raises:
        ProfileError: if it holds neither, or cannot be read.
    """
    found = _Found()
    for line, ended in _lines(path):
        found.unended = not ended
        mark = read_mark(line)
        if mark is not None:
            _take_mark(found, mark)
        elif (header := read_header(line)) is not None:
            found.header, found.units = header, {}
            if header.form != "summary":
                found.traces.add(header.form)
        elif found.header is not None:
            _take_row(found, found.header, line, ended=ended)
        if line.strip() in _NOTHING:
            found.nothing.add(found.process)
    if found.traces:
        return _profile(path, found)
    if found.summary or found.nothing:
        return _summary(path, found)
    raise ProfileError(path, _why_nothing(found), RECORD_AGAIN)


def _lines(path: Path) -> Iterator[tuple[str, bool]]:
    """Each line without its end, and whether it had one; UTF-16 is what PowerShell's redirection writes."""
    try:
        with open_file(path) as file:
            encoding = "utf-16" if file.read(2) in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
        with io.TextIOWrapper(open_file(path), encoding, errors="replace") as lines:
            while line := lines.readline(LONGEST_LINE):
                if "\0" in line or len(line) == LONGEST_LINE:
                    problem = "it is no text" if "\0" in line else "a line of it has a million characters"
                    raise ProfileError(path, problem, RECORD_AGAIN)
                yield line.rstrip("\n"), line.endswith("\n")
    except OSError as error:
        raise ProfileError(path, error.strerror or "unreadable", "name a file that nvprof wrote") from None
    except UnicodeError:
        raise ProfileError(path, "it is no text", RECORD_AGAIN) from None


def _take_mark(found: _Found, mark: Mark) -> None:
    if match := re.match(r"NVPROF is profiling process (\d+), command: (\S+)", mark.says):
        # The executable alone: what follows may hold what nobody meant to keep.
        found.executables[int(match[1])] = match[2]
    elif mark.says.startswith(("Warning:", "Error:")):
        found.warnings.append(mark.says)
    elif mark.says.startswith(("Profiling result", "API calls")):
        # The older layout has a heading for each block; the newer names it in the rows.
        found.block = "api" if mark.says.startswith("API calls") else "gpu"
        found.process, found.header = mark.process, None
    elif re.search(r"result(?: \([a-z ]+\))?:?$", mark.says):
        found.other.add(mark.says.removesuffix(":"))
        found.header = None


def _take_row(found: _Found, header: Header, line: str, *, ended: bool) -> None:
    if header.csv and not found.units and (units := read_units(header, line)) is not None:
        found.units = units
    elif header.form == "summary":
        row = read_summary_line(header, line, found.units)
        if row is not None:
            if row.block is not None:
                found.block = _BLOCKS.get(row.block, row.block)
            if found.block not in {"gpu", "api", None}:
                found.other.add(found.block)
            found.summary.setdefault(found.process, []).append((found.block or "gpu", row))
    elif ended:
        # The last line of a file that was cut: its last cell may be half a figure.
        cells = read_trace_line(header, line)
        if cells is not None:
            _take_event(found, cells)


def _take_event(found: _Found, row: dict[str, str]) -> None:
    start = nanoseconds(row["Start"], found.units.get("Start", ""))
    length = nanoseconds(row["Duration"], found.units.get("Duration", "")) if row["Duration"] else None
    name, correlation = split_correlation(row["Name"])
    told = row.get("Correlation_ID", "")
    if re.fullmatch(r"[0-9]{1,18}", told):
        correlation = int(told)
    if start is None or not name:
        return
    if length is None:
        found.page_faults += name.startswith("[Unified Memory")
        return
    end, device, stream = start + length, row.get("Device", ""), row.get("Stream", "")
    if not device and not name.startswith("["):
        found.calls.append((found.process, 0, name, start, end, correlation))
    elif (kind := _work_kind(name)) is not None:
        number = stream if re.fullmatch(r"[0-9]{1,18}", stream) else "-1"
        # What unified memory moved stands in a column of its own.
        column = "Unified Memory" if row.get("Unified Memory") else "Size"
        size = size_bytes(row.get(column, ""), found.units.get(column, "")) if kind != "kernel" else None
        work = (_device(found, device), int(number), kind, _work_name(name), size, start, end, correlation)
        found.work.append((found.process, *work))


def _work_kind(name: str) -> str | None:
    if _COPY.fullmatch(name) or _UNIFIED_COPY.fullmatch(name):
        return "memcpy"
    if name == MEMSET_NAME:
        return "memset"
    return None if name.startswith("[") else "kernel"


def _work_name(name: str) -> str:
    if match := _COPY.fullmatch(name):
        return copy_name(match[1])
    if match := _UNIFIED_COPY.fullmatch(name):
        return f"[CUDA memcpy Unified {copy_label(match[1])}]"
    return name


def _device(found: _Found, name: str) -> int:
    """``NVIDIA Tegra X1 (0)`` is device 0; a name cut short of its number gets the next that is free."""
    if name not in found.devices:
        match = re.search(r"\((\d{1,4})\)$", name)
        found.devices[name] = int(match[1]) if match else len(found.devices)
    return found.devices[name]


def _profile(path: Path, found: _Found) -> Profile:
    notes = ["experimental: no real trace of nvprof's text has tested this reader", *_notes(found)]
    if "gpu_trace" not in found.traces:
        notes.append("a trace of API calls alone: no GPU work; record it with --print-gpu-trace too")
    if not found.calls:
        notes.append("no API calls in this trace: no launch, so no stage of a kernel; add --print-api-trace")
    elif any(row[-1] is None for row in (*found.work, *found.calls)):
        notes.append("no correlation id in some rows: their launch is not known; record it with --csv")
    notes.append("no NVTX ranges in nvprof's text: export the profile (--export-profile FILE) for those")
    notes.append(f"times are rounded as printed{_resolution(found)}")
    if found.page_faults:
        faults = counted(found.page_faults, "page fault without a duration is", "page faults without a duration are")
        notes.append(f"unified memory: {faults} left out")
    if found.unended:
        notes.append("the last line has no end and is left out: the file may have been cut")
    return Profile(
        path=path,
        source="nvprof",
        version="",
        traced=frozenset({"cuda"}),
        gpu_work=rows_table(GPU_WORK, found.work),
        api_calls=rows_table(API_CALLS, found.calls),
        nvtx_ranges=NVTX_RANGES.empty_table(),
        host_ops=HOST_OPS.empty_table(),
        processes=found.executables,
        experimental=True,
        notes=tuple(notes),
    )


def _resolution(found: _Found) -> str:
    """CSV has six places after the point of one unit; the text has five digits in all."""
    unit = found.units.get("Start")
    if not unit:
        return ", to five digits: too coarse for the gaps between kernels"
    return ", to the microsecond: too coarse for the gaps between kernels" if unit == "s" else ""


def _summary(path: Path, found: _Found) -> ProfileSummary:
    notes = _notes(found)
    empty = len(found.nothing - {process for process, lines in found.summary.items() if _has_gpu(lines)})
    if empty and len(found.summary) > empty:
        notes.append(f"nvprof profiled no kernels in {empty} of {len(found.summary)} processes")
    if len(found.summary) > 1:
        notes.append(f"{len(found.summary)} processes are added up; shares are of their common total")
    if found.unended:
        notes.append("the last line has no end: the file may have been cut there")
    return ProfileSummary(path, "nvprof", _summary_rows(found.summary), notes=tuple(notes))


def _has_gpu(lines: list[tuple[str, SummaryLine]]) -> bool:
    return any(block == "gpu" for block, _ in lines)


def _summary_rows(processes: dict[int, list[tuple[str, SummaryLine]]]) -> tuple[SummaryRow, ...]:
    """Rows as printed where one process has them; of several, equal names are added and shares made anew."""
    rows = [(_summary_kind(block, line), line) for lines in processes.values() for block, line in lines]
    wanted = [(kind, line) for kind, line in rows if kind is not None]
    if len(processes) <= 1:
        return tuple(SummaryRow(kind, line.name, line.count, line.total_ns, line.share) for kind, line in wanted)
    added: dict[tuple[str, str], tuple[int, int]] = {}
    for kind, line in wanted:
        count, total = added.get((kind, line.name), (0, 0))
        added[kind, line.name] = (count + line.count, total + line.total_ns)
    whole = {api: sum(_whole_ns(lines, api=api) for lines in processes.values()) for api in (False, True)}
    made = [
        SummaryRow(kind, name, count, total, total / whole[kind == "api"] if whole[kind == "api"] else None)
        for (kind, name), (count, total) in added.items()
    ]
    return tuple(sorted(made, key=lambda row: (row.kind == "api", -row.total_ns)))


def _whole_ns(lines: list[tuple[str, SummaryLine]], *, api: bool) -> float:
    """The total of one process's block, by the shares where rows were cut off."""
    block = [line for name, line in lines if name == ("api" if api else "gpu")]
    listed, shares = sum(line.total_ns for line in block), sum(line.share for line in block)
    return listed / shares if shares else listed


def _summary_kind(block: str, line: SummaryLine) -> str | None:
    """None for blocks that are neither GPU work nor CUDA calls, as OpenACC's."""
    if block == "api":
        return "api"
    return (_work_kind(line.name) or "kernel") if block == "gpu" else None


def _notes(found: _Found) -> list[str]:
    told = list(dict.fromkeys(found.warnings))
    notes = [f"nvprof: {warning}" for warning in told[:MOST_WARNINGS]]
    if len(told) > MOST_WARNINGS:
        notes.append(f"{counted(len(told) - MOST_WARNINGS, 'more warning')} of nvprof")
    if found.other:
        notes.append(f"not read: {', '.join(sorted(found.other))}")
    return notes


def _why_nothing(found: _Found) -> str:
    if found.other:
        return f"no times in it, but {', '.join(sorted(found.other))}"
    if found.executables or found.warnings or found.block:
        return "nvprof's output without a result: cut off, or the program did not end by itself"
    return "it is no output of nvprof"
