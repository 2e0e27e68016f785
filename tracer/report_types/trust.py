"""Whether a rate can be believed."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

TrustState: TypeAlias = Literal["fine", "doubtful", "bad", "unknown"]
TrustKey: TypeAlias = Literal[
    "steadiness",
    "cpu share",
    "frequencies",
    "clock",
    "accuracy",
    "quantization",
    "model",
    "mode",
    "load",
    "log",
    "windows",
    "length",
]


class TrustCheck(TypedDict):
    """
    ``evidence`` says what was found, the worst first, in clauses with a semicolon between; ``remedy`` what to do,
    null where nothing is to be done.
    """

    key: TrustKey
    state: TrustState
    evidence: str
    remedy: str | None


class Trust(TypedDict):
    """
    The judgement of a run or a session.

    ``rule_valid`` is of the benchmark's rules alone, null where they cannot be judged, and ``why_not_rule_valid`` its
    reason. ``worst`` is the worst state of the ``checks``: bad, doubtful, unknown, fine; ``trusted`` says that none
    is bad or doubtful.
    """

    rule_valid: bool | None
    why_not_rule_valid: str | None
    trusted: bool
    worst: TrustState
    checks: list[TrustCheck]
