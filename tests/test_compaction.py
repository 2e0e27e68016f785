"""``kws-trace runs --compact``: one part for many, and the same run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runner.cli import app
from tests.dashboard_runs import gpu_profile, recovered_run, windows_of
from tests.recorded import info
from tracer.captures.import_profile import ingest
from tracer.runs import compaction, run_writer
from tracer.runs.parts import parts_of
from tracer.runs.run_files import held
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter


@pytest.fixture
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 9 windows in many parts, with a capture."""
    monkeypatch.setattr(run_writer, "PART_SPANS", 130)
    writer = RunWriter.create(tmp_path, "many", replace(info("many")), lambda _: None)
    every = windows_of(performance=8, inferences=40, captured=20)
    for window in every:
        writer.append(window)
        writer.make_parts_if_due()
    writer.close()
    ingest(stored_run(tmp_path / "many"), [gpu_profile(every[-1])])
    return tmp_path


def called(*words: str, traces: Path) -> Any:
    result = CliRunner().invoke(app, [*words, "--traces", str(traces), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def parts(traces: Path) -> list[int]:
    return [len(list((traces / "many" / table).glob("*.parquet"))) for table in ("spans", "windows", "results")]


def test_no_figure_and_no_row_changes_and_the_second_time_nothing_is_done(traces: Path) -> None:
    before, spans = called("report", "many", traces=traces), stored_run("many", traces).spans()
    assert min(parts(traces)) > 3
    assert called("runs", "--compact", traces=traces)["parts"] == {"many": [sum([9, 9, 9]), 3]}
    assert parts(traces) == [1, 1, 1]
    assert called("report", "many", traces=traces) == before
    assert stored_run("many", traces).spans().to_pylist() == spans.to_pylist()
    assert called("runs", "--compact", traces=traces)["parts"] == {}


class KilledError(BaseException):
    """What ends the program at once."""


def rows(traces: Path) -> list[list[dict[str, Any]]]:
    run = stored_run("many", traces)
    found = [table.to_pylist() for table in (run.spans(), run.windows(), run.results())]
    assert run.dropped == []
    return found


@pytest.mark.parametrize("step", range(0, 27, 3))
def test_a_kill_at_any_step_loses_and_doubles_nothing(
    traces: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(traces)
    steps = 0

    def counting(original: Any) -> Any:
        def done(*words: Any, **how: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps > step:
                raise KilledError
            return original(*words, **how)

        return done

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", counting(Path.unlink))
        patched.setattr(Path, "replace", counting(Path.replace))
        with pytest.raises(KilledError):
            compaction.compact_runs(traces)
    assert rows(traces) == before
    called("runs", "--compact", traces=traces)
    assert rows(traces) == before
    assert parts(traces) == [1, 1, 1]


def test_a_run_that_is_recorded_killed_or_damaged_is_left_and_named(traces: Path) -> None:
    recovered_run(traces, "killed")
    with held(traces / "many", "many"):
        killed, recorded = sorted(called("runs", "--compact", traces=traces)["left"], key=len)
    assert "'many': it is being recorded" in recorded
    assert "killed: it was not closed" in killed
    third = parts_of(traces / "many" / "spans")[2].path
    data = bytearray(third.read_bytes())
    data[40] ^= 0xFF
    third.write_bytes(data)
    (damaged,) = [one for one in called("runs", "--compact", traces=traces)["left"] if one.startswith("many")]
    assert f"spans/{third.name} cannot be read" in damaged
    assert parts(traces) == [9, 9, 9]


def test_a_part_that_is_gone_is_still_missed_afterwards(traces: Path) -> None:
    parts_of(traces / "many" / "spans")[2].path.unlink()
    before = stored_run("many", traces).dropped
    called("runs", "--compact", traces=traces)
    assert parts(traces) == [2, 1, 1]
    after = stored_run("many", traces).dropped
    assert [sentence.split()[-8:] for sentence in after] == [sentence.split()[-8:] for sentence in before]
    assert "missing" in after[0]
