"""The paths of a command line, looked at before its command begins: what no file or folder can be is told at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from typer.core import TyperCommand
from typer.models import TyperPath

from tracer.errors import UsageError
from tracer.given_files import kind_of_no_file

PATHS_IN_TEXT = ("library", "root")
"""Parameters that take a path, or a pattern of some, as text."""


class CommandOfPaths(TyperCommand):
    """
    A command whose options and arguments of type ``Path`` are looked at first, in whatever order it reads them.

    A path that is empty is a variable of a shell that was not set, and would be taken for the current folder.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of a command line, as typer does."""
        empty = "" in args or any(word.startswith("--") and word.endswith("=") for word in args)
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            if is_path(parameter):
                for path in _paths(ctx.params.get(str(parameter.name))):
                    named = parameter.opts[0] if parameter.param_type_name == "option" else _shown(parameter)
                    if empty and path == Path():
                        raise UsageError(named, "it is empty", "give a path, or leave it out")
                    refuse_impossible_path(named, path, folder=not getattr(parameter.type, "file_okay", True))
        return rest


def is_path(parameter: Any) -> bool:
    """Whether an option or argument, as typer has it, takes a path or several."""
    return isinstance(parameter.type, TyperPath) or parameter.name in PATHS_IN_TEXT


def refuse_impossible_path(named: str, path: Path, *, folder: bool) -> None:
    """
    Refuse what is neither a file nor a folder, and what cannot be one.

    Args:
        named: the option or argument.
        path: need not be there.
        folder: whether a file is refused too.

    Raises:
        UsageError: if its name or a link of it leads nowhere, or a device, a pipe or a socket is there.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except PermissionError:
        # Who opens it says what may not be done.
        return
    except OSError as error:
        raise UsageError(f"{named} {path}", error.strerror or str(error), "give another path") from None
    problem = None if stat.S_ISDIR(mode) else kind_of_no_file(mode)
    if folder and not stat.S_ISDIR(mode):
        problem = problem or "it is a file"
    if problem is not None:
        raise UsageError(f"{named} {path}", problem, f"name a {'folder' if folder else 'file or a folder'}")


def _paths(value: Any) -> Iterable[Path]:
    if value is None:
        return ()
    return map(Path, (value,) if isinstance(value, (str, os.PathLike)) else value)


def _shown(parameter: Any) -> str:
    return str(parameter.name).upper()
