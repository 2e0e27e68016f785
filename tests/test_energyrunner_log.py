"""The 2021 session of a real energyrunner and a real Jetson Nano: our DUT answers each command in the same form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_dut import Rig, load

SESSIONS = ("20210823155208", "20210823155940")


def exchanges(log: Path, limit: int) -> list[tuple[str, list[str]]]:
    """Each ``dut`` command of the log with the ``dut:`` lines that answered it."""
    found: list[tuple[str, list[str]]] = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := re.search(r'parser: Command "dut (.*)"$', line):
            found.append((match[1], []))
        elif match := re.search(r"^\d+\.\d+ dut: (.*)$", line):
            found[-1][1].append(match[1])
        if len(found) > limit:
            break
    return [one for one in found if one[1] and one[1][-1] == "m-ready"]


def form(lines: list[str]) -> list[str]:
    """Lines with their figures taken out: what is left must be equal."""
    timeless = [re.sub(r"(?<=m-lap-us-)\d+", "T", line) for line in lines]
    return [re.sub(r"\d\.\d{6}", "P", line) if line.startswith("m-results") else line for line in timeless]


@pytest.mark.parametrize("session", SESSIONS)
def test_every_dut_line_of_the_log_has_the_form_that_ours_answers(shared_data: Path, session: str) -> None:
    log = shared_data / "energyrunner-sessions" / session / "log.txt"
    told = exchanges(log, limit=40)
    assert len(told) >= 3
    for command, answered in told:
        rig = Rig(load(bytes(490)), f"{command}%".encode())
        lines = rig.lines()
        # The load's own 19 commands are muted in energyrunner's log.
        assert form(lines)[-len(answered) :] == form(answered), command


@pytest.mark.parametrize("session", SESSIONS)
def test_the_whole_log_holds_no_dut_line_of_a_form_that_is_not_ours(shared_data: Path, session: str) -> None:
    log = shared_data / "energyrunner-sessions" / session / "log.txt"
    ours = {
        re.sub(r"\d+", "N", line)
        for command in ("profile", "timestamp", "infer 2400 1", "infer 1 0")
        for line in form(Rig(load(bytes(490)), f"{command}%".encode()).lines())
    }
    theirs = {
        re.sub(r"\d+", "N", form([match[1]])[0])
        for line in log.read_text(errors="replace").splitlines()
        if (match := re.search(r"^\d+\.\d+ dut: (.*)$", line))
    }
    assert theirs
    assert theirs <= ours
