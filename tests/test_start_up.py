"""What a command imports: what it does not need costs whoever waits for it half a second and more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from runner.cli import app
from runner.command_table import COMMANDS
from runner.root_help import root_help
from tests.benchmarks.large_inputs import write_run
from tests.conftest import ROOT
from tests.many_runs import age

HEAVY = {
    "tensorflow",
    "ai_edge_litert",
    "pandas",
    "scipy",
    "sklearn",
    "streamlit",
    "connectorx",
    "pydantic",
    "serial",
}
ARROW = {"numpy", "pyarrow"}
OURS = ("tracer.", "runner.")
SAMPLE = str(ROOT / "traces" / "sample-cpu")

IMPORTED = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
sys.argv[0] = "kws-trace"
from runner.cli import main
main()
"""


def imported(words: list[str], cache: Path, *, code: int = 0) -> set[str]:
    """The top names of the modules that a command line leaves imported; our own whole."""
    environment = {"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    program = [sys.executable, "-c", IMPORTED, *words]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    names = done.stderr.splitlines()[-1].split()
    told = {name for name in names if name.startswith(OURS)}
    return {name.partition(".")[0] for name in names} | told


@pytest.mark.parametrize("words", [["--help"], []])
def test_the_help_of_the_whole_needs_no_library(words: list[str], tmp_path: Path) -> None:
    found = imported(words, tmp_path, code=0 if words else 2)
    assert not found & (HEAVY | ARROW | {"typer", "rich"})
    assert not {name for name in found if name.startswith("runner.commands")}


@pytest.mark.parametrize("words", [["report", "--help"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_the_help_of_a_command_needs_no_array(words: list[str], tmp_path: Path) -> None:
    assert not imported(words, tmp_path) & (HEAVY | ARROW)


@pytest.mark.parametrize("words", [["report", SAMPLE], ["compare", SAMPLE, SAMPLE], ["runs"]], ids=lambda one: one[0])
def test_what_reads_a_run_needs_arrays_and_nothing_heavier(words: list[str], tmp_path: Path) -> None:
    found = imported(words, tmp_path, code=3 if words[0] == "compare" else 0)
    assert not found & HEAVY
    ours = {name for name in found if name.startswith("runner.commands.")}
    assert ours <= {f"runner.commands.{name}" for name in (words[0], "options", "output")}


@pytest.mark.parametrize("words", [["report", SAMPLE], ["compare", SAMPLE, SAMPLE]], ids=lambda one: one[0])
def test_what_is_kept_of_runs_is_shown_without_arrays_and_what_computes(words: list[str], tmp_path: Path) -> None:
    code = 3 if words[0] == "compare" else 0
    imported(words, tmp_path, code=code)
    found = imported(words, tmp_path, code=code)
    assert not found & (HEAVY | ARROW)
    ours = {name for name in found if name.startswith(OURS)}
    computing = ("tracer.breakdown.", "tracer.captures.", "tracer.device.", "tracer.sessions.", "tracer.statistics.")
    assert not {name for name in ours if name.startswith(computing)}
    assert len(ours) <= 60


def test_what_a_run_does_not_have_is_not_imported_to_report_it(tmp_path: Path) -> None:
    write_run(tmp_path, "plain", 30)
    found = imported(["report", "plain", "--traces", str(tmp_path)], tmp_path)
    ours = {name for name in found if name.startswith(OURS)}
    assert not {name for name in ours if name.startswith(("tracer.breakdown", "tracer.captures", "tracer.profiles"))}
    assert {name for name in ours if name.startswith("tracer.sessions.")} == {"tracer.sessions.run_sessions"}
    assert len(ours) <= 90


def test_the_kept_report_of_the_last_run_imports_no_more_than_that_of_a_name(tmp_path: Path) -> None:
    write_run(tmp_path, "plain", 30)
    age(tmp_path / "plain", shared=True)  # of what changed just now no report is kept
    words = ["--traces", str(tmp_path)]
    imported(["report", "plain", *words], tmp_path)
    named = imported(["report", "plain", *words], tmp_path)
    assert not imported(["report", "last", *words], tmp_path) - named


def test_a_list_of_which_nothing_is_new_needs_no_array(tmp_path: Path) -> None:
    imported(["runs"], tmp_path)
    found = imported(["runs"], tmp_path)
    assert not found & (HEAVY | ARROW | {"rich"})
    assert len([name for name in found if name.startswith(OURS)]) <= 40


def test_the_help_of_the_whole_says_of_each_command_what_its_own_says() -> None:
    root = typer.main.get_command(app)
    listed = {name: one for named in COMMANDS.values() for name, one in named.items()}
    assert root.commands.keys() == listed.keys()  # type: ignore[attr-defined]
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        told = " ".join(command.help.partition("\n\n")[0].split())
        assert told == listed[name][0]
        assert f"  {name} " in root_help()


def test_pandas_is_found_nowhere_by_a_command_and_by_everybody_else(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    code = (
        "from runner.no_pandas import leave_out_pandas\nleave_out_pandas()\n"
        "import pyarrow as pa\nprint(pa.array([1, None]).to_pylist())\n"
        "try:\n    import pandas\nexcept ImportError as error:\n    print(error.name)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split("\n") == ["[1, None]", "pandas", ""]
