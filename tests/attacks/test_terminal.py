"""Whatever text a file holds, a terminal obeys none of it: there is one way to print, and it makes texts harmless."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from runner import cli
from tests.attacks.programs import obeyed
from tests.conftest import ROOT
from tracer import errors, harmless_console, terminal_text
from tracer.harmless_text import harmless
from tracer.terminal_text import say, terminal

HOSTILE = "a\x1b[31m\x1b]0;title\x07\x9b2J\u202eb\r\x00\x7f\ud800\u2028c"
PRINTERS = {"print", "typer.echo", "typer.secho", "click.echo", "sys.stdout.write", "sys.stderr.write", "Console"}


def calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_nothing_prints_but_by_the_one_way() -> None:
    ways = {Path(terminal_text.__file__), Path(harmless_console.__file__)}
    rooms = ("tracer", "runner", "dashboard")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py") if path not in ways]
    assert len(files) > 200
    assert {(str(path.relative_to(ROOT)), name) for path in files for name in calls(path) & PRINTERS} == set()


@given(st.text(st.characters() | st.sampled_from(HOSTILE)))
def test_a_text_keeps_its_length_its_lines_and_what_is_no_command(text: str) -> None:
    made = harmless(text)
    assert len(made) == len(text)
    assert all(one == other or other == "\ufffd" for one, other in zip(text, made, strict=True))
    assert harmless("\n\t \u00e4\u4e2d\U0001f600") == "\n\t \u00e4\u4e2d\U0001f600"
    assert harmless(HOSTILE) == "a\ufffd[31m\ufffd]0;title\ufffd\ufffd2J\ufffdb\ufffd\ufffd\ufffd\ufffd\ufffdc"


def test_a_console_prints_no_command_of_a_text_and_keeps_its_own_colours() -> None:
    out = io.StringIO()
    console = terminal(file=out, force_terminal=True, width=200, color_system="standard", legacy_windows=False)
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(Text(HOSTILE, "red"))
    console.print(table)
    console.print(HOSTILE, markup=False)
    console.print(f"[bold]{HOSTILE}[/bold]")
    said = out.getvalue()
    assert "\x1b[31m" in said
    assert "\x1b[1m" in said
    for own in ("\x1b[31m", "\x1b[1m", "\x1b[3m", "\x1b[0m", "\x1b[1;31m", "\x1b[1;36m", "\x1b[36m"):
        said = said.replace(own, "")
    assert obeyed(said) == []


def test_a_name_between_colons_is_no_picture() -> None:
    out = io.StringIO()
    console = terminal(file=out, width=200)
    table = Table(title=":fire:")
    table.add_column(":o:")
    table.add_row("app:key:1")
    for one in (table, ":fire: :o: app:key:1"):
        console.print(one, markup=False)
        console.print(one)
    assert [out.getvalue().count(name) for name in (":fire:", ":o:", "app:key:1")] == [4, 4, 4]


def test_a_line_is_printed_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    say(HOSTILE, err=True)
    said = capsys.readouterr()
    assert said.out == said.err == harmless(HOSTILE) + "\n"


FAMILIES = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.KwsTraceError)]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_error_brings_a_command_to_the_terminal(
    family: type[errors.KwsTraceError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_words: object) -> None:
        if family is errors.WriteError:
            raise errors.WriteError(HOSTILE, HOSTILE, OSError(5, HOSTILE), HOSTILE)
        raise family(HOSTILE, HOSTILE, HOSTILE)

    monkeypatch.setattr(cli, "_run", fail)
    with pytest.raises(SystemExit):
        cli.main()
    said = capsys.readouterr()
    assert "title" in said.err
    assert obeyed(said.out + said.err) == []


def test_nor_does_an_error_that_nobody_foresaw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_words: object) -> None:
        raise FileNotFoundError(2, HOSTILE, HOSTILE)

    monkeypatch.delenv(cli.DEBUG, raising=False)
    monkeypatch.setattr(cli, "_run", fail)
    with pytest.raises(SystemExit):
        cli.main()
    assert obeyed(capsys.readouterr().err) == []
