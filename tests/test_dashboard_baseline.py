"""The baseline that an address names: a run of the folder, or launches that were named, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.baseline import baseline_names, chosen_baseline
from tests import dashboard_runs as runs
from tracer.errors import KwsTraceError
from tracer.fleet.baselines import set_baseline
from tracer.runs.run_store import stored_run


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    for name in ("one", "two", "three"):
        runs.plain_run(tmp_path, name)
    held = [stored_run(name, tmp_path) for name in ("one", "two")]
    set_baseline(tmp_path, "gold", {run.info.run_id: run.name for run in held})
    return tmp_path


def test_named_baselines_are_offered_before_the_other_runs(traces: Path) -> None:
    assert baseline_names(traces, ["one", "two", "three"], "three") == ["gold", "one", "two"]


def test_an_address_names_a_run_or_the_launches_of_a_baseline(traces: Path) -> None:
    assert chosen_baseline(traces, None, "one") is None
    assert chosen_baseline(traces, "one", "one") is None
    chosen = {name: chosen_baseline(traces, name, "three") for name in ("two", "gold")}
    assert {name: [run.name for run in one.runs] for name, one in chosen.items() if one} == {
        "two": ["two"],
        "gold": ["one", "two"],
    }


@pytest.mark.parametrize("name", ["../one", "/etc", "absent", "a\0b", ""])
def test_a_name_of_neither_opens_nothing(traces: Path, name: str) -> None:
    with pytest.raises(KwsTraceError):
        chosen_baseline(traces, name, "three")


def test_a_run_that_was_replaced_is_no_part_of_its_baseline(traces: Path) -> None:
    (traces / "two").rename(traces / "elsewhere")
    (traces / "three").rename(traces / "two")
    with pytest.raises(KwsTraceError, match="another run"):
        chosen_baseline(traces, "gold", "one")
