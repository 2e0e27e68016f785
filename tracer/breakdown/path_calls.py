"""Which pieces of the host's path lie between the calls of two threads, or lead to a launch."""

from __future__ import annotations

import numpy as np

from tracer.breakdown.owners import HOST
from tracer.breakdown.replay_path import NO_CALL, HostPath
from tracer.captures.cuda_calls import LAUNCH
from tracer.captures.inference_work import InferenceWork
from tracer.captures.row_bounds import Ints, Mask


def hand_offs(work: InferenceWork, path: HostPath) -> Mask:
    """
    Host code between calls of two threads, or between a stage's edge, where its own thread is, and another's call.

    It holds the hand-over from one thread to the other, and what either does before or after: no more than a bound.
    """
    if not len(path.owner) or not len(work.calls):
        return np.zeros(len(path.owner), np.bool_)
    call, pieces = path.call, path.pieces
    own = np.append(work.inferences.thread, NO_CALL)[pieces.inference]
    thread = np.where(call == NO_CALL, own, work.calls.thread[call])
    key = pieces.inference * (len(work.stage_names) + 1) + pieces.stage
    known = call != NO_CALL
    before, after = _last(known), _next(known)
    there = after < len(key)
    after = np.minimum(after, len(key) - 1)
    earlier = np.where((before >= 0) & (key[before] == key), thread[before], own)
    later = np.where(there & (key[after] == key), thread[after], own)
    found: Mask = (path.owner == HOST) & (pieces.inference >= 0) & (earlier != later)
    return found


def before_launches(work: InferenceWork, path: HostPath, chosen: Mask) -> Mask:
    """Pieces of the launches that gave one of the ``chosen`` works, and of what comes before each in its stage."""
    if not len(path.owner) or not len(work.calls):
        return np.zeros(len(path.owner), np.bool_)
    call, pieces = path.call, path.pieces
    wanted = np.zeros(len(work.calls), np.bool_)
    wanted[work.gpu.call[chosen]] = True
    launching = (call != NO_CALL) & (work.calls.kind[call] == LAUNCH)
    after = np.minimum(_next(launching), len(call) - 1)
    key = pieces.inference * (len(work.stage_names) + 1) + pieces.stage
    found: Mask = launching[after] & wanted[call[after]] & (key[after] == key) & (pieces.inference >= 0)
    return found


def _last(marked: Mask) -> Ints:
    """Of each place, the last marked one up to it, or -1."""
    found: Ints = np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))
    return found


def _next(marked: Mask) -> Ints:
    """Of each place, the first marked one from it on, or the length."""
    found: Ints = np.minimum.accumulate(np.where(marked, np.arange(len(marked)), len(marked))[::-1])[::-1]
    return found
