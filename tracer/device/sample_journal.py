"""From the text that the sampling process left to rows: a run that was killed keeps every sweep that was whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tracer.errors import MalformedTraceError
from tracer.given_files import read_text_file
from tracer.given_json import parsed_json
from tracer.terminal_text import printable


@dataclass(frozen=True, slots=True)
class SampleJournal:
    """
    What was sampled, one position a reading: its time, the number of its source, its value.

    ``failures`` counts, by source and quantity, the sweeps in which it gave no answer; None where the sampling
    process was killed before it could say. ``torn`` lines were cut by that. ``problems`` says in sentences what was
    not sampled, and why.
    """

    interval_ms: int
    sources: tuple[tuple[str, str], ...]
    times_ns: list[int]
    numbers: list[int]
    values: list[int]
    failures: dict[tuple[str, str], int] | None
    torn: int
    problems: tuple[str, ...] = ()


def read_sample_journal(path: Path) -> SampleJournal:
    """
    Read ``path``.

    Raises:
        MalformedTraceError: if its first line is not that of a sample journal.
        OSError: if it cannot be read.
    """
    lines = read_text_file(path, errors="replace").split("\n")
    sources, interval_ms = _header(path, lines[0])
    times: list[int] = []
    numbers: list[int] = []
    values: list[int] = []
    failures: dict[tuple[str, str], int] | None = None
    problems: list[str] = []
    # What follows the last newline is empty, or a line that was being written.
    torn = int(bool(lines[-1]))
    for line in lines[1:-1]:
        if line.startswith("{"):
            problem = _problem(line)
            problems += [problem] if problem else []
            failures = failures if problem else _failures(line, sources)
            continue
        try:
            time_ns, pairs = _sweep(line, len(sources))
        except ValueError:
            torn += 1
            continue
        times += [time_ns] * len(pairs)
        numbers += [number for number, _ in pairs]
        values += [value for _, value in pairs]
    return SampleJournal(interval_ms, sources, times, numbers, values, failures, torn, tuple(problems))


def _header(path: Path, line: str) -> tuple[tuple[tuple[str, str], ...], int]:
    try:
        header = parsed_json(line)
        sources = tuple((str(source), str(quantity)) for source, quantity in header["sources"])
        return sources, int(header["interval_ms"])
    except (ValueError, KeyError, TypeError, OverflowError):
        raise MalformedTraceError(f"{path}: no sample journal begins like this; the run has no samples") from None


def _sweep(line: str, sources: int) -> tuple[int, list[tuple[int, int]]]:
    """Time and (number, value) of each reading; ValueError for a line that is none."""
    time_text, *words = line.split()
    pairs = []
    for word in words:
        number, _, value = word.partition("=")
        pairs.append((int(number), int(value)))
    if any(not 0 <= number < sources for number, _ in pairs):
        raise ValueError(line)
    return int(time_text), pairs


def _problem(line: str) -> str | None:
    try:
        return printable(str(parsed_json(line)["problem"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _failures(line: str, sources: tuple[tuple[str, str], ...]) -> dict[tuple[str, str], int] | None:
    try:
        counts = parsed_json(line)["failures"]
        return {source: int(count) for source, count in zip(sources, counts, strict=True) if count}
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
