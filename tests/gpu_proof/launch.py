"""
``python -m tests.gpu_proof.launch VARIANT INFERENCES``: one launch of one variant; prints JSON.

With ``--turns`` it says ``ready`` once the process has its context on the GPU, and runs so many inferences for each
line that comes: the launches of a pair stand beside each other and take turns, so that what drifts meets them all.
"""

from __future__ import annotations

import argparse
import json
import sys

from tests.gpu_proof.program import VARIANTS

WARMUPS = 10
READY = "ready"


def main() -> None:
    """Run, and print the mean wall time of an inference in nanoseconds, a turn a line, and what it hangs on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("count", type=int)
    parser.add_argument("--turns", action="store_true")
    given = parser.parse_args()
    from tests.gpu_proof.cuda import gpu_facts, turns_ns

    facts = gpu_facts()
    if given.turns:
        print(READY, flush=True)
    for times in turns_ns(VARIANTS[given.variant], given.count, WARMUPS, sys.stdin if given.turns else [""]):
        print(json.dumps({"mean_ns": sum(times) / len(times), **facts}), flush=True)


if __name__ == "__main__":
    main()
