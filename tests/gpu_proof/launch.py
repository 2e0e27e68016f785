"""``python -m tests.gpu_proof.launch VARIANT INFERENCES``: one launch of one variant; prints JSON."""

from __future__ import annotations

import json
import sys

from tests.gpu_proof.program import VARIANTS

WARMUPS = 10


def main(variant: str, count: int) -> None:
    """Run, and print the mean wall time of an inference in nanoseconds and what it hangs on."""
    from tests.gpu_proof.cuda import gpu_facts, times_ns

    times = times_ns(VARIANTS[variant], count, WARMUPS)
    print(json.dumps({"mean_ns": sum(times) / len(times), **gpu_facts()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
