"""From a SavedModel to an ONNX file: the frozen graph goes through tf2onnx, the reference's answers beside it."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import tempfile
from pathlib import Path
from typing import Any

from runner.dataset import shipped_dataset
from runner.inference.backends.tensorflow_graph import frozen_graph, model_ends
from runner.inference.known_answers import NOTE, check_known_answers, reference_answers
from runner.inference.models import ModelChoice, load_pipeline, model_facts, quantization_of
from runner.quiet_tensorflow import import_tensorflow
from tracer.errors import ModelError, UsageError, WriteError, first_line, not_installed
from tracer.whole_files import written_whole

OPSET = 17
"""Known to every ONNX Runtime since 1.12 (2022), those of JetPack among them."""

IR_VERSION = 8
"""Of the file's own form, for the same."""

MODULES = ("onnxruntime", "tf2onnx", "onnx")


def missing_modules() -> list[str]:
    """Which of the modules that a conversion needs are not installed."""
    return [name for name in MODULES if importlib.util.find_spec(name) is None]


def write_onnx(choice: ModelChoice, out: Path) -> dict[str, Any]:
    """
    Convert ``choice``'s SavedModel, hold the result against TensorFlow on known inputs, and write it to ``out``.

    Returns:
        ``onnx`` (facts of the file), ``source`` (of the model), ``known_answers`` as ``check_known_answers``.

    Raises:
        KwsTraceError: if a package is missing, the model cannot be converted, or ONNX Runtime answers otherwise.
    """
    if missing := missing_modules():
        raise not_installed(" and ".join(missing), "kws-trace[onnx]")
    if out.suffix != ".onnx":
        raise UsageError(out, "an ONNX model's name ends in .onnx", "name it so")
    source = model_facts(choice.path)
    reference = load_pipeline(choice)
    known = reference_answers(reference, quantization_of(choice), shipped_dataset())
    reference.backend.close()
    notes = {NOTE: known.text(), "kws-trace.source_sha256": source["sha256"]}
    serialized = converted(choice.path, notes)
    with tempfile.TemporaryDirectory(prefix="kws-trace-") as folder:
        made = Path(folder) / "model.onnx"
        made.write_bytes(serialized)
        pipeline = load_pipeline(ModelChoice(made, threads=1))
        checked = check_known_answers(pipeline, known)
        pipeline.backend.close()
    try:
        with written_whole(out) as temporary:
            temporary.write_bytes(serialized)
    except OSError as error:
        raise WriteError(
            out, "it cannot be written", error, "give a file in a folder that you may write to"
        ) from None
    return {"onnx": model_facts(out), "source": source, "known_answers": checked}


def converted(path: Path, notes: dict[str, str]) -> bytes:
    """
    A SavedModel as a serialized ONNX model for a batch of one, with ``notes``.

    Raises:
        ModelError: if tf2onnx does not convert it.
    """
    frozen, ends = frozen_graph(import_tensorflow(), path), model_ends(path)
    tf2onnx: Any = importlib.import_module("tf2onnx")
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    try:
        proto, _ = tf2onnx.convert.from_graph_def(
            frozen, input_names=[ends.input], output_names=[ends.output], opset=OPSET
        )
    except (ValueError, RuntimeError, KeyError) as error:
        problem = f"tf2onnx does not convert it ({first_line(error)})"
        raise ModelError(path, problem, "try another version of tf2onnx") from None
    _set_batch(proto, 1)
    proto.ir_version = min(proto.ir_version, IR_VERSION)
    for key, text in notes.items():
        proto.metadata_props.add(key=key, value=text)
    serialized: bytes = proto.SerializeToString()
    return serialized


def with_batch(serialized: bytes, batch: int) -> bytes:
    """What ``converted`` gave, for a batch of another size; the operations in it take any."""
    onnx: Any = importlib.import_module("onnx")
    proto = onnx.load_model_from_string(serialized)
    _set_batch(proto, batch)
    changed: bytes = proto.SerializeToString()
    return changed


def _set_batch(proto: Any, batch: int) -> None:
    # A batch of unknown size keeps shapes from being folded.
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
