"""The cost of a model as JSON, and as text for a terminal of 80 columns."""

from __future__ import annotations

from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tracer.figure_text import (
    MISSING,
    bandwidth_text,
    count_text,
    counted,
    frequency_text,
    giga_text,
    share_text,
    significant_text,
    time_text,
)
from tracer.model.model_cost import ModelCost, OperationCost
from tracer.report_types.limits import DeviceLimits, Place, Traffic
from tracer.reports.run_limits import limits_lines, place_text
from tracer.terminal_text import print_lines

REFERENCE_MACS = 2_656_768
REPORT_2021 = (
    "the 2021 report counts 1,664,768 multiply-accumulates for this model. Its formulas are right, its sum is not: "
    "on the layers that it lists they give 320,000 + 4 x 72,000 + 4 x 512,000 + 768 = 2,656,768. With the "
    "8,000 values that the pool adds up it would be 2,664,768, its figure but for the first digit"
)
"""``report/main.tex`` of jecoz/mlperf-jetson, "Performance Analysis"; that it is a slip of a digit is our reading."""

TOTALS = (
    *("parameters", "macs", "operations", "weight_bytes", "activation_bytes", "moved_bytes", "least_moved_bytes"),
    "peak_activation_bytes",
)
COUNTS = ("parameters", "macs", "operations", "weight_bytes", "output_bytes", "moved_bytes")


def build_cost(cost: ModelCost) -> dict[str, Any]:
    """Totals, one row a layer with its operations, what was not counted, and notes."""
    layers: dict[str, list[OperationCost]] = {}
    for one in cost.costs:
        layers.setdefault(one.operation.layer, []).append(one)
    return {
        "total": {name: getattr(cost, name) for name in TOTALS},
        "layers": [_layer(name, costs) for name, costs in layers.items()],
        "not_counted": [{"name": one.operation.name, "why": one.why} for one in cost.not_counted],
        "notes": _notes(cost),
    }


def _layer(name: str, costs: list[OperationCost]) -> dict[str, Any]:
    counted = [one for one in costs if one.why is None]
    sums = {key: sum(getattr(one, key) for one in counted) if counted else None for key in COUNTS}
    return {"layer": name, **sums, "operations_of_it": [_operation(one) for one in costs]}


def _operation(cost: OperationCost) -> dict[str, Any]:
    operation = cost.operation
    return {
        "name": operation.name,
        "type": operation.source,
        "kind": operation.kind,
        "fused_activation": operation.activation,
        **{key: getattr(cost, key) for key in COUNTS},
        "not_counted": cost.why,
    }


def _notes(cost: ModelCost) -> list[str]:
    notes = []
    if cost.not_counted:
        notes.append(f"{counted(len(cost.not_counted), 'operation')} not counted: the totals are without them")
    if cost.macs == REFERENCE_MACS:
        notes.append(REPORT_2021)
    if any(one.operation.source == "Conv2D" for one in cost.costs):
        notes.append(
            "moved: as the graph stands, each operation on its own; TensorFlow may fuse some and then moves less"
        )
    inputs = [tensor for one in cost.costs if one.macs for tensor in one.operation.inputs if not tensor.stored]
    if any(tensor.dtype == "int8" for tensor in inputs):
        notes.append(
            "its arithmetic is int8, the limits are float32's: int8 units may be faster, and a utilisation pass 100 %"
        )
    return notes


def render_cost(figures: dict[str, Any], console: Console) -> None:
    """Print what ``runner.limits.model_cost.gather_cost`` gives."""
    model, cost = figures["model"], figures["cost"]
    console.print(f"[bold]{escape(model['path'])}[/bold]  {model['format']}", highlight=False, soft_wrap=True)
    console.print(_cost_table(cost))
    total = cost["total"]
    peak = total["peak_activation_bytes"]
    held = "not known" if peak is None else counted(peak + total["weight_bytes"], "byte")
    lines = [
        f"Memory held at most: {held} (weights and live activations)",
        f"Moved at least: {counted(total['least_moved_bytes'], 'byte')} (weights once, input and output)",
        *(f"Not counted: {one['name']}: {one['why']}" for one in cost["not_counted"]),
    ]
    print_lines(console, lines)
    if figures["limits"]:
        console.print(_limit_table(figures["limits"]))
    notes = (f"Note: {note}" for note in (*cost["notes"], *figures["notes"]))
    print_lines(console, (*published_lines(figures["published"], figures["why_no_place"]), *notes))


