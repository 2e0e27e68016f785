"""The inferences of a run with their stages within them, as one track whose rows are made a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracer.arrow_arrays import Integers, encode, integers
from tracer.captures.clock_fit import LineClock
from tracer.captures.tracks import Rows, Track, all_at, merged
from tracer.stages import INFERENCE

LABEL = "inferences"

Tables = Callable[[], Iterable[pa.Table]]
"""Gives the spans of a run, in one table or in more; each call gives them from the start."""


@dataclass(frozen=True, slots=True)
class SpanFacts:
    """
    What one pass over the spans of a run tells.

    Args:
        serial: the spans of the serial line.
        names: of all stages, in the order in which the tables have them.
        first_ns: when the first span began; 0 of none.
        inference_ns: when the first inference began; None of none.
        apart: whether each table's inferences follow those of the one before.
    """

    serial: pa.Table
    names: tuple[str, ...]
    first_ns: int
    inference_ns: int | None
    apart: bool


def span_facts(tables: Iterable[pa.Table]) -> SpanFacts:
    """Read the tables once, and keep of them what the serial line did."""
    serial, names, firsts = [], dict[str, None](), []
    begun, ended, apart = None, None, True
    for table in tables:
        of_inference = pc.is_valid(table["inference"])
        serial.append(table.filter(pc.invert(of_inference)))
        names.update(dict.fromkeys(str(name) for name in encode(table, "stage").values.to_pylist()))
        start = integers(table, "start_ns")
        if len(start):
            firsts.append(int(start.min()))
        mine = np.flatnonzero(of_inference)
        if len(mine):
            low, high = int(start[mine].min()), int((start[mine] + integers(table, "duration_ns")[mine]).max())
            apart = apart and (ended is None or low >= ended)
            begun, ended = low if begun is None else min(begun, low), high
    together = pa.concat_tables(serial).unify_dictionaries()
    return SpanFacts(together, tuple(names), min(firsts, default=0), begun, apart)


@dataclass(frozen=True, slots=True)
class StageTrack:
    """The track, on the clock of the timeline and later by ``shift_ns``."""

    tables: Tables
    facts: SpanFacts
    clock: LineClock
    shift_ns: int = 0

    @property
    def first_ns(self) -> int:
        """When it begins."""
        return int(self.clock.mapped(np.array([self.facts.inference_ns]))[0]) + self.shift_ns

    @property
    def names(self) -> tuple[str, ...]:
        """Of its rows, by code."""
        names = self.facts.names
        return names if names == (INFERENCE,) else (*names, INFERENCE)

    def shifted(self, by_ns: int) -> StageTrack:
        """The same, later by ``by_ns``."""
        return replace(self, shift_ns=self.shift_ns + by_ns)

    def pieces(self) -> Iterator[Rows]:
        """Its rows, in order, those of a table at a time where the tables follow one another."""
        tables = self.tables() if self.facts.apart else [pa.concat_tables(self.tables())]
        for table in tables:
            spans = table.filter(pc.is_valid(table["inference"]))
            if len(spans):
                yield self._rows(spans).shifted(self.shift_ns)

    def whole(self) -> Track:
        """All of it in memory."""
        pieces = list(self.pieces())
        columns: dict[str, Any] = {}
        for one in fields(Rows):
            parts = [getattr(piece, one.name) for piece in pieces]
            columns[one.name] = parts[0] if len(parts) == 1 or parts[0] is None else np.concatenate(parts)
        return Track("stage", LABEL, self.names, Rows(**columns))

    def _rows(self, spans: pa.Table) -> Rows:
        start = integers(spans, "start_ns")
        order = np.argsort(start, kind="stable")
        end = self.clock.mapped((start + integers(spans, "duration_ns"))[order])
        number = integers(spans, "inference")[order]
        warmup = np.asarray(spans["warmup"].to_numpy(), bool)[order]
        codes, begin = self._codes(spans)[order], self.clock.mapped(start[order])
        if self.names == (INFERENCE,):
            return Rows(begin, end, codes, all_at(0, len(begin)), number, warmup=warmup)
        stages = Rows(begin, end, codes, all_at(1, len(begin)), number, warmup=warmup)
        first = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
        last = np.r_[first[1:], len(number)] - 1
        code = np.full(len(first), len(self.facts.names))
        whole = Rows(begin[first], end[last], code, all_at(0, len(first)), number[first], warmup=warmup[first])
        return merged(whole, stages)

    def _codes(self, spans: pa.Table) -> Integers:
        """The place of each span's stage among the names of all tables."""
        found = encode(spans, "stage")
        places = np.array([self.facts.names.index(str(name)) for name in found.values.to_pylist()], np.int64)
        return places[found.codes]
