"""An input and a backend as the stages of an inference. Knows nothing of a serial line or of recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import Backend
from tracer.errors import DatasetError
from tracer.quantization import Quantization
from tracer.recording.inference_loop import Stage
from tracer.stages import INFERENCE


def input_size_error(size: int, sizes: tuple[int, ...]) -> DatasetError:
    """An input that is not what the model takes."""
    takes = " or ".join(str(known) for known in sizes)
    return DatasetError(f"an input of {size} bytes", f"this model takes {takes} (490 int8, or 490 float32 values)")


def dequantize_into(out: NDArray[np.float32], counts: NDArray[np.int8], quantization: Quantization) -> None:
    """Turn quantized MFCC features (int8) into the model's float input ``out``, of the same shape, in place."""
    # float32 holds every difference of two bytes exactly, so the order of the two steps loses nothing.
    np.subtract(counts, np.float32(quantization.zero_point), out=out, dtype=np.float32)
    np.multiply(out, np.float32(quantization.scale), out=out)


class Pipeline:
    """
    The stages of one inference over one loaded input.

    Args:
        backend: the loaded model.
        quantization: of int8 inputs to a float model; an int8 model has its own and takes the bytes as they are.
        timed: ``reference`` dequantizes once in ``load``, as the reference firmware does; ``end-to-end`` in
            each inference.
        mode: ``split`` measures stages; ``fused`` runs an inference in one call.
    """

    def __init__(self, backend: Backend, quantization: Quantization | None, timed: str, mode: str) -> None:
        self.backend = backend
        self.timed = timed
        self.mode = mode
        self._float_model = backend.input_dtype == np.float32
        self.quantization = quantization if self._float_model else _own_quantization(backend)
        values = backend.host_input.size
        self.buffer_sizes = (values, 4 * values) if self._float_model else (values,)
        self._counts = np.zeros(backend.host_input.shape, np.int8)
        self._holds_counts = True
        self._host = backend.host_input

    def load(self, data: bytes) -> None:
        """
        Make an input ready: what the reference firmware does in ``th_load_tensor``, outside the laps.

        ``data`` is 490 bytes of int8, or for a float model 1960 of little-endian float32; those of a batch follow
        one another.

        Raises:
            DatasetError: if it is of another size.
        """
        if len(data) not in self.buffer_sizes:
            raise input_size_error(len(data), self.buffer_sizes)
        self._holds_counts = len(data) == self.buffer_sizes[0]
        if not self._holds_counts:
            self._host[...] = np.frombuffer(data, "<f4").reshape(self._host.shape)
            return
        counts = np.frombuffer(data, np.int8).reshape(self._host.shape)
        if not self._float_model:
            self._host[...] = counts
            return
        self._counts[...] = counts
        self._dequantize()

    def stages(self) -> tuple[tuple[str, Stage], ...]:
        """Name and callable of each stage of an inference over the loaded input; absent ones are left out."""
        backend = self.backend
        repeats = self.timed == "end-to-end" and self._float_model and self._holds_counts
        if self.mode == "fused":
            return ((INFERENCE, self._fused_with_dequantize if repeats else backend.fused),)
        split: tuple[tuple[str, Stage], ...] = (
            ("host_to_device", backend.host_to_device),
            ("session_run", backend.session_run),
            ("readback", backend.readback),
        )
        return (("dequantize", self._dequantize), *split) if repeats else split

    def in_mode(self, mode: str) -> Pipeline:
        """The same model and input in the other mode, to measure what splitting costs."""
        other = Pipeline(self.backend, self.quantization, self.timed, mode)
        other._counts, other._holds_counts = self._counts, self._holds_counts
        return other

    def _dequantize(self) -> None:
        if self.quantization is not None:
            dequantize_into(self._host, self._counts, self.quantization)

    def _fused_with_dequantize(self) -> None:
        self._dequantize()
        self.backend.fused()


def _own_quantization(backend: Backend) -> Quantization | None:
    if backend.input_scale is None or backend.input_zero_point is None:
        return None
    return Quantization(backend.input_scale, backend.input_zero_point)
