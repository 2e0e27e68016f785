"""Named baselines of a folder of runs: which launches the newest are held against. One file beside the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tracer.command_line import command_line
from tracer.errors import MalformedTraceError, UsageError, WriteError
from tracer.given_json import read_json
from tracer.whole_files import write_json

FILE = "baselines.json"
VERSION = 1


def set_baseline(traces: Path, name: str, runs: Mapping[str, str]) -> None:
    """
    Keep a baseline, in place of one of the same name; ``runs`` are the names of its runs by their ids.

    Raises:
        MalformedTraceError: if the file that is there cannot be read.
    """
    _write(traces, {**read_baselines(traces), name: dict(runs)})


def unset_baseline(traces: Path, name: str) -> None:
    """
    Forget a baseline; its runs stay.

    Raises:
        UsageError: if there is none of that name.
    """
    known = read_baselines(traces)
    _known(str(traces), name, known, traces)
    _write(traces, {other: runs for other, runs in known.items() if other != name})


def baseline_runs(roots: Sequence[Path], name: str, called: Sequence[str] = ()) -> dict[str, str]:
    """
    Names by ids of the runs of a baseline, in all of ``roots`` that have one of that name.

    ``called`` is what a user calls the roots, where that is something else.

    Raises:
        UsageError: if none has.
    """
    held = [read_baselines(root) for root in roots]
    known = {one: None for each in held for one in each}
    _known(", ".join(called) or ", ".join(map(str, roots)), name, known, roots[0])
    return {run_id: run for each in held for run_id, run in each.get(name, {}).items()}


def read_baselines(traces: Path) -> dict[str, dict[str, str]]:
    """
    By name of the baseline, names by ids of its runs; nothing where there is no file.

    Raises:
        MalformedTraceError: if it is damaged, or of a newer version.
    """
    path = traces / FILE
    try:
        held = read_json(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise MalformedTraceError(path, f"it is not readable ({error})", "delete it, and set them again") from None
    if not isinstance(held, dict) or held.get("version") != VERSION:
        raise MalformedTraceError(path, f"it is not of version {VERSION}", "use the kws-trace that wrote it")
    found = held.get("baselines")
    if not isinstance(found, dict) or not all(_is_runs(runs) for runs in found.values()):
        raise MalformedTraceError(path, "it holds no baselines", "delete it, and set them again")
    return found


def _is_runs(runs: object) -> bool:
    return isinstance(runs, dict) and all(isinstance(name, str) for name in runs.values())


def _known(called: str, name: str, known: Mapping[str, object], traces: Path) -> None:
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "there is none yet"
        # Behind a URL one is made where the runs are, and not of their copies here.
        make = command_line("baseline") if "://" in called else command_line("baseline", traces=traces)
        where = " where they lie" if "://" in called else ""
        remedy = f"{there}; `{make} set NAME RUN`{where} makes one"
        raise UsageError(name, f"no baseline in {called} has that name", remedy)


def _write(traces: Path, baselines: Mapping[str, Mapping[str, str]]) -> None:
    try:
        write_json(traces / FILE, {"version": VERSION, "baselines": baselines}, shared=True)
    except OSError as error:
        remedy = "give --traces a folder of runs that you may write to"
        raise WriteError(traces / FILE, "it cannot be written", error, remedy) from None
