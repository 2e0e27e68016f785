"""``make bench``: every figure, or those named (``python -m tests.benchmarks tracing_cost``), as one JSON object."""

from __future__ import annotations

import importlib
import json
import sys

from tests.benchmarks.processes import conditions

FIGURES = (
    "tracing_cost",
    "protocol_cost",
    "span_storage",
    "sampling_cost",
    "dut_memory",
    "kernel_attribution",
    "large_inputs",
    "dashboard_load",
    "dashboard_pages",
    "start_up",
    "run_lists",
    "fleet_queries",
)


def main(names: list[str]) -> None:
    """Measure and print."""
    wanted = names or list(FIGURES)
    unknown = sorted(set(wanted) - set(FIGURES))
    if unknown:
        sys.exit(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    before = conditions()
    figures = {name: importlib.import_module(f"tests.benchmarks.{name}").measure() for name in wanted}
    print(json.dumps({"conditions": {"before": before, "after": conditions()}, **figures}, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
