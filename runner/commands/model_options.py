"""The options that choose a model and how it is run: one place for every command that runs one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

from runner.commands import options

if TYPE_CHECKING:
    from runner.inference.models import ModelChoice

ChosenModel: TypeAlias = Callable[[], Any]
"""Gives the ``ModelChoice``; contradictions are told, and what knows of models is imported, when it is called."""

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
    hints = get_type_hints(command, include_extras=True)
    parameters, words = [], dict(command.__annotations__)
    del words["chosen"]
    for name, one in inspect.signature(command).parameters.items():
        parameters += _SHARED if name == "chosen" else [one.replace(annotation=hints[name])]

    @wraps(command)
    def called(**given: Any) -> None:
        choice = {name: given.pop(name) for name in _TAKEN}
        command(**given, chosen=lambda: _choice(choice))

    # Typer reads an option from the signature, and its bare type from the annotations.
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = words | {name: f"options.{alias}" for name, (alias, _) in _TAKEN.items()}
    return called


_SHARED = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=getattr(options, alias))
    for name, (alias, value) in _TAKEN.items()
]


def _choice(given: dict[str, Any]) -> ModelChoice:
    from runner.inference.models import ModelChoice

    words = dict(given)
    return ModelChoice.of(words.pop("model"), mode=words.pop("stages"), **words)
