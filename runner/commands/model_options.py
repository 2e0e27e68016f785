"""The options that choose a model and how it is run: one place for every command that runs one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from runner.inference.models import ModelChoice

ChosenModel: TypeAlias = "Callable[[], ModelChoice]"
"""Gives what was chosen; contradictions are told, and what knows of models is imported, when it is called."""

_TAKEN = {
    "model": ("Model", None),
    "backend": ("Backend", None),
    "device": ("Device", None),
    "threads": ("Threads", None),
    "runtime": ("Runtime", None),
    "library": ("Library", None),
    "provider": ("Provider", None),
    "cuda_graph": ("CudaGraph", False),
    "input_scale": ("Scale", None),
    "input_zero_point": ("ZeroPoint", None),
    "timed": ("Timed", "reference"),
    "stages": ("Stages", "split"),
}
"""Each parameter with its type of ``runner.commands.options``, and its value without the option."""


def takes_model(command: Callable[..., None]) -> Callable[..., None]:
    """
    Give a command the options of a model in the place of its parameter ``chosen``, a ``ChosenModel``.

    Its module has to import ``options``: typer looks the types up there.
    """
    own = inspect.signature(command).parameters
    parameters = []
    for name, one in own.items():
        shared = _shared() if name == "chosen" else [one.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
        parameters += shared

    @wraps(command)
    def called(**given: Any) -> None:
        choice = {name: given.pop(name) for name in _TAKEN}
        command(**given, chosen=lambda: _choice(choice))

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": "None"}
    return called


def _shared() -> list[inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(name, kind, default=value, annotation=f"options.{alias}")
        for name, (alias, value) in _TAKEN.items()
    ]


def _choice(given: dict[str, Any]) -> ModelChoice:
    from runner.inference.models import ModelChoice

    words = dict(given)
    return ModelChoice.of(words.pop("model"), mode=words.pop("stages"), **words)
