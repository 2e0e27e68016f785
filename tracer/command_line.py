"""Command lines that messages print: as this process was called, so that they can be pasted where it was started."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

DEFAULT_TRACES = Path("traces")
"""Where runs go and are looked for when nobody says otherwise."""

PROFILER_PAIRS = 30
"""Of a profiled run, where nobody says otherwise: the standard error of the mean of 30 is 18 % of their spread."""

DEFAULT_WINDOW_S = 16.0
"""
Wall time of a performance window, where a host measures N and nobody says otherwise.

As far from 10.5 as from 25, as a ratio, so that a rate that drifts stays within both.
"""


LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The names of this machine that no other reaches it by: what is served on another address is published."""


def command_line(*words: str | Path, traces: Path = DEFAULT_TRACES) -> str:
    """A call of this program, quoted for the shell; ``traces`` is named where it is not the default folder."""
    folder = [] if traces.absolute() == DEFAULT_TRACES.absolute() else ["--traces", traces]
    return shlex.join(map(str, [*_program(), *words, *folder]))


def _program() -> list[str]:
    called = Path(sys.argv[0])
    if called.parts[-2:] == ("runner", "__main__.py"):
        return [_typed(Path(sys.executable)), "-m", "runner"]
    script = called if called.name == "kws-trace" else Path(sys.executable).with_name("kws-trace")
    return [_typed(script) if script.is_file() else "kws-trace"]


def _typed(program: Path) -> str:
    """The shortest that a shell finds it by; links are not followed, since a venv's interpreter is one."""
    path = program.absolute()
    if shutil.which(path.name) == str(path):
        return path.name
    here = Path.cwd()
    # From the root a server is started, whose messages are pasted elsewhere.
    relative = here != Path(here.anchor) and path.is_relative_to(here)
    return str(path.relative_to(here) if relative else path)
