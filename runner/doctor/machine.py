"""The one seam between the checks and the machine: programs, files, ports and who we are. Tests give their own."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.children import asked
from runner.device.sysfs import read_text
from runner.line.port_errors import existing_ports, holder_of


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program left; ``code`` is None where it was ended because its time was up."""

    code: int | None
    output: str
    errors: str = ""

    @property
    def fine(self) -> bool:
        """Whether it ended with 0."""
        return self.code == 0


class Machine:
    """This machine, as far as the checks ask; ``root`` is where ``/sys``, ``/proc`` and ``/etc`` lie."""

    root = Path("/")

    def __init__(self) -> None:
        self.is_root = os.geteuid() == 0
        self.user = _user_name()
        self.groups = frozenset(_group_name(number) for number in {os.getegid(), *os.getgroups()})

    def run(self, command: Sequence[str], timeout_s: float = 10.0) -> Ran | None:
        """Run a program in the C locale, without input; None where it is not installed."""
        try:
            done = asked(command, timeout_s)
        except subprocess.TimeoutExpired as error:
            return Ran(None, _text(error.stdout), _text(error.stderr))
        except OSError:
            return None
        return Ran(done.returncode, _text(done.stdout), _text(done.stderr))

    def which(self, program: str) -> str | None:
        """A program's path, or None."""
        return shutil.which(program)

    def read(self, path: str) -> str | None:
        """A file's text, or None; ``path`` without a leading slash, under ``root``."""
        return read_text(self.root / path)

    def exists(self, path: str) -> bool:
        """Whether there is such a file; ``path`` as the user wrote it."""
        return Path(path).exists()

    def may_open(self, path: str) -> bool:
        """Whether we may read and write it."""
        return os.access(path, os.R_OK | os.W_OK)

    def is_terminal(self, path: str) -> bool:
        """Whether it is a character device."""
        return Path(path).is_char_device()

    def holder(self, path: str) -> str | None:
        """Name and number of another process that has it open, as far as can be told."""
        return holder_of(path)

    def ports(self) -> str:
        """A sentence that names the serial ports of the machine."""
        return existing_ports()

    def free_bytes(self, path: Path) -> int | None:
        """Room for us on the disk of ``path``, which need not exist yet; None where it cannot be told."""
        nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
        try:
            return shutil.disk_usage(nearest).free
        except OSError:
            return None


def _text(raw: bytes | str | None) -> str:
    return raw if isinstance(raw, str) else (raw or b"").decode("utf-8", "replace")


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
