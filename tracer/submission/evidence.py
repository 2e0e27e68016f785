"""The evidence beside a submission: each figure again from the raw lines, and the run it was made with; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.report_types.sessions import SessionFigures
from tracer.runs.run_info import RunInfo
from tracer.sessions.audit import SessionAudit
from tracer.sessions.session_json import session_json
from tracer.submission.refusals import ModelFacts, Role, driver_of

FIGURES = ("windows", "median", "accuracy")
"""Keys of a session that follow from its raw lines alone."""


def session_evidence(audit: SessionAudit, files: Mapping[str, str], run: RunInfo | None) -> dict[str, Any]:
    """A session's figures with what they are made of: SHA-256 of the submitted files, by name, and the DUT's run."""
    figures = session_json(audit)
    return {
        "driven_by": driver_of(audit.session),
        "files": dict(files),
        **{key: figures[key] for key in FIGURES},  # type: ignore[literal-required]
        "derivation": _derivation(audit, figures),
        "findings": figures["findings"],
        "run": run_evidence(run) if run is not None else None,
    }


def _derivation(audit: SessionAudit, figures: SessionFigures) -> dict[str, str]:
    """How each figure follows from the raw lines, in words."""
    if audit.session.kind == "accuracy":
        count = audit.figures.vectors
        correct = round((audit.figures.top1 or 0.0) * count)
        return {
            "top1": f"{correct} of {count} inputs have their highest output at the class that the input's name gives",
            "auc": f"mean of one class against the rest, form: {audit.figures.auc_form}",
        }
    if audit.session.kind == "energy":
        each = ", ".join(str(window["energy_per_inference_uj"]) for window in figures["windows"])
        return {
            "energy_uj": "sum of the energy monitor's samples between a window's two pulses, in microjoules",
            "power_mw": "mean of these samples",
            "median": f"energy an inference, of {each}",
        }
    rates = ", ".join(str(window["rate_hz"]) for window in figures["windows"])
    return {
        "rate_hz": "inferences / (last lap - first lap) of a window, laps in microseconds",
        "median": f"of {rates}",
    }


def run_evidence(info: RunInfo) -> dict[str, Any]:
    """Which run of the DUT it was: model, runtime, stages and captures."""
    return {
        "name": info.name,
        "run_id": info.run_id,
        "created": info.created,
        "model": {key: info.model.get(key) for key in ("name", "sha256", "format")},
        "backend": info.backend,
        "timed": info.timed,
        "stages_mode": info.stages_mode,
        "stages": info.stages,
        "energy": info.energy,
        "versions": info.versions,
        "captures": [{key: one.get(key) for key in ("source", "version", "file")} for one in info.captures],
    }


def model_of(evidence: Mapping[str, Any], role: Role) -> ModelFacts | None:
    """The model that the evidence names for a session's run; None where it names none."""
    model = told_within(evidence, "sessions", role, "run", "model")
    sha256 = model.get("sha256")
    return ModelFacts(str(model.get("name")), sha256 if isinstance(sha256, str) else None) if model else None


def told_within(told: object, *keys: str) -> Mapping[str, Any]:
    """The object under these keys, one within the other, of what anybody may have written; else an empty one."""
    for key in keys:
        told = told.get(key) if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}


def changed_figures(evidence: Mapping[str, Any], audit: SessionAudit, files: Mapping[str, str]) -> list[str]:
    """What of a session's evidence is not what its files in the tree give: names of files and figures."""
    again = session_evidence(audit, files, None)
    told = told_within(evidence, "files")
    changed = [name for name in sorted({*files, *told}) if told.get(name) != files.get(name)]
    return changed + [key for key in FIGURES if evidence.get(key) != again[key]]
