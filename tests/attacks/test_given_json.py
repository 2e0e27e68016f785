"""Each JSON file that a user can hand in, with what is no JSON, or means more than one thing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.doctor.machine import Machine
from runner.doctor.repairs import undo_repairs
from runner.host.session_log import session_folder
from runner.inference.known_answers import KnownAnswers
from runner.submission.tree import read_description
from tests.attacks.programs import called, obeyed
from tests.submissions import Submission
from tracer.device.sample_journal import read_sample_journal
from tracer.errors import KwsTraceError
from tracer.fleet.baselines import read_baselines
from tracer.ladder.store import list_ladders, read_ladder
from tracer.runs.overhead_store import read_ledgers
from tracer.runs.run_info import read_run_info

NO_JSON = {
    "nothing": "",
    "a dash": "-",
    "NaN": '{"Board Name": NaN, "runs": NaN}',
    "Infinity": '{"Board Name": -Infinity}',
    "a key twice": '{"Board Name": "a", "Board Name": "b"}',
    "a million brackets": "[" * 1_000_000,
    "nested objects": '{"a":' * 100_000,
    "a long number": "[" + "9" * 5_000 + "]",
    "no UTF-8": b"\xff\xfe{}",
    "an array": "[]",
    "a text": '"\\u001b[31m"',
    "a number": "1e999",
    "an escape": '{"\\u001b[31m": {}}',
    "a half": '{"Board Name": "a',
}


def _named(name: str, read: Callable[[Path], Any]) -> Callable[[Path, Path], Any]:
    """A reader of a folder that has the file under this name."""

    def readable(folder: Path, file: Path) -> Any:
        (folder / name).parent.mkdir(exist_ok=True)
        file.rename(folder / name)
        return read(folder)

    return readable


def _no_stranger(folder: Path) -> None:
    # What is no run is no place for a session, and no reason to stop.
    assert session_folder("/dev/ttyX", folder).parts[0] == "sessions"
    raise KwsTraceError("passed over")


READERS: dict[str, Callable[[Path, Path], Any]] = {
    "description": lambda _, file: read_description(file),
    "run.json": lambda _, file: read_run_info(file),
    "runs of a host": _named("run/run.json", _no_stranger),
    "baselines": _named("baselines.json", read_baselines),
    "ledgers": _named("overhead.json", read_ledgers),
    "ladder": _named("a.ladder/ladder.json", lambda folder: read_ladder("a", folder)),
    "ladders": _named("a.ladder/ladder.json", list_ladders),
    "repairs": lambda _, file: undo_repairs(Machine(), file, lambda _: None),
    "answers of a model": lambda _, file: KnownAnswers.parsed(file.read_text(errors="replace")),
    "samples": lambda _, file: read_sample_journal(file),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", NO_JSON)
def test_what_is_no_json_is_refused_in_one_message(tmp_path: Path, reader: str, kind: str) -> None:
    text, file = NO_JSON[kind], tmp_path / "given"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        READERS[reader](tmp_path, file)
    except KwsTraceError as error:
        assert len(str(error)) < 2_000  # noqa: PT017 -- a reader may also pass over it
    except ValueError:
        assert reader == "answers of a model"
    else:
        assert reader == "ladders"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Submission:
    submission = Submission(tmp_path_factory.mktemp("submission"))
    submission.write()
    return submission


def test_a_description_that_is_no_json_ends_a_submission_with_one_error(sound: Submission) -> None:
    file = sound.folder / "other.json"
    words: list[str | Path] = ["submission", sound.folder / "new", "--organization", "me", "--system", file]
    words += ["--performance", sound.performance, "--accuracy", sound.accuracy, "--run", sound.run]
    for kind, text in NO_JSON.items():
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        ended = called(*words)
        assert (ended.code, ended.err.count("kws-trace: "), ended.out) == (2, 1, ""), (kind, ended.said)
        assert str(file) in ended.err, kind
        assert not obeyed(ended.said), kind
        assert not (sound.folder / "new").exists()


@pytest.mark.parametrize("name", ["systems/board.json", "evidence/board-kws.json"])
def test_a_tree_whose_json_is_none_is_judged_to_its_end(sound: Submission, name: str) -> None:
    file = next(sound.tree.rglob(name))
    whole = file.read_bytes()
    sessions = ([], 1, {"performance": [1]}, {"performance": {"run": {"model": {"sha256": ["x"]}}, "files": 3}})
    others = [json.dumps({"sessions": one, "a": "\x1b[31m"}) for one in sessions]
    try:
        for text in (*NO_JSON.values(), *others):
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
            ended = called("submission", "--check", sound.tree)
            assert (ended.code, ended.err.count("kws-trace: "), ended.out) == (2, 1, ""), (text[:60], ended.said)
            assert "nobody foresaw" not in ended.err, (text[:60], ended.said)
            assert not obeyed(ended.said), text[:60]
    finally:
        file.write_bytes(whole)


def test_a_pipe_in_the_place_of_a_file_of_json_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for name in ("baselines.json", "overhead.json", "run/run.json"):
        os.mkfifo(tmp_path / name)
    for read in (read_baselines, read_ledgers, _no_stranger):
        with pytest.raises(KwsTraceError):
            read(tmp_path)


def test_a_description_with_what_is_no_text_is_refused_by_its_field(tmp_path: Path) -> None:
    file = tmp_path / "board.json"
    file.write_text(json.dumps({"Board Name": ["a", "b"]}))
    with pytest.raises(KwsTraceError, match="'Board Name' is no text"):
        read_description(file)
