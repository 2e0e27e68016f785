"""The application that typer makes of the commands: all of them, or those that a command line needs."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module

import typer

from runner.command_table import COMMANDS, EXIT_CODES, LEAD, OPTIONS, SUMMARY
from runner.given_paths import CommandOfPaths

NAMES = [name for named in COMMANDS.values() for name in named]


def build_app(names: Collection[str]) -> typer.Typer:
    """The application with the commands of these ``names``: a module of another is not imported."""
    app = typer.Typer(
        name="kws-trace",
        help=f"{SUMMARY}\n\n{LEAD}\n\n{EXIT_CODES}",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_root)
    for heading, named in COMMANDS.items():
        for name in (one for one in named if one in names):
            function = name.replace("-", "_")
            command = getattr(import_module(f"runner.commands.{function}"), function)
            app.command(
                name, cls=CommandOfPaths, rich_help_panel=heading, epilog=f"Example: `kws-trace {named[name][1]}`"
            )(command)
    return app


def _root(
    version: bool = typer.Option(False, "--version", help=OPTIONS["--version"], is_eager=True),  # noqa: FBT001, FBT003
    no_limits: bool = typer.Option(False, "--no-limits", help=OPTIONS["--no-limits"]),  # noqa: FBT001, FBT003
) -> None:
    if no_limits:
        from tracer.given_files import lift_limits

        lift_limits()
    if version:
        from importlib import metadata

        from tracer.terminal_text import say

        say(f"kws-trace {metadata.version('kws-trace')}")
        raise typer.Exit
