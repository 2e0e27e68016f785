"""The scores of ``docs/trust.md``: labels come from another file than the one that is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.sessions import EnergyrunnerLog, Plan, accuracy_plan
from tools.trust_scores import frequencies, simulated
from tools.trust_scores.published import clock_label, half_of, score_folder, system_of
from tracer.sessions.open_session import build_session

SYSTEM = "v9/closed/someone/results/board/kws"


def write(folder: Path, plan: Plan) -> Path:
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("\n".join(EnergyrunnerLog(plan).write()) + "\n", encoding="utf-8")
    return folder / "log.txt"


def accuracy_of(ratio: float) -> Plan:
    plan = accuracy_plan()
    return Plan(
        **{**{name: getattr(plan, name) for name in plan.__dataclass_fields__}, "ratio": ratio, "idle": ratio}
    )


def test_the_accuracy_session_labels_the_clock_of_the_performance_session(tmp_path: Path) -> None:
    half = half_of(SYSTEM)
    write(tmp_path / SYSTEM / "accuracy", accuracy_of(0.9))
    write(tmp_path / SYSTEM / "performance", Plan())
    assert score_folder(tmp_path) == {("clock", half, "unsound", "fine"): 1}
    assert clock_label(build_session(write(tmp_path / "sound", accuracy_of(1.0)))) == "sound"
    assert clock_label(build_session(write(tmp_path / "between", accuracy_of(1.015)))) is None


def test_a_system_is_its_path_without_the_kind_and_a_submitter_is_in_one_half() -> None:
    log = Path(SYSTEM) / "performance" / "log.txt"
    assert system_of(log, Path()) == SYSTEM
    assert half_of(SYSTEM) == half_of(SYSTEM.replace("board", "other"))
    halves = {half_of(f"v9/closed/submitter{number}/results/board/kws") for number in range(20)}
    assert halves == {"set", "scored"}


def test_the_published_sessions_at_hand_are_scored(shared_data: Path) -> None:
    # No system of them has two sessions: there is no label, and so no score.
    assert score_folder(shared_data / "mlperf-tiny-results") == {}


def test_a_simulated_run_is_what_its_name_says() -> None:
    rng = np.random.default_rng(0)
    for name, (make, two) in simulated.CASES.items():
        if not any(hard in name for hard in ("memory", "0.2 s", "20 s")):
            assert simulated._has_two(make(rng), rng) is two, name


def test_a_frequency_that_differs_only_between_windows_is_doubted_and_one_is_not() -> None:
    rng = np.random.default_rng(1)
    for name in ("10 % down in the last window", "falling by 5 % through the run", "30 % down from 30 s on"):
        assert frequencies._doubted(frequencies.COURSES[name][0], rng), name
    assert not any(frequencies._doubted(frequencies.COURSES["one frequency"][0], rng) for _ in range(5))
