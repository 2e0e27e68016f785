"""
The tree of a table in a SQLite file: its pages, and which of them hold rows.

https://sqlite.org/fileformat2.html, of which only the plain case is taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.arrow_arrays import Integers

Bytes = NDArray[np.uint8]

MOST_COLUMNS = 100
BEYOND = 9 * (MOST_COLUMNS + 3)
"""Zeros behind the pages in memory: numbers of a damaged row may run on into them."""
_BATCH_BYTES = 1 << 20
"""Of leaves decoded at once: their columns stay in the processor's cache."""
_INTERIOR, LEAF = 5, 13
"""First byte of a page of a table that has a rowid."""
_DEEPEST = 20
"""Levels of a tree, as SQLite limits them."""


class UnusualFileError(Exception):
    """Why ``sqlite3`` has to read the table."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of an open file: their size in bytes and their number."""

    descriptor: int
    size: int
    count: int

    @classmethod
    def of(cls, descriptor: int) -> Pages:
        """Of a file whose header is plain."""
        header = os.pread(descriptor, 100, 0)
        size = int.from_bytes(header[16:18], "big")
        size = 65536 if size == 1 else size
        plain = len(header) == 100 and 512 <= size <= 65536 and size & (size - 1) == 0
        # Written and read without a WAL, no reserved bytes at a page's end, UTF-8, a number of pages that holds.
        if not plain or header[18:21] != b"\1\1\0" or header[56:60] != b"\0\0\0\1" or header[24:28] != header[92:96]:
            raise UnusualFileError("its header")
        count = int.from_bytes(header[28:32], "big")
        if os.fstat(descriptor).st_size != count * size:
            raise UnusualFileError("its length")
        return cls(descriptor, size, count)

    def batches(self, numbers: Integers) -> Iterator[Bytes]:
        """
        Pages by number, from 1, in a row of bytes with zeros behind them, a megabyte at a time.

        Each batch lies where the one before it lay: fresh memory for each would be half of what a reader takes.
        """
        if len(numbers) and (int(numbers.min()) < 2 or int(numbers.max()) > self.count):
            raise UnusualFileError("a page that is not there")
        step = max(_BATCH_BYTES // self.size, 1)
        taken = np.zeros(min(step, len(numbers)) * self.size + BEYOND, np.uint8)
        for first in range(0, len(numbers), step):
            batch = numbers[first : first + step]
            end = len(batch) * self.size
            self._read(batch, taken.data)
            taken[end : end + BEYOND] = 0
            yield taken[: end + BEYOND]

    def _read(self, numbers: Integers, into: memoryview) -> None:
        """Neighbours in one go."""
        cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
        for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), len(numbers)], strict=True):
            part = into[first * self.size : last * self.size]
            if os.preadv(self.descriptor, [part], (int(numbers[first]) - 1) * self.size) != len(part):
                raise UnusualFileError("its length")


def leaves_of(pages: Pages, root: int) -> Integers:
    """Numbers of the leaves of a tree, in the order of their rows."""
    level = np.array([root], np.int64)
    for _ in range(_DEEPEST):
        kinds = set()
        children: list[Integers] = []
        for data in pages.batches(level):
            whole = data[:-BEYOND].reshape(-1, pages.size)
            kinds |= set(whole[:, 0].tolist())
            if kinds == {LEAF}:
                # All of a level are leaves or none is: told by the first ones, checked when they are decoded.
                return level
            if kinds != {_INTERIOR}:
                raise UnusualFileError("a page of another kind")
            children += [_children(page) for page in whole]
        level = np.concatenate(children)
        if len(np.unique(level)) != len(level):
            raise UnusualFileError("pages that are children twice")
    raise UnusualFileError("its depth")


def _children(page: Bytes) -> Integers:
    """Of an interior page, in order; the last stands in its header."""
    words: Integers = page.astype(np.int64)
    cells = int(words[3] << 8 | words[4])
    if not 1 <= cells <= (len(page) - 12) // 2:
        raise UnusualFileError("the number of its cells")
    pointers = words[12 : 12 + 2 * cells : 2] << 8 | words[13 : 13 + 2 * cells : 2]
    if int(pointers.min()) < 12 + 2 * cells or int(pointers.max()) > len(page) - 5:
        raise UnusualFileError("the place of a cell")
    at = np.append(pointers, 8)
    first, second, third, fourth = (words[at + place] for place in range(4))
    numbers: Integers = first << 24 | second << 16 | third << 8 | fourth
    return numbers
