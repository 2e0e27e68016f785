"""Why a session may not be submitted: the rules of the round against what its raw lines say; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tracer.figure_text import count_text, counted, number_text
from tracer.sessions.audit import SessionAudit
from tracer.sessions.session import Session
from tracer.sessions.session_trust import session_clock
from tracer.submission.rounds import SOURCES, Round
from tracer.trust.checks import REFERENCE_MODELS

Role = Literal["performance", "accuracy", "energy"]
ROLES: tuple[Role, ...] = ("performance", "accuracy", "energy")
HOSTS = {"mlcommons": "the MLCommons runner", "energyrunner": "energyrunner", "kws-trace": "kws-trace host"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    One reason why a tree is refused.

    ``name`` is the rule's short name, ``where`` what breaks it, ``source`` a key of ``rounds.SOURCES``.
    """

    name: str
    where: str
    problem: str
    remedy: str
    source: str

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
        found.append(_refusal("host", where, f"by {HOSTS[driver]}, and round {rules.name} takes {takes}", remedy))
    if audit.session.kind != role:
        found.append(_refusal("kind", where, f"its kind is {audit.session.kind}", f"name one of {role}", "tests"))
    if audit.session.model not in (None, "kws01"):
        problem = f"it is of {audit.session.model}, not kws01"
        found.append(_refusal("benchmark", where, problem, "name one of keyword spotting", "tests"))
    if not audit.session.complete or len(audit.session.timed) < len(audit.session.windows):
        found.append(_refusal("cut", where, "its log does not go to its end", "name a whole session", "raw"))
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
        _refusal(one.rule, where, one.text, remedy, "windows" if one.rule.startswith("window") else "raw")
        for one in audit.findings
        if one.severity == "error" or one.rule in ("laps-back", "line-lost")
    ]
    clock = session_clock(audit)
    told = any(one.name.startswith(("clock", "laps")) for one in found)
    if audit.session.kind == "performance" and clock["state"] == "bad" and not told:
        found.append(_refusal("clock-rate", where, clock["evidence"], remedy, "raw"))
    return found


def _rate_refusals(audit: SessionAudit, where: str, rules: Round) -> list[Refusal]:
    count, found = len(audit.windows), []
    if count != rules.windows:
        problem = f"{counted(count, 'whole window')} instead of {rules.windows}"
        found.append(_refusal("window-count", where, problem, "measure five windows", "windows"))
    untold = [one.number for one in audit.windows if one.short is None]
    if untold:
        problem = f"whether {counted(len(untold), 'window')} lasted {number_text(rules.least_s)} s cannot be told"
        found.append(_refusal("window-untold", where, problem, "name a session with its results.json", "windows"))
    return found


def _accuracy_refusals(audit: SessionAudit, where: str, rules: Round, *, closed: bool) -> list[Refusal]:
    found = []
    inputs = len({window.input_name for window in audit.session.timed})
    if not inputs == audit.figures.vectors == rules.inputs:
        problem = f"{count_text(inputs)} inputs, and the set has {count_text(rules.inputs)}"
        found.append(_refusal("accuracy-inputs", where, problem, "run the accuracy pass over all of it", "inputs"))
    top1 = audit.figures.top1
    if top1 is None:
        found.append(_refusal("accuracy-untold", where, "it gives no Top-1", "name one with its vectors", "accuracy"))
    elif closed and round(100 * top1, 9) < rules.top1_percent:
        problem = f"Top-1 {number_text(100 * top1, 1)} %, under {number_text(rules.top1_percent, 1)} %"
        remedy = "kws-trace accuracy says why; the open division has no bound"
        found.append(_refusal("accuracy-bound", where, problem, remedy, "accuracy"))
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
            found.append(_refusal("model-untold", f"{role} session", problem, remedy, "model"))
        elif model.sha256 not in REFERENCE_MODELS:
            problem = f"the DUT ran {model.name}, which is no file of the reference model"
            remedy = "run it with --model kws_ref_model, or take --division open"
            found.append(_refusal("model", f"{role} session", problem, remedy, "model"))
    if len(told) > 1:
        problem = "its sessions are of different models"
        found.append(_refusal("model-differs", "submission", problem, "measure all with one model", "code"))
    return found


def _refusal(name: str, where: str, problem: str, remedy: str, source: str = "host") -> Refusal:
    return Refusal(name, where, problem, remedy, SOURCES[source])
