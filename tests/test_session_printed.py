"""Printed figures of a session against its raw lines: what they are, which differ, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.session_values import audits, five, line, session, window
from tracer.sessions.file_findings import foreign_results
from tracer.sessions.finding import SOURCES, Finding
from tracer.sessions.recompute import Recomputed, differences, recompute
from tracer.sessions.session import (
    Evidence,
    HostLength,
    Lap,
    Printed,
    PrintedName,
    Session,
    Streaming,
    StreamingCounts,
)

PRINTED = [
    (1, "inferences", "220"),
    (1, "runtime_s", "11.000"),
    (1, "rate_hz", "20.000"),
    (1, "energy_uj", "33.0"),
    (1, "power_mw", "0.003"),
    (1, "power_uw", "3.000"),
    (1, "energy_per_inference_uj", "0.150"),
    (None, "median_rate_hz", "20.0"),
    (None, "median_energy_uj", "0.15"),
]
"""Of windows of 220 inferences in 11 s, which took 33 uJ: 3 uW, and 0.15 uJ an inference."""


def printed(name: PrintedName, text: str, number: int | None = 1, place: int = 50) -> Printed:
    return Printed(name, text, Evidence("results.txt", place, text), number)


def energy_session(*rows: Printed) -> Session:
    windows = (window(number, energy_uj=33.0, sampled_us=11e6) for number in range(1, 6))
    return session(*windows, kind="energy", printed=rows)


@pytest.mark.parametrize(("number", "name", "text"), PRINTED)
def test_each_printed_figure_is_held_against_its_raw_lines(number: int | None, name: PrintedName, text: str) -> None:
    told = energy_session(printed(name, text, number))
    figures = recompute(told, audits(told))
    assert figures == Recomputed(median_rate_hz=20.0, median_energy_uj=0.15)
    assert differences(told, audits(told), figures) == []
    last = int(text[-1])
    wrong = replace(told, printed=(printed(name, f"{text[:-1]}{last + 2}", number),))
    words = {
        "inferences": ("inferences", "220"),
        "runtime_s": ("runtime", "11.0000"),
        "rate_hz": ("throughput", "20.0000"),
        "energy_uj": ("energy", "33.0000"),
        "power_mw": ("power", "0.00300000"),
        "power_uw": ("power", "3.00000"),
        "energy_per_inference_uj": ("energy an inference", "0.150000"),
        "median_rate_hz": ("median throughput", "20.0000"),
        "median_energy_uj": ("median energy an inference", "0.150000"),
    }
    (found,) = differences(wrong, audits(wrong), figures)
    what, expected = words[name]
    where = "" if number is None else " of window 1"
    assert found.text.startswith(f"the printed {what}{where} is {text[:-1]}{last + 2}, its raw lines give ")
    assert float(found.text.rpartition(" ")[2].replace(",", "")) == float(expected)
    assert (found.rule, found.severity, found.source) == ("printed-differs", "error", SOURCES["printed"])
    assert found.windows == (() if number is None else (1,))


def test_printed_figures_of_one_name_are_one_finding_and_words_that_are_no_number_differ() -> None:
    rows = [printed("rate_hz", "NaN", 1, 50), printed("rate_hz", "20.000", 2, 51), printed("rate_hz", "25.0", 3, 52)]
    told = five(printed=(*rows, printed("rate_hz", "1.0", 9, 53), printed("power_mw", "1.0", 1, 54)))
    figures = recompute(told, audits(told))
    # Of a window that is not there, and of an energy that was not measured, nothing is told.
    assert differences(told, audits(told), figures) == [
        Finding(
            "printed-differs",
            "error",
            "the printed throughput of window 1 is NaN, its raw lines give 20.0000; and 1 more",
            SOURCES["printed"],
            (rows[0].evidence, rows[2].evidence),
            (1, 3),
        )
    ]


def test_a_wrapped_counter_is_no_other_figure_than_the_printed_as_it_stands_or_put_right() -> None:
    laps = tuple(Lap(us, None, line(10), 1) for us in ((1 << 32) - 5_000_000, 6_000_000))
    one = replace(window(1, host=HostLength(11.0, 10.9, 11.1)), laps=laps)
    for text in ("11.000", "-4283.967"):
        told = session(one, printed=(printed("runtime_s", text),))
        assert differences(told, audits(told), recompute(told, audits(told))) == []


def test_results_of_another_session_are_one_finding_in_place_of_all_differences() -> None:
    rows = tuple(printed("runtime_s", text, number, 50 + number) for number, text in enumerate(("8.0", "9.0"), 1))
    told = session(window(1), window(2), printed=rows, files=("log.txt", "a-timestamps.json"))
    text = "2 windows of 2 in results.txt last another time than by a-timestamps.json: they describe different "
    text += "sessions, and none of its figures is this log's"
    proof = (*(row.evidence for row in rows), line(10), line(11), line(20), line(21))
    expected = Finding("files-differ", "error", text, SOURCES["files"], proof)
    assert differences(told, audits(told), Recomputed()) == [expected]
    by_log = replace(told, files=("log.txt",))
    assert differences(by_log, audits(told), Recomputed()) == [
        replace(expected, text=text.replace("a-timestamps.json", "the log"))
    ]
    more = session(window(1), printed=rows)
    text = "results.txt tells of 2 windows, the log has 1: they describe different sessions, and none of its figures "
    text += "is this log's"
    assert foreign_results(more, {}) == replace(expected, text=text, evidence=proof[:4])
    assert foreign_results(replace(more, kind="accuracy"), {}) is None
    assert foreign_results(replace(more, complete=False), {}) is None
    assert foreign_results(told, {"runtime_s": rows[:1]}) is None


def accuracy_session(right: int, size: int = 24, **facts: Any) -> Session:
    """Inputs of all classes in turn; the first ``right`` are heard, the others taken for the class after."""
    windows = [
        replace(
            window(number + 1, 0.01, 1),
            input_name=f"tst_{number:06d}_x_{number % 12}.bin",
            probabilities=tuple(np.eye(12)[(number + (number >= right)) % 12].tolist()),
        )
        for number in range(size)
    ]
    return session(*windows, kind="accuracy", mode="multi", **facts)


def test_an_accuracy_pass_is_recomputed_and_what_it_lacks_is_told() -> None:
    rows = (printed("top1_percent", "75.0", None), printed("auc", "0.86", None), printed("rate_hz", "7.0", 1))
    told = accuracy_session(18, printed=rows)
    figures = recompute(told, audits(told))
    # One in four inputs is taken for the class after, half of its own class are heard.
    assert figures == Recomputed(top1=0.75, auc=pytest.approx(0.8636, abs=1e-4), auc_form="thresholds", vectors=24)
    assert [one.severity for one in differences(told, audits(told), figures)] == ["note"]
    unnamed = replace(told, windows=(*told.windows[:-1], replace(told.windows[-1], input_name=None)))
    lacking = recompute(unnamed, audits(unnamed))
    text = "Top-1 and AUC of all 24 windows: 1 without a vector, or an input that names its class"
    assert (lacking.vectors, lacking.unknown) == (23, (text,))
    assert differences(replace(unnamed, printed=rows[:2]), audits(unnamed), lacking) == []
    one_class = replace(told, windows=told.windows[:1])
    text = "AUC: a class lacks an input, or a vector sums to 0 or has no numbers"
    assert recompute(one_class, audits(one_class)) == Recomputed(None, None, 1.0, None, "thresholds", 1, (text,))
    assert recompute(replace(told, dropped_windows=1), []).unknown == ("Top-1 and AUC: not all windows are kept",)
    assert recompute(session(window(1), kind="accuracy"), []).unknown == (
        "Top-1 and AUC: no window has a vector of 12 and an input that names its class",
    )


def test_energies_that_are_not_all_known_have_no_median_and_streaming_has_its_recording() -> None:
    told = energy_session()
    partly = replace(told, windows=(*told.windows[:-1], window(5)), no_energy="why", no_lengths="how")
    unknown = ("printed lengths: how", "energy: why")
    assert recompute(partly, audits(partly)) == Recomputed(20.0, None, unknown=unknown)
    assert recompute(replace(told, dropped_windows=1), audits(told)) == Recomputed(20.0, None)
    untimed = replace(told, windows=(*told.windows[:-1], replace(told.windows[-1], laps=())))
    text = "the median: 1 of 5 windows without a length by laps"
    assert recompute(untimed, audits(untimed)) == Recomputed(None, 0.15, unknown=(text,))
    recording = session(kind="energy", streaming=Streaming(counted=StreamingCounts(energy_uj=7.0)))
    assert recompute(recording, []) == Recomputed(median_energy_uj=7.0)
    assert recompute(replace(recording, streaming=Streaming()), []) == Recomputed()


def test_streaming_figures_that_do_not_follow_from_the_others_are_told() -> None:
    # Of an eighth of a second a quarter is busy: 32 inferences a second.
    sound = Streaming(3, 2, 1, 2, 1, 0.25, 0.125, 32.0, counted=StreamingCounts(3, 2, 1, 0.25, 0.125, 0.03125))
    assert sound.differences() == []
    # The printed digits leave 5e-6 of the duty cycle, 5e-7 s of the period, and 5e-4 inf/s: 1.27e-3 inf/s in all.
    printed_alone = [replace(sound, counted=None, rate_hz=32.0 + off) for off in (-1.2e-3, 1.2e-3, -1.3e-3, 1.3e-3)]
    assert [len(one.differences()) for one in printed_alone] == [0, 0, 1, 1]
    wrong = replace(sound, true_positives=4, listed_negatives=5, listed_positives=0, rate_hz=33.0, period_s=0.124)
    *told, rate = wrong.differences()[:3]
    assert told == ["2 false negatives are printed, 5 are listed", "1 false positives are printed, 0 are listed"]
    ends = [float(one) for one in rate.rpartition("give ")[2].split(" to ")]
    assert ends == pytest.approx([32.258 - 1.275e-3, 32.258 + 1.275e-3], abs=1e-4)
    other = replace(wrong, false_negatives=7, false_positives=8, duty_cycle=0.5)
    assert other.differences()[3:] == [
        "the printed true positives are 4, the detections of results.json give 3",
        "the printed false negatives are 7, the detections of results.json give 2",
        "the printed false positives are 8, the detections of results.json give 1",
        "the printed duty cycle is 0.5, the pulses of results.json give 0.25",
        "the printed period is 0.124, the pulses of results.json give 0.125",
        "the printed throughput is 33.0, the pulses of results.json give 32",
    ]
    assert (sound.recomputed_rate_hz, replace(sound, counted=None).recomputed_rate_hz) == (32.0, 32.0)


@pytest.mark.parametrize(
    ("laps", "first_and_last"),
    [
        ((5, 9), (5, 9)),
        ((5, 5, 9), (5, 9)),
        ((5, 9, 9), (5, 9)),
        ((5, 7, 9), None),
        ((5,), None),
        ((5, 5, 5, 9), None),
    ],
)
def test_a_lap_that_stands_twice_counts_once(laps: tuple[int, ...], first_and_last: tuple[int, int] | None) -> None:
    one = replace(window(1), laps=tuple(Lap(us, None, line(1)) for us in laps), runtime_us=7.0, slack_us=0.5)
    assert one.lap_us == first_and_last
    assert (one.elapsed_us, one.elapsed_slack_us) == ((4.0, 0.0) if first_and_last else (7.0, 0.5))
