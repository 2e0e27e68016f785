"""What each GPU work follows: the work before it in its stream, and the events that its stream waited for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.breakdown.sync_edges import stream_waits
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask


@dataclass(frozen=True, slots=True)
class LaunchOrder:
    """
    Of each GPU work, by row.

    Args:
        before: row of the work before it in its stream, by launch; -1 of the first.
        in_graph: whether that one came of the same call: both are of one CUDA graph.
        awaited: pairs of a work and one of another stream that an event makes it follow, shape (2, pairs).
        waits: when a stream was made to wait for an event, which stream, and the row of the work that the event
            follows, shape (3, waits); ascending by time.
        told: whether the capture tells streams and events; else a late start may have causes that nobody recorded.
    """

    before: Ints
    in_graph: Mask
    awaited: Ints
    waits: Ints
    told: bool

    def awaited_end_ns(self, work: InferenceWork) -> Ints:
        """When the last of the works that events made it follow had ended; 0 without any."""
        end = np.zeros(len(work.gpu), np.int64)
        np.maximum.at(end, self.awaited[0], work.gpu.end_ns[self.awaited[1]])
        return end


def launch_order(work: InferenceWork) -> LaunchOrder:
    """Order the works of each stream by their launch, and follow the events between streams."""
    gpu = work.gpu
    order = np.lexsort((gpu.start_ns, work.launched_ns, work.lane))
    before = np.full(len(gpu), -1)
    same = np.diff(work.lane[order]) == 0
    before[order[1:][same]] = order[:-1][same]
    in_graph = (before >= 0) & (gpu.call >= 0) & (gpu.call[before] == gpu.call) if len(gpu) else before >= 0
    waits = awaited_work(work)
    return LaunchOrder(before, in_graph, _awaited(work, order, waits), waits, bool(len(work.syncs)))


def awaited_work(work: InferenceWork) -> Ints:
    """``LaunchOrder.waits``: the last work that the other stream had been given before the event was recorded."""
    waits, found = stream_waits(work), []
    if not len(waits.at_ns):
        return np.empty((3, 0), np.int64)
    rows, launched = _by_stream(work, np.lexsort((work.gpu.start_ns, work.launched_ns)))
    columns = (waits.at_ns, waits.stream, waits.source, waits.before_ns)
    for at, waiting, source, recorded in zip(*(one.tolist() for one in columns), strict=True):
        if source in rows and waiting != source:
            last = int(np.searchsorted(launched[source], recorded)) - 1
            if last >= 0:
                found.append((at, waiting, int(rows[source][last])))
    columns_found: Ints = np.array(found, np.int64).reshape(-1, 3).T
    return columns_found


def _awaited(work: InferenceWork, order: Ints, waits: Ints) -> Ints:
    """The first work of a stream after each wait, and what the wait is for."""
    if not waits.size:
        return np.empty((2, 0), np.int64)
    rows, launched = _by_stream(work, order)
    pairs = []
    for at, waiting, row in waits.T.tolist():
        if waiting in rows:
            first = int(np.searchsorted(launched[waiting], at))
            if first < len(rows[waiting]):
                pairs.append((int(rows[waiting][first]), row))
    both: Ints = np.array(pairs, np.int64).reshape(-1, 2).T
    return both


def _by_stream(work: InferenceWork, order: Ints) -> tuple[dict[int, Ints], dict[int, Ints]]:
    """The works of each stream in an order by launch, and when each was launched."""
    stream = work.gpu.stream[order]
    rows = {one: order[stream == one] for one in np.unique(stream).tolist()}
    return rows, {one: work.launched_ns[mine] for one, mine in rows.items()}
