"""
Published keyword-spotting results of MLPerf Tiny v0.5 to v1.3, and where a measured latency stands among them.

``published.csv`` holds facts read from the repositories ``mlcommons/tiny_results_<round>`` at the commits of
``COMMITS``: for each submission the "Median throughput" that the runner printed into its performance log or results.
Four logs of v0.5 print none: there the median of the five windows, inferences over the time between a window's two
``m-lap-us`` lines.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tracer.report_types.limits import Place, PublishedResult, Rank

COMMITS = {
    "v0.5": "d75aef63526dcbb30632f0529411f0219ed1003e",
    "v0.7": "64623f41b6721bdff6d0133a524c63a003123b3b",
    "v1.0": "c7761cf84076d601c4a0ed2ecc51e77d40696ed2",
    "v1.1": "c32ef94d19429ef1d318e9c7a60002a4bd70e11b",
    "v1.2": "cadb362343f559d459e7cdb8748685ba76b9eb23",
    "v1.3": "cd605ea0981306693c9e19765a15801c776988dc",
}


@dataclass(frozen=True, slots=True)
class Published:
    """
    One submission's keyword-spotting performance.

    ``system`` is the folder of the system under ``results``. The closed division runs the reference model, the open
    one another model.
    """

    round: str
    division: str
    submitter: str
    system: str
    rate_hz: float

    @property
    def latency_ns(self) -> float:
        """Time of one inference, from the rate."""
        return 1e9 / self.rate_hz

    @property
    def source(self) -> str:
        """Repository and folder that it was read from."""
        return f"mlcommons/tiny_results_{self.round}: {self.division}/{self.submitter}/results/{self.system}"


@cache
def published() -> tuple[Published, ...]:
    """Every submission of ``published.csv``, by round."""
    with Path(__file__).with_name("published.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Published(rate_hz=float(row.pop("rate_hz")), **row) for row in csv.DictReader(file))


LATEST = next(reversed(COMMITS))
"""The round in which a place is given: rules and systems changed from one to another."""


def place_among(latency_ns: float, near: int = 2) -> Place:
    """Where a latency, positive, stands in the closed division of the latest round, with the ``near`` nearest."""
    rows = [row for row in published() if row.division == "closed"]
    there = sorted((row for row in rows if row.round == LATEST), key=lambda row: row.latency_ns)
    faster = [row for row in there if row.latency_ns < latency_ns]
    slower = there[len(faster) :]
    rounds: dict[str, Rank] = {}
    for name in COMMITS:
        taken = [row.latency_ns for row in rows if row.round == name]
        rounds[name] = {"rank": 1 + sum(one < latency_ns for one in taken), "of": len(taken) + 1}
    return {
        "latency_ns": latency_ns,
        "division": "closed",
        "round": LATEST,
        "rank": len(faster) + 1,
        "of": len(there) + 1,
        "rounds": rounds,
        "faster": [_facts(row, latency_ns) for row in faster[-near:]],
        "slower": [_facts(row, latency_ns) for row in slower[:near]],
    }


def _facts(row: Published, latency_ns: float) -> PublishedResult:
    return {
        "round": row.round,
        "submitter": row.submitter,
        "system": row.system,
        "latency_ns": row.latency_ns,
        "times": row.latency_ns / latency_ns,
        "source": row.source,
    }
