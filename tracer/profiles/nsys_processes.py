"""
Process numbers out of the global ids of an Nsight Systems export.

A ``globalTid`` holds the machine in its bits 48 and up, the process in bits 24 to 47 and the thread below; a
``globalPid`` is the same with thread 0 (section "Common SQLite examples" of nsys's manual; real files of 2022.4 and
2026.2). Older exports give GPU work no process: it is then that of the call with the same correlation id.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = 24
_MASK = (1 << _BITS) - 1


class ProcessNumbers:
    """
    Maps global ids to process numbers: the operating system's own, while they tell the processes apart.

    Where one number is used on two machines, both keep the machine's bits in front of it.
    """

    def __init__(self, global_ids: list[NDArray[np.int64]]) -> None:
        edges = [edge for ids in global_ids if len(ids) for edge in (int(ids.min()), int(ids.max()))]
        machines = {edge >> (2 * _BITS) for edge in edges}
        self._shared = np.zeros(0, np.int64)
        if len(machines) > 1:
            places = np.unique(np.concatenate([np.unique(ids >> _BITS) for ids in global_ids]))
            numbers, counts = np.unique(places & _MASK, return_counts=True)
            self._shared = numbers[counts > 1]

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence where processes of several machines have one number."""
        if not len(self._shared):
            return ()
        return ("processes of several machines have one number: they are numbered machine * 2^24 + number",)

    def process(self, global_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Process number of each global id; int64, same shape."""
        places = global_ids >> _BITS
        numbers: NDArray[np.int64] = places & _MASK
        if len(self._shared):
            numbers = np.where(np.isin(numbers, self._shared), places, numbers)
        return numbers


def thread_numbers(global_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Thread number of each global id; int64, same shape."""
    threads: NDArray[np.int64] = global_ids & _MASK
    return threads


def processes_by_launch(
    ids: NDArray[np.int64], calls: NDArray[np.int64], processes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """
    Processes of GPU work whose rows name none, by its correlation ids and by those and the processes of the calls.

    Returns:
        int64 like ``ids``: the only process there is, or the only one with a call of that id; 0 where neither holds.
        And how many are 0.
    """
    known = np.unique(processes)
    if len(known) == 1:
        return np.full(len(ids), known[0], np.int64), 0
    pairs = np.unique(np.stack([calls, processes]), axis=1) if len(calls) else np.zeros((2, 0), np.int64)
    single, first, counts = np.unique(pairs[0], return_index=True, return_counts=True)
    sole = single[counts == 1]
    owners = pairs[1][first[counts == 1]]
    if not len(sole):
        return np.zeros(len(ids), np.int64), len(ids)
    place = np.minimum(np.searchsorted(sole, ids), len(sole) - 1)
    found = sole[place] == ids
    return np.where(found, owners[place], 0), int((~found).sum())
