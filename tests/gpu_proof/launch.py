"""
``python -m tests.gpu_proof.launch VARIANT INFERENCES [--wait]``: one launch of one variant; prints JSON.

With ``--wait`` it says ``ready`` once the process has its context on the GPU, and begins when a line comes: the
launches of a pair start beside each other and run one after another.
"""

from __future__ import annotations

import argparse
import json

from tests.gpu_proof.program import VARIANTS

WARMUPS = 10
READY = "ready"


def main() -> None:
    """Run, and print the mean wall time of an inference in nanoseconds and what it hangs on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("count", type=int)
    parser.add_argument("--wait", action="store_true")
    given = parser.parse_args()
    from tests.gpu_proof.cuda import gpu_facts, times_ns

    facts = gpu_facts()
    if given.wait:
        print(READY, flush=True)
        input()
    times = times_ns(VARIANTS[given.variant], given.count, WARMUPS)
    print(json.dumps({"mean_ns": sum(times) / len(times), **facts}))


if __name__ == "__main__":
    main()
