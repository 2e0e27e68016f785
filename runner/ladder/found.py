"""Which rungs this machine has, the options of ``kws-trace run`` that each is, and what brings those that are not."""

from __future__ import annotations

import importlib.util
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from runner.bench.runtimes.candidates import ONNX_EXTRA, TENSORFLOW_EXTRA
from runner.children import last_line, module_command
from runner.inference.backends.onnxruntime_session import GPU_REMEDY, PROVIDERS
from runner.inference.backends.tensorrt_engine import TENSORRT_REMEDY
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, backend_of
from runner.inference.onnx_conversion import missing_modules
from runner.runtime_output import runtime_quiet
from tracer.errors import NotInstalledError, UsageError
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


@dataclass(slots=True)
class OnnxModel:
    """The ONNX file of the rungs: the one that was given, or converted to ``made`` when the first rung needs it."""

    models: LadderModels
    made: Path
    found: Path | str | None = None

    def file(self) -> Path | str:
        """The file, or why there is none."""
        self.found = self.found or self.models.onnx or _converted(self.models.saved_model, self.made)
        return self.found


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
    found, providers = FoundRungs(), _providers() if any(key.startswith("onnx") for key in keys) else None
    onnx = OnnxModel(models, made_onnx)
    for key in keys:
        if key in TENSORFLOW_WAYS:
            _add_tensorflow(found, key, models)
        elif key == "capi":
            _add_library(found, models)
        elif key == "litert":
            _add_litert(found, models)
        elif key.startswith("tensorrt"):
            _add_tensorrt(found, key, onnx)
        elif providers is None:
            found.lack(key, "ONNX Runtime is not installed", ONNX_EXTRA)
        elif (provider := PROVIDERS[key.split("-")[1]]) not in providers:
            found.lack(key, f"this ONNX Runtime has no {provider}", GPU_REMEDY)
        else:
            _add_onnx(found, key, onnx)
    if not found.options:
        raise NotInstalledError(
            "; ".join(f"{one['rung']}: {one['reason']} ({one['remedy']})" for one in found.absent)
        )
    return found


def _add_tensorflow(found: FoundRungs, key: str, models: LadderModels) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        found.lack(key, "TensorFlow is not installed", TENSORFLOW_EXTRA)
    else:
        found.options[key] = ["--model", str(models.saved_model), "--runtime", key]


def _add_library(found: FoundRungs, models: LadderModels) -> None:
    if models.library is None:
        found.lack("capi", "no C library was named", "give --library with the path of libtensorflow.so")
    else:
        words = ["--model", str(models.saved_model), "--runtime", "capi", "--library", models.library]
        found.options["capi"] = words


def _add_litert(found: FoundRungs, models: LadderModels) -> None:
    file = models.tflite or (SHIPPED_TFLITE if models.model is None else None)
    if file is None:
        found.lack("litert", "no .tflite of this model was given", "name it with --tflite")
    elif importlib.util.find_spec("ai_edge_litert") is None:
        found.lack("litert", "LiteRT is not installed", "pip install kws-trace")
    else:
        found.options["litert"] = ["--model", str(file)]


def _add_onnx(found: FoundRungs, key: str, onnx: OnnxModel) -> None:
    _, provider, *graph = key.split("-")
    _add_onnx_file(found, key, onnx, ["--provider", provider, *(["--cuda-graph"] if graph else [])])


def _add_tensorrt(found: FoundRungs, key: str, onnx: OnnxModel) -> None:
    if importlib.util.find_spec("tensorrt") is None:
        found.lack(key, "TensorRT is not installed", TENSORRT_REMEDY)
    else:
        words = ["--cuda-graph"] if key.endswith("graph") else []
        _add_onnx_file(found, key, onnx, ["--runtime", "tensorrt", *words])


def _add_onnx_file(found: FoundRungs, key: str, onnx: OnnxModel, words: list[str]) -> None:
    file = onnx.file()
    if isinstance(file, str):
        found.lack(key, file, "give --onnx with a file that `kws-trace convert` made elsewhere")
    else:
        found.options[key] = ["--model", str(file), *words]


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
