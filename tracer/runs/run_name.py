"""What a run may be called."""

from __future__ import annotations

import os

from tracer.errors import RunError

NAME_RULE = "a run's name is that of one folder: printable, without / and \\, of at most 200 bytes, and not `last`"


def is_run_name(name: str) -> bool:
    """Whether a run can have the name; 200 bytes leave room for what stands beside its folder."""
    if name in ("", ".", "..", "last") or not name.isprintable() or "/" in name or "\\" in name:
        return False
    return len(os.fsencode(name)) <= 200


def checked_run_name(name: str) -> str:
    """
    The name, if a run can have it.

    Raises:
        RunError: otherwise.
    """
    if not is_run_name(name):
        raise RunError(f"--name {name!r}", NAME_RULE, "give another")
    return name
