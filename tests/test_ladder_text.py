"""A ladder as printed: its first line says what was asked for and whether it ended early."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.saved_ladders import saved_ladder
from tracer.reports.ladder_table import render_ladder


@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        (False, "mine: kws, 3 rounds, stages split, 1 thread"),
        (True, "mine: kws, 3 rounds, stopped early, stages split, 1 thread"),
    ],
)
def test_the_first_line_says_what_was_asked_and_whether_it_ended_early(
    tmp_path: Path, stopped: bool, told: str
) -> None:
    out = io.StringIO()
    render_ladder({**saved_ladder(tmp_path, "mine"), "stopped": stopped}, Console(file=out, width=80))
    assert out.getvalue().splitlines()[0] == told
