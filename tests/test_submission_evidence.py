"""The evidence of a session: its figures again, in words how they follow, the files, and the run; each one whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.recorded import info
from tracer.sessions.audit import audit_session
from tracer.sessions.session import Evidence, Lap, Session, SessionWindow
from tracer.submission.evidence import changed_figures, model_of, run_evidence, session_evidence
from tracer.submission.refusals import ModelFacts


def window(number: int, seconds: int, **more: object) -> SessionWindow:
    """A window of 250 inferences by its laps."""
    laps = tuple(Lap(us, None, Evidence("log.txt", 1, "m-lap-us"), number) for us in (0, seconds * 1_000_000))
    return replace(SessionWindow(number, inferences=250, laps=laps), **more)  # type: ignore[arg-type]


PERFORMANCE = Session(Path("log.txt"), "mlcommons", "performance", "p", (window(1, 10), window(2, 20)), "kws01")
ENERGY = replace(
    PERFORMANCE,
    kind="energy",
    windows=tuple(window(at, 10, energy_uj=at * 500.0, sampled_us=1e7) for at in (1, 2)),
)
ACCURACY = replace(
    PERFORMANCE,
    kind="accuracy",
    windows=tuple(
        window(at + 1, 1, inferences=1, input_name=f"tst_00000{at}_Down_{at}.bin", probabilities=(1.0,) + (0.0,) * 11)
        for at in range(4)
    ),
)


def test_how_a_figure_follows_from_the_raw_lines_is_told_by_kind() -> None:
    told = [session_evidence(audit_session(one), {}, None)["derivation"] for one in (PERFORMANCE, ENERGY, ACCURACY)]
    form = audit_session(ACCURACY).figures.auc_form
    assert told == [
        {
            "rate_hz": "inferences / (last lap - first lap) of a window, laps in microseconds",
            "median": "of 25.0, 12.5",
        },
        {
            "energy_uj": "sum of the energy monitor's samples between a window's two pulses, in microjoules",
            "power_mw": "mean of these samples",
            "median": "energy an inference, of 2.0, 4.0",
        },
        {
            "top1": "1 of 4 inputs have their highest output at the class that the input's name gives",
            "auc": f"mean of one class against the rest, form: {form}",
        },
    ]
    silent = session_evidence(audit_session(replace(ACCURACY, windows=())), {}, None)["derivation"]["top1"]
    assert silent == "0 of 0 inputs have their highest output at the class that the input's name gives"


def test_the_evidence_of_a_session_is_its_host_its_files_its_figures_and_its_run() -> None:
    audit = audit_session(PERFORMANCE)
    evidence = session_evidence(audit, {"log.txt": "ab"}, info())
    median = evidence["median"]
    assert {**evidence, "windows": len(evidence["windows"]), "findings": len(evidence["findings"])} == {
        "driven_by": "mlcommons",
        "files": {"log.txt": "ab"},
        "windows": 2,
        "median": {"rate_hz": 18.75, "printed": None, "energy_uj": None, "printed_energy_uj": None, "true": None},
        "accuracy": evidence["accuracy"],
        "derivation": evidence["derivation"],
        "findings": len(audit.findings),
        "run": run_evidence(replace(info(), run_id=evidence["run"]["run_id"], created=evidence["run"]["created"])),
    }
    assert changed_figures(evidence, audit, {"log.txt": "ab"}) == []
    assert changed_figures(evidence, audit, {"log.txt": "cd", "results.txt": "ef"}) == ["log.txt", "results.txt"]
    assert changed_figures(evidence, audit, {}) == ["log.txt"]
    other = {**evidence, "files": "log.txt", "windows": [], "median": {**median, "rate_hz": 19.0}, "accuracy": None}
    assert changed_figures(other, audit, {"log.txt": "ab"}) == ["log.txt", "windows", "median", "accuracy"]


def test_the_evidence_of_a_run_is_its_model_its_runtime_its_stages_and_its_captures() -> None:
    run = replace(
        info("bench"),
        run_id="id",
        created="2026-01-01T00:00:00.000+00:00",
        model={"name": "kws", "sha256": "ab", "format": "tflite", "path": "/home/me"},
        energy={"line": "gpiochip0:7"},
        versions={"numpy": "2"},
        captures=[{"source": "nsys", "version": "2024.2", "file": "one.nsys-rep", "offset_ns": 3}],
    )
    assert run_evidence(run) == {
        "name": "bench",
        "run_id": "id",
        "created": "2026-01-01T00:00:00.000+00:00",
        "model": {"name": "kws", "sha256": "ab", "format": "tflite"},
        "backend": {"name": "fake", "device": "CPU", "threads": 1},
        "timed": "reference",
        "stages_mode": "split",
        "stages": ["host_to_device", "session_run", "readback"],
        "energy": {"line": "gpiochip0:7"},
        "versions": {"numpy": "2"},
        "captures": [{"source": "nsys", "version": "2024.2", "file": "one.nsys-rep"}],
    }


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ({"name": "kws", "sha256": "ab"}, ModelFacts("kws", "ab")),
        ({"name": "kws", "sha256": 7}, ModelFacts("kws", None)),
        ({}, None),
        ("kws", None),
    ],
)
def test_the_model_is_told_by_the_evidence_of_the_run_of_its_session(model: object, facts: ModelFacts | None) -> None:
    told = {"sessions": {"energy": {"run": {"model": model}}, "accuracy": {"run": None}}}
    assert model_of(told, "energy") == facts
    assert model_of(told, "accuracy") is model_of([], "energy") is None  # type: ignore[arg-type]
