"""CUDA calls held against GPU records: what was called and not recorded; an absence is said only where known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tracer.arrow_arrays import Flags, Integers, dense_groups, encode, integers, present
from tracer.figure_text import count_text, counted
from tracer.profiles.profile import Profile, ProfileSummary

WORKS = {"launch": ("kernel", "graph"), "copy": ("memcpy",), "memset": ("memset",)}
"""What a call asks the GPU for, and the kinds of ``GPU_WORK`` that record it."""

_CALLS = {
    "launch": re.compile(r"(cuda|cu)(Launch(?!HostFunc)|GraphLaunch)\w*|\[CUDA launch\]"),
    "copy": re.compile(r"(cuda|cu)Memcpy\w*|\[CUDA memcpy call\]"),
    "memset": re.compile(r"(cuda|cu)Memset\w*|\[CUDA memset call\]"),
}
_CAPTURE = re.compile(r"(?:cuda|cu)Stream(Begin|End)Capture\w*")
_CUT = 0.995
"""Shares of a summary that add up to less: rows were cut from it."""

_CAUSES = (
    (
        re.compile(r"driver version.*not supported|driver.*newer", re.I),
        "possibly the driver, which is newer than the tool by its own warning",
    ),
    (re.compile(r"invalid timestamps|buffer space|dropped", re.I), "the tool dropped records, by its own warning"),
    (re.compile(r"NVGPUCTRPERM|not have permission|INSUFFICIENT_PRIVILEGES", re.I), "the tool lacked the permission"),
)
_POSSIBLE = (
    "a driver newer than the tool, dropped records, no permission, a failed call, or a program that ended "
    "before the tool had written them does this"
)
_DOUBT = re.compile(r"Not all CUDA events might have been collected")


@dataclass(frozen=True, slots=True)
class Held:
    """
    Calls of one kind, and the records of what they asked for.

    Args:
        called: distinct calls.
        missing: of them those to which no record belongs.
        late: of the missing those that began after the last call with a record: a capture may have ended before
            their work did.
        records: rows of that kind.
    """

    called: int = 0
    missing: int = 0
    late: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """
    The calls of a profile held against its GPU records.

    Args:
        held: for ``launch``, ``copy`` and ``memset``.
        calls: CUDA calls that the profile lists, of any kind; without one it cannot tell what was called.
        whole: false where rows were cut from a summary, which then proves no loss.
    """

    held: dict[str, Held]
    calls: int
    whole: bool = True


def check_records(profile: Profile | ProfileSummary) -> RecordCheck:
    """
    Hold each launch, copy and memset that was called against the GPU records.

    With correlation ids each call is looked up; a summary, and a trace without the ids, has counts alone, where more
    calls than records are a loss. Launches between the begin and the end of a stream's capture build a graph and are
    not counted: they run nothing.
    """
    if isinstance(profile, ProfileSummary):
        return _check_summary(profile)
    calls, work = profile.api_calls, profile.gpu_work
    name, kinds = encode(calls, "name"), encode(work, "kind")
    texts = [str(text) for text in name.values.to_pylist()]
    counts = dict(zip(kinds.values.to_pylist(), np.bincount(kinds.codes, minlength=len(kinds.values)), strict=True))
    of_calls, of_work = _keys(profile)
    run, found = ~_captured(profile, texts, name.codes), (of_calls >= 0) & np.isin(of_calls, of_work)
    late = _late(profile, found)
    joined = bool(present(calls, "correlation_id").any() and present(work, "correlation_id").any()) or not len(work)
    held = {}
    for kind, form in _CALLS.items():
        of_kind = np.array([bool(form.fullmatch(text)) for text in texts], bool)
        rows = np.flatnonzero((of_kind[name.codes] if texts else np.zeros(0, bool)) & run)
        first = _first_of_each(of_calls, rows)
        records = int(sum(counts.get(one, 0) for one in WORKS[kind]))
        missing = int((~found[first]).sum()) if joined else max(0, len(first) - records)
        held[kind] = Held(len(first), missing, int(late[first].sum()) if joined else 0, records)
    return RecordCheck(held, len(calls))


def _check_summary(summary: ProfileSummary) -> RecordCheck:
    calls = [row for row in summary.rows if row.kind == "api"]
    shares = [row.share for row in summary.rows if row.kind != "api" and row.share is not None]
    whole = not shares or sum(shares) >= _CUT
    held = {}
    for kind, form in _CALLS.items():
        called = sum(row.count for row in calls if form.fullmatch(row.name))
        records = sum(row.count for row in summary.rows if row.kind in WORKS[kind])
        held[kind] = Held(called, max(0, called - records) if whole or not records else 0, 0, records)
    return RecordCheck(held, len(calls), whole)


def _keys(profile: Profile) -> tuple[Integers, Integers]:
    """One number for each process and correlation id: of the calls, and of the work; -1 where there is no id."""
    tables = profile.api_calls, profile.gpu_work
    processes = np.concatenate([integers(table, "process") for table in tables])
    ids = np.concatenate([np.where(present(t, "correlation_id"), integers(t, "correlation_id"), -1) for t in tables])
    distinct, dense = dense_groups(np.maximum(ids, -1) + 1)
    _, keys = dense_groups(dense_groups(processes)[1] * len(distinct) + dense)
    keys = np.where(ids < 0, -1, keys)
    return keys[: len(tables[0])], keys[len(tables[0]) :]


def _late(profile: Profile, found: Flags) -> Flags:
    """Of each call, whether it began after the last one of its process that has a record."""
    process, start = integers(profile.api_calls, "process"), integers(profile.api_calls, "start_ns")
    late = np.zeros(len(found), bool)
    for one in np.unique(process[found]):
        ours = process == one
        late |= ours & (start > start[ours & found].max())
    return late


def _first_of_each(keys: Integers, rows: Integers) -> Integers:
    """A runtime call and the driver's within it share one id: they are one call."""
    of_rows = keys[rows]
    first = np.zeros(int(of_rows.max(initial=-1)) + 2, np.int64)
    first[of_rows[::-1]] = rows[::-1]
    kept: Integers = rows[(of_rows < 0) | (first[of_rows] == rows)]
    return kept


