"""What every way of running a SavedModel in TensorFlow shares: import, signature, session and callables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runner.inference.backends.backend import CLASSES, INPUT_VALUES, other_task
from tracer.errors import ModelError, first_line, not_installed
from tracer.given_files import read_file


def import_tensorflow() -> Any:
    """TensorFlow, imported quietly."""
    # Its C++ side greets at length on standard error, where a host's log may be read.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow as tf
    except ImportError:
        raise not_installed("TensorFlow", "kws-trace[tensorflow]") from None
    # The v1 loader says at each start that it is deprecated; its successor does not read the reference model.
    tf.get_logger().setLevel("ERROR")
    return tf


def session_config(tf: Any, device: str | None, threads: int | None) -> Any:
    """A session's ``ConfigProto``: no soft placement, GPU memory as it is needed, the logical CPUs that are named."""
    config = tf.compat.v1.ConfigProto(allow_soft_placement=False)
    # A Jetson's GPU shares the system's memory: take it as it is needed.
    config.gpu_options.allow_growth = True
    if threads:
        config.intra_op_parallelism_threads = threads
    kind, _, number = (device or "").rpartition(":")
    if kind.upper().endswith("CPU") and number.isdigit():
        # More than one logical CPU exists only where it is asked for.
        config.device_count["CPU"] = int(number) + 1
    return config


def serving_signature(path: Path) -> Any:
    """
    The signature ``serving_default`` of a SavedModel, without loading the model.

    Raises:
        ModelError: if the folder holds none.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        data = read_file(path / "saved_model.pb")
        saved = saved_model_pb2.SavedModel.FromString(data)
    except FileNotFoundError:
        raise ModelError(path, "no saved_model.pb in it", "name the SavedModel's own folder") from None
    except DecodeError:
        raise ModelError(path, "its saved_model.pb is damaged", "export the model again") from None
    for graph in saved.meta_graphs:
        if "serve" in graph.meta_info_def.tags and "serving_default" in graph.signature_def:
            return graph.signature_def["serving_default"]
    raise ModelError(path, "no signature serving_default with the tag serve", "export it for serving")


def load_graph(tf: Any, session: Any, path: Path, input_map: dict[str, Any] | None = None) -> None:
    """Load the graph with the tag ``serve`` into a session, with ``input_map`` in place of some of its tensors."""
    try:
        tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path), input_map=input_map)
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
        reason = first_line(error)
        raise ModelError(path, f"TensorFlow does not load it ({reason})", "export the model again") from None


def model_ends(path: Path) -> tuple[Any, Any]:
    """
    The input and the output of a SavedModel's signature ``serving_default``, without loading the model.

    Raises:
        ModelError: if the folder holds none, or the model is not of the benchmark.
    """
    signature = serving_signature(path)
    given, gives = next(iter(signature.inputs.values())), next(iter(signature.outputs.values()))
    shapes = [tuple(d.size for d in tensor.tensor_shape.dim) for tensor in (given, gives)]
    # A first dimension of -1 is the batch.
    sizes = [int(np.prod([1 if i == 0 and d < 0 else d for i, d in enumerate(shape)])) for shape in shapes]
    if sizes != [INPUT_VALUES, CLASSES]:
        raise other_task(path, *shapes)
    return given, gives


def seen_devices(session: Any) -> list[str]:
    """Names of the devices that a session sees, as ``GPU:0``; XLA's own are left out."""
    names = [found.name.rsplit("/device:", 1)[-1] for found in session.list_devices()]
    return [name for name in names if not name.startswith("XLA_")]


def inline_callable(
    session: Any, feeds: Sequence[str] = (), fetches: Sequence[str] = (), targets: Sequence[str] = ()
) -> Any:
    """A callable over tensor and operation names that runs the graph in the thread that calls it."""
    from tensorflow.core.protobuf import config_pb2

    options = config_pb2.CallableOptions(feed=feeds, fetch=fetches, target=targets)
    # -1 runs the graph in the calling thread: the hand-over to a pool costs more than most operations here.
    options.run_options.inter_op_thread_pool = -1
    return session._make_callable_from_options(options)  # noqa: SLF001 -- the only door to inline execution
