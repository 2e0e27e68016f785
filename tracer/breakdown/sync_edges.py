"""Which work a synchronising call waits for, and which order calls put between streams, by what the capture tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracer.captures.inference_work import EVENT_RECORD, STREAM_WAIT, SYNC_EVENT, SYNC_STREAM, InferenceWork
from tracer.captures.row_bounds import Ints

ANY_STREAM = -1


@dataclass(frozen=True, slots=True)
class SyncScopes:
    """
    Of each call of a capture, what it waits for if it synchronises.

    It waits for work of ``stream`` (``ANY_STREAM`` where the capture does not say, or it waits for the device) that
    was launched before ``before_ns``: before the call, or before its event was recorded.
    """

    stream: Ints
    before_ns: Ints


@dataclass(frozen=True, slots=True)
class StreamWaits:
    """
    Calls after which a stream waits for an event, by time.

    Work of ``stream`` launched after ``at_ns`` starts after that of ``source`` launched before ``before_ns``.
    """

    at_ns: Ints
    stream: Ints
    source: Ints
    before_ns: Ints


def sync_scopes(work: InferenceWork) -> SyncScopes:
    """What each synchronising call waits for; everything on every stream where the capture does not tell."""
    syncs = work.syncs
    stream, before = np.full(len(work.calls), ANY_STREAM), work.calls.start_ns.copy()
    by_stream = syncs.kind == SYNC_STREAM
    stream[syncs.call[by_stream]] = syncs.stream[by_stream]
    by_event = np.flatnonzero(syncs.kind == SYNC_EVENT)
    source, recorded, known = _recorded(work, syncs.event[by_event], work.calls.start_ns[syncs.call[by_event]])
    stream[syncs.call[by_event[known]]] = source[known]
    before[syncs.call[by_event[known]]] = recorded[known]
    return SyncScopes(stream, before)


def stream_waits(work: InferenceWork) -> StreamWaits:
    """The order that events put between streams."""
    syncs = work.syncs
    rows = np.flatnonzero((syncs.kind == STREAM_WAIT) & (syncs.stream >= 0))
    rows = rows[np.argsort(work.calls.start_ns[syncs.call[rows]], kind="stable")]
    at = work.calls.start_ns[syncs.call[rows]]
    source, recorded, known = _recorded(work, syncs.event[rows], at)
    return StreamWaits(at[known], syncs.stream[rows[known]], source[known], recorded[known])


def _recorded(work: InferenceWork, event: Ints, at_ns: Ints) -> tuple[Ints, Ints, Ints]:
    """Of events at moments: the stream in which each was last recorded by then, when, and which of them ever were."""
    syncs = work.syncs
    rows = np.flatnonzero((syncs.kind == EVENT_RECORD) & (syncs.event >= 0))
    when = work.calls.start_ns[syncs.call[rows]]
    order = np.lexsort((when, syncs.event[rows]))
    events, times, streams = syncs.event[rows][order], when[order], syncs.stream[rows][order]
    if not len(rows):
        none = np.zeros(len(event), np.int64)
        return none, none, np.flatnonzero(none)
    # Events first, then time: one key tells both apart. Ranks, since products of times from 1970 leave 64 bits.
    _, dense = np.unique(np.r_[events, event], return_inverse=True)
    moments, rank = np.unique(np.r_[times, at_ns], return_inverse=True)
    key = dense * len(moments) + rank
    place = np.searchsorted(key[: len(rows)], key[len(rows) :]) - 1
    known = np.flatnonzero((place >= 0) & (events[place] == event))
    return streams[place], times[place], known
