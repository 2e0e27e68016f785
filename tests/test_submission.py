"""A submission's tree keeps the rules of its round, and one that breaks a rule is refused with the rule's name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.submission.job import check_job
from tests.sessions import Plan, energyrunner_lines, write_log
from tests.submissions import RULES, Submission, accuracy_session, performance_session, run_of
from tracer.errors import SubmissionError, UsageError
from tracer.submission.rounds import round_of


@pytest.fixture
def sound(tmp_path: Path) -> Submission:
    return Submission(tmp_path)


def names(error: pytest.ExceptionInfo[SubmissionError]) -> set[str]:
    """The rules that a refusal names."""
    return set(re.findall(r"^  ([a-z-]+): ", str(error.value), re.MULTILINE))


def test_a_sound_submission_is_written_and_stands_its_own_check(sound: Submission) -> None:
    said = sound.write()
    files = {str(path.relative_to(sound.tree)) for path in sound.tree.rglob("*") if path.is_file()}
    results = {
        f"closed/Acme/results/board/kws/{role}/{name}"
        for role in ("performance", "accuracy")
        for name in ("log.txt", "results.txt", "results.json")
    }
    assert files == {*results, "closed/Acme/systems/board.json", "closed/Acme/evidence/board-kws.json"}
    assert said["systems"] == ["closed/Acme/board"]
    assert check_job(sound.tree, None, RULES)["systems"] == ["closed/Acme/board"]


def test_what_the_run_tells_is_filled_in_and_what_a_person_wrote_stays(sound: Submission) -> None:
    sound.written["Operating System"] = "ours"
    said = sound.write()
    description = json.loads((sound.tree / "closed/Acme/systems/board.json").read_text())
    assert description["Operating System"] == "ours"
    assert (description["Submitter"], description["Division"]) == ("Acme", "Closed")
    assert description["Processor(s) Name"] == json.loads((sound.run / "run.json").read_text())["cpu"]
    assert description["Inference Framework"] == "fake"
    assert description["Hardware Notes"] == "power mode MAXN"
    assert description["Quantization Method"] == "kws_ref_model, SavedModel"
    assert "SoC Name" in said["empty_fields"]
    assert "Board Name" not in said["empty_fields"]


def test_the_evidence_gives_each_figure_again_with_the_run_that_it_is_of(sound: Submission) -> None:
    sound.write()
    evidence = json.loads((sound.tree / "closed/Acme/evidence/board-kws.json").read_text())
    performance = evidence["sessions"]["performance"]
    assert performance["median"]["rate_hz"] == pytest.approx(250 / 11.4)
    assert [one["lap_end_us"] - one["lap_start_us"] for one in performance["windows"]] == [11_400_000] * 5
    assert performance["run"]["stages"] == ["host_to_device", "session_run", "readback"]
    assert evidence["sessions"]["accuracy"]["accuracy"]["top1"] == pytest.approx(33 / 36)
    assert evidence["sessions"]["accuracy"]["derivation"]["top1"].startswith("33 of 36 inputs")


def short_windows(one: Submission) -> None:
    one.performance = performance_session(one.folder / "short", (9.4,) * 5)


def four_windows(one: Submission) -> None:
    one.performance = performance_session(one.folder / "four", (11.4,) * 4)


def wrong_clock(one: Submission) -> None:
    one.performance = performance_session(one.folder / "fast", (14.4,) * 5, ratio=1.2)


def few_right(one: Submission) -> None:
    one.accuracy = accuracy_session(one.folder / "wrong", wrong=4)


def few_inputs(one: Submission) -> None:
    one.accuracy = accuracy_session(one.folder / "few", wrong=0, size=24)


def exchanged(one: Submission) -> None:
    one.performance, one.accuracy = one.accuracy, one.performance


def cut(one: Submission) -> None:
    log = one.performance / "log.txt"
    log.write_text("\n".join(log.read_text().splitlines()[:-14]))


def printed_more(one: Submission) -> None:
    for name in ("log.txt", "results.txt"):
        text = (one.performance / name).read_text()
        (one.performance / name).write_text(re.sub(r"(Median throughput is +)[\d.]+", r"\g<1>31.930", text))


def by_our_host(one: Submission) -> None:
    lines = energyrunner_lines(Plan())
    write_log(one.folder / "ours", [line.replace("m-version[3.0.6]", "m-version[kws-trace]") for line in lines])
    one.performance = one.folder / "ours"


def by_energyrunner(one: Submission) -> None:
    write_log(one.folder / "theirs", energyrunner_lines(Plan()))
    one.performance = one.folder / "theirs"


def other_model(one: Submission) -> None:
    one.run = run_of(one.folder / "other", one.performance, one.accuracy, sha256="0" * 64)


def run_of_another_session(one: Submission) -> None:
    one.run = run_of(one.folder / "foreign", performance_session(one.folder / "x", (12.0,) * 5))


def no_results(one: Submission) -> None:
    (one.accuracy / "results.json").unlink()


def no_status(one: Submission) -> None:
    one.written["Status"] = ""


def unknown_status(one: Submission) -> None:
    one.written["Status"] = "soon"


def other_division(one: Submission) -> None:
    one.written["Division"] = "Open"


PLANTED: list[tuple[Callable[[Submission], None], str]] = [
    (short_windows, "window-short"),
    (four_windows, "window-count"),
    (wrong_clock, "clock-rate"),
    (few_right, "accuracy-bound"),
    (few_inputs, "accuracy-inputs"),
    (exchanged, "kind"),
    (cut, "cut"),
    (printed_more, "printed-differs"),
    (by_our_host, "host"),
    (by_energyrunner, "host"),
    (other_model, "model"),
    (run_of_another_session, "model-untold"),
    (no_results, "files"),
    (no_status, "system"),
    (unknown_status, "system"),
    (other_division, "system"),
]


@pytest.mark.parametrize(("plant", "name"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_a_submission_that_breaks_a_rule_is_refused_by_its_name_and_not_written(
    sound: Submission, plant: Callable[[Submission], None], name: str
) -> None:
    plant(sound)
    with pytest.raises(SubmissionError) as raised:
        sound.write()
    assert name in names(raised)
    assert raised.value.exit_code == 2
    assert not sound.tree.exists()


def test_the_open_division_takes_another_model_and_has_no_bound_of_accuracy(sound: Submission) -> None:
    sound.accuracy = accuracy_session(sound.folder / "wrong", wrong=20)
    sound.run = run_of(sound.folder / "other", sound.performance, sound.accuracy, sha256="0" * 64)
    sound.division = "open"
    sound.write()
    assert (sound.tree / "open/Acme/results/board/kws/accuracy/results.txt").is_file()


HOME = "closed/Acme"
KWS = f"{HOME}/results/board/kws"


def changed_lap(tree: Path) -> None:
    path = tree / KWS / "performance/results.json"
    entries = json.loads(path.read_text())
    entries[0]["infer"]["end_time"] -= 40_000
    path.write_text(json.dumps(entries))


def changed_model(tree: Path) -> None:
    path = tree / HOME / "evidence/board-kws.json"
    path.write_text(re.sub(r'"sha256": "\w+"', f'"sha256": "{"0" * 64}"', path.read_text()))


def renamed_division(tree: Path) -> None:
    (tree / "closest").mkdir()


FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (changed_lap, "evidence"),
    (changed_model, "model"),
    (renamed_division, "division"),
    (lambda tree: (tree / HOME / "systems/board.json").unlink(), "system"),
    (lambda tree: (tree / HOME / "systems/board.json").write_text("[]"), "system"),
    (lambda tree: (tree / HOME / "evidence/board-kws.json").write_text("{"), "evidence"),
    (lambda tree: (tree / KWS / "accuracy").rename(tree / KWS / "accurate"), "test-missing"),
    (lambda tree: (tree / KWS / "accuracy/results.json").unlink(), "files"),
    (lambda tree: (tree / KWS / "accuracy/notes.txt").touch(), "files"),
    (lambda tree: (tree / KWS / "accuracy/log.txt").write_text("nothing\n"), "unreadable"),
    (lambda tree: (tree / HOME / "code").symlink_to(tree), "symbolic-link"),
    (lambda tree: (tree / HOME / "code").mkdir(), "empty-folder"),
    (lambda tree: (tree / HOME / "__pycache__").mkdir(), "cache-folder"),
    (lambda tree: (tree / HOME / "a name").touch(), "file-name"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    one = Submission(tmp_path_factory.mktemp("written"))
    one.write()
    return one.tree


@pytest.mark.parametrize(("plant", "name"), FAULTS, ids=[f"{at}-{name}" for at, (_, name) in enumerate(FAULTS)])
def test_a_tree_with_a_fault_is_refused_by_its_name(
    written: Path, tmp_path: Path, plant: Callable[[Path], object], name: str
) -> None:
    tree = Path(shutil.copytree(written, tmp_path / "tree"))
    plant(tree)
    with pytest.raises(SubmissionError) as raised:
        check_job(tree, None, RULES)
    assert name in names(raised)


def test_a_submission_that_is_there_is_not_written_over(sound: Submission) -> None:
    sound.write()
    with pytest.raises(UsageError, match="it exists"):
        sound.write()


def test_a_name_that_is_no_folder_and_a_round_that_is_not_known_are_told(sound: Submission) -> None:
    sound.organization = "Acme & Sons"
    with pytest.raises(UsageError, match="--organization"):
        sound.write()
    with pytest.raises(UsageError, match=r"give one of 1\.3, 1\.4"):
        round_of("0.5")
