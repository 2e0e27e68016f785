"""Sessions by the MLCommons runner with its results beside, the run that they drove, and a tree made of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.submission.job import write_job
from tests.recorded import info, window
from tests.sessions import WORDS, mlcommons_lines, write_log
from tracer.runs.run_writer import RunWriter
from tracer.submission.rounds import ROUNDS
from tracer.trust.checks import REFERENCE_MODELS

REFERENCE = next(iter(REFERENCE_MODELS))
RULES = replace(ROUNDS["1.4"], inputs=36)
"""A set of 36 inputs in place of 1,000: a test is to be quick."""
WRITTEN = {"Status": "Available", "Board Name": "a board"}


def performance_session(folder: Path, seconds: tuple[float, ...] = (11.4,) * 5, ratio: float = 1.0) -> Path:
    """Five windows of 250 inferences as the MLCommons runner leaves them."""
    lines = mlcommons_lines(seconds, ratio)
    write_log(folder, lines)
    rule = lines.index("--------------------")
    (folder / "results.txt").write_text("\n".join(lines[rule + 1 : -1]) + "\n")
    entries, at_us = [], 1_000_000
    for number, length in enumerate(seconds):
        elapsed = round(length * ratio * 1e6)
        infer = {"start_time": at_us, "end_time": at_us + elapsed, "elapsed_time": elapsed, "iterations": 250}
        infer |= {"warmups": 1, "results": [0.0] * 7 + [0.996] + [0.0] * 4, "throughput": 250 / (elapsed / 1e6)}
        entries.append({"file": f"tst_{number:06d}_{WORDS[number]}_{number}.bin", "infer": infer, "mode": "p"})
        at_us += elapsed + 400_000
    (folder / "results.json").write_text(json.dumps(entries))
    return folder


def accuracy_session(folder: Path, wrong: int = 3, size: int = 36) -> Path:
    """An input each window, ``wrong`` of them given the next class; the AUC is not printed."""
    lines = ["Logging initialized. Writing output to sessions/2/log.txt", "Device model retrieved: kws01"]
    entries = []
    for number in range(size):
        label = number % 12
        given = (label + (number < wrong)) % 12
        name, stamp = f"tst_{number:06d}_{WORDS[label]}_{label}.bin", "0726.010150 ulp-mlperf: "
        vector = [0.99 if one == given else 0.0 for one in range(12)]
        lines += [f"{stamp}Loading file {name} segment 0", f"{stamp}Load complete."]
        lines += ["Running inference with 0/1 (warmup/measured) iterations ...", "done"]
        lines += [f"{stamp}Performance results for window {number + 1}:", f"{stamp}  # Inferences :             1"]
        lines += [f"{stamp}  Runtime      :      0.040 sec.", f"{stamp}  Throughput   :     25.000 inf./sec."]
        lines.append(f"{stamp}  m-results    : {vector}")
        laps = {"start_time": 50_000 * number, "end_time": 50_000 * number + 40_000, "elapsed_time": 40_000}
        infer = {**laps, "results": vector, "total_inferences": 1, "iterations": 1, "warmups": 0}
        entries.append({"file": name, "classes": "12", "class": str(label), "infer": infer, "mode": "a"})
    top1 = f"0726.010250 ulp-mlperf: Top 1% = {100 * (size - wrong) / size:2.1f}"
    write_log(folder, [*lines, "--------------------", top1, "Session logged in file sessions/2/log.txt"])
    (folder / "results.txt").write_text(top1 + "\n")
    (folder / "results.json").write_text(json.dumps(entries))
    return folder


def run_of(folder: Path, *sessions: Path, sha256: str = REFERENCE) -> Path:
    """The DUT's run that these sessions drove, with a model of this hash."""
    facts = info(folder.name)
    facts.model.update({"name": "kws_ref_model", "sha256": sha256})
    facts.machine["power_mode"] = "MAXN"
    writer = RunWriter.create(folder.parent, folder.name, facts, [].append)
    entries = [one for session in sessions for one in json.loads((session / "results.json").read_text())]
    first = 0
    for number, entry in enumerate(entries):
        infer = entry["infer"]
        count, warmups = infer["iterations"], infer["warmups"]
        laps = {"lap_start_us": infer["start_time"], "lap_end_us": infer["end_time"]}
        writer.append(replace(window(number, count, warmups, first=first), **laps))
        first += count + warmups
    writer.close()
    return folder


@dataclass
class Submission:
    """Sound sessions of the reference model in a folder, and what is asked for; each part may be exchanged."""

    folder: Path
    organization: str = "Acme"
    division: str = "closed"
    written: dict[str, str] = field(default_factory=lambda: dict(WRITTEN))

    def __post_init__(self) -> None:
        self.performance = performance_session(self.folder / "performance")
        self.accuracy = accuracy_session(self.folder / "accuracy")
        self.run = run_of(self.folder / "run", self.performance, self.accuracy)

    @property
    def tree(self) -> Path:
        """Where it is written."""
        return self.folder / "tree"

    def write(self) -> dict[str, Any]:
        """Ask for it."""
        system = self.folder / "board.json"
        system.write_text(json.dumps(self.written))
        sessions = {"performance": self.performance, "accuracy": self.accuracy}
        runs = (str(self.run),)
        rest = (sessions, runs, self.folder, RULES)
        return write_job(self.tree, self.division, self.organization, system, *rest)
