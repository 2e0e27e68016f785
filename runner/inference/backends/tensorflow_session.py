"""
A SavedModel in a TensorFlow v1 ``Session``, with the copies to and from the device as calls of their own.

Input and output are resource variables on the device; three calls assign from the host, run, and read. The same code
runs on a GPU and on a CPU. ``DirectSession`` synchronises the device when a call ends, so each stage is done when its
call returns. On a CPU ``Session.run`` may give the variable the host's array itself: nothing is copied there, and the
stage is as short as that is. The ways differ in how a call is made, and in what graph stands between the variables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import CLASSES, FloatBackend, chosen_device, input_shape
from runner.inference.backends.tensorflow_graph import (
    frozen_graph,
    inline_callable,
    load_graph,
    model_ends,
    seen_devices,
    session_config,
)
from runner.quiet_tensorflow import import_tensorflow
from tracer.errors import ModelError, first_line

SessionWay = Literal["session", "callable", "inline", "frozen", "xla"]
"""
From the thickest to the thinnest: ``Session.run``, ``Session.make_callable``, a callable that runs in the calling
thread, the same over a graph whose variables are constants, and that graph compiled by XLA.
"""


class TensorFlowBackend(FloatBackend):
    """
    A SavedModel with the tag ``serve`` and the signature ``serving_default``.

    ``device`` is ``GPU``, ``GPU:0``, ``CPU``, ``CPU:1``, ...; None takes the first GPU, else the CPU.
    ``threads`` are of one operation and of operations side by side; None leaves TensorFlow's own choice.
    ``batch`` inputs are run at a time.

    Raises:
        DeviceError: if TensorFlow does not see the device.
        ModelError: if the folder holds no such model, or TensorFlow does not run it in this way.
        NotInstalledError: if TensorFlow is not installed.
    """

    name = "tensorflow"

    def __init__(
        self,
        path: Path,
        device: str | None = None,
        threads: int | None = None,
        way: SessionWay = "inline",
        batch: int = 1,
    ) -> None:
        tf = import_tensorflow()
        self.version: str = tf.__version__
        self.threads = threads
        self.way: str = way
        self.host_input: NDArray[Any] = np.zeros(input_shape(batch), np.float32)
        self._output: Any = np.zeros((batch, CLASSES), np.float32)
        with tf.Graph().as_default():
            self._session: Any = tf.compat.v1.Session(config=session_config(tf, device, threads))
            self.device = chosen_device(seen_devices(self._session), device)
            with tf.device(self.device):
                nodes = _build(tf, self._session, path, way, batch)
        self._session.run([nodes["input"].initializer, nodes["output"].initializer])
        call = partial(_CALLS.get(way, _inline), self._session)
        self._assign = call(nodes["feed"], None, nodes["assign"])
        self._run = call(None, None, nodes["run"])
        self._read = call(None, nodes["read"], None)
        self._whole = call(nodes["model_input"], nodes["model_output"], None)
        try:
            self._whole(self.host_input)
            self._run()
        except tf.errors.OpError as error:
            problem = f"TensorFlow does not run it as `{way}` ({first_line(error)})"
            raise ModelError(path, problem, "TF_CPP_MIN_LOG_LEVEL=0 shows what TensorFlow says") from None

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

    def close(self) -> None:
        """Close the session."""
        self._session.close()


def _build(tf: Any, session: Any, path: Path, way: SessionWay, batch: int) -> dict[str, Any]:
    """Put the model between two variables on the device in force; returns the nodes that the calls name."""
    v1, shape = tf.compat.v1, input_shape(batch)
    with tf.device("/device:CPU:0"):
        feed = v1.placeholder(tf.float32, shape, "kws_trace_feed")
    initial, empty = np.zeros(shape, np.float32), np.zeros((batch, CLASSES), np.float32)
    source = v1.get_variable("kws_trace_input", initializer=initial, use_resource=True)
    # Fed, the default is left out: the fused call; not fed, the model reads the variable.
    model_input = v1.placeholder_with_default(source.read_value(), shape, "kws_trace_model_input")
    output = _model(tf, session, path, way, model_input)
    target = v1.get_variable("kws_trace_output", initializer=empty, use_resource=True)
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


def _model(tf: Any, session: Any, path: Path, way: SessionWay, source: Any) -> Any:
    """The model's output (batch, 12) over ``source``, in the graph in force."""
    batch = int(source.shape[0])
    ends = model_ends(path, batch)

    def shaped(tensor: Any, shape: tuple[int, ...]) -> Any:
        # A reshape would be one more operation in each inference.
        return tensor if tuple(tensor.shape.as_list()) == shape else tf.reshape(tensor, shape)

    if way in ("session", "callable", "inline"):
        load_graph(tf, session, path, {ends.input: shaped(source, ends.input_shape)})
        return shaped(session.graph.get_tensor_by_name(ends.output), (batch, CLASSES))
    frozen = frozen_graph(tf, path)

    def graph(features: Any) -> Any:
        given = {ends.input: shaped(features, ends.input_shape)}
        (output,) = tf.graph_util.import_graph_def(frozen, given, [ends.output], name="")
        return shaped(output, (batch, CLASSES))

    return tf.function(graph, jit_compile=True)(source) if way == "xla" else graph(source)


Call = Callable[..., Any]


def _session_run(session: Any, feed: Any, fetch: Any, target: Any) -> Call:
    wanted = target if fetch is None else fetch
    if feed is None:
        return lambda: session.run(wanted)
    # The dictionary is made in each call, as a program does it: it is part of what this way costs.
    return lambda value: session.run(wanted, {feed: value})


def _made_callable(session: Any, feed: Any, fetch: Any, target: Any) -> Call:
    made: Call = session.make_callable(target if fetch is None else fetch, None if feed is None else [feed])
    return made


def _inline(session: Any, feed: Any, fetch: Any, target: Any) -> Call:
    names = [[] if node is None else [node.name] for node in (feed, fetch, target)]
    made: Call = inline_callable(session, *names)
    return made


_CALLS = {"session": _session_run, "callable": _made_callable}
