"""What is shown of a session: its JSON whole, its text on a terminal, and its judgement."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.session_values import five, session, window
from tests.test_session_logs import ENERGYRUNNER, energyrunner, mlcommons
from tracer.report_types.trust import TrustState
from tracer.sessions.audit import audit_session
from tracer.sessions.session import HostLength, Printed, Session, SessionWindow, Streaming, StreamingCounts
from tracer.sessions.session_json import session_json
from tracer.sessions.session_text import closing_lines, figure_lines, render_session, render_table
from tracer.sessions.session_trust import session_clock, session_trust

LOG = energyrunner(Path("one/log.txt"), ENERGYRUNNER)
"""One window of 200 inferences in 11 s by both clocks, whose round trips leave 0.126 s open."""

EXACT = HostLength(0.75, 0.749, 0.751)
COUNT = {
    "rule": "window-count",
    "severity": "warning",
    "text": "1 window (mode bmark): an official result is the median of five",
    "source": "MLPerf Tiny: the result is the median of five windows (the MLCommons runner's ERROR 1)",
    "evidence": (),
    "windows": (),
}


def painted(render: Callable[[Console], None], width: int = 80) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    render(console)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return]


def test_the_json_of_a_session_is_this() -> None:
    audit = audit_session(LOG)
    told = session_json(audit)
    assert told.pop("trust") == session_trust(audit)  # type: ignore[misc]
    assert told == {
        "path": "one/log.txt",
        "host": "energyrunner",
        "kind": "performance",
        "mode": "bmark",
        "model": "kws01",
        "device": "board",
        "files": ["log.txt"],
        "complete": True,
        "window_count": 1,
        "windows": [
            {
                "window": 1,
                "input": "tst_000000_Stop_7.bin",
                "inferences": 200,
                "warmups": 2,
                "laps": "ok",
                "lap_start_us": 2_375_000,
                "lap_end_us": 13_375_000,
                "elapsed_us": 11_000_000.0,
                "rate_hz": 200 / 11,
                "energy_uj": None,
                "energy_per_inference_uj": None,
                "power_mw": None,
                "host_s": 11.0,
                "host_bounds_s": [11.0 - 0.126, 11.0 + 0.126],
                "ratio": 1.0,
                "clocks_differ": False,
                "short": False,
                "true_rate": {"rate_hz": 200 / 11, "bounds_hz": [200 / 11.126, 200 / 10.874]},
                "lines": [18, 19],
            }
        ],
        "median": {
            "rate_hz": 200 / 11,
            "printed": "18.182",
            "energy_uj": None,
            "printed_energy_uj": None,
            "true": {"rate_hz": 200 / 11, "bounds_hz": [200 / 11.126, 200 / 10.874]},
        },
        "accuracy": {
            "top1": None,
            "auc": None,
            "auc_form": None,
            "vectors": 0,
            "printed_top1_percent": None,
            "printed_auc": None,
        },
        "streaming": None,
        "valid": False,
        "why": "1 whole window instead of five",
        "clock_judged": True,
        "no_host_times": None,
        "findings": [COUNT],
        "not_recomputed": [],
        "notes": [],
    }


def accuracy() -> Session:
    """Twelve inputs, each heard."""
    windows = [
        replace(window(n + 1, 0.01, 1), input_name=f"tst_{n:06d}_x_{n}.bin", probabilities=tuple(np.eye(12)[n]))
        for n in range(12)
    ]
    rows = (Printed("top1_percent", "100.0", COUNT_LINE), Printed("auc", "1.00", COUNT_LINE))
    return session(*windows, kind="accuracy", mode="multi", printed=rows, dropped_windows=0, model="kws01")


COUNT_LINE = LOG.windows[0].evidence[0]


def test_the_json_of_other_kinds_of_sessions_differs_in_these_parts() -> None:
    told = session_json(audit_session(accuracy()))
    assert told["windows"] == []
    assert told["accuracy"] == {
        "top1": 1.0,
        "auc": pytest.approx(1.0),
        "auc_form": "thresholds",
        "vectors": 12,
        "printed_top1_percent": "100.0",
        "printed_auc": "1.00",
    }
    timeless = session_json(audit_session(replace(LOG, no_host_times="all lines of the log bear the same time")))
    assert (timeless["no_host_times"], timeless["clock_judged"]) == ("all lines of the log bear the same time", False)
    row = Printed("median_energy_uj", "0.15", COUNT_LINE)
    energy = five(kind="energy", printed=(row,))
    energy = replace(energy, windows=tuple(replace(one, energy_uj=33.0, sampled_us=11e6) for one in energy.windows))
    told = session_json(audit_session(energy))
    assert told["median"] == {
        "rate_hz": 20.0,
        "printed": None,
        "energy_uj": 0.15,
        "printed_energy_uj": "0.15",
        "true": None,
    }
    assert {(one["energy_uj"], one["energy_per_inference_uj"], one["power_mw"]) for one in told["windows"]} == {
        (33.0, 0.15, 0.003)
    }
    counted = StreamingCounts(3, 2, 1, 0.25, 0.125, 0.03125, 7.0)
    recording = session(streaming=Streaming(3, 2, 1, 2, 1, 0.25, 0.125, 32.0, counted=counted))
    assert session_json(audit_session(recording))["streaming"] == {
        "true_positives": 3,
        "false_negatives": 2,
        "false_positives": 1,
        "duty_cycle": 0.25,
        "period_s": 0.125,
        "printed_rate_hz": 32.0,
        "rate_hz": 32.0,
        "counted": asdict(counted),
    }
    assert session_json(audit_session(session(streaming=Streaming())))["streaming"]["counted"] is None  # type: ignore[index]


def test_a_session_is_printed_so() -> None:
    assert painted(lambda console: render_session(audit_session(LOG), console)) == [
        "one/log.txt",
        "energyrunner, performance, mode bmark, model kws01, DUT board",
        "                                 Windows                                  ",
        "┏━━━━━━━━┳━━━━━┳━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━┳━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━┓",
        "┃ window ┃   N ┃ laps, s ┃ host, s ┃  ratio ┃  inf/s ┃ true inf/s ┃ 10 s ┃",
        "┡━━━━━━━━╇━━━━━╇━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━╇━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━┩",
        "│      1 │ 200 │  11.000 │  11.000 │ 1.0000 │ 18.182 │      18.18 │  yes │",
        "└────────┴─────┴─────────┴─────────┴────────┴────────┴────────────┴──────┘",
        "Rate by the laps: 18.182 inf/s (printed 18.182; doubtful: 1 performance window)",
        "Rate by the host's clock: 18.18 inf/s (17.98 to 18.39 inf/s)",
        "NOT RULE-VALID: 1 whole window instead of five",
        "Doubtful, windows: 1 performance window",
        "WARNING window-count: 1 window (mode bmark): an official result is the median of",
        "five.",
        "  rule: MLPerf Tiny: the result is the median of five windows (the MLCommons ",
        "runner's ERROR 1)",
    ]


def test_several_sessions_are_a_table_with_their_findings_below() -> None:
    sound = five(model="kws01")
    sound = replace(sound, windows=tuple(replace(one, host=HostLength(11.0, 10.9, 11.1)) for one in sound.windows))
    heard = replace(accuracy(), path=Path("two/log.txt"))
    told = [audit_session(one) for one in (LOG, replace(sound, path=Path("three/log.txt")), heard)]
    lines = painted(lambda console: render_table(told, console), width=100)
    rows = [[cell.strip() for cell in line.strip("┃│").split(line[0])] for line in lines if line[0] in "┃│"]
    names = ["#", "session", "kind", "inf/s", "true inf/s", "Top-1", "AUC", "rule-valid", "trust", "findings"]
    assert rows == [
        names,
        ["1", "one", "perf", "18.2", "18.2", "-", "-", "no", "doubtful", "1"],
        ["2", "three", "perf", "20.0", "20.0", "-", "-", "yes", "unknown", "0"],
        ["3", "two", "accu", "-", "-", "100.0 %", "1.0000", "-", "unknown", "0"],
    ]
    assert lines[len(rows) + 4 :] == [
        "1. one/log.txt",
        "WARNING window-count: 1 window (mode bmark): an official result is the median of five.",
        "  rule: MLPerf Tiny: the result is the median of five windows (the MLCommons runner's ERROR 1)",
    ]


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (
            replace(mlcommons(Path("a/log.txt")), printed=()),
            [
                (
                    "Median by the printed lengths: 19.091 inf/s (not printed; doubtful: windows 18.18 to 20.00 "
                    "inf/s, 9.5 % apart, and 1 more doubtful)"
                ),
                "NOT RULE-VALID: 2 whole windows instead of five",
                "Doubtful, steadiness: windows 18.18 to 20.00 inf/s, 9.5 % apart",
                "Doubtful, windows: 2 performance windows",
            ],
        ),
        (
            five(kind="energy", printed=(Printed("median_energy_uj", "0.15", COUNT_LINE),), no_energy="why"),
            [
                "Median by the laps: 20.000 inf/s (not printed)",
                "Median energy an inference: printed 0.15 uJ, not recomputed",
                "RULE-VALID: five windows of 10 s or more",
                "Nothing doubtful in its log",
            ],
        ),
        (
            five(kind="energy", no_energy="why"),
            [
                "Median by the laps: 20.000 inf/s (not printed)",
                "RULE-VALID: five windows of 10 s or more",
                "Nothing doubtful in its log",
            ],
        ),
        (
            accuracy(),
            [
                "Top-1: 100.0 % of 12 inputs (printed 100.0)",
                "AUC: 1.0000, at 101 thresholds (printed 1.00)",
                "12 windows",
                "not judged: an accuracy session has no rate to judge",
            ],
        ),
        (
            session(streaming=Streaming(1, 0, 2, duty_cycle=0.25, period_s=0.125, rate_hz=32.0)),
            [
                (
                    "Accuracy: 1 true positive, 0 false negatives, 2 false positives, as printed: its detections are "
                    "not here"
                ),
                "Throughput by duty cycle and period: 32.000 inf/s (printed 32.000 inf/s)",
                (
                    "not judged: streaming wakeword is one recording, whose accuracy and duty cycle count: it has no "
                    "windows"
                ),
            ],
        ),
        (session(), ["not judged: no whole window"]),
    ],
    ids=["mlcommons", "energy", "energy, not printed", "accuracy", "streaming", "nothing"],
)
def test_the_figures_of_a_session_are_these_lines(told: Session, lines: list[str]) -> None:
    assert figure_lines(audit_session(told)) == lines


def test_what_is_not_known_of_a_session_stands_at_its_end() -> None:
    told = mlcommons(Path("a/log.txt"))
    assert closing_lines(replace(audit_session(told), findings=())) == [
        "The laps lie within what the host's times of 1.000 s allow."
    ]
    assert closing_lines(replace(audit_session(LOG), findings=())) == [
        "The laps agree with the host's clock within 0.00 %."
    ]
    late = replace(LOG, windows=(replace(LOG.windows[0], host=HostLength(11.05, 10.9, 11.2)),), notes=("a note",))
    assert closing_lines(replace(audit_session(late), findings=())) == [
        "The laps agree with the host's clock within 0.45 %.",
        "Note: a note",
    ]
    untimed = replace(LOG, windows=(replace(LOG.windows[0], host=None),))
    assert closing_lines(audit_session(untimed)) == [
        "No verdict on the clock: the log has no usable times of the host"
    ]
    lacking = replace(LOG, no_host_times="why", windows=(*LOG.windows, SessionWindow(2, complete=False)))
    assert closing_lines(audit_session(lacking)) == [
        "Not recomputed: the median: 1 of 2 windows without a length by laps",
        "No verdict on the clock: why",
    ]


@pytest.mark.parametrize(
    ("elapsed_s", "host", "state", "evidence"),
    [
        (
            0.75,
            HostLength(0.75, 0.749, 0.751),
            "fine",
            "the laps agree with the host's clock, which leaves 0.13 % open",
        ),
        (0.8, HostLength(0.75, 0.749, 0.751), "bad", "the laps are 6.5 % outside the host's time"),
        (0.7, EXACT, "bad", "the laps are 6.5 % outside the host's time"),
        (0.765, EXACT, "doubtful", "the laps are 1.9 % outside the host's time"),
        # A first window of whole seconds has no lower bound.
        (11.0, HostLength(None, 0.0, 12.0), "unknown", "the host's times leave it open"),
        (13.2, HostLength(None, 0.0, 12.0), "bad", "the laps are 10.0 % outside the host's time"),
        (11.0, HostLength(None, 10.5, 12.0), "unknown", "the host's times leave 8.3 % open"),
        (11.0, None, "unknown", "no times of a host beside the laps"),
    ],
)
def test_the_clock_is_judged_by_the_bounds_that_the_host_leaves(
    elapsed_s: float, host: HostLength | None, state: TrustState, evidence: str
) -> None:
    told = session_clock(audit_session(session(window(1, elapsed_s, host=host))))
    assert (told["key"], told["state"], told["evidence"]) == ("clock", state, evidence)
