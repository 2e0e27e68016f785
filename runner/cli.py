"""The command line: names the commands, prints errors, sets exit codes; computes nothing."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from runner.no_pandas import leave_out_pandas
from runner.root_help import root_help
from runner.umask import keep_others_out
from tracer.errors import KwsTraceError, UsageError

DEBUG = "KWS_TRACE_DEBUG"
"""Set in the environment, an unforeseen error comes with its traceback."""

_COLLECT_AT = 50_000
"""Objects made since the last search for cycles that start one: imports make 200,000, and hardly a cycle."""

_GONE = "the current folder is gone, or may not be read; cd to one that is there"

_REMEDIES = {
    errno.ENOSPC: "make room on the disk, and run it again",
    errno.EDQUOT: "make room on the disk, and run it again",
    errno.EMFILE: "let a process open more: ulimit -n 1024",
    errno.ENFILE: "end other programs: all of them together have too many open",
}


def __getattr__(name: str) -> Any:
    # Made when asked for: a command line needs one command of it.
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from runner.application import NAMES, build_app

    globals()[name] = build_app(NAMES)
    return globals()[name]


def main() -> None:
    """Run the command line; errors that a user may see are one message without a stack trace."""
    # Where inferences are timed the collector stays as every program of a user has it.
    if sys.argv[1:2] not in (["run"], ["infer"]):
        gc.set_threshold(_COLLECT_AT)
    keep_others_out()
    leave_out_pandas()
    try:
        _run(sys.argv[1:])
    except KwsTraceError as error:
        _tell(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went (`| head`); there is nobody to tell.
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception as error:  # the last resort: what nobody foresaw is told in one message too
        if os.environ.get(DEBUG):
            raise
        if isinstance(error, OSError) and (_folder_is_gone() or error.errno == errno.ENAMETOOLONG):
            _tell(_GONE if _folder_is_gone() else f"{error.filename}: {error.strerror}; give the name of a file")
            sys.exit(UsageError.exit_code)
        _tell(_unforeseen(error))
        sys.exit(1)


def _run(words: Sequence[str]) -> None:
    """Print the help of the whole, or run a command with what it alone needs."""
    before = list(takewhile(lambda word: word.startswith("-"), words))
    called = words[len(before)] if len(before) < len(words) else None
    if (called is None and not words) or "--help" in before:
        from tracer.terminal_text import say

        say(root_help(), end="")
        sys.exit(0 if words else UsageError.exit_code)
    from runner.application import NAMES, build_app

    # A name that there is not is answered with those that it resembles, and a shell that completes asks for all.
    build_app([called] if called in NAMES and "_KWS_TRACE_COMPLETE" not in os.environ else NAMES)()


def _tell(message: str) -> None:
    from tracer.terminal_text import terminal

    # The terminal breaks the line: a path that we broke could not be copied.
    console = terminal(stderr=True)
    console.print(f"kws-trace: {message}", style="bold red", markup=False, highlight=False, soft_wrap=True)


def _folder_is_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 -- as what failed asked for it
    except OSError:
        return True
    return False


def _unforeseen(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory; end other programs, or give a shorter run or a smaller profile"
    if isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        remedy = _REMEDIES.get(error.errno or 0, "see the file and its folder")
        return f"{what}; {remedy} ({DEBUG}=1 shows where it happened)"
    return (
        f"an error that nobody foresaw: {type(error).__name__}: {error}; {DEBUG}=1 before the command shows the "
        f"traceback, please report it with that to who maintains kws-trace"
    )
