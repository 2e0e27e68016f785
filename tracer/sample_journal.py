"""From the text that the sampling process left to rows: a run that was killed keeps every sweep that was whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tracer.device_samples import Sample
from tracer.errors import MalformedTraceError


@dataclass(frozen=True, slots=True)
class SampleJournal:
    """
    What was sampled.

    ``failures`` counts, by source and quantity, the sweeps in which it gave no answer; None where the sampling
    process was killed before it could say. ``torn`` lines were cut by that.
    """

    interval_ms: int
    sources: tuple[tuple[str, str], ...]
    samples: tuple[Sample, ...]
    failures: dict[tuple[str, str], int] | None
    torn: int


def read_sample_journal(path: Path) -> SampleJournal:
    """
    Read ``path``.

    Raises:
        MalformedTraceError: if its first line is not that of a sample journal.
        OSError: if it cannot be read.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.split("\n")
    try:
        header = json.loads(lines[0])
        sources = tuple((str(source), str(quantity)) for source, quantity in header["sources"])
        interval_ms = int(header["interval_ms"])
    except (ValueError, KeyError, TypeError):
        raise MalformedTraceError(f"{path}: no sample journal begins like this; the run has no samples") from None
    samples: list[Sample] = []
    failures: dict[tuple[str, str], int] | None = None
    # What follows the last newline is empty, or a line that was being written.
    torn = int(bool(lines[-1]))
    for line in lines[1:-1]:
        if line.startswith("{"):
            failures = _failures(line, sources)
            continue
        sweep = _sweep(line, sources)
        if sweep is None:
            torn += 1
        else:
            samples.extend(sweep)
    return SampleJournal(interval_ms, sources, tuple(samples), failures, torn)


def _sweep(line: str, sources: tuple[tuple[str, str], ...]) -> list[Sample] | None:
    time_text, *pairs = line.split()
    try:
        time_ns = int(time_text)
        found = []
        for pair in pairs:
            number, _, value = pair.partition("=")
            source, quantity = sources[int(number)]
            found.append(Sample(time_ns, source, quantity, int(value)))
    except (ValueError, IndexError):
        return None
    return found


def _failures(line: str, sources: tuple[tuple[str, str], ...]) -> dict[tuple[str, str], int] | None:
    try:
        counts = json.loads(line)["failures"]
        return {source: int(count) for source, count in zip(sources, counts, strict=True) if count}
    except (ValueError, KeyError, TypeError):
        return None
