"""``make bench``: every figure, or those named (``python -m tests.benchmarks tracing_cost``), as one JSON object."""

from __future__ import annotations

import importlib
import json
import os
import sys

FIGURES = (
    "tracing_cost",
    "protocol_cost",
    "span_storage",
    "sampling_cost",
    "kernel_attribution",
    "dashboard_load",
    "start_up",
    "run_lists",
)


def main(names: list[str]) -> None:
    """Measure and print."""
    wanted = names or list(FIGURES)
    unknown = sorted(set(wanted) - set(FIGURES))
    if unknown:
        sys.exit(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    figures = {name: importlib.import_module(f"tests.benchmarks.{name}").measure() for name in wanted}
    print(json.dumps({"cpus": os.cpu_count(), **figures}, indent=2))


main(sys.argv[1:])
