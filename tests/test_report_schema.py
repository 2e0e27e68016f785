"""The report's value: its keys and figures stay, its schema is that of its types, its tables are read once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.dashboard_runs import KINDS, gpu_run
from tests.recorded import info, window
from tools.report_schema import FILES, build_schema, schema_text
from tracer.report_types.report import SCHEMA_VERSION
from tracer.reports.compare_report import compare_sides, launches_of
from tracer.reports.report import build_report
from tracer.runs import run_tables
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter

ROOT = Path(__file__).resolve().parent.parent
RUNS = {"sample-cpu": ROOT / "traces" / "sample-cpu", "h200": ROOT.parent / "shared" / "data" / "h200" / "run"}
ADDED = {
    "schema_version",
    "why_not_official",
    "ordinal",
    "unrecorded",
    "printed_energy_uj",
    "trust",
    "why_no_place",
    "profiler_pairs_ratio",
    "profiler_pairs_spread",
    "profiler_pairs_left_out",
    "spread",
    "gpus",
    "cuda",
    "machine",
    "streaming",
    "energy_uj",
    "energy_per_inference_uj",
    "energy",
    "pulses",
    "power_mw",
    "tf32_per_s",
    "note",
}
"""Keys that the reports of ``golden`` have not: they were made by version 0.2.0, before the types."""
WORDS = ("lines", "notes", "text", "sentence", "why")
"""Keys of sentences, which may be put in other words."""


def differences(old: Any, new: Any, at: str = "") -> dict[str, tuple[Any, Any]]:
    """Where two values differ, by path: a missing or an added key, another figure."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = {}
        for key in old.keys() | (new.keys() - ADDED):
            if key in old.keys() & new.keys() and key in WORDS:
                continue
            found |= differences(old.get(key, "absent"), new.get(key, "absent"), f"{at}.{key}")
        return found
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [
            differences(one, two, f"{at}[{place}]") for place, (one, two) in enumerate(zip(old, new, strict=True))
        ]
        return {path: both for pair in pairs for path, both in pair.items()}
    same = old == (pytest.approx(new, rel=1e-9) if isinstance(new, float) else new)
    return {} if same else {at: (old, new)}


NEW_MEANING = (
    *(".gains", ".gpu.gaps_ns", ".gpu.interrupted", ".gpu.inflation", ".gpu.verdict.sentence"),
    *(f".overhead.{name}" for name in ("wake", "other_call", "order", "context", "prepare")),
)
"""
What says something else than in version 0.2.0: gains are of a calibrated replay, hand-offs are no launches, and other
calls are told apart.
"""


def held_against_golden(name: str) -> dict[str, tuple[Any, Any]]:
    if not RUNS[name].is_dir():
        pytest.skip(f"{RUNS[name]} is not here")
    old = json.loads((ROOT / "tests" / "golden" / f"report-{name}.json").read_text(encoding="utf-8"))
    new = json.loads(json.dumps(build_report(stored_run(RUNS[name]))))
    new["windows"] = new["windows"][: len(old["windows"])]
    return {path: both for path, both in differences(old, new).items() if not path.startswith(NEW_MEANING)}


def test_the_sample_run_has_the_report_that_it_had() -> None:
    assert held_against_golden("sample-cpu").keys() == {".published"}, "a place is for rule-valid, trusted runs"


def test_the_h200_run_has_the_report_that_it_had_but_for_the_host_s_calibration() -> None:
    found = held_against_golden("h200")
    assert found.pop(".published")[1] is None
    kinds = {path: both for path, both in found.items() if path.endswith(".kind")}
    assert list(kinds.values()) == [("accuracy", "calibration")] * 5
    assert found.pop(".accuracy.windows") == found.pop(".accuracy.inferences") == (505, 500)
    spread = {f".accuracy.{name}" for name in ("median_ns", "p90_ns", "p99_ns", "total_ns")}
    assert found.keys() - kinds.keys() == spread


def test_a_misspelt_or_a_missing_key_is_seen() -> None:
    assert differences({"a": [{"b": 1}]}, {"a": [{"c": 1}]}).keys() == {".a[0].b", ".a[0].c"}
    assert differences({"a": 1.0}, {"a": 1.1}) == {".a": (1.0, 1.1)}


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: FILES[kind].name)
def test_the_schema_file_is_that_of_the_types(kind: Any) -> None:
    assert FILES[kind].read_text(encoding="utf-8") == schema_text(kind), (
        "write it anew: python -m tools.report_schema"
    )
    jsonschema.Draft202012Validator.check_schema(build_schema(kind))


@pytest.mark.parametrize("name", [*RUNS, "aborted", "empty", *(name for name in KINDS if name != "damaged")])
def test_the_report_of_a_run_of_any_kind_is_of_the_schema(tmp_path: Path, name: str) -> None:
    folder = RUNS.get(name, tmp_path / name)
    if name in KINDS:
        KINDS[name](tmp_path, name)
    elif name not in RUNS:
        recorder = RunWriter.create(tmp_path, name, info(), lambda _: None)
        if name == "aborted":
            recorder.append(window(0, inferences=4, warmups=1, state="aborted"))
        recorder.close()
    elif not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    report = json.loads(json.dumps(build_report(stored_run(folder))))
    assert report["schema_version"] == SCHEMA_VERSION
    jsonschema.Draft202012Validator(build_schema()).validate(report)


def test_the_schema_refuses_a_misspelt_key_and_a_wrong_kind() -> None:
    validator = jsonschema.Draft202012Validator(build_schema())
    report: dict[str, Any] = json.loads(json.dumps(build_report(stored_run(RUNS["sample-cpu"]))))
    assert validator.is_valid(report)
    assert not validator.is_valid({**report, "inferense": report["inference"]})
    assert not validator.is_valid({**report, "inference": {**report["inference"], "count": "3"}})
    assert not validator.is_valid({key: value for key, value in report.items() if key != "gpu"})


def test_a_report_reads_each_file_of_a_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu_run(tmp_path, "gpu")
    counts: Counter[Path] = Counter()
    read = run_tables.read_table

    def counted(path: Path, *rest: Any) -> Any:
        counts[path] += 1
        return read(path, *rest)

    monkeypatch.setattr(run_tables, "read_table", counted)
    runs = [stored_run("gpu", tmp_path)]
    assert build_report(runs[0])["gpu"] is not None
    assert {path.parent.name for path in counts} >= {"spans", "windows"}
    assert set(counts.values()) == {1}
    compare_sides([launches_of([runs[0]]), launches_of([runs[0]])])
    assert set(counts.values()) == {1}
