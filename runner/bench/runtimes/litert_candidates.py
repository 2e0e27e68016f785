"""LiteRT over ``.tflite`` files, and over the SavedModel's own float weights, converted here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

from runner.bench.runtimes.candidate import Absent, Candidate, Found
from runner.inference.backends.litert import LiteRtBackend
from runner.inference.backends.tensorflow_graph import loaded_session, model_ends
from runner.quiet_tensorflow import import_tensorflow
from tracer.errors import first_line
from tracer.quantization import Quantization

CONVERTED = "LiteRT float, converted"


def litert_candidates(files: list[Path], quantization: Quantization, threads: int, batch: int = 1) -> Found:
    """
    One candidate a file; of an int8 model the 12 answers are dequantized in each inference, some 2 us of NumPy.

    ``quantization`` is of int8 inputs to a float model.
    """
    found = Found([], [])
    for path in files:
        backend = LiteRtBackend(path, threads)
        whole = f"{path.name} with {backend.input_dtype} in and out"
        name = "LiteRT int8" if backend.input_scale is not None else "LiteRT float in and out"
        taken = [one.name for one in found.candidates] + [one.name for one in found.absent]
        name = name if name not in taken else whole
        if batch == 1:
            found.candidates.append(Candidate.of(name, backend, quantization))
            continue
        backend.close()
        found.add(name, partial(LiteRtBackend, path, threads, batch), quantization)
    return found


def converted_candidate(path: Path, folder: Path, quantization: Quantization, threads: int, batch: int = 1) -> Found:
    """The SavedModel's float weights as a ``.tflite`` without quantization, which is put into ``folder`` once."""
    file, found = folder / "float.tflite", Found([], [])
    try:
        if not file.exists():
            file.write_bytes(_converted(path))
    except (_converter_error(), ValueError, RuntimeError) as error:
        reason = first_line(error)
        return Found([], [Absent(CONVERTED, reason, "give a float .tflite with --tflite")])
    found.add(CONVERTED, partial(LiteRtBackend, file, threads, batch), quantization)
    return found


def _converted(path: Path) -> bytes:
    tf, ends = import_tensorflow(), model_ends(path)
    with loaded_session(tf, path) as session:
        given, gives = (session.graph.get_tensor_by_name(name) for name in (ends.input, ends.output))
        made: bytes = tf.compat.v1.lite.TFLiteConverter.from_session(session, [given], [gives]).convert()
        return made


def _converter_error() -> type[Exception]:
    from tensorflow.lite.python.convert import ConverterError

    return cast("type[Exception]", ConverterError)
