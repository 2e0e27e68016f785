"""
The report of a run, and a comparison of runs, as types: the values are what ``--json`` prints, key by key.

Times are in the unit that a key names, a share is of 1, an interval is of a median, 95 %, its low and its high end.
``docs/report.schema.json`` is made from these types (``python -m tools.report_schema``).
"""

from __future__ import annotations

from typing import Any

Recorded = dict[str, Any]
"""A part of ``run.json`` as it was recorded: what a run knows of its model, its backend, its profiler."""
