"""Refusals of a profile that change nothing of the run, for tests of taking one in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.dut.profiled_run import take_in
from tracer.errors import KwsTraceError
from tracer.runs.run_store import StoredRun, stored_run


def contents(run: StoredRun) -> dict[str, bytes]:
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


def refused(run: StoredRun, paths: Sequence[Path], kind: type[KwsTraceError], **options: Any) -> str:
    """The message of a refusal that changes nothing."""
    before = contents(run)
    with pytest.raises(kind) as caught:
        take_in(stored_run(run.folder), paths, **options)
    assert contents(run) == before
    assert caught.value.exit_code == 2
    return str(caught.value)
