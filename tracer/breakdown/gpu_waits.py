"""Until when a synchronising call waited for the GPU; from then on it was waking up."""

from __future__ import annotations

import numpy as np

from tracer.captures.cuda_calls import SYNCHRONISE
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints


def waited_until(work: InferenceWork) -> Ints:
    """
    Of each call, when the last GPU work that it waited for ended; its own start where it waited for nothing.

    A synchronising call waits for the work launched before it began, on any stream (a capture does not always say
    which stream it was called for), and returns after that work's end: so it waited for the last such work that ended
    by its return. Work still running then, it did not wait for. Other calls wait for nothing here.

    Returns:
        int64, one a call, between the call's start and its end.
    """
    calls = work.calls
    until: Ints = calls.start_ns.copy()
    syncs = np.flatnonzero(calls.kind == SYNCHRONISE)
    if not len(syncs) or not len(work.gpu):
        return until
    order = np.argsort(work.gpu.end_ns, kind="stable")
    ends, launched = work.gpu.end_ns[order], work.launched_ns[order]
    first = np.searchsorted(ends, calls.start_ns[syncs], side="right")
    last = np.searchsorted(ends, calls.end_ns[syncs], side="right") - 1
    some = last >= first
    syncs, first, last = syncs[some], first[some], last[some]
    plain = launched[last] < calls.start_ns[syncs]
    until[syncs[plain]] = ends[last[plain]]
    # Work launched during the call, from another thread, that ended last: look further back.
    for sync, low, high in zip(syncs[~plain], first[~plain], last[~plain], strict=True):
        before = np.flatnonzero(launched[low : high + 1] < calls.start_ns[sync])
        if len(before):
            until[sync] = ends[low + before[-1]]
    return until
