"""
A SavedModel in a TensorFlow v1 ``Session``, with the copies to and from the device as calls of their own.

Input and output are resource variables on the device; three callables assign from the host, run, and read.
The same code runs on a GPU and on a CPU. ``DirectSession`` synchronises the device when a call ends, so each
stage is done when its call returns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import CLASSES, INPUT_SHAPE
from runner.inference.backends.tensorflow_graph import (
    import_tensorflow,
    inline_callable,
    load_graph,
    model_ends,
    seen_devices,
    session_config,
)
from tracer.errors import DeviceError


class TensorFlowBackend:
    """
    A SavedModel with the tag ``serve`` and the signature ``serving_default``.

    ``device`` is ``GPU``, ``GPU:0``, ``CPU``, ``CPU:1``, ...; None takes the first GPU, else the CPU.
    ``threads`` are of one operation; None leaves TensorFlow's own choice.

    Raises:
        DeviceError: if TensorFlow does not see the device.
        ModelError: if the folder holds no such model.
        NotInstalledError: if TensorFlow is not installed.
    """

    name = "tensorflow"
    input_dtype: np.dtype[Any] = np.dtype(np.float32)
    input_scale: float | None = None
    input_zero_point: int | None = None

    def __init__(self, path: Path, device: str | None = None, threads: int | None = None) -> None:
        tf = import_tensorflow()
        self.version: str = tf.__version__
        self.threads = threads
        self.host_input: NDArray[Any] = np.zeros(INPUT_SHAPE, np.float32)
        self._graph = tf.Graph()
        with self._graph.as_default():
            self._session: Any = tf.compat.v1.Session(config=session_config(tf, device, threads))
            self.device = _choose_device(self._session, device)
            with tf.device(self.device):
                nodes = _build(tf, self._session, path)
        self._session.run([nodes["input"].initializer, nodes["output"].initializer])
        session = self._session
        feed = nodes["feed"].name
        self._assign = inline_callable(session, feeds=[feed], targets=[nodes["assign"].name])
        self._run = inline_callable(session, targets=[nodes["run"].name])
        self._read = inline_callable(session, fetches=[nodes["read"].name])
        self._whole = inline_callable(session, [nodes["model_input"].name], [nodes["model_output"].name])
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


def _choose_device(session: Any, wanted: str | None) -> str:
    seen = seen_devices(session)
    if wanted is None:
        return f"/device:{next((name for name in seen if name.startswith('GPU')), seen[0])}"
    plain = wanted.upper().rsplit("/", 1)[-1].removeprefix("DEVICE:")
    plain = plain if ":" in plain else f"{plain}:0"
    if plain not in seen:
        raise DeviceError(f"no device {wanted}; the runtime sees {', '.join(seen)}: name one of them with --device")
    return f"/device:{plain}"


def _build(tf: Any, session: Any, path: Path) -> dict[str, Any]:
    """Load the model between two variables on the device in force; returns the nodes that the callables name."""
    v1 = tf.compat.v1
    given, gives = model_ends(path)
    with tf.device("/device:CPU:0"):
        feed = v1.placeholder(tf.float32, INPUT_SHAPE, "kws_trace_feed")
    initial = np.zeros(INPUT_SHAPE, np.float32)
    source = v1.get_variable("kws_trace_input", initializer=initial, use_resource=True)
    # Fed, the default is left out: the fused call; not fed, the model reads the variable.
    model_input = v1.placeholder_with_default(source.read_value(), INPUT_SHAPE, "kws_trace_model_input")
    shape = [dimension.size for dimension in given.tensor_shape.dim]
    shaped = tf.reshape(model_input, [1 if size < 0 else size for size in shape])
    load_graph(tf, session, path, {given.name: shaped})
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
