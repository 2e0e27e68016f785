"""Ledgers of what profiling costs, kept beside the runs: one a configuration, for the reports of profiled runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tracer.errors import MalformedTraceError
from tracer.given_files import read_text_file
from tracer.given_json import parsed_json
from tracer.whole_files import written_whole

if TYPE_CHECKING:
    from tracer.report_types.limits import Ledger
    from tracer.runs.run_store import StoredRun

FILE = "overhead.json"
VERSION = 1


def keep_ledger(traces: Path, figures: dict[str, Any]) -> Path:
    """
    Write a ledger into ``traces``, which is made if need be, in place of an older one of the same configuration.

    ``figures`` are of ``build_ledger``, with ``model``, ``backend`` and ``stages_mode``. Returns the file.

    Raises:
        MalformedTraceError: if what is there is no such file.
    """
    path = traces / FILE
    kept = [one for one in read_ledgers(traces) if _configuration(one) != _configuration(figures)]
    traces.mkdir(parents=True, exist_ok=True)
    with written_whole(path, shared=True) as temporary:
        temporary.write_text(
            json.dumps({"version": VERSION, "ledgers": [*kept, figures]}, indent=2), encoding="utf-8"
        )
    return path


def read_ledgers(traces: Path) -> list[dict[str, Any]]:
    """
    All that are kept; none where there is no file.

    Raises:
        MalformedTraceError: if the file is damaged or of a newer version.
    """
    path = traces / FILE
    try:
        text = read_text_file(path)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedTraceError(f"{path}: it cannot be read ({error}); delete it, and measure again") from None
    try:
        held = parsed_json(text)
        version = held["version"]
        # What is in a newer one is not known.
        found: list[dict[str, Any]] = list(held["ledgers"]) if version == VERSION else []
        for one in found:
            _configuration(one)
    except (ValueError, KeyError, TypeError):
        raise MalformedTraceError(f"{path}: it holds no ledgers; delete it, and measure again") from None
    if version != VERSION:
        raise MalformedTraceError(f"{path}: it is of version {version}, this kws-trace knows {VERSION}; update it")
    return found


def find_ledger(
    traces: Path, model_sha256: str, backend: str, device: str, threads: int | None, stages_mode: str
) -> dict[str, Any] | None:
    """
    The ledger of a run's configuration; None where none was measured.

    Raises:
        MalformedTraceError: if the file is damaged or of a newer version.
    """
    wanted = (model_sha256, backend, device, threads, stages_mode)
    return next((one for one in read_ledgers(traces) if _configuration(one) == wanted), None)


def ledger_of(run: StoredRun) -> Ledger | None:
    """What ``kws-trace overhead`` measured of the configuration of ``run``; None where it did not, or is damaged."""
    backend = run.info.backend
    sha256, name, device = run.info.model.get("sha256"), backend.get("name"), backend.get("device")
    if None in (sha256, name, device):
        return None
    try:
        ledger = find_ledger(
            run.folder.parent, str(sha256), str(name), str(device), backend.get("threads"), run.info.stages_mode
        )
    except MalformedTraceError:
        return None
    return cast("Ledger | None", ledger)


def _configuration(figures: dict[str, Any]) -> tuple[object, ...]:
    backend = figures["backend"]
    where = (backend["name"], backend["device"], backend["threads"])
    return (figures["model"]["sha256"], *where, figures["stages_mode"])
