"""No module but one says how a figure for a reader is written."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORMAT = re.compile(r":[+,]*\.\d[fg%]\}|:[+]?,\}|:[+]?\.\d%\}|format=\"[,.~]")
"""``{x:.1f}``, ``{x:,}``, ``{x:.0%}``, and a chart's own format."""

EXCEPTIONS = {
    "tracer/figure_text.py": "the one place",
    "runner/line/protocol.py": "the serial protocol's own six decimals",
    "runner/host/results.py": "the words of energyrunner, by which hosts' logs are read",
    "runner/host/driver.py": "the words of energyrunner's log",
    "runner/bench/overhead/worker.py": "a time limit of our own, in whole seconds",
    "runner/host/driven_dut.py": "a time limit of our own, in whole seconds",
    "tracer/sessions/session.py": "the five digits that the official runner prints, to compare with them",
    "tracer/statistics/student.py": "four digits of a degree of freedom, so that its quantile is looked up once",
    "tracer/accuracy/mistakes.py": "a scale with every digit that matters, to be copied into a program",
    "runner/accuracy/mistake_search.py": "a scale, as in tracer/accuracy/mistakes.py",
}


def test_only_the_formatter_says_how_many_decimals_a_figure_has() -> None:
    holding = {
        str(path.relative_to(ROOT))
        for folder in ("tracer", "runner", "dashboard")
        for path in (ROOT / folder).rglob("*.py")
        if FORMAT.search(path.read_text())
    }
    assert holding <= EXCEPTIONS.keys(), sorted(holding - EXCEPTIONS.keys())


def test_every_exception_is_still_one() -> None:
    assert [name for name in EXCEPTIONS if not FORMAT.search((ROOT / name).read_text())] == []
