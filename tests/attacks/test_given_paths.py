"""
Each option and argument of each command that takes a path, as the command line itself tells them, given what is none.

A command that is new is attacked by itself; ``GIVEN`` says what else it is called with.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.main import get_command

from runner.application import NAMES, build_app
from runner.given_paths import is_path
from runner.inference import models
from tests.attacks.programs import called, obeyed
from tests.conftest import ROOT
from tests.nsys_export import NsysExport

NO_PATHS = {
    "a pipe": "fifo",
    "a device": "/dev/zero",
    "below a file": "file/below",
    "300 characters": "n" * 300,
    "nothing": "",
    "an escape": "file/\x1b[31m",
}
SAMPLE = str(ROOT / "traces" / "sample-cpu")

GIVEN = {
    "port": "pty:dut",
    "run": SAMPLE,
    "runs": SAMPLE,
    "command": "infer",
    "profile": "good.sqlite",
    "profiles": "good.sqlite",
    "out": "out.onnx",
    "perfetto": "out.pftrace",
    "launches": "2",
    "source": "there",
}
"""By the name of a parameter that has to be given: what is given, where no path of it is attacked. Else a choice."""

WRITING = {"demo", "run", "infer", "repeat", "host", "pull", "doctor", "ladder", "overhead", "dashboard", "mcp"}
"""Commands whose folder of runs need not be there."""


class Place(NamedTuple):
    """A parameter of a command."""

    command: str
    parameter: Any
    beside: tuple[Any, ...]

    def words(self, value: str) -> list[str]:
        """The command with the parameter, and with what has to be given besides."""
        words = [self.command]
        for one in (*self.beside, self.parameter):
            given = value if one is self.parameter else GIVEN.get(one.name) or one.type.choices[0]
            words += [given] if one.param_type_name == "argument" else [one.opts[0], given]
        return words


def commands() -> dict[str, Any]:
    application: Any = get_command(build_app(NAMES))
    return dict(application.commands)


def places(wanted: str) -> list[Any]:
    return list(_places(wanted))


def _places(wanted: str) -> Iterator[Any]:
    for command, made in commands().items():
        for parameter in made.params:
            if is_path(parameter) if wanted == "path" else parameter.name == wanted:
                beside = tuple(one for one in made.params if one.required and one is not parameter)
                yield pytest.param(Place(command, parameter, beside), id=f"{command} {parameter.opts[0]}")


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what is no path and what is a good profile, where no model can be loaded and no child started."""

    def too_late(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded or a child started before the path was looked at")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load_pipeline", too_late)
    monkeypatch.setattr(subprocess, "Popen", too_late)
    os.mkfifo("fifo")
    Path("file").touch()
    export = NsysExport()
    export.ranges([100], [900], "inference", payload=[0], process=7, thread=7)
    export.kernels([200], [300], "gemm", process=7, correlation_id=[1])
    export.write(tmp_path / "good.sqlite")
    return tmp_path


@pytest.mark.timeout(60)
@pytest.mark.parametrize("place", places("path"))
def test_what_can_be_no_path_is_told_before_the_command_begins(place: Place, surroundings: Path) -> None:
    for value in NO_PATHS.values():
        ended = called(*place.words(value))
        told = (place.words(value), ended.said)
        assert ended.code == 2, told
        assert ended.err.count("kws-trace: ") == 1, told
        assert ended.out == "", told
        assert not obeyed(ended.said), told
        named = place.parameter.opts[0] if place.parameter.param_type_name == "option" else ""
        assert f"{named or place.parameter.name.upper()}" in ended.err, told
    assert sorted(path.name for path in surroundings.iterdir()) == ["fifo", "file", "good.sqlite"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("place", places("name"))
@pytest.mark.parametrize("value", ["", "n" * 300, "a/b", "..", "last", "\x1b[31m"])
def test_what_can_be_no_name_of_a_run_is_told_before_a_model_is_loaded(
    place: Place, value: str, surroundings: Path
) -> None:
    ended = called(*place.words(value))
    assert (ended.code, ended.err.count("kws-trace: "), ended.out) == (2, 1, ""), ended.said
    assert not obeyed(ended.said)
    assert sorted(path.name for path in surroundings.iterdir()) == ["fifo", "file", "good.sqlite"]


@pytest.mark.parametrize("place", places("traces"))
def test_a_folder_of_runs_that_is_not_there_is_told_by_what_reads_them(place: Place, surroundings: Path) -> None:
    if place.command in WRITING:
        pytest.skip("makes the folder, or waits for what comes into it")
    ended = called(*place.words("nowhere"))
    assert (ended.code, ended.err.count("kws-trace: "), ended.out) == (2, 1, ""), ended.said
    assert "--traces nowhere: no such folder" in ended.err
    assert "demo --traces nowhere" in ended.err
    assert not (surroundings / "nowhere").exists()


@pytest.mark.parametrize(
    ("source", "problem"),
    [("file", "it is a file"), ("fifo", "a named pipe"), ("", "empty"), ("away", "no such folder")],
)
def test_what_is_no_place_of_runs_is_told_as_what_it_is(source: str, problem: str, surroundings: Path) -> None:
    ended = called("pull", source)
    assert (ended.code, ended.err.count("kws-trace: "), ended.out) == (2, 1, ""), ended.said
    assert problem in ended.err
    assert not (surroundings / "traces").exists()
