"""The command line: names the commands, prints errors, sets exit codes; computes nothing."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

import typer

from runner.commands.accuracy import accuracy
from runner.commands.bandwidth import bandwidth
from runner.commands.breakdown import breakdown
from runner.commands.compare import compare
from runner.commands.cost import cost
from runner.commands.dashboard import dashboard
from runner.commands.demo import demo
from runner.commands.doctor import doctor
from runner.commands.export import export
from runner.commands.host import host
from runner.commands.host_config import host_config
from runner.commands.infer import infer
from runner.commands.ingest import ingest
from runner.commands.kernels import kernels
from runner.commands.overhead import overhead
from runner.commands.repeat import repeat
from runner.commands.report import report
from runner.commands.run import run
from runner.commands.runs import runs
from runner.commands.runtimes import runtimes
from runner.commands.session import session
from runner.umask import keep_others_out
from tracer.errors import KwsTraceError, UsageError
from tracer.given_files import lift_limits
from tracer.terminal_text import say, terminal

DEBUG = "KWS_TRACE_DEBUG"
"""Set in the environment, an unforeseen error comes with its traceback."""

INTERRUPTED = 130
"""As a shell ends what SIGINT ended: 128 and the signal's number."""

_GONE = "the current folder is gone, or may not be read; cd to one that is there"

_REMEDIES = {
    errno.ENOSPC: "make room on the disk, and run it again",
    errno.EDQUOT: "make room on the disk, and run it again",
    errno.EMFILE: "let a process open more: ulimit -n 1024",
    errno.ENFILE: "end other programs: all of them together have too many open",
}

app = typer.Typer(
    name="kws-trace",
    help="Where each inference of the MLPerf Tiny keyword-spotting benchmark spends its time.\n\n"
    "`run` is the device under test, `host` drives one, `report` says where the time went.\n\n"
    "Exit codes: 0 done, 1 the job failed, 2 wrong use or bad input.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
_COMMANDS: dict[str, dict[Callable[..., None], str]] = {
    "Record a run": {
        demo: "demo",
        run: "run --port pty:/tmp/dut --backend litert",
        infer: "infer --repeat 10 --backend litert",
        repeat: "repeat 5 --name cold -- infer --repeat 10",
        ingest: "ingest last capture.sqlite",
    },
    "Host": {
        host: "host performance --port /tmp/dut",
        host_config: "host-config mlcommons --inferences 10000",
    },
    "Read runs": {
        report: "report last",
        kernels: "kernels capture.sqlite --by range",
        breakdown: "breakdown capture.sqlite --range step",
        compare: "compare before after",
        export: "export last --perfetto last.pftrace",
        runs: "runs",
        dashboard: "dashboard --port 8501",
    },
    "Check": {
        doctor: "doctor --no-tensorflow",
        session: "session --run last",
        accuracy: "accuracy last",
    },
    "Model cost": {
        cost: "cost --device nano --latency-us 4305",
    },
    "Benchmarks": {
        runtimes: "runtimes --seconds 5",
        overhead: "overhead --backend litert",
        bandwidth: "bandwidth --device cpu",
    },
}
"""By heading of the help: each command, and the example that its own help ends with."""

for _heading, _examples in _COMMANDS.items():
    for _function, _example in _examples.items():
        _name = _function.__name__.replace("_", "-")
        app.command(_name, rich_help_panel=_heading, epilog=f"Example: `kws-trace {_example}`")(_function)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),  # noqa: FBT001, FBT003
    no_limits: bool = typer.Option(  # noqa: FBT001
        False,  # noqa: FBT003
        "--no-limits",
        help="Read files of more than 4 GB and tables of more than 20,000,000 rows; memory and time are yours.",
    ),
) -> None:
    if no_limits:
        lift_limits()
    if version:
        from importlib import metadata

        say(f"kws-trace {metadata.version('kws-trace')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; errors that a user may see are one message without a stack trace."""
    keep_others_out()
    try:
        app()
    except KwsTraceError as error:
        _tell(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went (`| head`); there is nobody to tell.
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # the last resort: what nobody foresaw is told in one message too
        if os.environ.get(DEBUG):
            raise
        if isinstance(error, OSError) and (_folder_is_gone() or error.errno == errno.ENAMETOOLONG):
            _tell(_GONE if _folder_is_gone() else f"{error.filename}: {error.strerror}; give the name of a file")
            sys.exit(UsageError.exit_code)
        _tell(_unforeseen(error))
        sys.exit(1)


def _tell(message: str) -> None:
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
