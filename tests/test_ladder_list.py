"""What ``kws-trace runs`` says of ladders: a line each, after the runs."""

from __future__ import annotations

from pathlib import Path

from tracer.reports.run_list import told_runs


def test_a_ladder_is_told_with_its_rungs_and_its_fastest_and_one_that_did_not_end_without(tmp_path: Path) -> None:
    known = {"rungs": ["session", "capi"], "fastest": "C API", "rate_hz": 1234.5}
    none = {"rungs": [], "fastest": None, "rate_hz": None}
    ladders = [{"name": "whole", "complete": True, **known}, {"name": "cut", "complete": False, **none}]
    assert told_runs(tmp_path, ladders=ladders)[1:] == [
        "ladder whole  complete  2 rungs  fastest C API, 1,234.5 inf/s",
        "ladder cut  not complete  0 rungs",
    ]
