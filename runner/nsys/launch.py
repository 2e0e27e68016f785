"""The DUT as a child of ``nsys profile``: signals go to the DUT alone, and nsys ends after it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from runner.children import NOBODYS_FOLDER, module_command
from runner.ending_signals import ending_signals_to
from runner.nsys.command import nsys_environment, profile_command, traced
from runner.nsys.installation import Nsys, nsys_failed
from runner.nsys.reports import RAW, REPORTS, import_raw
from runner.nsys.start import start_nsys
from runner.umask import current_umask, take_modes
from tracer.errors import UsageError
from tracer.figure_text import size_text
from tracer.whole_files import written_whole

CHILD = "KWS_TRACE_UNDER_NSYS"
"""Set for the DUT that nsys runs: JSON with the fields of ``ChildOrders``."""


@dataclass(frozen=True, slots=True)
class ChildOrders:
    """What the launcher tells the DUT; ``umask`` is the launcher's own: nsys starts its target with 0."""

    name: str
    pid_file: Path
    profiler: dict[str, Any]
    umask: int


def taken_orders() -> ChildOrders | None:
    """The orders of the launcher, if this process is its DUT; its own children do not inherit them."""
    text = os.environ.pop(CHILD, None)
    if text is None:
        return None
    try:
        orders = json.loads(text)
        return ChildOrders(orders["name"], Path(orders["pid_file"]), orders["profiler"], orders["umask"])
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"{CHILD}={text}", "`kws-trace run --nsys` sets it, for its DUT", "unset it") from None


def tell_pid(orders: ChildOrders) -> None:
    """Let the launcher know whom to signal; what is written from here on has the launcher's modes."""
    os.umask(orders.umask)
    with written_whole(orders.pid_file, lasting=False) as temporary:
        temporary.write_text(str(os.getpid()))


def run_under_nsys(
    nsys: Nsys, preset: str, captures: int, name: str, folder: Path, arguments: Sequence[str]
) -> tuple[int, list[Path]]:
    """
    Run the DUT under nsys until it ends.

    A signal sent to nsys would end it while the DUT still has to make its run complete: nsys stands in a session of
    its own, and SIGINT, SIGTERM and SIGHUP are handed to the DUT.

    ``folder`` takes the reports, at most ``captures``; ``arguments`` are the DUT's, after ``kws-trace``.

    Returns:
        Its exit code, and the reports (``.nsys-rep``, or raw where they cannot be imported here), in order.

    Raises:
        ProfilerError: if nsys did not start the DUT, or fails to import what it wrote.
    """
    scratch, pid_file, log = folder / "tmp", folder / "dut.pid", folder / "nsys.log"
    scratch.mkdir(parents=True, exist_ok=True)
    dut = module_command("runner", *arguments, folder=Path.cwd())
    command = profile_command(nsys, preset, captures, (folder / "capture").absolute(), dut)
    umask = current_umask()
    profiler = {"name": "nsys", "version": nsys.version, "preset": preset, "traced": traced(nsys, preset)}
    orders = json.dumps({"name": name, "pid_file": str(pid_file), "profiler": profiler, "umask": umask})
    code = _run_to_its_end(command, {**nsys_environment(scratch), CHILD: orders}, log, pid_file)
    # Locks and caches of nsys go; a raw capture stays where nsys ended before it had moved it.
    for path in scratch.glob(f"*{RAW}"):
        path.rename(folder / path.name)
    shutil.rmtree(scratch, ignore_errors=True)
    take_modes(folder, umask)
    if not pid_file.exists():
        # Its complaints go to standard error, which is ours.
        said = log.read_text(errors="replace").strip() or "what stands above"
        remove_if_empty(folder)
        raise nsys_failed(f"{nsys.path} ended with {code} before the DUT began", said)
    pid_file.unlink()
    return code, _reports(nsys, folder)


def _run_to_its_end(command: list[str], environment: dict[str, str], log: Path, pid_file: Path) -> int:
    pending: list[int] = []
    with log.open("wb") as written, ending_signals_to(pending.append):
        start = partial(
            subprocess.Popen, command, env=environment, start_new_session=True, stdout=written, cwd=NOBODYS_FOLDER
        )
        # Who has sent a signal wants no other start.
        process = start_nsys(start, lambda: pid_file.exists() or bool(pending))
        return _wait_forwarding(process, pid_file, pending)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds at most logs."""
    for path in folder.glob("*.log"):
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _wait_forwarding(process: subprocess.Popen[bytes], pid_file: Path, pending: list[int]) -> int:
    while True:
        try:
            return process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            pass
        while pending and pid_file.exists():
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile, as it was to
                os.kill(int(pid_file.read_text()), pending.pop(0))


def _reports(nsys: Nsys, folder: Path) -> list[Path]:
    """In the order of their captures; raw ones are imported where that is possible, and then go."""
    raw = sorted(folder.glob(f"*{RAW}"), key=_number)
    for path in raw:
        if path.with_suffix(REPORTS[0]).exists():
            path.unlink()
        elif nsys.importer is not None:
            import_raw(nsys, path, folder)
            path.unlink()
    found = [path for suffix in (*REPORTS, RAW) for path in folder.glob(f"*{suffix}")]
    return sorted(found, key=_number)


def _number(path: Path) -> int:
    """Of ``capture.3.nsys-rep``."""
    words = [word for word in path.name.split(".") if word.isdigit()]
    return int(words[0]) if words else 0


def announcement(nsys: Nsys, preset: str, what: str, size: int) -> str:
    """What is said before the run: ``what`` will be captured, and the bytes that it may take."""
    said = f"nsys {nsys.version}, preset {preset}: {what}; at most about {size_text(size)} while it works"
    if nsys.importer is None:
        said += (
            f"\nnsys: no QdstrmImporter beside {nsys.path}: what it leaves may be raw ({RAW}), to be ingested on a "
            "machine with the whole Nsight Systems"
        )
    return said


def without_profiler_options(arguments: Sequence[str], options: Mapping[str, bool]) -> list[str]:
    """
    ``arguments`` without those that only the launcher obeys.

    ``options`` are the name of each, and whether a value follows it.
    """
    kept, skip = [], False
    for word in arguments:
        name, equals, _ = word.partition("=")
        if skip:
            skip = False
        elif name in options:
            skip = options[name] and not equals
        else:
            kept.append(word)
    return kept
