"""What keeps a run out of a fleet: parts that are gone, rows that are not as many as the run says, another's rows."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from tracer.captures.stored_capture import capture_path
from tracer.figure_text import count_text, counted
from tracer.runs.run_store import StoredRun


def damage_of(run: StoredRun) -> list[str]:
    """
    In sentences what is lost beyond that which the run says of itself, and rows that no part has yet.

    Every table of the windows is read, with the checksums of its pages; the inferences that ``spans`` has of each
    window are counted against ``windows``, the rows of each capture against ``run.json``.
    """
    found = []
    if run.rows:
        recover = f"{counted(len(run.rows), 'window')} only in its journal: `kws-trace runs --recover {run.name}`"
        found.append(recover)
    if any(one != run.info.run_id for one in run.spans()["run_id"].unique().to_pylist()):
        found.append("its spans are of another run than its run.json")
    counts = [*_of_windows(run), *_of_captures(run)]
    run.results()
    lost = [sentence for sentence in run.dropped if sentence not in run.info.not_recorded]
    # What is gone explains why the counts differ.
    return [*lost, *found] if lost else [*found, *counts]


def _of_windows(run: StoredRun) -> Iterator[str]:
    spans = run.spans().select(["window", "warmup", "inference"])
    table = spans.filter(spans["inference"].is_valid())
    counted_rows = table.group_by(["window", "warmup"]).aggregate([("inference", "count_distinct")]).to_pylist()
    there = {(row["window"], row["warmup"]): row["inference_count_distinct"] for row in counted_rows}
    for window in run.windows().to_pylist():
        for warmup, said in ((False, window["inferences"]), (True, window["warmups"])):
            held = there.pop((window["window"], warmup), 0)
            if held != said:
                what = "warm-ups" if warmup else "inferences"
                has = f"spans has {count_text(held)} of {count_text(said)} {what}"
                yield f"window {window['window']}: {has}"
    if there:
        yield f"spans has {counted(len({number for number, _ in there}), 'window')} that windows has not"


def _of_captures(run: StoredRun) -> Iterator[str]:
    for number, capture in enumerate(run.info.captures):
        path = capture_path(run.folder, "gpu_work", number)
        try:
            rows = pq.read_metadata(path).num_rows
        except (OSError, pa.ArrowException):
            yield f"gpu_work/{path.name} cannot be read: it has {count_text(capture.get('gpu_work'))} rows"
            continue
        if rows != capture.get("gpu_work", rows):
            yield f"gpu_work/{path.name} has {count_text(rows)} of {count_text(capture['gpu_work'])} rows"
