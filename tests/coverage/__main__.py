"""The table of ``docs/statistics.md``: ``python -m tests.coverage [SIMULATIONS]``."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.coverage.fleets import alarms, found, upper_bound
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
    _print_fleets(max(simulations // 4, 1))
    print("\n".join(faults), file=sys.stderr)
    return bool(faults)


def _print_fleets(fleets: int) -> None:
    """What ``fleet regressions`` finds in one of 40 configurations, and how often it finds what is not there."""
    print("\n| launches a side | slowdown over the threshold | first look | second look | tenth look |")
    print("|--:|--:|--:|--:|--:|")
    for launches in (10, 20, 40):
        for excess in (0.01, 0.015, 0.02):
            shares = (excess, *(found(fleets, launches, excess, look) for look in (1, 2, 10)))
            print(f"| {launches} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |", flush=True)
    wrong = alarms(2 * fleets)
    print(
        f"\nwithout a slowdown: {wrong} alarms in {2 * fleets} fleets, at most {upper_bound(wrong, 2 * fleets):.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
