"""``kws-trace doctor``: is this device ready for a session, and if not, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands.options import TracesOption

if TYPE_CHECKING:
    from rich.console import Console

    from runner.doctor.checks import Check
    from runner.doctor.system import System

COLOURS = {"fine": "green", "warning": "yellow", "error": "bold red"}


def doctor(
    port: Annotated[
        str | None, typer.Option(help="The DUT's port. Default: /dev/ttyGS0 on a Jetson, none on a PC.")
    ] = None,
    baud: Annotated[int, typer.Option(help="Of the port.", min=300)] = 115200,
    tensorflow: Annotated[
        bool, typer.Option("--tensorflow/--no-tensorflow", help="Import TensorFlow and see its devices.")
    ] = True,
    fix: Annotated[
        bool, typer.Option("--fix", help="Do the remedies that can be done here, each after a yes.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo what --fix did, after a yes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Say yes to each question of --fix and --undo.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as JSON.")] = False,
    traces: TracesOption = Path("traces"),
) -> None:
    """
    Look at the device before a session: port, runtimes, profiler, power, clocks, temperature, load, disk.

    Exits with 1 if a line is an error.
    """
    from rich.console import Console

    from runner.doctor.checks import ERROR, worst
    from runner.doctor.examination import Settings, checks
    from runner.doctor.system import RealSystem

    system = RealSystem()
    if undo:
        _undo(system, yes=yes)
        return
    quiet = Console(stderr=True)
    console = Console()
    findings = []
    for check in checks(system, Settings(port, baud, traces, tensorflow)):
        with quiet.status(f"looking at {check.doing}"):
            lines = list(check.look())
        findings += lines
        if not as_json:
            for finding in lines:
                _print_line(console, finding)
    if as_json:
        _print_json(findings)
    if fix:
        _fix(system, findings, yes=yes)
    raise typer.Exit(1 if worst(findings) == ERROR else 0)


def _print_line(console: Console, finding: Check) -> None:
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 1))
    line.add_column(width=7)
    line.add_column()
    line.add_row(Text(finding.state, COLOURS[finding.state]), Text(f"{finding.check}: {finding.said}"))
    if finding.remedy:
        line.add_row("", Text(f"-> {finding.remedy}"))
    console.print(line, highlight=False)


def _print_json(findings: list[Check]) -> None:
    import json

    from runner.doctor.checks import worst

    lines = [finding.as_json() for finding in findings]
    typer.echo(json.dumps({"state": worst(findings), "findings": lines}, indent=2))


def _fix(system: System, findings: list[Check], *, yes: bool) -> None:
    from runner.doctor.repairs import apply_repair, as_root, record_path

    repairs = [(finding, finding.repair) for finding in findings if finding.repair is not None]
    if not repairs:
        typer.echo("nothing that --fix can do", err=True)
    for finding, repair in repairs:
        commands = "; ".join(" ".join(as_root(system, command)) for command in repair.commands)
        if yes or typer.confirm(f"{finding.check}: run `{commands}`?", err=True):
            apply_repair(system, repair, record_path(), lambda text: typer.echo(text, err=True))


def _undo(system: System, *, yes: bool) -> None:
    from runner.doctor.repairs import as_root, record_path, repairs_to_undo, undo_repairs

    commands = repairs_to_undo(record_path())
    if not commands:
        typer.echo("nothing to undo: --fix did nothing here, or it was undone", err=True)
        return
    told = "; ".join(" ".join(as_root(system, command)) for command in commands)
    if yes or typer.confirm(f"run `{told}`?", err=True):
        undo_repairs(system, record_path(), lambda text: typer.echo(text, err=True))
