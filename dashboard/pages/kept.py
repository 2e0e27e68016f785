"""What the pages show of runs, derived once for all who look."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard.looks import LOOKS
from dashboard.run_reading import ReadReport, read_report, recorded_report
from tracer.report_types.report import Report
from tracer.reports.run_limits import measured_frequencies
from tracer.runs.run_store import StoredRun

Made = TypeVar("Made")


def kept(derive: Callable[..., Made], said: str, *, of: Sequence[StoredRun], key: Hashable = None) -> Made:
    """
    What ``derive`` makes of runs, or made of them as they stand.

    Args:
        derive: is given the runs; what it gives is shared, and changed by nobody.
        said: beside the spinner.
        of: every run that is read.
        key: what tells it apart besides its name, as a choice that it was made for.
    """
    looks = [LOOKS.at(run.folder) for run in of]
    name = f"{derive.__module__}.{derive.__qualname__}"
    return LOOKS.derived(looks, (name, key), derive, lambda: _waiting(said))


def _waiting(said: str) -> AbstractContextManager[Any]:
    """A page says what it waits for; what is prepared ahead is said to nobody."""
    return nullcontext() if get_script_run_ctx(suppress_warning=True) is None else st.spinner(said)


def kept_report(run: StoredRun) -> ReadReport:
    """
    The report of a run with what is damaged told apart.

    Raises:
        KwsTraceError: if nothing of it can be read.
    """
    return kept(read_report, "Reading the run", of=[run])


def kept_recorded_report(run: StoredRun) -> Report | None:
    """``recorded_report`` of a run: the same figures, sooner."""
    return kept(recorded_report, "Reading the run", of=[run])


def kept_frequencies(run: StoredRun) -> tuple[float | None, float | None]:
    """``measured_frequencies`` of a run."""
    return kept(measured_frequencies, "Reading the run", of=[run])
