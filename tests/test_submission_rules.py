"""What a round's rules say against a session and its model: each refusal whole, from a session of a few values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tracer.errors import UsageError
from tracer.sessions.audit import SessionAudit
from tracer.sessions.clock_audit import WindowAudit
from tracer.sessions.finding import Finding
from tracer.sessions.recompute import Recomputed
from tracer.sessions.session import HostLength, Session, SessionWindow
from tracer.submission.refusals import ROLES, ModelFacts, driver_of, model_refusals, session_refusals
from tracer.submission.rounds import DIVISIONS, ENERGYRUNNER_MARK, LARGEST_MB, ROUNDS, STATUSES, Round, round_of

MLC = ("log.txt", "results.json", "results.txt")
REFERENCE = ModelFacts("kws", "40444f880159099955f2d29b9f5bceadf9ad18c6b9a4936dfd93436a8f464051")
OTHER = ModelFacts("mine", "0" * 64)


def audit_of(session: Session, *findings: Finding, short: bool | None = False, **figures: float) -> SessionAudit:
    windows = tuple(
        WindowAudit(one.number, 250, "ok", 11e6, None, None, None, short, 250 / 11, None) for one in session.timed
    )
    return SessionAudit(session, windows, Recomputed(**figures), None, findings, None, "")  # type: ignore[arg-type]


def performance(**changed: object) -> Session:
    windows = tuple(SessionWindow(number) for number in range(1, 6))
    return replace(Session(Path("log.txt"), "mlcommons", "performance", "p", windows, "kws01"), **changed)  # type: ignore[arg-type]


def accuracy(inputs: int, **changed: object) -> Session:
    windows = tuple(SessionWindow(number, f"{number}.bin") for number in range(1, inputs + 1))
    return performance(kind="accuracy", windows=windows, **changed)


def test_the_rounds_have_the_rules_of_the_benchmark() -> None:
    energyrunner = ("log.txt", "results.txt", "script.async")
    rules = {"top1_percent": 90.0, "inputs": 1000, "windows": 5, "least_s": 10.0}
    assert {
        "1.3": Round("1.3", {"mlcommons": MLC, "energyrunner": energyrunner}, **rules),  # type: ignore[arg-type]
        "1.4": Round("1.4", {"mlcommons": MLC}, **rules),  # type: ignore[arg-type]
    } == ROUNDS
    assert (DIVISIONS, STATUSES) == (("closed", "open"), ("available", "preview", "rdi"))
    assert (LARGEST_MB, ENERGYRUNNER_MARK) == (500, "EEMBC_RUNNER")
    assert ROLES == ("performance", "accuracy", "energy")
    assert round_of("v1.3") is round_of("1.3") is ROUNDS["1.3"]
    with pytest.raises(UsageError, match=r"^--round 0\.5: its rules are not known here; give one of 1\.3, 1\.4$"):
        round_of("0.5")


def test_a_session_that_keeps_the_rules_has_no_refusal() -> None:
    assert session_refusals(audit_of(performance()), "performance", ROUNDS["1.4"], closed=True) == []
    assert session_refusals(audit_of(performance(model=None)), "performance", ROUNDS["1.4"], closed=True) == []
    least = audit_of(accuracy(1000), top1=0.9, vectors=1000)
    assert session_refusals(least, "accuracy", ROUNDS["1.4"], closed=True) == []


def test_all_that_is_wrong_with_a_session_of_windows_is_told() -> None:
    windows = (*(SessionWindow(number) for number in range(1, 5)), SessionWindow(5, complete=False))
    session = performance(windows=windows, model="ic01", host="energyrunner", runner_version="kws-trace")
    findings = [
        Finding(rule, severity, f"text of {rule}", "a source")  # type: ignore[arg-type]
        for rule, severity in (
            ("window-short", "error"),
            ("printed-differs", "error"),
            ("laps-back", "warning"),
            ("line-lost", "warning"),
            ("clock-idle", "warning"),
            ("no-end", "note"),
        )
    ]
    audit = audit_of(session, *findings, short=None)
    told = session_refusals(audit, "energy", replace(ROUNDS["1.3"], windows=7), closed=True)
    again = "see kws-trace session, and measure again"
    assert [one.line() for one in told] == [
        (
            "host: energy session: by kws-trace host, and round 1.3 takes the MLCommons runner or energyrunner; "
            "drive the DUT with it: kws-trace host-config mlcommons"
        ),
        "kind: energy session: its kind is performance; name one of energy",
        "benchmark: energy session: it is of ic01, not kws01; name one of keyword spotting",
        "cut: energy session: its log does not go to its end; name a whole session",
        f"window-short: energy session: text of window-short; {again}",
        f"printed-differs: energy session: text of printed-differs; {again}",
        f"laps-back: energy session: text of laps-back; {again}",
        f"line-lost: energy session: text of line-lost; {again}",
        "window-count: energy session: 4 whole windows instead of 7; measure 7 windows",
        (
            "window-untold: energy session: whether 4 windows lasted 10 s cannot be told; "
            "name a session with its results.json"
        ),
    ]


def test_a_log_without_its_end_is_cut_though_its_windows_are_whole() -> None:
    cut = audit_of(performance(complete=False, host="energyrunner"))
    told = session_refusals(cut, "performance", ROUNDS["1.4"], closed=True)
    assert [one.line() for one in told] == [
        (
            "host: performance session: by energyrunner, and round 1.4 takes the MLCommons runner; "
            "drive the DUT with it: kws-trace host-config mlcommons"
        ),
        "cut: performance session: its log does not go to its end; name a whole session",
    ]
    assert driver_of(cut.session) == "energyrunner"


def test_a_clock_that_trust_calls_bad_is_refused_once_where_no_finding_tells_it() -> None:
    sound = audit_of(performance())
    host = HostLength(10.0, 10.0, 10.0)  # the laps say 11 s
    audit = replace(sound, windows=tuple(replace(one, host=host) for one in sound.windows))
    again = "see kws-trace session, and measure again"
    outside = f"clock-rate: performance session: the laps are 10.0 % outside the host's time; {again}"
    found = {
        rule: Finding(rule, "error", "text", "a source") for rule in ("clock-rate", "laps-still", "files-differ")
    }
    for findings, lines in (
        ([], [outside]),
        (["files-differ"], [f"files-differ: performance session: text; {again}", outside]),
        (["clock-rate"], [f"clock-rate: performance session: text; {again}"]),
        (["laps-still"], [f"laps-still: performance session: text; {again}"]),
    ):
        judged = replace(audit, findings=tuple(found[rule] for rule in findings))
        told = session_refusals(judged, "performance", ROUNDS["1.4"], closed=True)
        assert [one.line() for one in told] == lines


def test_an_accuracy_session_has_each_input_its_vectors_and_in_the_closed_division_its_target() -> None:
    few = audit_of(accuracy(999), top1=0.8994, vectors=1000)
    inputs = (
        "accuracy-inputs: accuracy session: 999 inputs with 1,000 results, and the set has 1,000; "
        "run the accuracy pass over all of it"
    )
    bound = (
        "accuracy-bound: accuracy session: Top-1 89.9 %, under 90.0 %; "
        "kws-trace accuracy says why; the open division has no bound"
    )
    untold = "accuracy-untold: accuracy session: it gives no Top-1; name one with its vectors"
    for audit, closed, lines in (
        (few, True, [inputs, bound]),
        (few, False, [inputs]),
        (audit_of(accuracy(1000)), False, [inputs.replace("999 inputs with 1,000", "1,000 inputs with 0"), untold]),
    ):
        told = session_refusals(audit, "accuracy", ROUNDS["1.4"], closed=closed)
        assert [one.line() for one in told] == lines


def test_the_models_are_the_reference_s_in_the_closed_division_and_one_in_both() -> None:
    untold = "session: which model the DUT ran is not known: a host's log does not say; name the DUT's run of it"
    models = [("performance", REFERENCE), ("accuracy", OTHER), ("energy", None)]
    differs = "model-differs: submission: its sessions are of different models; measure all with one model"
    closed = [
        (
            "model: accuracy session: the DUT ran mine, which is no file of the reference model; "
            "run it with --model kws_ref_model, or take --division open"
        ),
        f"model-untold: energy {untold}, made with `run --energy`, with --run",
        differs,
    ]
    assert [one.line() for one in model_refusals(models, closed=True)] == closed  # type: ignore[arg-type]
    assert [one.line() for one in model_refusals(models, closed=False)] == [differs]  # type: ignore[arg-type]
    nameless = model_refusals([("performance", ModelFacts("kws", None))], closed=True)
    assert [one.line() for one in nameless] == [f"model-untold: performance {untold} with --run"]
    assert model_refusals([("performance", REFERENCE), ("accuracy", REFERENCE)], closed=True) == []
