"""A SavedModel as ``tf.saved_model.load`` gives it: TensorFlow's eager runtime, without a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import FloatBackend, input_shape
from runner.inference.backends.tensorflow_graph import model_ends
from runner.quiet_tensorflow import import_tensorflow
from tracer.errors import ModelError, first_line


class TensorFlowFunctionBackend(FloatBackend):
    """
    The signature ``serving_default`` as a function over eager tensors, on the device that TensorFlow puts it on.

    ``threads`` hold for the process: the first backend that runs eagerly sets them. ``batch`` inputs run at a
    time.

    Raises:
        ModelError: if TensorFlow does not load or run the model in this way.
        NotInstalledError: if TensorFlow is not installed.
    """

    name = "tensorflow"
    way = "loaded"

    def __init__(self, path: Path, threads: int | None = None, batch: int = 1) -> None:
        tf = self._tf = import_tensorflow()
        self.version: str = tf.__version__
        self.threads = threads
        _limit_eager_threads(tf, threads)
        self.host_input: NDArray[Any] = np.zeros(input_shape(batch), np.float32)
        # A view: what is written into the one is in the other.
        self._host = self.host_input.reshape(model_ends(path, batch).input_shape)
        try:
            self._signature = tf.saved_model.load(str(path)).signatures["serving_default"]
            (self._key,) = self._signature.structured_input_signature[1]
            (self._gives,) = self._signature.structured_outputs
            self.fused()
        except (AttributeError, ValueError, TypeError, KeyError, OSError, tf.errors.OpError) as error:
            # Restoring Keras objects fails in as many ways as there were Keras releases.
            raise ModelError(path, f"it does not load it: {first_line(error)}", "export the model again") from None
        self.device: str = self._result.device.rsplit("/", 1)[-1].removeprefix("device:")
        self._on_gpu = self.device.startswith("GPU")

    def host_to_device(self) -> None:
        """Make an eager tensor of the host's array."""
        self._given = self._tf.constant(self._host)
        self._synchronize()

    def session_run(self) -> None:
        """Call the signature."""
        # By keyword: called positionally it costs some 2 ms more, the formatting of an error that nobody sees.
        self._result = self._signature(**{self._key: self._given})[self._gives]
        self._synchronize()

    def readback(self) -> None:
        """Copy the answer into an array."""
        self._output = self._result.numpy()

    def fused(self) -> None:
        """All three, as a program writes them."""
        self._result = self._signature(**{self._key: self._tf.constant(self._host)})[self._gives]
        self._output = self._result.numpy()

    def close(self) -> None:
        """Let the model go."""
        self._signature = self._result = None

    def _synchronize(self) -> None:
        if self._on_gpu:
            # Eager calls return when the work is queued.
            self._tf.test.experimental.sync_devices()


def _limit_eager_threads(tf: Any, threads: int | None) -> None:
    if not threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        return  # the eager runtime runs already, with the threads that it was given first
