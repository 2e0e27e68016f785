"""The table of ``docs/statistics.md``: ``python -m tests.coverage [SIMULATIONS]``."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.coverage.scenarios import scenarios, simulate_at


def main() -> None:
    """Simulate every scenario, and print a row each."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| scenario | of | interval given | covered | at least | width | before |")
    print("|---|---|--:|--:|--:|--:|--:|")
    with ProcessPoolExecutor(2) as pool:
        for one in pool.map(partial(simulate_at, simulations=simulations), range(len(scenarios()))):
            what = "median" if one.of_median else "mean"
            shares = (one.given, one.covered, one.lower_bound)
            cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
            print(f"| {one.name} | {what} | {cells} | {one.width:.2f} | {100 * one.before:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
