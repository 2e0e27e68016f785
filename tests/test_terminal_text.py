"""The one way to the terminal: which stream, what is made harmless, and how a table holds a long cell."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tracer.terminal_text import (
    FIRST_ROWS,
    figure_table,
    first_rows,
    framed_table,
    plain,
    print_lines,
    printable,
    say,
    say_over,
)


def painted(shown: object, width: int = 20) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(shown)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_what_is_said_goes_to_its_stream_and_does_nothing_there(capsys: pytest.CaptureFixture[str]) -> None:
    say("out \x1b[2J")
    say("err \x1b[2J", err=True, end="")
    say_over("now\x1b[2J")
    said = capsys.readouterr()
    assert "\x1b[2J" not in said.out + said.err
    assert said.out.startswith("out ")
    assert said.out.endswith("\n")
    err, _, over = said.err.partition("\r\x1b[K")
    assert err.startswith("err ")
    assert "\n" not in said.err
    assert over.startswith("now")
    say_over("")
    assert capsys.readouterr().err == "\r\x1b[K"


def test_a_name_out_of_a_file_is_shown_as_it_stands() -> None:
    assert printable("a\x1b[31mb\tc") == "a\ufffd[31mb\ufffdc"
    assert plain("[bold]x[/bold]", "red").plain == "[bold]x[/bold]"
    console = Console(file=io.StringIO(), width=40, color_system=None)
    print_lines(console, ["[bold]x[/bold]", "y"])
    assert console.file.getvalue() == "[bold]x[/bold]\ny\n"  # type: ignore[attr-defined]


def test_a_long_cell_is_folded_and_where_it_must_not_be_cut() -> None:
    rows = [("[b]a[/b]", "1234567890123456")]
    folded = painted(framed_table("T", ["name"], ["figure"], rows))
    assert sum("345" in line or "901" in line for line in folded) >= 2
    assert "".join("".join(line.strip("│").split("│")[-1].split()) for line in folded[4:-1]) == "1234567890123456"
    assert any("[b]" in line for line in folded)
    cut = painted(framed_table(None, ["name"], ["figure"], rows, wrap=False))
    assert sum("…" in line for line in cut) == 1
    assert len(cut) < len(folded)


def test_a_table_without_a_frame_has_names_left_and_figures_right() -> None:
    table = figure_table(["name"], ["n"])
    table.add_row("a", "1")
    table.add_row("bb", "100")
    assert painted(table) == ["", " name    n", " ─────────", " a       1", " bb    100", ""]


@pytest.mark.parametrize(("count", "shown"), [(40, 40), (41, 40), (1041, 40)])
def test_a_long_table_shows_its_first_rows_on_a_terminal(count: int, shown: int) -> None:
    rows = list(range(count))
    screen = Console(file=io.StringIO(), force_terminal=True)
    more = None if count == shown else f"and {count - FIRST_ROWS:,} more (`--all`)"
    assert first_rows(rows, screen, whole=False) == (rows[:shown], more)
    assert first_rows(rows, screen, whole=True) == (rows, None)
    assert first_rows(rows, Console(file=io.StringIO()), whole=False) == (rows, None)
