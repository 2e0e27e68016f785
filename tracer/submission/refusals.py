"""Why a session may not be submitted: the rules of the round against what its raw lines say; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from tracer.figure_text import count_text, counted, number_text
from tracer.sessions.audit import SessionAudit
from tracer.sessions.session import Session
from tracer.sessions.session_trust import session_clock
from tracer.submission.rounds import Round
from tracer.trust.checks import REFERENCE_MODELS

Role = Literal["performance", "accuracy", "energy"]
ROLES: tuple[Role, ...] = get_args(Role)
HOSTS = {"mlcommons": "the MLCommons runner", "energyrunner": "energyrunner", "kws-trace": "kws-trace host"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a tree is refused: ``name`` is the rule's short name, ``where`` what breaks it."""

    name: str
    where: str
    problem: str
    remedy: str

    def line(self) -> str:
        """In one line."""
        return f"{self.name}: {self.where}: {self.problem}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model that a run of the DUT had; ``sha256`` is None where it is not known."""

    name: str
    sha256: str | None


def driver_of(session: Session) -> str:
    """Who drove a session: ``mlcommons``, ``energyrunner`` or ``kws-trace``."""
    return "kws-trace" if session.runner_version == "kws-trace" else session.host


def session_refusals(audit: SessionAudit, role: Role, rules: Round, *, closed: bool) -> list[Refusal]:
    """What the rules of the round say against a session in its role."""
    where, found = f"{role} session", []
    driver = driver_of(audit.session)
    if driver not in rules.hosts:
        takes = " or ".join(HOSTS[one] for one in rules.hosts)
        remedy = f"drive the DUT with it: kws-trace host-config {next(iter(rules.hosts))}"
        found.append(Refusal("host", where, f"by {HOSTS[driver]}, and round {rules.name} takes {takes}", remedy))
    if audit.session.kind != role:
        found.append(Refusal("kind", where, f"its kind is {audit.session.kind}", f"name one of {role}"))
    if audit.session.model not in (None, "kws01"):
        problem = f"it is of {audit.session.model}, not kws01"
        found.append(Refusal("benchmark", where, problem, "name one of keyword spotting"))
    if not audit.session.complete or len(audit.session.timed) < len(audit.session.windows):
        found.append(Refusal("cut", where, "its log does not go to its end", "name a whole session"))
    found += _wrong_findings(audit, where)
    if audit.session.kind == "accuracy":
        found += _accuracy_refusals(audit, where, rules, closed=closed)
    else:
        found += _rate_refusals(audit, where, rules)
    return found


def _wrong_findings(audit: SessionAudit, where: str) -> list[Refusal]:
    """Errors of the audit, by their rule; the clock also where only trust speaks against it."""
    remedy = "see kws-trace session, and measure again"
    found = [
        Refusal(one.rule, where, one.text, remedy)
        for one in audit.findings
        if one.severity == "error" or one.rule in ("laps-back", "line-lost")
    ]
    clock = session_clock(audit)
    told = any(one.name.startswith(("clock", "laps")) for one in found)
    if audit.session.kind == "performance" and clock["state"] == "bad" and not told:
        found.append(Refusal("clock-rate", where, clock["evidence"], remedy))
    return found


def _rate_refusals(audit: SessionAudit, where: str, rules: Round) -> list[Refusal]:
    count, found = len(audit.windows), []
    if count != rules.windows:
        problem = f"{counted(count, 'whole window')} instead of {rules.windows}"
        found.append(Refusal("window-count", where, problem, f"measure {rules.windows} windows"))
    untold = [one.number for one in audit.windows if one.short is None]
    if untold:
        problem = f"whether {counted(len(untold), 'window')} lasted {number_text(rules.least_s)} s cannot be told"
        found.append(Refusal("window-untold", where, problem, "name a session with its results.json"))
    return found


def _accuracy_refusals(audit: SessionAudit, where: str, rules: Round, *, closed: bool) -> list[Refusal]:
    found = []
    inputs = len({window.input_name for window in audit.session.timed})
    results = audit.figures.vectors
    if not inputs == results == rules.inputs:
        given = f"{counted(inputs, 'input')} with {counted(results, 'result')}"
        problem = f"{given}, and the set has {count_text(rules.inputs)}"
        found.append(Refusal("accuracy-inputs", where, problem, "run the accuracy pass over all of it"))
    top1 = audit.figures.top1
    if top1 is None:
        found.append(Refusal("accuracy-untold", where, "it gives no Top-1", "name one with its vectors"))
    elif closed and round(100 * top1, 9) < rules.top1_percent:
        problem = f"Top-1 {number_text(100 * top1, 1)} %, under {number_text(rules.top1_percent, 1)} %"
        remedy = "kws-trace accuracy says why; the open division has no bound"
        found.append(Refusal("accuracy-bound", where, problem, remedy))
    return found


def model_refusals(models: Iterable[tuple[Role, ModelFacts | None]], *, closed: bool) -> list[Refusal]:
    """What speaks against the models of the DUT's runs, each None where no run of it is at hand."""
    found: list[Refusal] = []
    told: set[str] = set()
    for role, model in models:
        if model is not None and model.sha256 is not None:
            told.add(model.sha256)
        if not closed:
            continue
        if model is None or model.sha256 is None:
            problem = "which model the DUT ran is not known: a host's log does not say"
            made = ", made with `run --energy`," if role == "energy" else ""
            remedy = f"name the DUT's run of it{made} with --run"
            found.append(Refusal("model-untold", f"{role} session", problem, remedy))
        elif model.sha256 not in REFERENCE_MODELS:
            problem = f"the DUT ran {model.name}, which is no file of the reference model"
            remedy = "run it with --model kws_ref_model, or take --division open"
            found.append(Refusal("model", f"{role} session", problem, remedy))
    if len(told) > 1:
        problem = "its sessions are of different models"
        found.append(Refusal("model-differs", "submission", problem, "measure all with one model"))
    return found
