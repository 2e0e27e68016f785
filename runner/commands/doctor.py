"""``kws-trace doctor``: is this device ready for a session, and if not, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from runner.commands import options
from runner.commands.output import print_json
from tracer.command_line import DEFAULT_TRACES
from tracer.terminal_text import say, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from runner.doctor.checks import Check
    from runner.doctor.machine import Machine

COLOURS = {"fine": "green", "warning": "yellow", "error": "bold red"}


def doctor(
    port: Annotated[
        str | None,
        options.SERIAL_LINE("The DUT's port. Without it /dev/ttyGS0 is examined on a Jetson, none on a PC."),
    ] = None,
    baud: options.DutBaud = None,
    energy: Annotated[
        str | None, options.SERIAL_LINE("Examine the timestamp pin of energy mode too: gpiochip0:LINE.")
    ] = None,
    tensorflow: Annotated[
        bool, options.MODEL("Import TensorFlow and list its devices.", "--tensorflow/--no-tensorflow")
    ] = True,
    fix: Annotated[bool, options.REPAIRS("Do the repairs that can be done here, each after a yes.", "--fix")] = False,
    undo: Annotated[bool, options.REPAIRS("Undo what --fix did, after a yes.", "--undo")] = False,
    yes: Annotated[bool, options.REPAIRS("Say yes to each question of --fix and --undo.", "--yes")] = False,
    as_json: options.Json = False,
    traces: options.Traces = DEFAULT_TRACES,
) -> None:
    """
    Examine the device before a session: port, runtimes, profiler, power, clocks, temperature, load, disk.

    Exit codes: 0 no error, 1 a line is an error, 2 wrong use.
    """
    from runner.doctor.checks import ERROR, worst
    from runner.doctor.examination import Settings, steps
    from runner.doctor.machine import Machine
    from runner.line.ports import line_baud

    machine = Machine()
    if undo:
        _undo(machine, yes=yes)
        return
    quiet = terminal(stderr=True)
    console = terminal()
    findings = []
    settings = Settings(port, line_baud(baud, energy=energy is not None), traces, tensorflow, energy)
    for step in steps(machine, settings):
        with quiet.status(f"looking at {step.doing}"):
            lines = list(step.look())
        findings += lines
        if not as_json:
            for finding in lines:
                _print_line(console, finding)
    if as_json:
        print_json({"state": worst(findings), "findings": [finding.as_json() for finding in findings]})
    if fix:
        _fix(machine, findings, yes=yes)
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


def _fix(machine: Machine, findings: list[Check], *, yes: bool) -> None:
    from runner.doctor.repairs import apply_repair, as_root, record_path

    repairs = [(finding, finding.repair) for finding in findings if finding.repair is not None]
    if not repairs:
        say("nothing that --fix can do", err=True)
    for finding, repair in repairs:
        commands = "; ".join(" ".join(as_root(machine, command)) for command in repair.commands)
        if yes or typer.confirm(f"{finding.check}: run `{commands}`?", err=True):
            apply_repair(machine, repair, record_path(), lambda text: say(text, err=True))


def _undo(machine: Machine, *, yes: bool) -> None:
    from runner.doctor.repairs import as_root, record_path, repairs_to_undo, undo_repairs

    commands = repairs_to_undo(record_path())
    if not commands:
        say("nothing to undo: --fix did nothing here, or it was undone", err=True)
        return
    told = "; ".join(" ".join(as_root(machine, command)) for command in commands)
    if yes or typer.confirm(f"run `{told}`?", err=True):
        undo_repairs(machine, record_path(), lambda text: say(text, err=True))
