"""The help of the whole, without the library that parses command lines: to load that takes longer than to print."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from textwrap import wrap as wrapped

from runner.command_table import COMMANDS, EXIT_CODES, LEAD, OPTIONS, SUMMARY

WIDEST = 100
"""Columns: longer lines are hard to read."""

wrap = partial(wrapped, break_long_words=False, break_on_hyphens=False)
"""At blanks alone."""


def root_help() -> str:
    """Usage, options, and the commands by their headings, as wide as the terminal and at most ``WIDEST``."""
    width = min(WIDEST, _columns())
    bold = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    lines = ["Usage: kws-trace [OPTIONS] COMMAND [ARGS]...", ""]
    for text in (SUMMARY, LEAD, EXIT_CODES):
        lines += [*wrap(text.replace("`", ""), width), ""]
    commands = [(heading, ((name, one[0]) for name, one in named.items())) for heading, named in COMMANDS.items()]
    for heading, rows in [("Options", OPTIONS.items()), *commands]:
        lines += [f"{bold[0]}{heading}{bold[1]}", *_table(rows, width), ""]
    return "\n".join(lines)


def _table(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    listed = list(rows)
    left = 4 + max(len(name) for name, _ in listed)
    for name, text in listed:
        first, *rest = wrap(text.replace("`", ""), width - left)
        yield f"  {name}".ljust(left) + first
        yield from (" " * left + line for line in rest)


def _columns() -> int:
    """As ``shutil.get_terminal_size`` has them, which imports the compressions of archives."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return max(40, int(told))
    try:
        return max(40, os.get_terminal_size(sys.__stdout__.fileno()).columns)  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80
