"""The checks of a rate: each at both sides of its thresholds, what it says and what would make it fine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracer.quantization import BENCHMARK_QUANTIZATION, Quantization
from tracer.report_types.trust import TrustCheck
from tracer.statistics.dependence import TwoSpeeds
from tracer.trust.checks import (
    REFERENCE_MODELS,
    check,
    check_accuracy,
    check_clock,
    check_cpu_share,
    check_frequencies,
    check_length,
    check_load,
    check_log,
    check_mode,
    check_model,
    check_quantization,
    check_steadiness,
    check_windows,
)
from tracer.trust.drift import Drift
from tracer.trust.judgement import judgement, worst_text

REFERENCE = next(iter(REFERENCE_MODELS))
SHIPPED_SCALE = Quantization(0.21565359830856323, 2)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (check_steadiness([100.0, 102.0], None, None), "fine"),
        (check_steadiness([100.0, 102.1], None, None), "doubtful"),
        (check_steadiness([95.0, 100.0, 105.0], None, None), "doubtful"),
        (check_steadiness([95.0, 100.0, 105.1], None, None), "bad"),
        (check_steadiness([100.0], None, None), "unknown"),
        (check_steadiness([], None, None), "unknown"),
        (check_cpu_share([0.90, 1.0]), "fine"),
        (check_cpu_share([0.899, 1.0]), "doubtful"),
        (check_cpu_share([0.60]), "doubtful"),
        (check_cpu_share([0.39, 0.19]), "bad"),
        (check_cpu_share([0.0, 0.0]), "unknown"),
        (check_cpu_share([]), "unknown"),
        (check_frequencies([{"gpu": 9e8}] * 5, [], []), "fine"),
        (check_frequencies([{"gpu": 9e8}] * 5, ["gpu"], []), "doubtful"),
        (check_frequencies([{"gpu": 9e8}] * 5, ["gpu"], ["throttle:oc3"]), "bad"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{"gpu": 8.8e8}], [], []), "doubtful"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{"gpu": 8.85e8}], [], []), "fine"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{}], [], []), "unknown"),
        (check_frequencies([{"gpu": 9e8}] * 4 + [{"cpu": 1e9}], [], []), "unknown"),
        (check_frequencies([{}] * 5, [], []), "unknown"),
        (check_frequencies([], [], []), "unknown"),
        (check_clock(0.01, 0.02), "fine"),
        (check_clock(0.0101, 0.02), "doubtful"),
        (check_clock(0.03, 0.02), "doubtful"),
        (check_clock(0.0301, 0.02), "bad"),
        (check_clock(0.0, 0.03), "fine"),
        (check_clock(0.0, 0.031), "unknown"),
        (check_clock(None, None), "unknown"),
        (check_clock(None, None, ["stand still"]), "bad"),
        (check_accuracy(0.90, 0.99, 1000), "fine"),
        (check_accuracy(0.899, 0.99, 1000), "bad"),
        (check_accuracy(0.898, 0.99, 500), "doubtful"),
        (check_accuracy(0.87, 0.99, 500), "bad"),
        (check_accuracy(0.95, None, 1000), "unknown"),
        (check_accuracy(1.0, 1.0, 19), "unknown"),
        (check_accuracy(1.0, 1.0, 20), "fine"),
        (check_accuracy(0.90, 0.99, 1000, "results do not sum to 1"), "fine"),
        (check_accuracy(None, None, 0), "unknown"),
        (check_accuracy(None, None, 0, "all answered alike"), "bad"),
        (check_accuracy(0.95, 0.99, 1000, "results do not sum to 1"), "fine"),
        (check_quantization(BENCHMARK_QUANTIZATION), "fine"),
        (check_quantization(replace(BENCHMARK_QUANTIZATION, zero_point=82)), "doubtful"),
        (check_quantization(SHIPPED_SCALE), "doubtful"),
        (check_quantization(None), "unknown"),
        (check_model(REFERENCE, "kws_ref_model"), "fine"),
        (check_model("0" * 64, "kws_ref_model"), "doubtful"),
        (check_model("", "kws_ref_model"), "unknown"),
        (check_mode("reference", None), "fine"),
        (check_mode("end-to-end", None), "doubtful"),
        (check_mode("reference", "nsys"), "doubtful"),
        (check_load(1.0, 2.0, 1.0, 2), "fine"),
        (check_load(1.1, 1.0, 1.0, 2), "doubtful"),
        (check_load(1.1, 1.0, 1.0, None), "doubtful"),
        (check_load(0.0, 2.1, 1.0, 2), "doubtful"),
        (check_load(2.2, 2.1, 1.0, 16), "fine"),
        (check_load(8.1, 2.1, 1.0, 16), "doubtful"),
        (check_load(None, 1.0, 1.0, 2), "unknown"),
        (check_log([]), "fine"),
        (check_log(["line-lost"]), "doubtful"),
        (check_windows(5), "fine"),
        (check_windows(4), "doubtful"),
        (check_windows(0), "unknown"),
        (check_length([10.0, 11.0]), "fine"),
        (check_length([9.999, 11.0]), "doubtful"),
        (check_length([1.0, 11.0]), "doubtful"),
        (check_length([0.999, 11.0]), "bad"),
        (check_length([]), "unknown"),
    ],
)
def test_a_check_has_its_state_on_both_sides_of_a_threshold(found: TrustCheck, state: str) -> None:
    assert found["state"] == state
    assert found["evidence"]
    assert (found["remedy"] is None) == (state == "fine")


COOL = "cool it, or set a lower, fixed frequency (nvpmodel and jetson_clocks; of a PC's GPU nvidia-smi -lgc)"
STEADY = "look for other programs, the governor and heat; then measure again"
CORE = "end what runs beside the DUT, or give it a core of its own (taskset)"
CLOCK = "stamp laps by a clock of wall time (CLOCK_MONOTONIC), not CPU time"
REFERENCE_MODEL = "for the benchmark take its reference model: --model"
TWO_SPEEDS = TwoSpeeds(1e6, 1.5e6, 0.25, 0.9)
SPEEDS_TOLD = "two speeds, 1.00 ms and 1.50 ms an inference, 25.0 % of them at the slower"
DRIFT = Drift(1.046, beyond=True)
DRIFT_TOLD = "drift: the last tenth of the inferences +4.6 % against the first"


@pytest.mark.parametrize(
    ("found", "evidence", "remedy"),
    [
        # 2.1 inf/s of a median of 101.05.
        (
            check_steadiness([100.0, 102.1], None, None),
            "steadiness: windows 100.0 to 102.1 inf/s, 2.1 % apart",
            STEADY,
        ),
        (
            check_steadiness([100.0, 102.0], TWO_SPEEDS, DRIFT),
            f"steadiness: windows 100.0 to 102.0 inf/s, 2.0 % apart; {SPEEDS_TOLD}; {DRIFT_TOLD}",
            STEADY,
        ),
        (
            check_steadiness([100.0], None, DRIFT),
            f"steadiness: {DRIFT_TOLD}; 1 window does not tell how far windows differ",
            STEADY,
        ),
        (check_steadiness([], None, None), "steadiness: no window", STEADY),
        (check_cpu_share([]), "cpu share: CPU time not recorded", "record the run with `kws-trace run`"),
        (check_cpu_share([0.1]), "cpu share: the DUT had 10.0 % of a CPU", CORE),
        (check_cpu_share([0.39, 0.19]), "cpu share: the DUT had 19.0 to 39.0 % of a CPU", CORE),
        (
            check_frequencies([{"gpu": 9e8}] * 5, ["cpu", "gpu"], ["oc3", "tj"]),
            "frequencies: throttled: oc3, tj",
            COOL,
        ),
        (
            check_frequencies([{"gpu": 8.8e8, "cpu": 1e9}, {"gpu": 9e8, "cpu": 2e9}], ["cpu"], []),
            "frequencies: changed: cpu, gpu from 880 MHz to 900 MHz between windows",
            COOL,
        ),
        (check_frequencies([{"gpu": 9e8}], [], []), "frequencies: one frequency throughout 1 window", None),
        (
            check_frequencies([{"gpu": 9e8}] * 4 + [{"cpu": 1e9}], [], []),
            "frequencies: not every frequency recorded in 5 windows",
            "`kws-trace doctor` names what is missing",
        ),
        (check_frequencies([{}], [], []), "frequencies: not recorded", "`kws-trace doctor` names what is missing"),
        (check_clock(None, None, ["go back", "stand still"]), "clock: the laps: go back, stand still", CLOCK),
        (
            check_clock(0.0, None),
            "clock: no times of a host beside the laps",
            "drive the run with `kws-trace host`, or join the host's log: `kws-trace session LOG --run RUN`",
        ),
        (check_clock(0.05, 0.02), "clock: the laps are 5.0 % outside the host's time", CLOCK),
        (
            check_clock(0.0, 0.031),
            "clock: the host's times leave 3.1 % open",
            "use a host that stamps each line, in milliseconds",
        ),
        (check_clock(0.0, 0.0012), "clock: the laps agree with the host's clock, which leaves 0.12 % open", None),
        (
            check_accuracy(0.5, 0.99, 1000),
            "accuracy: Top-1 50.0 % of 1,000 inputs, AUC 0.9900: under 90 %",
            "`kws-trace accuracy` says from which mistake",
        ),
        (
            check_accuracy(0.5, None, 1000, "all answered alike"),
            "accuracy: Top-1 50.0 %; all answered alike",
            "`kws-trace accuracy` says from which mistake",
        ),
        (
            check_accuracy(None, None, 0, "all answered alike"),
            "accuracy: all answered alike",
            "`kws-trace accuracy` says from which mistake",
        ),
        (
            check_accuracy(0.95, None, 1000),
            "accuracy: Top-1 95.0 % of 1,000 inputs, AUC -",
            "an AUC needs every class",
        ),
        (
            check_accuracy(None, None, 0),
            "accuracy: no accuracy pass with labels",
            "drive one: `kws-trace host accuracy`",
        ),
        (check_quantization(BENCHMARK_QUANTIZATION), "quantization: the benchmark's input scale", None),
        (
            check_quantization(replace(BENCHMARK_QUANTIZATION, zero_point=82)),
            (
                "quantization: input scale 0.5847, zero point 82, the benchmark's 0.5847 and 83; "
                "its hosts' inputs are misread"
            ),
            REFERENCE_MODEL,
        ),
        (check_quantization(None), "quantization: the input's scale was not recorded", "name it: --input-scale"),
        (check_model("", None), "model: no hash of the model", "record the run with `kws-trace run`"),
        (check_model(REFERENCE, "mine"), "model: the reference model (kws_ref_model, SavedModel)", None),
        (check_model("0" * 64, "mine"), "model: mine is not the benchmark's reference", REFERENCE_MODEL),
        (check_model("0" * 64, None), "model: the model is not the benchmark's reference", REFERENCE_MODEL),
        (check_mode("reference", None), "mode: timed as the reference is", None),
        (
            check_mode("end-to-end", "nsys"),
            "mode: timed end-to-end, nsys attached by hand",
            "measure with --timed reference and no profiler around the run",
        ),
        (
            check_load(8.1, 2.1, 1.0, 16),
            "load: load 8.1 before, 2.1 after, on 16 processors",
            "end what runs beside the DUT; then measure again",
        ),
        (check_load(0.5, 2.0, 1.0, None), "load: load 0.5 before, 2.0 after", None),
        (check_load(1.0, None, 1.0, 2), "load: load not recorded", "record the run with a newer `kws-trace run`"),
        (check_log(["line-lost", "no-end"]), "log: line-lost, no-end", "keep the host's whole log"),
        (check_log([]), "log: whole", None),
        (check_windows(4), "windows: 4 performance windows", "an official rate is the median of 5 windows"),
        (check_windows(0), "windows: no performance window", "an official rate is the median of 5 windows"),
        (
            check_length([11.0, 1.0]),
            "length: the shortest window lasts 1.000 s",
            "windows of 10 s: `kws-trace host performance --seconds 16`",
        ),
        (check_length([]), "length: no window with a length", "drive a performance pass"),
    ],
)
def test_a_check_says_what_it_saw_and_what_would_make_it_fine(
    found: TrustCheck, evidence: str, remedy: str | None
) -> None:
    assert (f"{found['key']}: {found['evidence']}", found["remedy"]) == (evidence, remedy)


def test_a_window_that_breaks_the_rules_is_told_by_them_and_the_headline_names_what_else_is_wrong() -> None:
    rows = [check(key, "doubtful", f"{key} is short", "longer") for key in ("windows", "length", "load")]  # type: ignore[arg-type]
    assert (
        worst_text(judgement(rows, rule_valid=False, why_not="short"))
        == "doubtful: load is short, and 2 more doubtful"
    )
    assert (
        worst_text(judgement(rows[:2], rule_valid=False, why_not="short"))
        == "doubtful: windows is short, and 1 more doubtful"
    )


def test_a_file_of_the_reference_model_is_called_by_its_name() -> None:
    assert [check_model(one, None)["evidence"] for one in REFERENCE_MODELS] == [
        "the reference model (kws_ref_model, SavedModel)",
        "the reference model (kws_ref_model.tflite, int8)",
        "the reference model (kws_ref_model_float32.tflite)",
    ]
