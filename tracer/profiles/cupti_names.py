"""
Names of CUDA calls by CUPTI's callback ids, which is how nvprof's SQLite knows a call: ``cupti_callbacks.csv``.

Source of the numbers: ``cupti_runtime_cbid.h`` and ``cupti_driver_cbid.h`` of CUPTI 12.9, and of 13.5
for later ids; an id once given is never given again. All that have a name are listed, without the suffix that tells
versions and per-thread streams apart, so one name may have several ids.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def callback_names() -> Mapping[tuple[str, int], str]:
    """The name of each call by its API (``runtime`` or ``driver``) and callback id."""
    with Path(__file__).with_name("cupti_callbacks.csv").open(encoding="utf-8", newline="") as file:
        return {(row["api"], int(row["callback"])): row["name"] for row in csv.DictReader(file)}


def call_name(api: str, callback: int) -> str:
    """The call of a callback id; ``cudaRuntime#NNN`` or ``cudaDriver#NNN`` of one that is newer than the list."""
    return callback_names().get((api, callback)) or f"cuda{api.capitalize()}#{callback}"
