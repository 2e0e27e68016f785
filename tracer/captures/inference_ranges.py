"""Our own NVTX ranges in a capture, as inferences and their stages; and whether they are all there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from tracer.arrow_arrays import NO_ROW, Codes, Flags, Integers, arrow, encode, integers, present
from tracer.captures.row_bounds import covering_rows
from tracer.errors import ProfileError
from tracer.figure_text import count_text, counted
from tracer.profiles.profile import Profile
from tracer.recording.nvtx_ranges import DOMAIN
from tracer.stages import INFERENCE, INFERENCE_STAGES

SHOWN = 3
"""Numbers of inferences that a message lists before it says how many more there are."""


@dataclass(frozen=True, slots=True)
class InferenceRanges:
    """
    Inferences of one process in the order of their starts; readings are nanoseconds of the capture's clock.

    Args:
        process: the process; None where there is no inference.
        numbers: payload of each ``inference`` range; -1 where it has none.
        stages: names of the stages, in the order in which they begin; none where inferences were fused.
        stage_start_ns, stage_end_ns: int64, n rows, a column a stage; ``NO_ROW`` where the inference lacks it.
        repeated: pushed again within the same inference: how many stage ranges.
        unended: ranges of inferences and stages that the capture's end cut.
        outside: ranges of the domain outside every inference, as those of the serial line.
    """

    process: int | None
    numbers: Integers
    thread: Integers
    start_ns: Integers
    end_ns: Integers
    stages: tuple[str, ...]
    stage_start_ns: Integers
    stage_end_ns: Integers
    repeated: int = 0
    unended: int = 0
    outside: int = 0

    def __len__(self) -> int:
        return len(self.start_ns)


def stage_ranges(profile: Profile, domain: str = DOMAIN, process: int | None = None) -> InferenceRanges:
    """
    Find our inferences: push/pop ranges named ``inference`` in ``domain``, and the stages within each.

    A stage is a range of the same domain and thread whose start lies within an inference. Start/end ranges are never
    taken for ours: they may cross one another.

    Raises:
        ProfileError: if an inference begins before the one before it ended, or ``process`` is None and several
            processes have inferences.
    """
    ranges = profile.nvtx_ranges
    names, domains, styles = (encode(ranges, name) for name in ("name", "domain", "style"))
    owners, ended = integers(ranges, "process"), present(ranges, "end_ns")
    mine = (domains.codes == domains.code_of(domain)) & (styles.codes == styles.code_of("push_pop"))
    whole = names.codes == names.code_of(INFERENCE)
    chosen = process if process is not None else _only_process(profile.path, owners[mine & whole & ended])
    mine &= owners == chosen if chosen is not None else False
    start = integers(ranges, "start_ns")
    rows = np.flatnonzero(mine & whole & ended)
    rows = rows[np.argsort(start[rows], kind="stable")]
    named = ("payload", "thread", "start_ns", "end_ns")
    numbers, thread, begin, end = (integers(ranges, name, NO_ROW)[rows] for name in named)
    inferences = InferenceRanges(
        chosen,
        numbers,
        thread,
        begin,
        end,
        stages=(),
        stage_start_ns=np.empty((len(rows), 0), np.int64),
        stage_end_ns=np.empty((len(rows), 0), np.int64),
        unended=int((mine & ~ended & _of_inferences(names)).sum()),
    )
    _refuse_overlaps(profile.path, inferences)
    return _with_stages(inferences, ranges, np.flatnonzero(mine & ~whole & ended))


def _of_inferences(names: Codes) -> Flags:
    """Rows that bear the name of an inference or a stage: the range that starts a capture may end after it."""
    known = [names.code_of(name) for name in (INFERENCE, *INFERENCE_STAGES)]
    return np.asarray(np.isin(names.codes, known))


def _only_process(path: Path, owners: Integers) -> int | None:
    found = np.unique(owners).tolist()
    if len(found) > 1:
        raise ProfileError(
            path, f"processes {', '.join(map(str, found))} each ran inferences", "name the one that is meant"
        )
    return int(found[0]) if found else None


def _refuse_overlaps(path: Path, inferences: InferenceRanges) -> None:
    early = np.flatnonzero(inferences.start_ns[1:] < inferences.end_ns[:-1])
    if len(early):
        first, second = inferences.numbers[early[0] : early[0] + 2].tolist()
        remedy = "kernels are attributed by time, so capture a run that does one inference at a time"
        raise ProfileError(path, f"inferences {first} and {second} overlap", remedy)


def _with_stages(inferences: InferenceRanges, ranges: pa.Table, candidates: Integers) -> InferenceRanges:
    """Lay the other ranges of the domain into the inferences that they began in."""
    part = ranges.take(arrow(candidates))
    names, thread = encode(part, "name"), integers(part, "thread")
    start, end = integers(part, "start_ns"), integers(part, "end_ns")
    place = covering_rows(start, inferences.start_ns, inferences.end_ns)
    inside = place != NO_ROW
    inside[inside] = thread[inside] == inferences.thread[place[inside]]
    order = np.flatnonzero(inside)
    order = order[np.argsort(start[order], kind="stable")]
    stages, column = _stages_in_order(names, start[order] - inferences.start_ns[place[order]], names.codes[order])
    starts = np.full((len(inferences), len(stages)), NO_ROW, dtype=np.int64)
    ends = starts.copy()
    # The first of its name counts; what came again is said.
    cells, first = np.unique(place[order] * max(len(stages), 1) + column, return_index=True)
    starts.flat[cells], ends.flat[cells] = start[order][first], end[order][first]
    return replace(
        inferences,
        stages=stages,
        stage_start_ns=starts,
        stage_end_ns=ends,
        repeated=len(order) - len(first),
        outside=int((~inside).sum()),
    )


def _stages_in_order(names: Codes, offset: Integers, codes: Integers) -> tuple[tuple[str, ...], Integers]:
    """Distinct names, those that we know in their order, then others as they began; and the column of each range."""
    known = {name: place for place, name in enumerate(INFERENCE_STAGES)}
    distinct, column = np.unique(codes, return_inverse=True)
    texts = [str(names.values[int(code)].as_py()) if code >= 0 else "" for code in distinct]
    begins = [int(offset[column == place].min()) for place in range(len(distinct))]
    order = sorted(range(len(texts)), key=lambda place: (known.get(texts[place], len(known)), begins[place]))
    rank = np.argsort(np.array(order, dtype=np.int64))
    return tuple(texts[place] for place in order), rank[column] if order else column


def verify_ranges(
    inferences: InferenceRanges, expected_inferences: int | None = None, stages: Sequence[str] | None = None
) -> list[str]:
    """
    Say what is wrong with a capture's ranges: its inferences cannot be joined to a run where anything is.

    Args:
        inferences: what ``stage_ranges`` found.
        expected_inferences: how many the run did while it was captured; None where that is not known.
        stages: names of the stages that the run recorded, none of a fused one; None where that is not known.

    Returns:
        One sentence a problem; empty where every inference is there, numbered without a gap, with its stages, once.
    """
    if not len(inferences):
        return ["no `inference` range: the NVTX ranges did not arrive, or the capture began after the last one"]
    problems = []
    count = len(inferences)
    if expected_inferences is not None and count != expected_inferences:
        problems.append(f"{counted(count, 'inference')} captured, {count_text(expected_inferences)} expected")
    problems += _number_problems(inferences.numbers)
    if inferences.unended:
        unended = counted(inferences.unended, "range")
        problems.append(f"{unended} without an end: the capture ended within an inference")
    if inferences.repeated:
        problems.append(f"{counted(inferences.repeated, 'stage range')} repeated within an inference")
    problems += _stage_problems(inferences, stages)
    return problems


def _number_problems(numbers: Integers) -> list[str]:
    if (numbers < 0).any():
        return [f"{counted(int((numbers < 0).sum()), '`inference` range')} without a number"]
    steps = np.diff(numbers)
    problems = []
    if (steps == 0).any() or len(np.unique(numbers)) < len(numbers):
        repeated = len(numbers) - len(np.unique(numbers))
        problems.append(f"{counted(repeated, 'inference number')} repeated")
    if (steps < 0).any():
        problems.append(f"inference numbers fall back, first after {int(numbers[np.argmax(steps < 0)])}")
    gaps = np.flatnonzero(steps > 1)
    if len(gaps):
        ends = [(int(numbers[gap]) + 1, int(numbers[gap + 1]) - 1) for gap in gaps[:SHOWN]]
        missing = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in ends)
        more = f" and {counted(len(gaps) - SHOWN, 'more gap')}" if len(gaps) > SHOWN else ""
        problems.append(f"missing: inference {missing}{more}")
    return problems


def _stage_problems(inferences: InferenceRanges, stages: Sequence[str] | None) -> list[str]:
    problems = []
    if stages is not None:
        problems += [f"no range of stage {stage}" for stage in stages if stage not in inferences.stages]
        problems += [
            f"a range {stage} that is no stage of the run" for stage in inferences.stages if stage not in stages
        ]
    absent = inferences.stage_start_ns == NO_ROW
    for place, stage in enumerate(inferences.stages):
        if absent[:, place].any():
            first = int(inferences.numbers[np.argmax(absent[:, place])])
            lacking = counted(int(absent[:, place].sum()), "inference")
            problems.append(f"{lacking} without stage {stage}, first inference {first}")
    late = (inferences.stage_end_ns > inferences.end_ns[:, None]).any(axis=1)
    if late.any():
        problems.append(f"{counted(int(late.sum()), 'inference')} ended before a stage within")
    return problems
