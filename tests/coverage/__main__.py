"""The table of ``docs/statistics.md``: ``python -m tests.coverage [SIMULATIONS]``."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.coverage.power import cases, power
from tests.coverage.scenarios import scenarios, simulate_at


def main() -> int:
    """Simulate every scenario, and print a row each; then what a comparison finds."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| scenario | of | interval given | covered | at least | width | before |")
    print("|---|---|--:|--:|--:|--:|--:|")
    faults = []
    with ProcessPoolExecutor(2) as pool:
        for one in pool.map(partial(simulate_at, simulations=simulations), range(len(scenarios()))):
            if one.fault is not None:
                faults.append(f"{one.name}: {one.fault}")
            what = "median" if one.of_median else "mean"
            shares = (one.given, one.covered, one.lower_bound)
            cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
            print(f"| {one.name} | {what} | {cells} | {one.width:.2f} | {100 * one.before:.1f} % |", flush=True)
    print("\n| launches a side | threshold | true slowdown | detected | failed | equivalent |")
    print("|--:|--:|--:|--:|--:|--:|")
    for launches, slower, threshold in cases():
        one = power(launches, slower, threshold, simulations)
        shares = (one.threshold, one.slower, one.detected, one.failed, one.equivalent)
        print(f"| {launches} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |", flush=True)
    print("\n".join(faults), file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