def published_lines(placed: Place | None, why_no_place: str | None) -> list[str]:
    """
    The place of a latency among published results, with its neighbours.

    A place beside which a reason stands is the one that a run of that latency would have.
    """
    if placed is None:
        return limits_lines(None, None, why_no_place)
    if why_no_place is None:
        rank = f"Published results of {place_text(placed, 'is')}"
    else:
        rank = f"Published results of {place_text(placed, 'would stand as')}: {why_no_place}"
    neighbours = [("faster", one) for one in placed["faster"]] + [("slower", one) for one in placed["slower"]]
    return [rank] + [
        f"  {word}: {time_text(one['latency_ns'])}  {one['submitter']}, {one['system']} ({one['round']})"
        for word, one in neighbours
    ]


def _cost_table(cost: dict[str, Any]) -> Table:
    table = Table(title="Cost of one inference", box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    table.add_column("layer", overflow="fold", max_width=25)
    for name in ("params", "MACs", "weights B", "output B", "moved B"):
        table.add_column(name, justify="right", no_wrap=True)
    keys = ("parameters", "macs", "weight_bytes", "output_bytes", "moved_bytes")
    for row in cost["layers"]:
        cells = ["not counted" if row[key] is None else count_text(row[key]) for key in keys]
        table.add_row(escape(row["layer"]), *cells)
    table.add_section()
    total = {**cost["total"], "output_bytes": cost["total"]["activation_bytes"]}
    table.add_row("in all", *[count_text(total[key]) for key in keys])
    return table


def _limit_table(limits: DeviceLimits) -> Table:
    title = escape(f"Limits of {limits['device']}")
    table = Table(title=title, box=box.SIMPLE, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in limit_rows(limits):
        table.add_row(*row)
    table.caption = escape(limits["source"])
    return table


def limit_rows(limits: DeviceLimits) -> list[tuple[str, str]]:
    """What ``roofline.build_limits`` gives, a name and its figure as text each."""
    at = "frequency not known" if limits["clock_hz"] is None else frequency_text(limits["clock_hz"])
    rows = [
        ("cores, at", f"{count_text(limits['cores'])}, {at}"),
        ("peak, float32", giga_text(limits["fp32_per_s"], "FLOP/s")),
        ("peak, float16", giga_text(limits["fp16_per_s"], "FLOP/s")),
        *([("peak, TF32", giga_text(limits["tf32_per_s"], "FLOP/s"))] if limits["tf32_per_s"] else []),
        ("memory bandwidth", giga_text(limits["bytes_per_s"], "B/s")),
        ("ridge", intensity_text(limits["ridge_operations_per_byte"])),
        ("intensity, least traffic", intensity_text(limits["point"]["intensity"])),
        ("intensity, every tensor through memory", intensity_text(limits["point_through_memory"]["intensity"])),
        ("arithmetic at the float32 peak", time_text(limits["peak_ns"])),
        ("arithmetic at the float16 peak", time_text(limits["peak_fp16_ns"])),
        *((f"moved, {one['what']}: {count_text(one['bytes'])} B", _through_memory(one)) for one in limits["traffic"]),
        ("limit (with the weights)", f"{time_text(limits['limit_ns'])} ({limits['bound']}-bound)"),
        ("time at 1 operation a core and cycle", time_text(limits["gentle_ns"])),
        *_needed(limits, "needed_bytes_per_s_gentle"),
    ]
    measured = limits["measured"]
    if measured:
        rows += [
            ("measured", time_text(measured["measured_ns"])),
            ("utilisation of the float32 peak", share_text(measured["utilisation_peak"])),
            ("utilisation at 1 operation a core and cycle", share_text(measured["utilisation_gentle"])),
            ("reached", giga_text(measured["operations_per_s"], "FLOP/s")),
            *_needed(limits, "needed_bytes_per_s"),
        ]
    return rows


def _through_memory(one: Traffic) -> str:
    return f"{time_text(one['memory_ns'])} ({one['bound']}-bound)"


def _needed(
    limits: DeviceLimits, when: Literal["needed_bytes_per_s_gentle", "needed_bytes_per_s"]
) -> list[tuple[str, str]]:
    """The bandwidth for each assumption on what moves, and its share of what there is: above 100 % it cannot be."""
    rows = []
    for one in limits["traffic"]:
        needed = one[when]
        share = None if needed is None else needed / limits["bytes_per_s"]
        rows.append((f"  needs, {one['what']}", f"{bandwidth_text(needed)}, {share_text(share)} of the bandwidth"))
    return rows


def intensity_text(operations_per_byte: float | None) -> str:
    """Where on the roofline: ``9.22 operations a byte``."""
    return MISSING if operations_per_byte is None else f"{significant_text(operations_per_byte)} operations a byte"
