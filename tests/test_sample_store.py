"""The samples of a run: what a sampling process left becomes a part, and what it could not read is said."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from tests.recorded import Sample, samples_table
from tracer.device.device_samples import failures_line, header_line, problem_line, sweep_line
from tracer.device.device_state import SAMPLES
from tracer.runs.sample_store import keep_samples, read_samples, sample_journal_path

SOURCES = [("cpu0", "frequency_hz"), ("gpu", "frequency_hz"), ("rail:VDD_IN", "power_mw")]
SOURCES += [("thermal:off", "temperature_mc")]


def test_a_journal_becomes_a_part_and_each_source_that_failed_now_and_then_is_told(tmp_path: Path) -> None:
    assert keep_samples(tmp_path, "run") == []
    assert read_samples(tmp_path, "run") == (SAMPLES.empty_table(), [])
    lines = [header_line(SOURCES, 250), problem_line("no GPU; name it"), sweep_line(5, [7, 8, None, None])]
    lines += [sweep_line(6, [7, None, 9, None]), failures_line([0, 1, 1_200, 2])]
    sample_journal_path(tmp_path).write_text("".join(lines))
    rows = [Sample(5, "cpu0", "frequency_hz", 7), Sample(5, "gpu", "frequency_hz", 8)]
    rows += [Sample(6, "cpu0", "frequency_hz", 7), Sample(6, "rail:VDD_IN", "power_mw", 9)]
    expected = samples_table(rows, "run").to_pylist()
    growing, problems = read_samples(tmp_path, "run")
    assert (growing.to_pylist(), problems) == (expected, [])
    # Of the one that never answered, which is switched off, nothing is lost.
    assert keep_samples(tmp_path, "run") == [
        "no GPU; name it",
        "gpu frequency_hz: 1 reading failed",
        "rail:VDD_IN power_mw: 1,200 readings failed",
    ]
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert files == ["samples/part.parquet"]
    assert [field.nullable for field in pq.read_schema(tmp_path / files[0])] == [False] * 5
    kept, problems = read_samples(tmp_path, "run")
    assert (kept.schema, kept.to_pylist(), problems) == (SAMPLES, expected, [])


def test_damaged_samples_are_told_and_left_where_they_are(tmp_path: Path) -> None:
    journal = sample_journal_path(tmp_path)
    journal.write_text("{}\n")
    why = f"{journal}: no sample journal begins like this; the run has no samples"
    assert read_samples(tmp_path, "run") == (
        SAMPLES.empty_table(),
        [f"the samples are damaged ({why}): frequencies are left out"],
    )
    assert keep_samples(tmp_path, "run") == [why]
    assert journal.read_text() == "{}\n"
    part = tmp_path / "samples" / "part.parquet"
    part.parent.mkdir()
    part.write_bytes(b"PAR1")
    table, (problem,) = read_samples(tmp_path, "run")
    assert (table.schema, len(table)) == (SAMPLES, 0)
    assert problem.startswith("the samples are damaged (")
    assert problem.endswith("): frequencies are left out")
