"""The command line as a whole: every help, every hint, every wrong file; commands are discovered, not listed."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
from typer.testing import CliRunner

from runner.cli import app
from runner.commands import options
from runner.host import demo
from tests.recorded import info, window
from tracer.command_line import command_line
from tracer.errors import KwsTraceError
from tracer.runs.run_writer import RunWriter

ROOT: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = ROOT.commands
SCRIPT = Path(sys.executable).with_name("kws-trace")
PATHS = [
    (name, argument.name)
    for name, command in COMMANDS.items()
    for argument in command.params
    if argument.param_type_name == "argument" and "Path" in inspect.get_annotations(command.callback)[argument.name]
]

FLOATS = [
    (name, option.opts[0])
    for name, command in COMMANDS.items()
    for option in command.params
    if option.param_type_name == "option" and option.type.name.startswith("float")
]


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """A folder of one run, whose name has to be quoted for a shell."""
    folder = tmp_path / "my runs"
    recorder = RunWriter.create(folder, "first", info("first"), lambda _: None)
    recorder.append(window(0, inferences=10))
    recorder.close()
    return folder


def options_of(command: Any) -> Iterator[Any]:
    return (one for one in command.params if one.param_type_name == "option")


def parse(line: str) -> None:
    """Parse a command line without running it; a wrong one raises a usage error."""
    program, name, *words = shlex.split(line)
    assert program == "kws-trace"
    COMMANDS[name].make_context(name, words)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_at_80_columns_no_help_is_cut(name: str) -> None:
    words = [name, "--help"] if name else ["--help"]
    said = CliRunner().invoke(app, words, env={"COLUMNS": "80", "TERM": "dumb"})
    assert said.exit_code == 0
    assert "…" not in said.output
    assert max(map(len, said.output.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_in_a_sentence_and_stands_in_a_known_group(name: str) -> None:
    groups = [group for group in vars(options).values() if isinstance(group, options.Group)]
    for parameter in COMMANDS[name].params:
        assert parameter.help.endswith("."), parameter.name
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert parameter.rich_help_panel in groups, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_every_help_is_one_line_that_parses(name: str) -> None:
    found = re.fullmatch(r"Example: `(kws-trace .+)`", COMMANDS[name].epilog)
    assert found is not None
    assert len(COMMANDS[name].epilog) <= 78
    assert found[1].split()[1] == name
    parse(found[1])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_json_option_is_called_so_everywhere(name: str) -> None:
    found = [one for one in options_of(COMMANDS[name]) if one.name == "as_json"]
    assert all(one.opts == ["--json"] for one in found)


def test_a_hint_names_the_folder_of_the_runs_where_it_is_not_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kws-trace"])
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert command_line("report", "it's") == "kws-trace report 'it'\"'\"'s'"
    assert command_line("report", traces=Path("traces")) == "kws-trace report"
    assert command_line("report", traces=Path("my runs")) == "kws-trace report --traces 'my runs'"


def test_a_hint_is_called_as_this_process_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "bin" / "kws-trace"
    script.parent.mkdir()
    script.write_text("")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert command_line("runs") == "bin/kws-trace runs"
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", str(script.parent))
    assert command_line("runs") == "kws-trace runs"
    monkeypatch.setattr(sys, "argv", ["/some/where/runner/__main__.py"])
    monkeypatch.chdir(tmp_path)
    assert command_line("runs") == "/nowhere/python -m runner runs"
    # From the root a server is started, whose hints are pasted elsewhere.
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir("/")
    assert command_line("runs") == f"{script} runs"
    # Another program of this environment names the script beside its interpreter.
    monkeypatch.setattr(sys, "argv", [str(script.with_name("pytest"))])
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    assert command_line("runs") == f"{script} runs"
    monkeypatch.chdir(tmp_path.parent)
    assert command_line("runs") == f"{tmp_path.name}/bin/kws-trace runs"
    script.unlink()
    assert command_line("runs") == "kws-trace runs"


def paste(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as a shell does that finds no kws-trace on its path."""
    folders = [one for one in os.environ["PATH"].split(":") if not (Path(one) / "kws-trace").exists()]
    environment = {**os.environ, "PATH": ":".join(folders)}
    return subprocess.run(["bash", "-c", line], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", [[str(SCRIPT)], [sys.executable, "-m", "runner"]], ids=["script", "module"])
def test_what_infer_tells_to_do_next_can_be_pasted(program: list[str], tmp_path: Path) -> None:
    (tmp_path / "input.bin").write_bytes(bytes(490))
    said = paste(shlex.join([*program, "infer", "input.bin", "--traces", "my runs", "--name", "it is"]), tmp_path)
    assert said.returncode == 0, said.stderr
    hint = said.stdout.partition("recorded: ")[2].strip()
    reported = paste(hint, tmp_path)
    assert reported.returncode == 0, reported.stderr
    assert "it is" in reported.stdout


@pytest.mark.slow
def test_what_the_demo_tells_to_do_next_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "BACKENDS", ("litert",))
    folder = tmp_path / "my runs"
    said = CliRunner().invoke(app, ["demo", "--seconds", "0.1", "--traces", str(folder)], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    hints = dict(re.findall(r"^(More|Dashboard): (.+)$", said.stdout, re.MULTILINE))
    assert paste(hints["More"], Path.cwd()).returncode == 0
    for hint in hints.values():
        program, *words = shlex.split(hint)
        assert program.endswith("kws-trace")
        parse(shlex.join(["kws-trace", *words]))
        assert words[-2:] == ["--traces", str(folder)]


def test_an_empty_folder_and_a_missing_one_tell_the_demo_that_fills_it(tmp_path: Path) -> None:
    folder = tmp_path / "my runs"
    missing = CliRunner().invoke(app, ["runs", "--traces", str(folder)]).exception
    folder.mkdir()
    listed = CliRunner().invoke(app, ["runs", "--traces", str(folder)]).stdout
    empty = CliRunner().invoke(app, ["report", "--traces", str(folder)]).exception
    for text in (listed, str(missing), str(empty)):
        words = shlex.split(text.split("`")[1])
        assert words[1:] == ["demo", "--traces", str(folder)]
        parse(shlex.join(["kws-trace", *words[1:]]))


@pytest.mark.parametrize(
    "words",
    [
        ["report"],
        ["runs"],
        ["cost"],
        ["compare", "first", "first"],
        ["infer", "input.bin"],
        ["runs", "--recover", "first"],
        ["bandwidth", "--device", "cpu", "--largest", "1000", "--repeats", "2"],
    ],
    ids=" ".join,
)
def test_json_is_one_document_and_standard_output_has_nothing_else(
    words: list[str], traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(traces.parent)
    Path("input.bin").write_bytes(bytes(490))
    folder = [] if words[0] == "bandwidth" else ["--traces", str(traces)]
    said = CliRunner().invoke(app, [*words, "--json", *folder])
    # 3: one launch a side says nothing of configurations.
    assert said.exit_code == (3 if words[0] == "compare" else 0), said.output
    assert isinstance(json.loads(said.stdout), dict)


@pytest.mark.parametrize(("name", "argument"), PATHS)
@pytest.mark.parametrize("file", ["missing", "empty", "wrong"])
def test_a_file_that_is_no_such_thing_is_told_in_one_message(
    name: str, argument: str, file: str, traces: Path
) -> None:
    path = traces.parent / "file.sqlite"
    if file != "missing":
        path.write_bytes(b"" if file == "empty" else b"\x93 neither text nor a table\n" * 9)
    first = ["first"] if name == "ingest" else []
    folder = ["--traces", str(traces)] if any(one.name == "traces" for one in COMMANDS[name].params) else []
    error = CliRunner().invoke(app, [name, *first, str(path), *folder]).exception
    assert isinstance(error, KwsTraceError), repr(error)
    assert error.exit_code == 2
    assert str(path) in str(error)


WRONG = {
    "half a quantization": (["infer", "--input-scale", "0.5"], "--input-zero-point"),
    "no name of a device": (["infer", "--backend", "tensorflow", "--device", "TPU"], "--device TPU"),
    "a GPU for LiteRT": (["overhead", "--device", "GPU:0"], "LiteRT runs on the CPU"),
    "a model that is not there": (["infer", "--model", "nowhere"], "nowhere: there is no such model"),
    "a device of no table": (["report", "--device", "abacus"], "no device abacus"),
    "limits of no table": (["cost", "--device", "abacus"], "no device abacus"),
}


@pytest.mark.parametrize(("words", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_told_before_a_heavy_import(words: list[str], told: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom runner.cli import app\nfrom tracer.errors import KwsTraceError\n"
        f"try:\n    app({words!r}, standalone_mode=False)\n"
        "except KwsTraceError as error:\n    print(error)\n"
        "heavy = {'tensorflow', 'ai_edge_litert', 'pyarrow', 'pandas', 'scipy', 'sklearn'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told in said.stdout
    assert said.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if any(one.name == "traces" for one in COMMANDS[name].params)]
)
def test_a_file_is_no_folder_of_runs(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    said = CliRunner().invoke(app, [name, "--traces", str(tmp_path / "file"), *["x"] * 2], env={"COLUMNS": "200"})
    assert said.exit_code == 2
    assert "is a file" in said.output


def test_some_options_take_a_fraction() -> None:
    assert {("breakdown", "--wall-us"), ("compare", "--threshold"), ("host", "--seconds")} <= set(FLOATS)


@pytest.mark.parametrize(("command", "option"), FLOATS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_no_finite_number_is_refused(command: str, option: str, value: str) -> None:
    """Every lower limit lets infinity pass, and every limit of any kind what is no number."""
    group = COMMANDS[command]
    parsed = next(one for one in group.params if option in one.opts)
    with pytest.raises(typer.BadParameter, match=r"finite number|not in the range"):
        parsed.process_value(typer.Context(group), value)
