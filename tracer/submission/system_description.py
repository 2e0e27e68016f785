"""The system's description as MLPerf Tiny takes it: what a run tells of it, and what a person must write; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tracer.device.device_samples import FREQUENCY_HZ
from tracer.figure_text import frequency_text
from tracer.reports.machine_report import on_gpu
from tracer.reports.run_limits import board_of
from tracer.runs.run_info import RunInfo
from tracer.submission.rounds import STATUSES
from tracer.trust.checks import REFERENCE_MODELS

FIELDS = (
    "Submitter",
    "Division",
    "Status",
    "Board Name",
    "Board Memory capacity (not including SoC, processor, or accelerator)",
    "Board Memory type",
    "Board storage capacity",
    "Board storage type",
    "SoC Name",
    "SoC Memory capacity (not including processor or accelerator)",
    "SoC Memory type",
    "SoC storage capacity",
    "SoC storage type",
    "Processor(s) Name",
    "Processor(s) Frequencies",
    "Processor memory type and capacity",
    "Processor storage type and capacity",
    "Accelerator",
    "Accelerator(s) Frequencies",
    "Accelerator memory type and capacity",
    "Accelerator storage type and capacity",
    "Hardware Notes",
    "Inference Framework",
    "Software Libraries",
    "Operating System",
    "Other Software Stack",
    "Software Notes",
    "Quantization Method",
    "Training framework (open division)",
    "ML Model Compiler(s)",
    "General Compiler(s)",
    "Other Software",
    "Training and Quantization Notes",
)
"""In the order of the published ones: mlcommons/tiny_results_v1.3, ``closed/*/systems/*.json``."""

REQUIRED = ("Submitter", "Division", "Status", "Board Name", "Processor(s) Name")
"""Without these the checker stops, or a row of the published table has no name."""

HOST_LIBRARIES = ("kws-trace", "nvtx", "pyarrow")
"""Packages of a run's versions that do not run the model."""


def system_facts(info: RunInfo, samples: pa.Table) -> dict[str, str]:
    """
    What a run tells of its system, by field; a field that it does not tell is absent.

    Of ``samples``, columns as ``device_state.SAMPLES``, each source's highest frequency is given.
    """
    sha256 = info.model.get("sha256")
    used = on_gpu(info.backend)
    versions = {name: text for name, text in info.versions.items() if name not in HOST_LIBRARIES}
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    facts = {
        "Board Name": board.name if (board := board_of(info)) else "",
        "Processor(s) Name": info.cpu,
        "Processor(s) Frequencies": _frequencies(samples, "cpu"),
        "Accelerator": ", ".join(name for gpu in info.gpus if (name := gpu.get("name"))) if used else "",
        "Accelerator(s) Frequencies": _frequencies(samples, "gpu") if used else "",
        "Hardware Notes": f"power mode {mode}" if (mode := info.machine.get("power_mode")) else "",
        "Inference Framework": _framework(str(info.backend.get("name", "")), versions),
        "Software Libraries": libraries,
        "Operating System": info.platform,
        "Other Software Stack": f"Python {info.python}" if info.python else "",
        "Quantization Method": REFERENCE_MODELS.get(str(sha256), ""),
    }
    return {field: text for field, text in facts.items() if text}


def _framework(backend: str, versions: Mapping[str, str]) -> str:
    """A backend with the version of its package, where the run has it."""
    version = next((text for name, text in versions.items() if backend and backend in name), None)
    return f"{backend} {version}" if version else backend


def _frequencies(samples: pa.Table, source: str) -> str:
    """The highest frequency of each source of that kind, from the highest."""
    highest: dict[str, int] = {}
    columns = (samples[name].to_pylist() for name in ("source", "quantity", "value"))
    for name, quantity, value in zip(*columns, strict=True):
        if quantity == FREQUENCY_HZ and str(name).startswith(source):
            highest[name] = max(highest.get(name, 0), value)
    return ", ".join(frequency_text(hz) for hz in sorted(set(highest.values()), reverse=True))


def filled_description(
    written: Mapping[str, Any], facts: Mapping[str, str], organization: str, division: str
) -> dict[str, str]:
    """What a person wrote, with the empty fields filled from a run; what was written is kept as it is."""
    given = {str(name).strip(): str(text).strip() for name, text in written.items() if text is not None}
    told = {"Submitter": organization, "Division": division.capitalize(), **facts}
    fields = [*FIELDS, *(name for name in given if name not in FIELDS)]
    return {field: given.get(field) or told.get(field, "") for field in fields}


def description_faults(description: Mapping[str, Any], division: str) -> list[tuple[str, str]]:
    """What is wrong with a description, as (field, problem): empty required fields, and values that are refused."""
    text = {str(name).strip(): str(value or "").strip() for name, value in description.items()}
    faults = [(field, "it is empty") for field in REQUIRED if not text.get(field)]
    if text.get("Status") and text["Status"].lower() not in STATUSES:
        faults.append(("Status", f"{text['Status']} is none of {', '.join(STATUSES)}"))
    if text.get("Division") and text["Division"].lower() != division:
        faults.append(("Division", f"{text['Division']}, and the tree is of the {division} division"))
    if "system_type" in text:
        faults.append(("system_type", "the checker of MLPerf Tiny takes no such field"))
    return faults


def empty_fields(description: Mapping[str, str]) -> list[str]:
    """The fields that are still empty and that a person knows."""
    return [field for field in FIELDS if not description.get(field)]