def _captured(profile: Profile, names: list[str], codes: Integers) -> Flags:
    """Of each call, whether its thread is capturing a stream into a graph meanwhile."""
    steps = {"Begin": 1, "End": -1}
    step_of = np.array([steps[m[1]] if (m := _CAPTURE.fullmatch(name)) else 0 for name in names], np.int64)
    if not step_of.any():
        return np.zeros(len(codes), bool)
    calls = profile.api_calls
    process, thread, start = (integers(calls, column) for column in ("process", "thread", "start_ns"))
    order = np.lexsort((start, thread, process))
    step = step_of[codes][order]
    border = np.flatnonzero((np.diff(process[order]) != 0) | (np.diff(thread[order]) != 0)) + 1
    depth = np.cumsum(step)
    offset = np.zeros(len(order), np.int64)
    offset[border] = np.diff(np.concatenate(([0], depth[border - 1])))
    inside = np.zeros(len(order), bool)
    inside[order] = (depth - np.cumsum(offset)) > 0
    return inside


def checked_notes(
    profile: Profile | ProfileSummary, absent: Sequence[str] = (), check: RecordCheck | None = None
) -> tuple[str, ...]:
    """
    The notes of a profile, with what was called and not recorded, and the tool's doubts beside what was found.

    ``absent`` are the kinds (keys of ``WORKS``) of which nothing is shown: the last note says why. ``check`` is what
    ``check_records`` gave, where it was asked before.
    """
    check = check or check_records(profile)
    notes = [f"{note} {_finding(check)}" if _DOUBT.search(note) else note for note in profile.notes]
    unexplained = [kind for kind in absent if not check.held[kind].missing]
    why = [_absence(profile, check, unexplained)] if unexplained else []
    return (*notes, *_losses(check, profile.notes), *why)


def unrecorded(profile: Profile, check: RecordCheck | None = None) -> str | None:
    """What was called and not recorded, in words; None where each call has its record, or the capture ended first."""
    return _lost(check or check_records(profile), profile.notes)


def absence(profile: Profile | ProfileSummary, *kinds: str) -> str:
    """
    Why no record of these kinds (keys of ``WORKS``) is to be shown: none in the profile, or in its inferences.

    Returns:
        A sentence part, without a full stop: what was called, or that nothing was, or that nobody can tell.
    """
    return _absence(profile, check_records(profile), kinds)


def _absence(profile: Profile | ProfileSummary, check: RecordCheck, kinds: Sequence[str]) -> str:
    names = ["kernel" if kind == "launch" else kind for kind in kinds]
    name = " or ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)
    if isinstance(profile, Profile) and "cuda" not in profile.traced:
        return f"no {name} recorded: CUDA was not traced, whether a GPU worked is not known"
    if any(check.held[kind].records for kind in kinds):
        return f"no {name} in these inferences; the capture has some outside them"
    if any(check.held[kind].missing for kind in kinds):
        called = sum(check.held[kind].called for kind in kinds)
        return f"{counted(called, 'call')} for a {name}, 0 GPU records: not recorded"
    if not check.whole:
        return f"no {name} among the rows listed, of which some were cut"
    if not check.calls:
        return f"no {name} and no CUDA call recorded: the program made none, or the tool did not record them"
    return f"no {name.replace('kernel', 'launch')} was called while the capture lasted"


def _losses(check: RecordCheck, notes: tuple[str, ...]) -> Iterator[str]:
    lost = _lost(check, notes)
    if lost is not None:
        yield lost
    late = ", ".join(_calls(kind, one.late) for kind, one in check.held.items() if one.late)
    if late:
        yield f"{late} after the last recorded one have no GPU record: the capture ended before it, or lost it"


def _lost(check: RecordCheck, notes: tuple[str, ...]) -> str | None:
    lost = {kind: one for kind, one in check.held.items() if one.missing > one.late}
    if not lost:
        return None
    told = "; ".join(f"{_calls(kind, one.called)} called, {_records(one)}" for kind, one in lost.items())
    cause = next((said for form, said in _CAUSES if any(form.search(note) for note in notes)), _POSSIBLE)
    return f"{told}: not recorded ({cause})"


def _calls(kind: str, count: int) -> str:
    return counted(count, kind, {"launch": "launches", "copy": "copies"}.get(kind))


def _records(one: Held) -> str:
    kept = one.called - one.missing
    return f"{count_text(kept)} of them with a GPU record" if kept else "0 GPU records"


def _finding(check: RecordCheck) -> str:
    called = sum(one.called for one in check.held.values())
    missing = sum(one.missing for one in check.held.values())
    if not called:
        return "Checked: no call of a launch, copy or memset is recorded"
    told = f"{count_text(missing)} of {counted(called, 'call')} without a GPU record"
    return f"Checked, launches, copies and memsets: {told}"
