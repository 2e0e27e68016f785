"""Until when a synchronising call waited for the GPU; from then on it was waking up."""

from __future__ import annotations

import numpy as np

from tracer.breakdown.launch_order import awaited_work
from tracer.breakdown.sync_edges import ANY_STREAM, sync_scopes
from tracer.captures.cuda_calls import SYNCHRONISE
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints


def waited_until(work: InferenceWork) -> Ints:
    """
    Of each call, when the last GPU work that it waited for ended; its own start where it waited for nothing.

    A synchronising call waits for work launched before it began (before its event was recorded), on its stream or,
    where the capture does not say which, on any; it returns after that work's end: so it waited for the last such
    work that ended by its return. Work still running then, it did not wait for. Other calls wait for nothing here.

    Returns:
        int64, one a call, between the call's start and its end.
    """
    until: Ints = work.calls.start_ns.copy()
    syncs = np.flatnonzero(work.calls.kind == SYNCHRONISE)
    if not len(syncs) or not len(work.gpu):
        return until
    scopes, (at, waiting, row) = sync_scopes(work), awaited_work(work)
    for stream in np.unique(scopes.stream[syncs]).tolist():
        mine = np.arange(len(work.gpu)) if stream == ANY_STREAM else np.flatnonzero(work.gpu.stream == stream)
        # What a stream was made to wait for is waited for with the stream.
        behind = waiting == stream
        ends = np.r_[work.gpu.end_ns[mine], work.gpu.end_ns[row[behind]]]
        order = np.argsort(ends, kind="stable")
        launched = np.r_[work.launched_ns[mine], at[behind]][order]
        if len(order):
            _wait(work, syncs[scopes.stream[syncs] == stream], ends[order], launched, scopes.before_ns, until)
    return until


def _wait(work: InferenceWork, syncs: Ints, ends: Ints, launched: Ints, before_ns: Ints, until: Ints) -> None:
    """Set the wait of the calls ``syncs``, which wait for works that were launched and ended then, by their ends."""
    calls = work.calls
    first = np.searchsorted(ends, calls.start_ns[syncs], side="right")
    last = np.searchsorted(ends, calls.end_ns[syncs], side="right") - 1
    some = last >= first
    syncs, first, last = syncs[some], first[some], last[some]
    plain = launched[last] < before_ns[syncs]
    until[syncs[plain]] = ends[last[plain]]
    # Work launched during the call, from another thread, that ended last: look further back.
    for sync, low, high in zip(syncs[~plain], first[~plain], last[~plain], strict=True):
        before = np.flatnonzero(launched[low : high + 1] < before_ns[sync])
        if len(before):
            until[sync] = ends[low + before[-1]]
