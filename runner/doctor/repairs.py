"""
Doing what a finding proposes, and undoing it later: what undoes it is written down before anything is done.

The record is a file of the user's, so that ``--undo`` works after a reboot too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from runner.doctor.checks import Repair
from runner.doctor.machine import Machine
from tracer.command_line import command_line
from tracer.errors import RepairError
from tracer.given_json import read_json
from tracer.whole_files import write_json

COMMAND_LIMIT_S = 120.0
"""``sudo`` may ask for a password on the terminal."""


def record_path() -> Path:
    """Where the repairs of this user are written down (the XDG base directories' state folder)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "kws-trace" / "doctor.json"


def as_root(machine: Machine, command: Sequence[str]) -> tuple[str, ...]:
    """The command as it is run: with ``sudo`` before it unless we are root."""
    return tuple(command) if machine.is_root else ("sudo", *command)


def apply_repair(machine: Machine, repair: Repair, record: Path, tell: Callable[[str], None]) -> None:
    """
    Write down how to undo the repair, then do it.

    Raises:
        RepairError: if a command fails, or if what was written down before cannot be read.
        OSError: if the record cannot be written; then nothing was done.
    """
    _write(record, [*_read(record), [list(command) for command in repair.undo]])
    for command in repair.commands:
        _do(machine, command, tell)


def undo_repairs(machine: Machine, record: Path, tell: Callable[[str], None]) -> int:
    """
    Undo every repair that is written down, the last first; returns how many there were.

    Raises:
        RepairError: if the record cannot be read, or a command fails: the repairs not yet undone stay written down.
    """
    repairs = _read(record)
    for left in range(len(repairs), 0, -1):
        for command in repairs[left - 1]:
            _do(machine, command, tell)
        _write(record, repairs[: left - 1])
    return len(repairs)


def repairs_to_undo(record: Path) -> list[list[str]]:
    """The commands that ``undo_repairs`` would run, in order."""
    return [command for repair in reversed(_read(record)) for command in repair]


def _do(machine: Machine, command: Sequence[str], tell: Callable[[str], None]) -> None:
    full = as_root(machine, command)
    tell(" ".join(full))
    ran = machine.run(full, COMMAND_LIMIT_S)
    if ran is None:
        raise _failed(full, f"{full[0]} is not installed")
    if not ran.fine:
        raise _failed(full, ran.errors.strip() or f"it ended with {ran.code}")


def _failed(command: Sequence[str], why: str) -> RepairError:
    """Those before it were done, and ``--undo`` undoes them."""
    return RepairError(
        " ".join(command), why, f"run it by hand to see why, `{command_line('doctor', '--undo')}` goes back"
    )


def _read(record: Path) -> list[list[list[str]]]:
    try:
        repairs = read_json(record)["repairs"]
        return [[[str(word) for word in command] for command in repair] for repair in repairs]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "undo by hand what it lists, then remove it"
        raise RepairError(record, f"it is not readable ({error})", remedy, exit_code=2) from None


def _write(record: Path, repairs: list[list[list[str]]]) -> None:
    if not repairs:
        record.unlink(missing_ok=True)
        return
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"repairs": repairs})
