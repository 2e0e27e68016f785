"""
The host's side of an inference as one path, and the points on it that wait for the GPU.

The threads of an inference hand over to one another (the main thread sleeps while an executor thread launches), so
what its threads do is laid on one path: at each nanosecond the first of the owners from ``launch`` on, as if there
were no GPU. Calls that do overlap are thereby taken for serial. Waiting is not work: a wait takes no time of its own
and ends with what it waits for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.breakdown.owners import COPY_CALL, HOST, LAUNCHING, OTHER_CALL, TRACER, WAIT, PathLayers, Pieces
from tracer.breakdown.sync_edges import ANY_STREAM, sync_scopes
from tracer.captures.cuda_calls import COPY, SYNCHRONISE
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask

NO_CALL = -1


@dataclass(frozen=True, slots=True)
class Barriers:
    """
    Points of the path that are not passed before some GPU work has ended.

    Args:
        inference: row of its inference.
        at_ns: where on the measured path.
        start_ns: it waits for work launched before: when the call began, or its event was recorded; of a copy and of
            an implicit one, 0.
        end_ns: when it returned: what ended later, it did not wait for.
        call: row of the copy call that waits for its own copies, else -1.
        work: row of the GPU work that an implicit one waits for, else -1.
        stream: that it waits for, else ``ANY_STREAM``.
        binding: whether it waited at all; then the path reached ``at_ns`` because of the GPU.
        waited_ns: how long a synchronising call had lasted by then; 0 of the others.
    """

    inference: Ints
    at_ns: Ints
    start_ns: Ints
    end_ns: Ints
    call: Ints
    work: Ints
    stream: Ints
    binding: Mask
    waited_ns: Ints


@dataclass(frozen=True, slots=True)
class HostPath:
    """
    Pieces of the path and the barriers on it.

    Args:
        pieces: of the whole capture.
        owner: of each piece, from ``launch`` on.
        call: of each piece that a call owns, the row of that call: of several, the one that began last; else
            ``NO_CALL``.
        fixed_ns: what each piece takes by itself: its length, 0 where it waits for a barrier or lies in no inference.
        barriers: in any order.
    """

    pieces: Pieces
    owner: Ints
    call: Ints
    fixed_ns: Ints
    barriers: Barriers


def host_path(work: InferenceWork) -> HostPath:
    """
    Lay the host's side of all inferences on one path.

    Barriers are the synchronising calls, the copy calls that returned after their own copy had ended, and, where no
    call waited for the inference's last GPU work that ended within it, an implicit one there: something (a polling
    thread, mapped memory) told the host. If a thread polled in that inference, the host code from the last call to
    that point is waiting.
    """
    barriers = _barriers(work, PathLayers(work))
    launched = work.launched_ns[work.gpu_inference >= 0]
    pieces = Pieces(work, np.r_[launched, barriers.at_ns])
    owner = pieces.owners(LAUNCHING)
    inside = pieces.inference >= 0
    waiting = _waiting(pieces, owner, barriers, launched, pieces.layers.polled)
    fixed = np.where(inside & ~waiting, pieces.timeline.length_ns, 0)
    return HostPath(pieces, owner, _calls(pieces, owner), fixed, barriers)


def _calls(pieces: Pieces, owner: Ints) -> Ints:
    found, layers, cuts = np.full(len(owner), NO_CALL), pieces.layers, pieces.timeline.cuts
    order = np.argsort(layers.start_ns, kind="stable")
    first = np.searchsorted(cuts, layers.start_ns[order]).tolist()
    last = np.searchsorted(cuts, layers.end_ns[order]).tolist()
    for call, begin, end in zip(layers.call[order].tolist(), first, last, strict=True):
        found[begin:end] = call
    found[(owner < LAUNCHING) | (owner > OTHER_CALL)] = NO_CALL
    return found


def _barriers(work: InferenceWork, layers: PathLayers) -> Barriers:
    """The explicit barriers, and the implicit ones of inferences in which none of them covers the last work."""
    own_end = np.full(len(work.calls), np.iinfo(np.int64).min)
    launched = np.flatnonzero(work.gpu.call >= 0)
    np.maximum.at(own_end, work.gpu.call[launched], work.gpu.end_ns[launched])
    own_end = own_end[layers.call]
    sync = np.flatnonzero(layers.kind == SYNCHRONISE)
    copy = np.flatnonzero((layers.kind == COPY) & (own_end > layers.start_ns) & (own_end <= layers.end_ns))
    inference = work.call_inference[layers.call]
    returned = work.calls.end_ns[layers.call]
    scopes = sync_scopes(work)
    last, covered = _last_works(work), np.zeros(len(work.inferences), np.bool_)
    before, stream = scopes.before_ns[layers.call], scopes.stream[layers.call]
    for rows, begins in ((sync, before[sync]), (copy, own_end[copy])):
        mine = last[inference[rows]]
        waits = mine >= 0
        if len(work.gpu):
            waits &= (begins > work.launched_ns[mine]) & (returned[rows] >= work.gpu.end_ns[mine])
            waits &= (stream[rows] == ANY_STREAM) | (stream[rows] == work.gpu.stream[mine])
        covered[inference[rows][waits]] = True
    implicit = np.flatnonzero((last >= 0) & ~covered)
    ends = work.gpu.end_ns[last[implicit]]
    none, elsewhere = np.full(len(sync), -1), np.full(len(copy) + len(implicit), ANY_STREAM)
    return Barriers(
        inference=np.r_[inference[sync], inference[copy], implicit],
        at_ns=np.r_[layers.until_ns[sync], own_end[copy], ends],
        start_ns=np.r_[before[sync], np.zeros(len(copy) + len(implicit), np.int64)],
        end_ns=np.r_[returned[sync], returned[copy], ends],
        call=np.r_[none, layers.call[copy], np.full(len(implicit), -1)],
        work=np.r_[none, np.full(len(copy), -1), last[implicit]],
        stream=np.r_[stream[sync], elsewhere],
        binding=np.r_[
            layers.until_ns[sync] > layers.start_ns[sync], np.full(len(copy) + len(implicit), fill_value=True)
        ],
        waited_ns=np.r_[layers.until_ns[sync] - layers.start_ns[sync], np.zeros(len(elsewhere), np.int64)],
    )


def _last_works(work: InferenceWork) -> Ints:
    """Of each inference, the row of its own GPU work that ended last within it, or -1."""
    last = np.full(len(work.inferences), -1)
    rows = np.flatnonzero(work.gpu_inference >= 0)
    end = work.gpu.end_ns[rows]
    kept = (end <= work.inferences.end_ns[work.gpu_inference[rows]]) & (end > work.launched_ns[rows])
    rows = rows[kept]
    rows = rows[np.argsort(work.gpu.end_ns[rows], kind="stable")]
    last[work.gpu_inference[rows]] = rows
    return last


def _waiting(pieces: Pieces, owner: Ints, barriers: Barriers, launched: Ints, polled: Ints) -> Mask:
    """Pieces that do nothing but wait for the barrier at which they, or those after them of their kind, end."""
    start = pieces.timeline.start_ns
    if not len(start):
        return np.zeros(0, np.bool_)
    changes = np.r_[True, (np.diff(owner) != 0) | (np.diff(pieces.stage) != 0) | (np.diff(pieces.inference) != 0)]
    changes |= np.isin(start, launched) | np.isin(start, barriers.at_ns)
    group = np.cumsum(changes) - 1
    ends = pieces.timeline.end_ns[np.r_[np.flatnonzero(changes)[1:] - 1, len(start) - 1]]
    explicit = barriers.binding & (barriers.work < 0)
    told = (barriers.work >= 0) & np.isin(barriers.inference, polled)
    by_call = np.isin(owner, (WAIT, COPY_CALL)) & np.isin(ends, barriers.at_ns[explicit])[group]
    by_poll = np.isin(owner, (HOST, TRACER)) & np.isin(ends, barriers.at_ns[told])[group]
    waiting: Mask = by_call | by_poll
    return waiting
