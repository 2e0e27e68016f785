"""Which rungs this machine has, the options of ``kws-trace run`` that each is, and what brings those that are not."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from runner.bench.runtimes.candidates import ONNX_EXTRA, TENSORFLOW_EXTRA
from runner.children import module_command
from runner.inference.backends.onnxruntime_session import GPU_REMEDY, PROVIDERS
from runner.inference.backends.tensorrt_engine import TENSORRT_REMEDY
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, backend_of
from runner.inference.onnx_conversion import missing_modules
from runner.runtime_output import runtime_quiet
from tracer.errors import NotInstalledError, UsageError, last_line
from tracer.ladder.rungs import KEYS, RUNGS
from tracer.report_types.ladder import AbsentRung

TENSORFLOW_WAYS = ("session", "callable", "inline", "frozen", "xla")


@dataclass(frozen=True, slots=True)
class LadderModels:
    """The files of one model, each as the option of its name; without ``model`` they are the shipped one's."""

    model: Path | None = None
    tflite: Path | None = None
    onnx: Path | None = None
    library: str | None = None

    @property
    def saved_model(self) -> Path:
        """The SavedModel."""
        return self.model or SHIPPED_SAVED_MODEL

    def check(self) -> None:
        """
        Refuse a file that is not of its kind, before anything runs.

        Raises:
            ModelError: if one is.
        """
        backend_of(self.saved_model, "tensorflow")
        for path, backend in ((self.tflite, "litert"), (self.onnx, "onnxruntime")):
            if path is not None:
                backend_of(path, backend)


@dataclass(slots=True)
class FoundRungs:
    """``options`` of ``run`` by the key of a rung that is here, thickest first; and the rungs that are not."""

    options: dict[str, list[str]] = field(default_factory=dict)
    absent: list[AbsentRung] = field(default_factory=list)

    def lack(self, key: str, reason: str, remedy: str) -> None:
        """Note a rung that is not here."""
        name = next(one.name for one in RUNGS if one.key == key)
        self.absent.append({"rung": key, "name": name, "reason": reason, "remedy": remedy})


def chosen_keys(words: str | None) -> list[str]:
    """
    The rungs that ``--rungs`` names, thickest first; all without it.

    Raises:
        UsageError: if one is none.
    """
    asked = list(KEYS) if words is None else [one.strip() for one in words.split(",") if one.strip()]
    unknown = [one for one in asked if one not in KEYS]
    if unknown or not asked:
        raise UsageError(
            f"--rungs {words}",
            f"no rung is called {unknown[0]}" if unknown else "it names none",
            f"give some of {','.join(KEYS)}",
        )
    return [key for key in KEYS if key in asked]


def find_rungs(keys: list[str], models: LadderModels, made_onnx: Path) -> FoundRungs:
    """
    Which of the rungs are here; an ONNX model is converted to ``made_onnx`` where none was given and one is needed.

    Raises:
        NotInstalledError: if none is.
    """
    found = FoundRungs()
    # Asked when the first rung needs them.
    onnx, providers = cache(lambda: models.onnx or _converted(models.saved_model, made_onnx)), cache(_providers)
    for key in keys:
        way = _onnx_way(key, onnx, providers) if key.startswith(("onnx", "tensorrt")) else _way(key, models)
        if isinstance(way, list):
            found.options[key] = way
        else:
            found.lack(key, *way)
    if not found.options:
        raise NotInstalledError(
            "; ".join(f"{one['rung']}: {one['reason']} ({one['remedy']})" for one in found.absent)
        )
    return found


Lack = tuple[str, str]
"""Why a rung is not here, and what brings it."""


def _way(key: str, models: LadderModels) -> list[str] | Lack:
    """The options of a rung, of TensorFlow or LiteRT."""
    if key == "capi":
        if models.library is None:
            return "no C library was named", "give --library with the path of libtensorflow.so"
        return ["--model", str(models.saved_model), "--runtime", key, "--library", models.library]
    if key in TENSORFLOW_WAYS:
        if importlib.util.find_spec("tensorflow") is None:
            return "TensorFlow is not installed", TENSORFLOW_EXTRA
        return ["--model", str(models.saved_model), "--runtime", key]
    return _litert_way(models)


def _litert_way(models: LadderModels) -> list[str] | Lack:
    file = models.tflite or (SHIPPED_TFLITE if models.model is None else None)
    if file is None:
        return "no .tflite of this model was given", "name it with --tflite"
    if importlib.util.find_spec("ai_edge_litert") is None:
        return "LiteRT is not installed", "pip install kws-trace"
    return ["--model", str(file)]


def _onnx_way(
    key: str, onnx: Callable[[], Path | str], providers: Callable[[], list[str] | None]
) -> list[str] | Lack:
    """Those of a rung that runs an ONNX file, ``onnx-PROVIDER`` or ``tensorrt``, each also with ``-graph``."""
    runtime, *words = key.removesuffix("-graph").split("-")
    options = ["--provider", *words] if words else ["--runtime", runtime]
    if not words and importlib.util.find_spec("tensorrt") is None:
        return "TensorRT is not installed", TENSORRT_REMEDY
    there = providers() if words else ()
    if there is None:
        return "ONNX Runtime is not installed", ONNX_EXTRA
    if words and (provider := PROVIDERS[words[0]]) not in there:
        return f"this ONNX Runtime has no {provider}", GPU_REMEDY
    file = onnx()
    if isinstance(file, str):
        return file, "give --onnx with a file that `kws-trace convert` made elsewhere"
    return ["--model", str(file), *options, *(["--cuda-graph"] if key.endswith("-graph") else [])]


def _providers() -> list[str] | None:
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    with runtime_quiet():
        import onnxruntime

        return list(onnxruntime.get_available_providers())


def _converted(model: Path, out: Path) -> Path | str:
    """The model as an ONNX file, made by a process of its own: TensorFlow stays out of the host's."""
    missing = [one for one in (*missing_modules(), "tensorflow") if importlib.util.find_spec(one) is None]
    if missing:
        return f"{' and '.join(missing)}, which would convert the model, is not installed"
    out.parent.mkdir(parents=True, exist_ok=True)
    words = module_command("runner", "convert", str(out), "--model", str(model))
    made = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if made.returncode == 0:
        return out
    return f"the model was not converted: {last_line(made.stderr, f'exit code {made.returncode}')}"
