"""``kws-trace cost`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.inference.models import SHIPPED_SAVED_MODEL
from runner.limits.model_cost import CostChoice, gather_cost
from tests.recorded import info, window
from tracer.errors import UsageError
from tracer.runs.run_writer import RunWriter


def cost(*words: str) -> str:
    said = CliRunner().invoke(app, ["cost", *words], env={"COLUMNS": "80", "TERM": "dumb"}, catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return said.stdout


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    recorder = RunWriter.create(tmp_path, "timed", info("timed"), lambda _: None)
    recorder.append(window(0, inferences=10))
    recorder.close()
    return tmp_path


def test_the_text_fits_80_columns_and_says_where_the_2021_count_is_wrong() -> None:
    said = cost(str(SHIPPED_SAVED_MODEL), "--device", "nano", "--latency-us", "4305")
    assert max(map(len, said.splitlines()[1:])) <= 80
    for part in ("24,908", "2,656,768", "99,632", "1,664,768", "236 GFLOP/s", "4.30 ms", "closed division"):
        assert part in said


def test_json_has_the_layers_the_limits_and_the_place() -> None:
    figures = json.loads(cost("--json", "--device", "nano", "--latency-us", "4305", "--gpu-mhz", "460.8"))
    assert figures["model"]["format"] == "tflite"
    assert figures["cost"]["total"]["macs"] == 2_656_768
    assert {"layer", "parameters", "macs", "weight_bytes", "output_bytes", "moved_bytes"} <= figures["cost"][
        "layers"
    ][0].keys()
    assert figures["limits"]["clock_hz"] == 460.8e6
    assert figures["limits"]["measured"]["measured_ns"] == 4_305_000
    assert figures["limits"]["points"][0]["intensity"] > 0
    assert figures["published"]["rounds"]["v0.5"]["rank"] == 3
    assert "bare time" in figures["why_no_place"]
    assert "would stand as" in cost("--device", "nano", "--latency-us", "4305")


def test_without_a_known_device_the_limits_are_left_out_and_it_is_said() -> None:
    figures = json.loads(cost("--json"))
    if figures["limits"] is None:
        assert "--device cpu" in figures["notes"][0]
    assert figures["published"] is None


def test_a_run_gives_the_time_and_asks_for_a_model_that_is_gone(traces: Path) -> None:
    figures = gather_cost(CostChoice(SHIPPED_SAVED_MODEL, device="nano", run="timed", traces=traces))
    # 10 inferences of exactly 43 us.
    assert figures["measured"]["latency_ns"] == pytest.approx(43_000)
    assert figures["published"] is None
    assert figures["why_no_place"].startswith("not rule-valid: ")
    assert figures["measured"]["source"] == "timed: median rate of its windows"
    assert "the run was on a CPU" in figures["notes"][0]
    with pytest.raises(UsageError, match="name the model's file"):
        gather_cost(CostChoice(run="timed", traces=traces))


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="leave one out"):
        gather_cost(CostChoice(run="last", latency_us=1.0))
    with pytest.raises(UsageError, match="a CPU is measured"):
        gather_cost(CostChoice(device="cpu", gpu_mhz=900.0))
