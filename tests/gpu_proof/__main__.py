"""``make gpu-proof``: ``python -m tests.gpu_proof [--pairs 20] [--out FILE]``, with a GPU, CuPy and nsys."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from tests.gpu_proof.judging import FEWEST_PAIRS, Pair, Verdict, judged
from tracer.figure_text import time_text

NO_GPU = (
    "No GPU was asked: CuPy is not installed or sees none. docs/gpu-proof.md has what an H200 gave; "
    "tests/test_gpu_proof.py runs the same program and judgement on a simulator. On a machine with an NVIDIA GPU, "
    "Nsight Systems, CuPy and nvtx: make gpu-proof"
)


def main() -> int:
    """Measure, or judge the launches of the first planted program; 0 if no part is other than predicted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS, help="Pairs that the file has in the end.")
    parser.add_argument("--out", type=Path, default=Path("gpu-proof.json"), help="Pairs are added to it.")
    parser.add_argument("--planted", type=Path, help="Judge the launches in this folder instead.")
    given = parser.parse_args()
    if given.planted is not None:
        from tests.gpu_proof.planted import REMOVALS, planted_pairs

        return _tell(judged(planted_pairs(given.planted), tuple(REMOVALS)))
    if not _gpu_there():
        print(NO_GPU, file=sys.stderr)
        return 2
    from tests.gpu_proof.driver import prove, read_pair

    pairs: list[Pair] = [read_pair(one) for one in prove(given.out, given.pairs).pairs]
    return _tell(judged(pairs))


def _gpu_there() -> bool:
    """Whether CuPy is installed and sees a GPU."""
    if importlib.util.find_spec("cupy") is None:
        return False
    import cupy

    try:
        return int(cupy.cuda.runtime.getDeviceCount()) > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


def _tell(verdicts: dict[str, Verdict]) -> int:
    for name, one in verdicts.items():
        print(f"{name:10} {one.outcome:15} {one.pairs} pairs", end="")
        if one.pairs:
            low, high, margin = map(time_text, (*one.difference_ns, one.margin_ns))
            print(f": gave {time_text(one.gain_ns)} +- {time_text(one.half_width_ns)}", end="")
            print(f", predicted {time_text(one.predicted_ns)}; the difference is {low} to {high}", end="")
            print(f", margin {margin}; {one.bounds} bounds, {one.within} within", end="")
        print()
    return int(any(one.outcome == "not equivalent" for one in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
