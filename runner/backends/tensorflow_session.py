"""
A SavedModel in a TensorFlow v1 ``Session``, with the copies to and from the device as calls of their own.

Input and output are resource variables on the device; three callables assign from the host, run, and read.
The same code runs on a GPU and on a CPU. ``DirectSession`` synchronises the device when a call ends, so each
stage is done when its call returns.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.backends.backend import CLASSES, INPUT_SHAPE, INPUT_VALUES
from runner.model_errors import DeviceError, ModelError, ModelShapeError, RuntimeMissingError


class TensorFlowBackend:
    """
    A SavedModel with the tag ``serve`` and the signature ``serving_default``.

    Args:
        path: the SavedModel's folder.
        device: ``GPU``, ``GPU:0``, ``CPU``, ``CPU:1``, ...; None takes the first GPU, else the CPU.
        threads: of one operation; None leaves TensorFlow's own choice.

    Raises:
        DeviceError: if TensorFlow does not see the device.
        ModelError, ModelShapeError: if the folder holds no such model.
        RuntimeMissingError: if TensorFlow is not installed.
    """

    name = "tensorflow"
    input_dtype: np.dtype[Any] = np.dtype(np.float32)
    input_scale: float | None = None
    input_zero_point: int | None = None

    def __init__(self, path: Path, device: str | None = None, threads: int | None = None) -> None:
        tf = _import_tensorflow()
        self.version: str = tf.__version__
        self.threads = threads
        self.host_input: NDArray[Any] = np.zeros(INPUT_SHAPE, np.float32)
        self._graph = tf.Graph()
        with self._graph.as_default():
            self._session: Any = tf.compat.v1.Session(config=_config(tf, device, threads))
            self.device = _choose_device(self._session, device)
            with tf.device(self.device):
                nodes = _build(tf, self._session, path)
        self._session.run([nodes["input"].initializer, nodes["output"].initializer])
        make = self._session._make_callable_from_options  # noqa: SLF001 -- the only door to inline execution
        feed = nodes["feed"].name
        self._assign = make(_options(feeds=[feed], targets=[nodes["assign"].name]))
        self._run = make(_options(targets=[nodes["run"].name]))
        self._read = make(_options(fetches=[nodes["read"].name]))
        self._whole = make(_options(feeds=[nodes["model_input"].name], fetches=[nodes["model_output"].name]))
        self._output: Any = [np.zeros((1, CLASSES), np.float32)]

    def host_to_device(self) -> None:
        """Assign the host's array to the input variable on the device."""
        self._assign(self.host_input)

    def session_run(self) -> None:
        """Run the model from the input variable to the output variable."""
        self._run()

    def readback(self) -> None:
        """Read the output variable."""
        self._output = self._read()

    def fused(self) -> None:
        """Feed, run and fetch in one call."""
        self._output = self._whole(self.host_input)

    def probabilities(self) -> NDArray[np.float32]:
        """float32 (12,)."""
        return np.asarray(self._output[0], np.float32).reshape(CLASSES)

    def close(self) -> None:
        """Close the session."""
        self._session.close()


def _import_tensorflow() -> Any:
    # Its C++ side greets at length on standard error, where a host's log may be read.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow as tf
    except ImportError:
        raise RuntimeMissingError("TensorFlow", "kws-trace[tensorflow]") from None
    # The v1 loader says at each start that it is deprecated; its successor does not read the reference model.
    tf.get_logger().setLevel("ERROR")
    return tf


def _config(tf: Any, device: str | None, threads: int | None) -> Any:
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


def _choose_device(session: Any, wanted: str | None) -> str:
    seen: list[str] = [found.name.rsplit("/device:", 1)[-1] for found in session.list_devices()]
    seen = [name for name in seen if not name.startswith("XLA_")]
    if wanted is None:
        return f"/device:{next((name for name in seen if name.startswith('GPU')), seen[0])}"
    plain = wanted.upper().rsplit("/", 1)[-1].removeprefix("DEVICE:")
    plain = plain if ":" in plain else f"{plain}:0"
    if plain not in seen:
        raise DeviceError(wanted, seen)
    return f"/device:{plain}"


def _build(tf: Any, session: Any, path: Path) -> dict[str, Any]:
    """Load the model between two variables on the device in force; returns the nodes that the callables name."""
    v1 = tf.compat.v1
    signature = _signature(path)
    given, gives = next(iter(signature.inputs.values())), next(iter(signature.outputs.values()))
    _check(path, given, gives)
    with tf.device("/device:CPU:0"):
        feed = v1.placeholder(tf.float32, INPUT_SHAPE, "kws_trace_feed")
    initial = np.zeros(INPUT_SHAPE, np.float32)
    source = v1.get_variable("kws_trace_input", initializer=initial, use_resource=True)
    # Fed, the default is left out: the fused call; not fed, the model reads the variable.
    model_input = v1.placeholder_with_default(source.read_value(), INPUT_SHAPE, "kws_trace_model_input")
    shape = [dimension.size for dimension in given.tensor_shape.dim]
    shaped = tf.reshape(model_input, [1 if size < 0 else size for size in shape])
    try:
        v1.saved_model.loader.load(session, ["serve"], str(path), input_map={given.name: shaped})
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(path, f"TensorFlow does not load it ({reason})", "export the model again") from None
    output = tf.reshape(session.graph.get_tensor_by_name(gives.name), [1, CLASSES])
    target = v1.get_variable("kws_trace_output", initializer=np.zeros((1, CLASSES), np.float32), use_resource=True)
    return {
        "feed": feed,
        "input": source,
        "output": target,
        "assign": source.assign(feed, read_value=False),
        "run": target.assign(output, read_value=False),
        "read": target.read_value(),
        "model_input": model_input,
        "model_output": output,
    }


def _signature(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        data = (path / "saved_model.pb").read_bytes()
        saved = saved_model_pb2.SavedModel.FromString(data)
    except FileNotFoundError:
        raise ModelError(path, "no saved_model.pb in it", "name the SavedModel's own folder") from None
    except DecodeError:
        raise ModelError(path, "its saved_model.pb is damaged", "export the model again") from None
    for graph in saved.meta_graphs:
        if "serve" in graph.meta_info_def.tags and "serving_default" in graph.signature_def:
            return graph.signature_def["serving_default"]
    raise ModelError(path, "no signature serving_default with the tag serve", "export it for serving")


def _check(path: Path, given: Any, gives: Any) -> None:
    shapes = [tuple(d.size for d in tensor.tensor_shape.dim) for tensor in (given, gives)]
    # A first dimension of -1 is the batch.
    sizes = [int(np.prod([1 if i == 0 and d < 0 else d for i, d in enumerate(shape)])) for shape in shapes]
    if sizes != [INPUT_VALUES, CLASSES]:
        raise ModelShapeError(path, *shapes)


def _options(feeds: Sequence[str] = (), fetches: Sequence[str] = (), targets: Sequence[str] = ()) -> Any:
    from tensorflow.core.protobuf import config_pb2

    options = config_pb2.CallableOptions(feed=feeds, fetch=fetches, target=targets)
    # -1 runs the graph in the calling thread: the hand-over to a pool costs more than most operations here.
    options.run_options.inter_op_thread_pool = -1
    return options
