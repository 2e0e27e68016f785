"""The system's description: the published fields, what a run tells of them, and what a person must write."""

from __future__ import annotations

from dataclasses import replace

from tests.recorded import Sample, info, samples_table
from tracer.submission.system_description import (
    FIELDS,
    description_faults,
    empty_fields,
    filled_description,
    system_facts,
)

PUBLISHED = """
Submitter|Division|Status|Board Name
Board Memory capacity (not including SoC, processor, or accelerator)|Board Memory type
Board storage capacity|Board storage type
SoC Name|SoC Memory capacity (not including processor or accelerator)|SoC Memory type
SoC storage capacity|SoC storage type
Processor(s) Name|Processor(s) Frequencies|Processor memory type and capacity|Processor storage type and capacity
Accelerator|Accelerator(s) Frequencies|Accelerator memory type and capacity|Accelerator storage type and capacity
Hardware Notes|Inference Framework|Software Libraries|Operating System|Other Software Stack|Software Notes
Quantization Method|Training framework (open division)|ML Model Compiler(s)|General Compiler(s)|Other Software
Training and Quantization Notes
"""
"""Fields of mlcommons/tiny_results_v1.3, ``closed/*/systems/*.json``."""

SAMPLES = [
    Sample(0, "cpu0", "frequency_hz", 1_510_400_000),
    Sample(1, "cpu0", "frequency_hz", 729_600_000),
    Sample(1, "cpu4", "frequency_hz", 2_201_600_000),
    Sample(1, "cpu4", "temperature_mc", 9_000_000_000),
    Sample(1, "cpu8", "frequency_hz", 1_510_400_000),
    Sample(1, "gpu", "frequency_hz", 918_000_000),
]
RUN = replace(
    info(),
    cpu="Cortex-A78AE",
    platform="Linux-5.15",
    python="3.10.12",
    board="orin-nx",
    gpus=[{"name": "Orin"}, {}, {"name": "GV11B"}],
    machine={"power_mode": "MAXN"},
    model={"sha256": "aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae"},
    backend={"name": "tensorflow", "device": "/device:GPU:0"},
    versions={"numpy": "1.26", "tensorflow": "2.16", "kws-trace": "1", "nvtx": "0.2", "pyarrow": "15"},
)


def test_the_fields_are_the_published_ones_in_their_order() -> None:
    assert tuple(PUBLISHED.strip().replace("\n", "|").split("|")) == FIELDS
    assert empty_fields({"Status": "available", **dict.fromkeys(FIELDS[4:], "x"), "SoC Name": ""}) == [
        "Submitter",
        "Division",
        "Board Name",
        "SoC Name",
    ]


def test_a_run_tells_its_board_its_processors_its_software_and_its_model() -> None:
    facts = {
        "Board Name": "Jetson Orin NX 16GB",
        "Processor(s) Name": "Cortex-A78AE",
        "Processor(s) Frequencies": "2,201.6 MHz, 1,510.4 MHz",
        "Accelerator": "Orin, GV11B",
        "Accelerator(s) Frequencies": "918 MHz",
        "Hardware Notes": "power mode MAXN",
        "Inference Framework": "tensorflow 2.16",
        "Software Libraries": "numpy 1.26, tensorflow 2.16",
        "Operating System": "Linux-5.15",
        "Other Software Stack": "Python 3.10.12",
        "Quantization Method": "kws_ref_model.tflite, int8",
    }
    samples = samples_table(SAMPLES, "run")
    assert system_facts(RUN, samples) == facts
    on_cpu = replace(RUN, backend={"name": "litert", "device": "CPU"})
    unused = {name: text for name, text in facts.items() if not name.startswith("Accelerator")}
    assert system_facts(on_cpu, samples) == {**unused, "Inference Framework": "litert"}


def test_what_a_run_does_not_tell_is_absent() -> None:
    silent = replace(RUN, cpu="", platform="", python="", board=None, gpus=[], machine={}, model={}, versions={})
    assert system_facts(replace(silent, backend={}), samples_table([], "run")) == {}
    assert system_facts(replace(silent, backend={}, versions={"numpy": "1"}), samples_table([], "run")) == {
        "Software Libraries": "numpy 1"
    }


def test_what_a_person_wrote_stays_and_the_empty_fields_are_filled() -> None:
    written = {" Status ": " available ", "SoC Name": "", "Board Name": None, "system_name": 7, "Accelerator": "mine"}
    filled = filled_description(written, {"Board Name": "Orin", "Accelerator": "GA10B"}, "Acme", "closed")
    told = {"Submitter": "Acme", "Division": "Closed", "Status": "available", "Board Name": "Orin"}
    assert filled == {**dict.fromkeys(FIELDS, ""), **told, "Accelerator": "mine", "system_name": "7"}
    assert list(filled) == [*FIELDS, "system_name"]


def test_the_faults_of_a_description_are_told_by_field() -> None:
    sound = {"Submitter": "Acme", "Division": "Closed", "Status": "RDI", "Board Name": "b", "Processor(s) Name": "c"}
    assert description_faults(sound, "closed") == []
    empty = [(name, "it is empty") for name in ("Submitter", "Division", "Status", "Board Name", "Processor(s) Name")]
    assert description_faults({"Status": None, "Board Name": " "}, "closed") == empty
    assert description_faults({**sound, "Status": "soon", "system_type": "edge"}, "open") == [
        ("Status", "soon is none of available, preview, rdi"),
        ("Division", "Closed, and the tree is of the open division"),
        ("system_type", "the checker of MLPerf Tiny takes no such field"),
    ]
