"""What a run keeps of its model's cost: counted once from the model's file, before the DUT is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.model_graphs.reader import read_operations
from tracer.errors import KwsTraceError
from tracer.model.devices import detect_device, match_gpu
from tracer.model.model_cost import count_model
from tracer.reports.run_limits import COUNTS

_NOT_READ = (KwsTraceError, OSError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
"""
What reading a graph may end in: the runtime has loaded the model, but a graph of an exporter that the readers were
not tried on can hold what they do not expect. A run must not fail for it.
"""


def run_cost(path: Path, on_problem: Callable[[str], None]) -> dict[str, Any]:
    """
    The cost of one inference for ``run.json``.

    ``on_problem`` is told in a sentence why it is not counted.

    Returns:
        ``tracer.reports.run_limits.COUNTS``, ``arithmetic`` (types of the values that convolutions and dense layers
        multiply, in order) and ``not_counted`` (how many operations); nothing where the model cannot be counted.
    """
    try:
        cost = count_model(read_operations(path))
    except _NOT_READ as error:
        on_problem(f"the model's operations are not counted ({error}): the run has no limits")
        return {}
    multiplied = [tensor for one in cost.costs if one.macs for tensor in one.operation.inputs if not tensor.stored]
    return {
        **{name: getattr(cost, name) for name in COUNTS},
        "arithmetic": sorted({tensor.dtype for tensor in multiplied}),
        "not_counted": len(cost.not_counted),
    }


def run_board(gpus: Sequence[Mapping[str, Any]] = (), root: Path = Path("/")) -> str | None:
    """
    The key of the device that this machine is, as ``--device`` takes it; None where it is none of our table.

    On a PC it is that of the GPU which is ``used``, by its name.
    """
    device = detect_device(root)
    used = [one for one in gpus if one["used"] and one["name"]]
    if device is None and len(used) == 1:
        device = match_gpu(used[0]["name"], used[0]["memory_bytes"])
    return None if device is None else device.key
