"""The inferences of a run, kept for the pages that show how they are spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from dashboard.pages.chrome import kept
from dashboard.stages_view import Integers, counted_windows
from tracer.runs.run_store import StoredRun
from tracer.runs.timed_inferences import TimedInferences, timed_inferences


@dataclass(frozen=True, slots=True)
class KeptInferences:
    """Of a run: its inferences with their warm-ups, and the numbers of those that a profiler saw."""

    inferences: TimedInferences
    captured: Integers

    @property
    def timed(self) -> TimedInferences:
        """Without the warm-ups."""
        return self.inferences.only(~self.inferences.warmup)


def _read(run: StoredRun) -> KeptInferences:
    captures = [one for one in run.each_window if one.kind == "capture"]
    captured = timed_inferences(run, windows=captures).number if captures else np.empty(0, np.int64)
    return KeptInferences(counted_windows(timed_inferences(run, warmups=True), run.each_window), captured)


kept_inferences = kept(_read, st.cache_resource, 4, "Reading the spans")
