"""Frequencies, energy and marks, from samples whose answers are counted by hand."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import Sample, samples_of, samples_table
from tracer.device.device_samples import (
    failures_line,
    frequencies_differ,
    header_line,
    problem_line,
    sweep_line,
    throttle_words,
)
from tracer.device.device_state import (
    SAMPLES,
    Energy,
    Frequency,
    WindowState,
    differing_frequencies,
    energy_mj,
    frequencies_around,
    frequencies_during,
    journal_table,
    window_marks,
)
from tracer.device.sample_journal import SampleJournal, read_sample_journal
from tracer.errors import MalformedTraceError
from tracer.reports.device_report import device_figures, device_lines

SECOND = 1_000_000_000


def table(source: str, quantity: str, values: list[int], *, step_ns: int = SECOND) -> list[Sample]:
    return [Sample(number * step_ns, source, quantity, value) for number, value in enumerate(values)]


def windows(*bounds: tuple[int, int]) -> pa.Table:
    starts, ends = zip(*bounds, strict=True)
    columns = {"window": list(range(len(bounds))), "start_ns": list(starts), "end_ns": list(ends)}
    return pa.table({**columns, "pair": pa.nulls(len(bounds), pa.int32())})


def test_samples_become_the_rows_of_their_table() -> None:
    found = samples_table([Sample(5, "gpu", "frequency_hz", 7)], "run")
    assert found.schema == SAMPLES
    assert found.to_pylist() == [
        {"run_id": "run", "time_ns": 5, "source": "gpu", "quantity": "frequency_hz", "value": 7}
    ]
    assert samples_table([], "run").num_rows == 0


def test_a_frequency_is_that_of_the_sweeps_inside() -> None:
    samples = samples_table(table("gpu", "frequency_hz", [100, 900, 910, 920, 100]), "run")
    assert frequencies_during(samples, SECOND, 3 * SECOND) == (Frequency("gpu", 910, 900, 920, 3),)
    assert frequencies_during(samples, SECOND + 1, 2 * SECOND - 1) == ()


def test_what_is_shorter_than_a_sweep_has_the_frequency_of_the_sweeps_beside_it() -> None:
    samples = samples_table(table("gpu", "frequency_hz", [100, 900, 910, 920, 100]), "run")
    start, end = int(1.2 * SECOND), int(1.3 * SECOND)
    assert frequencies_around(samples, start, end) == (Frequency("gpu", 905, 900, 910, 2),)
    assert frequencies_around(samples, -start, end) == frequencies_around(samples, start, 9 * SECOND) == ()
    # A sweep may be a second away, on either side.
    assert frequencies_around(samples, SECOND, SECOND + 1)[0].samples == 2
    apart = samples_table(table("gpu", "frequency_hz", [100, 900], step_ns=2 * SECOND), "run")
    assert frequencies_around(apart, SECOND, SECOND) == (Frequency("gpu", 500, 100, 900, 2),)
    # A nanosecond more is too far, on either side.
    assert (
        frequencies_around(apart, SECOND + 1, SECOND + 1) == frequencies_around(apart, SECOND - 1, SECOND - 1) == ()
    )
    slow = samples_table(table("gpu", "frequency_hz", [100, 900, 910], step_ns=3 * SECOND), "run")
    for far in (int(3.5 * SECOND), int(5.5 * SECOND)):
        assert frequencies_around(slow, far, far) == ()


def test_a_frequency_changed_beyond_two_percent_of_its_median() -> None:
    assert not Frequency("gpu", 1000, 990, 1010, 3).changed
    assert Frequency("gpu", 1000, 989, 1010, 3).changed


def test_temperatures_are_no_frequencies() -> None:
    samples = samples_table(table("thermal:x", "temperature_mc", [1, 2]), "run")
    assert frequencies_during(samples, 0, SECOND) == ()


def test_energy_is_the_area_under_the_whole_boards_rail() -> None:
    rows = table("rail:VDD_IN", "power_mw", [1000, 3000, 3000]) + table("rail:VDD_SOC", "power_mw", [900, 900, 900])
    found = energy_mj(samples_table(rows, "run"), SECOND // 2, 2 * SECOND)
    # From 2000 mW at 0.5 s to 3000 mW at 1 s: 0.5 s x 2500; then 1 s x 3000.
    assert found is not None
    assert found.energy_mj == pytest.approx(4250.0)
    assert (found.rails, found.samples, found.interval_ns, found.step_mw) == (("VDD_IN",), 2, SECOND, 2000)


def test_a_board_without_an_input_rail_is_the_sum_of_its_parts() -> None:
    parts = {
        "VDD_GPU_SOC": [10, 20, 13],
        "VDD_CPU_CV": [5, 5, 5],
        "VIN_SYS_5V0": [100, 104, 100],
        "VDDQ_VDD2_1V8AO": [700, 701, 700],
    }
    rows = [row for name, values in parts.items() for row in table(f"rail:{name}", "power_mw", values)]
    # Trapezoids: 15 + 16.5, 5 + 5 and 102 + 102 mJ; the last rail is fed from the third. The grain is 104 - 100 mW.
    found = energy_mj(samples_table(rows, "run"), 0, 2 * SECOND)
    assert found == Energy(245.5, ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"), 3, SECOND, 4)
    still = energy_mj(samples_table(table("rail:VDD_IN", "power_mw", [7, 7]), "run"), 0, SECOND)
    assert still == Energy(7.0, ("VDD_IN",), 2, SECOND, 0)


def test_energy_is_not_told_beyond_the_readings_nor_from_a_part_of_the_board() -> None:
    whole = samples_table(table("rail:POM_5V_IN", "power_mw", [1000, 1000]), "run")
    assert energy_mj(whole, 0, SECOND) is not None
    assert energy_mj(whole, SECOND, SECOND) is None
    assert energy_mj(samples_table(table("rail:VDD_IN", "power_mw", [1000]), "run"), 0, SECOND) is None
    assert energy_mj(whole, -1, SECOND) is None
    assert energy_mj(whole, 0, SECOND + 1) is None
    assert energy_mj(samples_table(table("rail:POM_5V_GPU", "power_mw", [1, 1]), "run"), 0, SECOND) is None
    assert energy_mj(samples_table([], "run"), 0, SECOND) is None


@given(
    st.lists(st.integers(0, 60_000), min_size=2, max_size=30),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_energy_of_two_parts_is_that_of_the_whole(
    powers: list[int], one: float, two: float, three: float
) -> None:
    samples = samples_table(table("rail:VDD_IN", "power_mw", powers), "run")
    last = (len(powers) - 1) * SECOND
    start, middle, end = sorted(round(last * share) for share in (one, two, three))
    parts = [energy_mj(samples, *bounds) for bounds in ((start, middle), (middle, end))]
    whole = energy_mj(samples, start, end)
    together = sum(part.energy_mj for part in parts if part is not None)
    assert together == pytest.approx(0.0 if whole is None else whole.energy_mj, abs=1e-6)


def test_a_window_during_which_a_frequency_changed_is_marked() -> None:
    samples = samples_table(table("gpu", "frequency_hz", [921, 921, 614, 921, 921, 921]), "run")
    assert window_marks(samples, windows((0, 2 * SECOND), (3 * SECOND, 5 * SECOND))) == (
        WindowState(0, 3, ("gpu",), ()),
        WindowState(1, 3, (), ()),
    )


def test_idle_cores_do_not_mark_a_window() -> None:
    busy_moves = [Sample(t, "cpu0", "frequency_hz", value) for t, value in enumerate([2000, 800, 2000])]
    other = [Sample(t, "cpu4", "frequency_hz", value) for t, value in enumerate([800, 2000, 800])]
    (state,) = window_marks(samples_table(busy_moves + other, "run"), windows((0, 2)))
    assert state == WindowState(0, 3, (), ())
    (state,) = window_marks(samples_table(busy_moves, "run"), windows((0, 2)))
    assert state.changed == ("cpu",)


def test_throttling_that_began_in_a_window_marks_it_and_that_before_does_not() -> None:
    rows = table("throttle:oc3", "throttle_count", [4, 4, 5, 5]) + table(
        "throttle:cpu-throttle-alert", "throttle_level", [1, 0, 0, 0]
    )
    states = window_marks(samples_table(rows, "run"), windows((0, 0), (SECOND, SECOND), (SECOND + 1, 2 * SECOND)))
    assert [state.throttled for state in states] == [("throttle:cpu-throttle-alert",), (), ("throttle:oc3",)]
    assert [state.marked for state in states] == [True, False, True]


def test_a_count_that_rises_within_the_first_window_marks_it() -> None:
    samples = samples_table(table("throttle:oc3", "throttle_count", [4, 5, 5]), "run")
    states = window_marks(samples, windows((0, SECOND), (2 * SECOND, 2 * SECOND)))
    assert [state.throttled for state in states] == [("throttle:oc3",), ()]


def test_what_a_gpu_s_driver_tells_as_its_reason_marks_the_windows_in_which_it_does() -> None:
    # A power cap (4) with a thermal slowdown (32); then an idle GPU (1), which nothing holds down.
    samples = samples_table(table("gpu", "throttle_reasons", [0x4 | 0x20, 0x1]), "run")
    states = window_marks(samples, windows((0, 0), (SECOND, SECOND)))
    assert [state.throttled for state in states] == [("gpu (power cap)", "gpu (thermal slowdown)"), ()]
    assert throttle_words(0xFFF) == (
        "power cap",
        "hardware slowdown",
        "sync boost",
        "thermal slowdown",
        "hardware thermal slowdown",
        "power brake",
        "board limit",
        "reliability limit",
    )
    assert throttle_words(0x1 | 0x2 | 0x100) == ()


def test_a_window_between_two_sweeps_says_that_nothing_is_known() -> None:
    rows = table("gpu", "frequency_hz", [921, 614]) + table("throttle:oc3", "throttle_count", [4, 5])
    rows += table("throttle:fan", "throttle_level", [1, 1]) + table("gpu", "throttle_reasons", [4, 4])
    assert window_marks(samples_table(rows, "run"), windows((10, 20))) == (WindowState(0, 0, (), ()),)


def test_two_runs_at_different_frequencies_are_told_apart() -> None:
    first = [Frequency("cpu0", 1000, 1000, 1000, 1), Frequency("gpu", 921, 921, 921, 1)]
    assert differing_frequencies(first, [Frequency("gpu", 614, 614, 614, 1)]) == ("gpu",)
    assert differing_frequencies(first, [Frequency("cpu0", 1015, 1015, 1015, 1)]) == ()
    assert differing_frequencies(first, []) == ()
    # Two percent of the larger, and no less.
    assert [frequencies_differ(1000, other) for other in (980, 979)] == [False, True]


def test_a_journal_becomes_the_table_of_its_samples(tmp_path: Path) -> None:
    path = tmp_path / "samples.txt"
    sources = [("cpu0", "frequency_hz"), ("gpu", "frequency_hz"), ("rail:VDD_IN", "power_mw")]
    path.write_text(header_line(sources, 250) + sweep_line(5, [7, None, 9]) + sweep_line(6, [8, 1, 9]))
    journal = read_sample_journal(path)
    found = journal_table(journal, "run")
    assert found.schema == SAMPLES
    assert found.to_pylist() == samples_table(samples_of(journal), "run").to_pylist()
    assert found.num_rows == 5
    assert window_marks(found, windows((5, 6))) == (WindowState(0, 2, ("cpu",), ()),)


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "samples.txt"
    sources = (("cpu0", "frequency_hz"), ("gpu", "power_mw"))
    lines = [header_line(sources, 250), sweep_line(5, [7, None]), problem_line("no rail; name it")]
    path.write_text("".join([*lines, sweep_line(6, [8, 9]), failures_line([0, 1])]))
    assert path.read_text().splitlines() == [
        '{"sources": [["cpu0", "frequency_hz"], ["gpu", "power_mw"]], "interval_ms": 250}',
        "5 0=7",
        '{"problem": "no rail; name it"}',
        "6 0=8 1=9",
        '{"failures": [0, 1]}',
    ]
    failures = {("gpu", "power_mw"): 1}
    assert read_sample_journal(path) == SampleJournal(
        250, sources, [5, 6, 6], [0, 0, 1], [7, 8, 9], failures, 0, ("no rail; name it",)
    )
    # A number beyond the sources, or below 0, is a line that was torn.
    path.write_text(header_line(sources, 250) + "5 2=1\n6 -1=1\n7 1=1\n")
    assert read_sample_journal(path) == SampleJournal(250, sources, [7], [1], [1], None, 2)
    path.write_text("{}\n")
    with pytest.raises(MalformedTraceError) as told:
        read_sample_journal(path)
    assert str(told.value) == f"{path}: no sample journal begins like this; the run has no samples"


def test_the_figures_of_a_run_name_its_frequencies_marks_and_energy() -> None:
    rows = table("gpu", "frequency_hz", [921_600_000, 921_600_000, 614_400_000]) + table(
        "rail:POM_5V_IN", "power_mw", [2000, 2000, 3000]
    )
    bounds = windows((0, SECOND), (SECOND, 2 * SECOND)).append_column("inferences", pa.array([100, 100]))
    figures = device_figures(samples_table(rows, "run"), bounds)
    assert figures["marked"] == [1]
    assert figures["windows"][0]["energy"]["mj_per_inference"] == pytest.approx(20.0)
    told = [{"window": 0, "ordinal": 1, "kind": "performance"}, {"window": 1, "ordinal": None, "kind": "capture"}]
    how = "of the whole board (POM_5V_IN, read every 1,000 ms in steps of 1,000 mW)"
    assert device_lines(figures, told) == [
        "capture window 1: gpu 768 MHz",
        f"window 1: 20.0 mJ an inference {how}",
        "capture window 1: gpu changed frequency",
        f"capture window 1: 25.0 mJ an inference {how}",
    ]


def test_a_pc_s_gpu_has_its_own_energy_and_the_hottest_zone_is_named() -> None:
    rows = (
        table("gpu", "power_mw", [100_000, 120_000, 120_000])
        + table("thermal:gpu", "temperature_mc", [40_000, 44_000, 43_000])
        + table("thermal:cpu", "temperature_mc", [41_000, 41_000, 41_000])
    )
    bounds = windows((0, 2 * SECOND)).append_column("inferences", pa.array([100]))
    figures = device_figures(samples_table(rows, "run"), bounds)
    [window] = figures["windows"]
    assert (window["energy"]["mj_per_inference"], window["energy"]["rails"]) == (pytest.approx(2300.0), [])
    assert device_lines(figures, [{"window": 0, "ordinal": 1, "kind": "performance"}]) == [
        "window 1: hottest gpu, 44 °C",
        "window 1: 2,300 mJ an inference of the GPU (by its driver, read every 1,000 ms in steps of 20,000 mW)",
    ]


def test_a_run_that_was_not_sampled_says_so() -> None:
    bounds = windows((0, SECOND)).append_column("inferences", pa.array([1]))
    assert device_lines(device_figures(samples_table([], "run"), bounds), []) == ["frequencies not recorded"]
    sparse = samples_table(table("gpu", "frequency_hz", [1]), "run")
    short = windows((10, 20)).append_column("inferences", pa.array([1]))
    assert "not known" in device_lines(device_figures(sparse, short), [])[0]
