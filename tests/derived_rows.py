"""
What is kept of a run, of known runs: ``python -m tests.derived_rows`` writes it to ``golden/derived-rows.json``.

It refuses where a row is another and the version of its kind, in ``run_index.VERSIONS``, is not.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.dashboard_runs import KINDS, every_kind, with_info
from tracer.fleet.fleet_row import fleet_row
from tracer.reports.run_list import list_runs, told_runs
from tracer.runs.run_index import VERSIONS, ListedRun, RunIndex

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "derived-rows.json"

SAMPLES = ("sample-cpu", "sample-gpu")

_OWN = ("run_id", "created", "bytes")
"""Another each time that a run is made, or with another version of Arrow."""


def rows_now() -> dict[str, Any]:
    """By kind the rows of the committed samples and of runs made here, as JSON has them, floats to nine digits."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as samples:
        # A user's traces hold other runs too, as the demo's.
        traces = Path(samples)
        for name in SAMPLES:
            shutil.copytree(ROOT / "traces" / name, traces / name)
        kept = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = "/dev/null"
        try:
            made = Path(folder)
            every_kind(made)
            for name in KINDS:
                with_info(made / name, cpu="a processor", host="a host", platform="a platform")
            found = {
                "listed": [_listed(one) for one in RunIndex(traces).listed],
                "told": told_runs(traces),
                "lists": [_without(row) for one in (traces, made) for row in list_runs(one).rows],
                "fleet": [_fleet_rows(one) for one in (traces, made)],
            }
        finally:
            del os.environ["XDG_CACHE_HOME"]
            if kept is not None:
                os.environ["XDG_CACHE_HOME"] = kept
        text = json.dumps(found, default=str).replace(folder, "FOLDER").replace(samples, "ROOT/traces")
    return json.loads(text, parse_float=lambda digits: float(f"{float(digits):.9g}"))


def _listed(one: ListedRun) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("called", "created", "name", "run_id", "state", "launch_set")}


def _fleet_rows(traces: Path) -> list[dict[str, Any]]:
    return [_without(fleet_row(one.folder)) for one in RunIndex(traces).listed if one.problem is None]


def _without(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OWN}


def changed(rows: dict[str, Any]) -> list[str]:
    """The kinds whose rows are not those of the file."""
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))["rows"] if GOLDEN.is_file() else {}
    return [kind for kind in rows if kind in known and rows[kind] != known[kind]]


def main() -> None:
    """Write the file anew."""
    rows = rows_now()
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))["versions"] if GOLDEN.is_file() else {}
    unraised = [kind for kind in changed(rows) if VERSIONS[kind] == known[kind]]
    if unraised:
        sys.exit(f"raise {', '.join(unraised)} in VERSIONS of tracer/runs/run_index.py: users keep the old rows")
    GOLDEN.write_text(json.dumps({"versions": VERSIONS, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
