"""``run.json`` to its last value: what it may hold is read as it stands, what it may not is refused by its place."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.json_changes import changed
from tracer.command_line import command_line
from tracer.errors import RunError
from tracer.runs.run_info import (
    SCHEMA_VERSION,
    RunInfo,
    default_run_name,
    given_run_name,
    new_run_info,
    read_run_info,
    write_run_info,
)
from tracer.runs.run_json import LARGEST, SHAPES

LEAST = {"run_id": "id", "name": "run", "state": "complete", "created": "2026-11-28T00:00:00.000+00:00"}
GROUP = {"start_ns": 1, "end_ns": 2, "cpu_ns": 1, "load_start": 0.5, "load_end": None, "inferences": 5}
SPREAD = {"kind": "range", "low": 1.1, "high": None, "unit": "group", "count": 2, "reason": "", "speeds": [1.1, 1.3]}
CLOCK = {"offset_ns": 0.5, "rate_ppm": -1, "outside_ns": 0, "bracket_ns": 900.0}
CAPTURE: dict[str, Any] = {"source": "nsys", "version": "2024.2", "traced": ["cuda"], "first_inference": 0}
CAPTURE |= {"inferences": 20, "clock": CLOCK, "gpu_work": 160, "experimental": False, "notes": ["one"]}
CAPTURE |= {"process": None, "file": "gpu.sqlite", "ingested": "2026-11-28"}

FULL: dict[str, Any] = {
    "state": "recording",
    "timed": "end-to-end",
    "stages_mode": "fused",
    "model": {"name": "kws", "path": None, "sha256": "ab", "format": "tflite"},
    "backend": {
        "name": "litert",
        "version": None,
        "way": "session",
        "known_answers": {"inputs": 8, "largest_difference": 0, "allowed": 1e-6},
        "device": "CPU",
        "threads": LARGEST,
    },
    "quantization": {"scale": 0.5, "zero_point": -128},
    "energy": {"line": "gpiochip0:3", "chip": "a", "name": "b", "offset": 3, "hold_ns": 1_000},
    "recorder_cost": {
        "ns_per_inference": 825,
        "ns_per_inference_with_nvtx": 900.5,
        "ns_per_inference_without_nvtx": None,
        "stages": 3,
        "groups": [{**GROUP, "with_nvtx_ns": [1.5], "without_nvtx_ns": [1.0]}],
    },
    "splitting_cost": {
        "split_ns": 1200.0,
        "fused_ns": 1000.0,
        "ratio": 1.2,
        "interval": [1.1, 1.3],
        "spread": SPREAD,
        "groups": [{**GROUP, "split_ns": [1200.0], "fused_ns": [1000.0]}],
    },
    "startup": {"load_s": 0.5, "inferences": 9, "seconds": 1, "median_ns": None, "stable": True},
    "nvtx": {"ranges": True, "version": "0.2.14", "layer": None, "why": "no tool is attached"},
    "profiler": {"name": "nsys", "version": None, "preset": "gpu", "traced": ["cuda", "nvtx"], "by": "runner"},
    "cost": {
        "operations": 1,
        "macs": 2,
        "parameters": 3,
        "weight_bytes": 4,
        "moved_bytes": 5,
        "least_moved_bytes": None,
        "arithmetic": ["float32"],
        "not_counted": 0,
    },
    "gpus": [
        {
            "name": "NVIDIA H200",
            "uuid": "GPU-1",
            "used": None,
            "compute_capability": "9.0",
            "memory_bytes": 1 << 37,
            "ecc": "on",
            "persistence": "off",
            "mig": None,
            "power_limit_mw": 700_000,
        }
    ],
    "cuda": {"driver": "570", "driver_version": "12.8", "runtime_version": None, "cudnn": "9", "mps": False},
    "machine": {
        "governor": "performance",
        "power_mode": None,
        "processors": 8,
        "processors_allowed": 4,
        "cpu_quota": 1.5,
        "virtual_machine": True,
        "virtual_machine_seen_by": "dmi",
        "container": None,
        "container_seen_by": None,
    },
    "captures": [CAPTURE],
    "journal": {"rows": 3, "lost": [1]},
}
"""A value with every key for each of ``SHAPES``."""

REST: dict[str, Any] = {
    "schema_version": 1,
    "host": "bench",
    "platform": "Linux",
    "python": "3.12",
    "cpu": "Cortex",
    "versions": {"numpy": "2"},
    "stages": ["session_run"],
    "port": None,
    "baud": 115_200,
    "environment": {"A": "b"},
    "gaps": [{"start": "1", "end": "2", "why": "closed"}],
    "more_gaps": 1,
    "command": ["run"],
    "not_recorded": ["one"],
    "board": "nano",
    "launch_set": {"id": "set", "number": 1, "of": 2},
}


def read(folder: Path, facts: Any) -> RunInfo:
    path = folder / "run.json"
    path.write_text(json.dumps(facts))
    return read_run_info(path)


def refusal(folder: Path, facts: Any) -> str:
    with pytest.raises(RunError) as refused:
        read(folder, facts)
    return str(refused.value).removeprefix(f"{folder / 'run.json'}: ")


def test_a_run_json_with_every_key_is_read_and_written_as_it_stands(tmp_path: Path) -> None:
    assert FULL.keys() == SHAPES.keys()
    facts = {**LEAST, **REST, **FULL}
    found = read(tmp_path, {**facts, "later": [7]})
    assert asdict(found) == {**facts, "extra": {"later": [7]}}
    write_run_info(tmp_path / "run.json", found)
    assert json.loads((tmp_path / "run.json").read_text()) == {**facts, "later": [7]}
    least = read(tmp_path, LEAST)
    assert (least.timed, least.stages_mode, least.schema_version) == ("reference", "split", SCHEMA_VERSION)
    # Keys may be absent, and those that none knows may hold anything.
    optional = {key for key, one in FULL.items() if isinstance(one, dict)} - {"quantization"}
    nothing = {**{key: {} for key in optional}, "gpus": [{}], "captures": []}
    assert asdict(read(tmp_path, {**LEAST, **nothing})) == {**asdict(RunInfo(**LEAST)), **nothing}
    assert read(tmp_path, {**LEAST, "model": {"later": [None]}}).model == {"later": [None]}
    none = dict.fromkeys(("quantization", "energy", "splitting_cost", "profiler"))
    assert asdict(read(tmp_path, {**LEAST, **none})) == asdict(RunInfo(**LEAST))


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        (("state",), "done", "state is 'done'"),
        (("timed",), ["reference"], "timed is ['reference']"),
        (("stages_mode",), None, "stages_mode is None"),
        (("model",), [], "model is []"),
        (("model", "name"), 3, "model.name is 3"),
        (("backend", "known_answers", "allowed"), ..., "backend.known_answers lacks allowed"),
        (("backend", "threads"), True, "backend.threads is True"),
        (("backend", "threads"), LARGEST + 1, "backend.threads is 9223372036854775808"),
        (("backend", "threads"), -LARGEST - 1, "backend.threads is -9223372036854775808"),
        (("quantization", "scale"), ..., "quantization lacks scale"),
        (("quantization",), "x" * 59, f"quantization is '{'x' * 59}..."),
        (("quantization",), "x" * 58, f"quantization is '{'x' * 58}'"),
        (("energy", "offset"), 1.5, "energy.offset is 1.5"),
        (("recorder_cost", "groups"), {}, "recorder_cost.groups is {}"),
        (("splitting_cost", "interval"), [1], "splitting_cost.interval is [1]"),
        (("splitting_cost", "interval", 1), "x", "splitting_cost.interval[1] is 'x'"),
        (("splitting_cost", "spread", "kind"), "guess", "splitting_cost.spread.kind is 'guess'"),
        (("splitting_cost", "spread", "speeds"), [1, 2, 3], "splitting_cost.spread.speeds is [1, 2, 3]"),
        (("startup", "stable"), 1, "startup.stable is 1"),
        (("nvtx", "ranges"), None, "nvtx.ranges is None"),
        (("profiler", "traced", 1), 5, "profiler.traced[1] is 5"),
        (("cost", "operations"), "1", "cost.operations is '1'"),
        (("gpus", 0, "used"), "yes", "gpus[0].used is 'yes'"),
        (("cuda", "mps"), 0, "cuda.mps is 0"),
        (("machine", "cpu_quota"), False, "machine.cpu_quota is False"),
        (("captures", 0, "clock", "rate_ppm"), "fast", "captures[0].clock.rate_ppm is 'fast'"),
        (("captures", 0, "gpu_work"), ..., "captures[0] lacks gpu_work"),
        (("journal", "lost", 0), None, "journal.lost[0] is None"),
        (("gaps", 0, "why"), 1, "gaps[0].why is 1"),
        (("environment", "A"), None, "environment.A is None"),
        (("run_id",), 5, "run_id is 5"),
        (("launch_set",), "set", "launch_set is 'set'"),
    ],
    ids=str,
)
def test_a_value_that_a_run_json_cannot_hold_is_named_by_its_place(
    tmp_path: Path, place: tuple[Any, ...], value: Any, what: str
) -> None:
    facts = changed({**LEAST, **REST, **FULL}, place, value)
    assert refusal(tmp_path, facts) == f"its {what}; it is damaged; the tables may be whole"


def test_a_new_run_is_named_by_time_and_host_and_knows_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "my_board-7.lan é")
    assert re.fullmatch(r"\d{8}-\d{6}-my_board-7-lan-é", default_run_name())
    assert [given_run_name(name) for name in ("", "mine")] == ["", "mine"]
    assert re.fullmatch(r"\d{8}-\d{6}-my_board-7-lan-é", given_run_name(None))
    texts = iter(
        [
            "processor\t: 0\nmodel name\t: ARMv8 Processor rev 1 (v8l)\nmodel name\t: other\n",
            "processor\t: 0\nModel\t\t: Raspberry Pi 4: B\n",
            "processor\t: 0\n",
        ]
    )
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: next(texts))
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    found = [new_run_info("run", board="nano") for _ in range(3)]
    assert [one.cpu for one in found] == ["ARMv8 Processor rev 1 (v8l)", "Raspberry Pi 4: B", "aarch64"]
    assert {(one.name, one.state, one.host, one.board) for one in found} == {
        ("run", "recording", "my_board-7.lan é", "nano")
    }
    assert len({one.run_id for one in found}) == 3
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", one.created) for one in found)

    def gone(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", gone)
    monkeypatch.setattr("platform.processor", lambda: "x86_64")
    assert new_run_info("run").cpu == "x86_64"


def test_what_is_no_run_json_says_what_it_is_instead(tmp_path: Path) -> None:
    whose = "it lacks run_id, name, state or created; it was not written by kws-trace"
    assert refusal(tmp_path, [LEAST]) == whose
    for key in LEAST:
        assert refusal(tmp_path, {name: one for name, one in LEAST.items() if name != key}) == whose
    newer = {**LEAST, "schema_version": SCHEMA_VERSION + 1, "state": "new"}
    assert refusal(tmp_path, newer) == "schema 3 is newer than 2; read it with a newer kws-trace"
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run\.json: it is not readable \(.*\); the tables beside it may be whole$"):
        read_run_info(tmp_path / "run.json")
    with pytest.raises(RunError) as gone:
        read_run_info(tmp_path / "traces" / "run" / "run.json")
    listed = command_line("runs", traces=tmp_path / "traces")
    assert str(gone.value).endswith(f": there is no such file; no run is here; `{listed}` lists them")
