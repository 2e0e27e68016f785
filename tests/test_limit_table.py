"""The limits of a device as ``cost`` prints them beside a model's cost."""

from __future__ import annotations

import io

from rich.console import Console

from tracer.model.devices import Limits
from tracer.model.model_cost import count_model
from tracer.model.roofline import build_limits
from tracer.reports.model_cost_report import build_cost, limit_rows, render_cost


def test_the_limits_stand_under_the_device_s_name_as_it_is_with_where_they_are_from() -> None:
    device = Limits("dev[/x]", 10, 1e9, 20e9, None, 5e9, "a [test]")
    limits = build_limits(40_000, 50_000, 5_000, device, weight_bytes=0)
    about = {"model": {"path": "m.tflite", "format": "tflite"}, "cost": build_cost(count_model([])), "notes": []}
    console = Console(width=120, file=io.StringIO())
    render_cost({**about, "limits": limits, "published": None, "why_no_place": "no latency"}, console)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    table = [line for line in lines[lines.index("Limits of dev[/x]") + 1 :] if line]
    rows = [f"{name.strip()} {figure}" for name, figure in limit_rows(limits)]
    assert rows[:3] == ["cores, at 10, 1,000 MHz", "peak, float32 20.0 GFLOP/s", "peak, float16 -"]
    assert table == [*rows, "a [test]", "Published results: no place (no latency)"]
