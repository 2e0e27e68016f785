"""Statistics of times: percentiles here, intervals in ``intervals``, ratios in ``ratio``."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tracer.report_types.run import Percentiles


def percentiles(values: ArrayLike) -> Percentiles:
    """Of nanoseconds, by linear interpolation, rounded."""
    median, p90, p99 = (round(float(value)) for value in np.percentile(np.asarray(values), [50, 90, 99]))
    return {"median_ns": median, "p90_ns": p90, "p99_ns": p99}
