"""One judgement from a run's or a session's checks, and its words; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.report_types.trust import Trust, TrustCheck, TrustKey, TrustState

ORDER: tuple[TrustState, ...] = ("bad", "doubtful", "unknown", "fine")
"""From the worst."""

NAMED = 4
"""Checks that are not known, in a headline; ``trust_lines`` names all."""


def judgement(checks: Sequence[TrustCheck], *, rule_valid: bool | None, why_not: str | None) -> Trust:
    """
    The judgement that ``checks`` add up to; the first of the worst state stands in a headline.

    What is not known is never fine: it is trusted as long as nothing speaks against it, and named.
    """
    states = {one["state"] for one in checks}
    return {
        "rule_valid": rule_valid,
        "why_not_rule_valid": why_not,
        "trusted": not states & {"bad", "doubtful"},
        "worst": next((state for state in ORDER if state in states), "unknown"),
        "checks": list(checks),
    }


def judgement_of_launches(trusts: Mapping[str, Trust]) -> Trust:
    """
    The judgement of launches of one configuration, by their names: each check in its worst state, and how many are in
    it.
    """
    found: dict[TrustKey, list[tuple[str, TrustCheck]]] = {}
    for name, trust in trusts.items():
        for one in trust["checks"]:
            found.setdefault(one["key"], []).append((name, one))
    checks: list[TrustCheck] = []
    for rows in found.values():
        name, worst = min(rows, key=lambda row: ORDER.index(row[1]["state"]))
        alike = sum(one["state"] == worst["state"] for _, one in rows)
        where = name if alike == 1 else f"{alike} of {len(trusts)} launches, such as {name}"
        evidence = worst["evidence"] if alike == len(trusts) == 1 else f"{worst['evidence']} (in {where})"
        checks.append({**worst, "evidence": evidence})
    invalid = [f"{name}: {one['why_not_rule_valid']}" for name, one in trusts.items() if not one["rule_valid"]]
    more = f", and {len(invalid) - 1} more" if len(invalid) > 1 else ""
    why = f"{invalid[0]}{more}" if invalid else None
    return judgement(checks, rule_valid=not invalid if trusts else None, why_not=why)


def checks_of(trust: Trust, *states: TrustState) -> list[TrustCheck]:
    """The checks in one of ``states``, in their order."""
    return [one for one in trust["checks"] if one["state"] in states]


def verdict_text(trust: Trust) -> str:
    """Rule-valid and trusted in a few words, as they stand behind a rate."""
    return f"{rule_text(trust)}; {worst_text(trust)}"


def rule_text(trust: Trust) -> str:
    """``rule-valid``, or that it is not and why."""
    why = trust["why_not_rule_valid"]
    words = {True: "rule-valid", False: "not rule-valid", None: "rules not judged"}[trust["rule_valid"]]
    return f"{words}: {why}" if why and not trust["rule_valid"] else words


def worst_text(trust: Trust) -> str:
    """The worst state, with the first clause of the first check that is in it."""
    worst = checks_of(trust, trust["worst"])
    if trust["worst"] == "fine":
        return "trusted"
    if trust["worst"] == "unknown":
        rest = f" and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
        return f"nothing doubtful, not known: {', '.join(one['key'] for one in worst[:NAMED])}{rest}"
    # A window that breaks the rules is told by them: what else is wrong says more.
    telling = [one for one in worst if one["key"] not in ("windows", "length")] or worst
    same, doubtful = len(worst) - 1, len(checks_of(trust, "doubtful")) if trust["worst"] == "bad" else 0
    words = [f"{same} more {trust['worst']}"] if same else []
    words += [f"{doubtful} doubtful"] if doubtful else []
    others = f", and {' and '.join(words)}" if words else ""
    return f"{trust['worst']}: {telling[0]['evidence'].partition(';')[0]}{others}"


def trust_lines(trust: Trust) -> list[str]:
    """A line for each check that is bad or doubtful, with its remedy, and one for what is not known."""
    lines = []
    for one in sorted(checks_of(trust, "bad", "doubtful"), key=lambda one: ORDER.index(one["state"])):
        remedy = f" -> {one['remedy']}" if one["remedy"] else ""
        lines.append(f"{one['state'].capitalize()}, {one['key']}: {one['evidence']}{remedy}")
    unknown = checks_of(trust, "unknown")
    if unknown:
        told = "; ".join(f"{one['key']} ({one['evidence']})" for one in unknown)
        lines.append(f"Not known: {told}")
    return lines


def why_no_place(trust: Trust) -> str | None:
    """Why a rate gets no place among published results; None where it has one."""
    if not trust["rule_valid"]:
        return rule_text(trust)
    if not trust["trusted"]:
        return worst_text(trust)
    states = {one["key"]: one for one in trust["checks"]}
    for key in ("model", "accuracy"):
        one = states.get(key)
        if one is None or one["state"] != "fine":
            return f"{key} not known" if one is None else f"{key} not known: {one['evidence']}"
    return None
