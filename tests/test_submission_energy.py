"""An energy session in a submission: in the tree, in its evidence, and what refuses it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from runner.submission.given_session import read_given
from runner.submission.job import check_job, write_job
from tests.recorded import info, window
from tests.submissions import RULES, WRITTEN, Submission
from tests.test_session_energy import mlcommons_energy, power_entries
from tracer.errors import SubmissionError
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter
from tracer.trust.checks import REFERENCE_MODELS

LENGTHS_MS = (10_900, 11_000) * 2 + (10_900,)


def energy_session(folder: Path, lengths_ms: tuple[int, ...] = LENGTHS_MS) -> Path:
    """Five windows of 250 inferences as the MLCommons runner leaves them of an energy test, with its pictures."""
    entries = power_entries(lengths_ms)
    each_uj = []
    for entry, length in zip(entries, lengths_ms, strict=True):
        each_uj.append(1e6 * sum(entry["power"]["samples"][300 : 300 + length]) / 250)  # type: ignore[index]
    mlcommons_energy(folder, entries, each_uj, lengths_ms)
    lines = (folder / "log.txt").read_text().splitlines()
    begin = lines.index("Power Edition Output")
    (folder / "results.txt").write_text("\n".join(lines[begin:-1]) + "\n")
    for number in range(5):
        (folder / f"energy_inf_{number:03d}.png").write_bytes(b"picture")
    return folder


def energy_run(folder: Path) -> Path:
    """The run of energy mode that the session drove."""
    facts = replace(info(folder.name), energy={"line": "gpiochip0:7", "hold_ns": 1_000_000})
    facts.model.update({"name": "kws_ref_model", "sha256": next(iter(REFERENCE_MODELS))})
    writer = RunWriter.create(folder.parent, folder.name, facts, [].append)
    for number, length_ms in enumerate(LENGTHS_MS):
        one = window(number, 250, 1, first=251 * number)
        writer.append(replace(one, end_ns=one.start_ns + 1_000_000 * length_ms))
    writer.close()
    return folder


def written(folder: Path, energy: Path) -> tuple[Path, dict[str, object]]:
    """A tree with the three sessions, and what writing it said."""
    sound = Submission(folder)
    system = folder / "board.json"
    system.write_text(json.dumps(WRITTEN))
    sessions = {"performance": sound.performance, "accuracy": sound.accuracy, "energy": energy}
    runs = (str(sound.run), str(energy_run(folder / "energy-run")))
    said = write_job(sound.tree, "closed", "Acme", system, sessions, runs, folder, RULES)
    return sound.tree, said


def test_an_energy_session_is_in_the_tree_with_its_files_and_its_figures(tmp_path: Path) -> None:
    tree, said = written(tmp_path, energy_session(tmp_path / "energy"))
    assert said["systems"] == ["closed/Acme/board"]
    home = tree / "closed/Acme/results/board/kws/energy"
    pictures = {f"energy_inf_{number:03d}.png" for number in range(5)}
    assert {path.name for path in home.iterdir()} == {"log.txt", "results.txt", "results.json", *pictures}
    evidence = json.loads((tree / "closed/Acme/evidence/board-kws.json").read_text())["sessions"]["energy"]
    printed = next(line for line in (home / "results.txt").read_text().splitlines() if line.startswith("Median"))
    assert f"{evidence['median']['energy_uj']:.4f} uJ/inf." in printed
    assert "microjoules" in evidence["derivation"]["energy_uj"]
    assert evidence["run"]["energy"] == {"line": "gpiochip0:7", "hold_ns": 1_000_000}
    assert [round(one["power_mw"], 2) for one in evidence["windows"]] == pytest.approx([33.0] * 5, abs=0.1)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda home: (home / "results.txt").unlink(), "files"),
        (lambda home: (home / "energy_inf_003.png").write_bytes(b"another"), "evidence"),
        (
            lambda home: (home / "log.txt").write_text(
                (home / "log.txt").read_text().replace("Energy/Inf    : ", "Energy/Inf    : 1")
            ),
            "printed-differs",
        ),
        (lambda home: shutil.copy(home.parent / "performance/log.txt", home / "log.txt"), "files-differ"),
    ],
)
def test_a_tree_whose_energy_session_was_changed_is_refused(tmp_path: Path, change: object, rule: str) -> None:
    tree, _ = written(tmp_path, energy_session(tmp_path / "energy"))
    change(tree / "closed/Acme/results/board/kws/energy")  # type: ignore[operator]
    with pytest.raises(SubmissionError, match=f"\n  {rule}: "):
        check_job(tree, None, RULES)


def test_a_run_in_performance_mode_or_of_other_lengths_did_not_make_an_energy_session(tmp_path: Path) -> None:
    given = energy_session(tmp_path / "energy")
    run = stored_run("run", energy_run(tmp_path / "run").parent)
    assert read_given("energy", given, [run]).run is run
    longer = energy_session(tmp_path / "longer", tuple(one + 200 for one in LENGTHS_MS))
    assert read_given("energy", longer, [run]).run is None
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({**facts, "energy": None}))
    assert read_given("energy", given, [stored_run("run", tmp_path)]).run is None


def test_energy_windows_under_ten_seconds_and_another_sessions_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"\n  window-short: .*9\.900"):
        written(tmp_path / "short", energy_session(tmp_path / "energy", (9_900, *LENGTHS_MS[1:])))
    with pytest.raises(SubmissionError, match="\n  kind: energy session: its kind is performance"):
        written(tmp_path / "kind", Submission(tmp_path / "other").performance)
