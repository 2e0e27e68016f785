"""The device's part of a report: frequencies, marks and energy of each window, as plain values for JSON and text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tracer.figure_text import count_text, frequency_text, interval_text, number_text, significant_text

if TYPE_CHECKING:
    import pyarrow as pa

    from tracer.device.device_state import Energy
    from tracer.report_types.run import DeviceFigures, DeviceWindow, EnergyFigures, Frequencies, WindowFigures

NOT_RECORDED = "frequencies not recorded"


def device_figures(samples: pa.Table, windows: pa.Table) -> DeviceFigures:
    """What was sampled (``SAMPLES``), window by window (``schema.WINDOWS``); without rows a note says so."""
    if not samples.num_rows:
        return {"note": NOT_RECORDED, "windows": [], "marked": []}
    from tracer.device.device_state import (
        energy_mj,
        frequencies_around,
        frequencies_during,
        hottest_during,
        window_marks,
    )

    states = window_marks(samples, windows)
    figures: list[DeviceWindow] = []
    columns = (windows[name].to_pylist() for name in ("start_ns", "end_ns", "inferences", "pair"))
    for state, start_ns, end_ns, inferences, pair in zip(states, *columns, strict=True):
        # A side of a profiler pair is shorter than the time between two sweeps.
        known = (frequencies_during if pair is None else frequencies_around)(samples, start_ns, end_ns)
        frequencies: dict[str, Frequencies] = {
            one.source: {"median_hz": one.median_hz, "min_hz": one.min_hz, "max_hz": one.max_hz} for one in known
        }
        hottest = hottest_during(samples, start_ns, end_ns)
        figures.append(
            {
                "window": state.window,
                "samples": state.samples,
                "changed": list(state.changed),
                "throttled": list(state.throttled),
                "frequencies": frequencies,
                "hottest": None if hottest is None else {"zone": hottest[0], "max_mc": hottest[1]},
                "energy": _energy(energy_mj(samples, start_ns, end_ns), inferences),
            }
        )
    return {"note": None, "windows": figures, "marked": [state.window for state in states if state.marked]}


class WindowNames(dict[int, str]):
    """What a reader calls a window, by its number in the tables: ``window 1`` (performance), ``accuracy window 6``"""

    def __init__(self, windows: Iterable[WindowFigures]) -> None:
        super().__init__(
            (one["window"], f"window {one['ordinal']}" if one["ordinal"] else f"{one['kind']} window {one['window']}")
            for one in windows
        )

    def __missing__(self, number: int) -> str:
        # A report's windows are without the captured ones, whose frequencies were sampled all the same.
        return f"capture window {number}"


def device_lines(figures: DeviceFigures, windows: Iterable[WindowFigures]) -> list[str]:
    """
    The figures as sentences: a line a window that was sampled, and one for the frequencies of the last of them and
    its hottest zone; ``windows`` are those of the report, for their names.
    """
    names = WindowNames(windows)
    if figures["note"]:
        return [str(figures["note"])]
    sampled = [window for window in figures["windows"] if window["samples"]]
    if not sampled:
        return ["no window is as long as the sampling interval: its frequencies are not known"]
    last = sampled[-1]
    shown = [f"{source} {frequency_text(values['median_hz'])}" for source, values in last["frequencies"].items()]
    if last["hottest"]:
        shown.append(f"hottest {last['hottest']['zone']}, {number_text(last['hottest']['max_mc'] / 1000)} °C")
    lines = [f"{names[last['window']]}: {', '.join(shown)}"] if shown else []
    for window in sampled:
        name, energy = names[window["window"]], window["energy"]
        if window["changed"]:
            lines.append(f"{name}: {', '.join(window['changed'])} changed frequency")
        if window["throttled"]:
            lines.append(f"{name}: {', '.join(window['throttled'])} throttled")
        if energy:
            whose = f"whole board ({' + '.join(energy['rails'])}" if energy["rails"] else "GPU (by its driver"
            lines.append(
                f"{name}: {significant_text(energy['mj_per_inference'])} mJ an inference of the {whose}, "
                f"read every {count_text(energy['interval_ms'])} ms in steps of {count_text(energy['step_mw'])} mW)"
            )
    return lines


def frequencies_text(figures: DeviceFigures, windows: Iterable[WindowFigures]) -> str:
    """The frequencies of the last window that was sampled, and where they changed; or that none were recorded."""
    if figures["note"]:
        return str(figures["note"]).capitalize()
    sampled = [window for window in figures["windows"] if window["frequencies"]]
    if not sampled:
        return "no window is as long as the sampling interval: not known"
    last = sampled[-1]["frequencies"]
    shown = ", ".join(f"{name} {frequency_text(one['median_hz'])}" for name, one in last.items())
    names = WindowNames(windows)
    marked = ", ".join(names[number] for number in figures["marked"])
    return f"{shown}; changed or throttled in {marked}" if marked else shown


def gpu_frequency_text(figures: DeviceFigures) -> str | None:
    """The GPU's frequency during the windows in words, with its range where it changed; None if not recorded."""
    found = [
        values
        for window in figures["windows"]
        for source, values in window["frequencies"].items()
        if source == "gpu" or source.startswith("gpu:")
    ]
    if not found:
        return None
    low, high = min(one["min_hz"] for one in found), max(one["max_hz"] for one in found)
    return f"GPU at {frequency_text(high) if low == high else interval_text(low, high, frequency_text)}"


def _energy(energy: Energy | None, inferences: int) -> EnergyFigures | None:
    # Fewer than two sweeps inside say nothing of the window itself.
    if energy is None or energy.samples < 2 or not inferences:
        return None
    return {
        "mj": round(energy.energy_mj, 3),
        "mj_per_inference": energy.energy_mj / inferences,
        "rails": list(energy.rails),
        "interval_ms": round(energy.interval_ns / 1e6),
        "step_mw": energy.step_mw,
    }
