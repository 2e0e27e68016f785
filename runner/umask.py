"""Who may write what we write: a profiler starts its target with umask 0, and then everybody could."""

from __future__ import annotations

import os
from pathlib import Path

USUAL = 0o022
"""Where the one that was inherited keeps nobody out."""


def keep_others_out() -> None:
    """Where this process was started with a umask that lets everybody write, take the usual one."""
    inherited = os.umask(USUAL)
    if inherited & 0o002:
        os.umask(inherited)


def current_umask() -> int:
    """That of this process."""
    # It can only be read by setting it.
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def take_modes(folder: Path, umask: int) -> None:
    """Take from what a program of others left in ``folder`` the modes that ``umask`` forbids; links are left."""
    for path in folder.rglob("*"):
        if not path.is_symlink() and path.stat().st_mode & umask:
            path.chmod(path.stat().st_mode & 0o7777 & ~umask)
