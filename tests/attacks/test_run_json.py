"""Any value at any place of ``run.json``: each command ends with an exit code and words; no terminal obeys."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.programs import called, obeyed
from tests.conftest import ROOT
from tests.dashboard_runs import gpu_run
from tests.json_changes import changed
from tracer.errors import RunError
from tracer.runs.run_info import read_run_info

HOSTILE = "[/]\x1b[31m\x1b]0;title\x07\x9b2J\u202eevil\r\x00\ud800"
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 5, 2**63, 10**400, 0.5, -1e300, "", "x", "[/]", "\u00b2", "a\0b", HOSTILE),
    *([], [5], ["x"], [[]], [{}], {}, {"a": 5}, {"name": []}),
)
GROUP = {"start_ns": 1, "end_ns": 2, "cpu_ns": 1, "load_start": 0.5, "load_end": None, "inferences": 5}
COSTS: dict[str, Any] = {
    "recorder_cost": {
        "ns_per_inference": 825,
        "groups": [{**GROUP, "with_nvtx_ns": [1.5], "without_nvtx_ns": [1.0]}],
    },
    "splitting_cost": {
        "split_ns": 1200.0,
        "fused_ns": 1000.0,
        "ratio": 1.2,
        "spread": {
            "kind": "range",
            "low": 1.1,
            "high": 1.3,
            "unit": "group",
            "count": 2,
            "reason": "2 groups",
            "speeds": [1.1, 1.3],
        },
        "groups": [{**GROUP, "split_ns": [1200.0], "fused_ns": [1000.0]}] * 2,
    },
}
"""As a run of schema 2 keeps them."""

COMMANDS = (
    ["report"],
    ["report", "--json"],
    ["runs"],
    ["compare", "other"],
    ["export", "--perfetto", "out.pftrace"],
    ["kernels"],
    ["accuracy"],
    ["session", "--run"],
    ["ingest"],
)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a nested value."""
    yield place
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in pairs:
        yield from places(one, (*place, key))


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    gpu_run(folder, "run")
    shutil.copytree(ROOT / "traces/sample-cpu", folder / "other")
    path = folder / "run" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **COSTS}))
    return folder


def mutants(facts: Any) -> list[Any]:
    return [changed(facts, place, value) for place in places(facts) for value in (*VALUES, ...)]


def readable(path: Path, made: list[Any]) -> list[Any]:
    """Those of which ``run.json`` is not refused; a refusal names the file."""
    kept, named = [], set()
    for one in made:
        path.write_text(json.dumps(one))
        try:
            read_run_info(path)
        except RunError as error:
            named.add(str(path) in str(error))
        else:
            kept.append(one)
    assert named == {True}
    return kept


def ends_well(traces: Path, name: str, words: list[str]) -> None:
    command, *rest = words
    arguments = [command, *rest[:1], name, *rest[1:]] if command == "session" else [command, name, *rest]
    if command == "runs":
        arguments = ["runs"]
    if command == "kernels":
        arguments = ["kernels", str(traces / name)]
    if command == "ingest":
        arguments = ["ingest", name, str(traces / "other" / "run.json")]
    arguments = [str(traces / one) if one == "out.pftrace" else one for one in arguments]
    ended = called(*arguments, *([] if command == "kernels" else ["--traces", traces]))
    # 3 and 4 are answers of compare: one launch a side, and what can't be told.
    assert ended.code in ((0, 1, 2, 3, 4) if command == "compare" else (0, 1, 2)), ended.said
    assert "nobody foresaw" not in ended.said, (arguments, ended.said)
    assert "Traceback" not in ended.said
    assert obeyed(ended.said) == [], ended.said


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run", "other"])
def test_no_value_at_any_place_of_run_json_is_more_than_a_message(traces: Path, name: str) -> None:
    path = traces / name / "run.json"
    whole = path.read_text()
    try:
        kept = readable(path, mutants(json.loads(whole)))
        rng = random.Random(12)
        for one in rng.sample(kept, 40):
            path.write_text(json.dumps(one))
            ends_well(traces, name, rng.choice([words for words in COMMANDS if words != ["accuracy"]]))
    finally:
        path.write_text(whole)


def hostile(value: Any) -> Any:
    """Every text of a nested value with what a terminal obeys, but for those that are words of the format."""
    if isinstance(value, dict):
        words = ("state", "timed", "stages_mode", "created", "run_id", "source")
        return {key: one if key in words else hostile(one) for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return value + HOSTILE if isinstance(value, str) else value


@pytest.mark.parametrize("name", ["run", "other"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_text_of_run_json_reaches_the_terminal_raw(traces: Path, name: str, words: list[str]) -> None:
    path = traces / name / "run.json"
    whole = path.read_text()
    facts = json.loads(whole)
    try:
        path.write_text(json.dumps({**hostile(facts), "stages": facts["stages"]}))
        ends_well(traces, name, words)
    finally:
        path.write_text(whole)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 5000])
def test_numbers_that_no_figure_can_be_are_refused(tmp_path: Path, number: str) -> None:
    shutil.copytree(ROOT / "traces/sample-cpu", tmp_path / "run")
    path = tmp_path / "run/run.json"
    path.write_text(path.read_text().replace('"ratio": 1.060176563771509', f'"ratio": {number}'))
    with pytest.raises(RunError, match=r"run\.json"):
        read_run_info(path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("spread",), 0.5),
        (("spread", "kind"), "guess"),
        (("spread", "low"), "x"),
        (("spread", "speeds"), [1]),
        (("groups",), [5]),
        (("groups", 0, "split_ns"), "x"),
    ],
    ids=str,
)
def test_a_cost_of_no_such_shape_is_refused(traces: Path, place: tuple[Any, ...], value: Any) -> None:
    path = traces / "run" / "run.json"
    whole = path.read_text()
    try:
        path.write_text(json.dumps(changed(json.loads(whole), ("splitting_cost", *place), value)))
        with pytest.raises(RunError, match="its splitting_cost"):
            read_run_info(path)
    finally:
        path.write_text(whole)


def test_a_cost_by_nothing_is_left_out(traces: Path) -> None:
    path = traces / "run" / "run.json"
    whole = path.read_text()
    try:
        path.write_text(json.dumps(changed(json.loads(whole), ("splitting_cost", "fused_ns"), 0)))
        ended = called("report", "run", "--traces", traces)
    finally:
        path.write_text(whole)
    assert ended.code == 0, ended.said
    assert "Splitting" not in ended.said


def test_a_refusal_names_the_place_and_what_is_there(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "traces/sample-cpu", tmp_path / "run")
    path = tmp_path / "run/run.json"
    facts = json.loads(path.read_text())
    facts["captures"][1]["clock"]["rate_ppm"] = "fast"
    path.write_text(json.dumps(facts))
    with pytest.raises(RunError, match=r"its captures\[1\]\.clock\.rate_ppm is 'fast'"):
        read_run_info(path)
