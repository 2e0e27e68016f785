"""A ladder on disk with a prediction that held and one that did not, made of the functions that a climb ends with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tracer.ladder.build import Climbed, Launch, rung_figures, step_figures
from tracer.ladder.predictions import Captured
from tracer.ladder.store import ladder_folder, write_ladder, write_predictions
from tracer.report_types.ladder import LadderReport
from tracer.trust.judgement import judgement

NOW = "2026-01-31T12:00:00.000+00:00"
TIMES_US = {
    "inline": {1: 1_105, 2: 1_110, 3: 1_101},
    "frozen": {1: 664, 2: 660, 3: 668},
    "xla": {1: 363, 2: 361, 3: 365},
}
PREDICTED_NS = {"frozen": (4.2e5, 4.7e5), "xla": (5.0e4, 6.0e4)}
"""Of a step to each rung: the first holds, the second does not."""


def saved_ladder(traces: Path, name: str) -> LadderReport:
    """Write it; its figures."""
    trust = judgement([], rule_valid=True, why_not=None)
    climbed = {}
    for key, times in TIMES_US.items():
        launches = [
            Launch(f"{name}-{key}-{n}", n, NOW, 1e6 / us, "tensorflow", "GPU:0", 0.9, 100, 1e-6, trust)
            for n, us in times.items()
        ]
        climbed[key] = Climbed(key, launches, Captured(f"{name}-{key}-profiled", 150e3, []))
    steps: list[Any] = [
        {
            "rung": rung,
            "above": above,
            "removal": "one graph",
            "written": NOW,
            "captured": f"{name}-{above}-profiled",
            "gain_ns": sum(PREDICTED_NS[rung]) / 2,
            "interval_ns": list(PREDICTED_NS[rung]),
            "bound": None,
            "reason": "",
        }
        for above, rung in (("inline", "frozen"), ("frozen", "xla"))
    ]
    report: LadderReport = {
        "schema_version": 1,
        "name": name,
        "created": NOW,
        "model": {"name": "kws"},
        "port": None,
        "seconds": 1.0,
        "rounds": 3,
        "stages": "split",
        "threads": 1,
        "stopped": False,
        "load": {"before": 0.1, "cpus": 2},
        "rungs": [rung_figures(one) for one in climbed.values()],
        "steps": [step_figures(step, climbed) for step in steps],
        "absent": [],
        "fastest": "xla",
        "notes": [],
    }
    folder = ladder_folder(name, traces)
    write_predictions(folder, steps)
    write_ladder(folder, report)
    return report
