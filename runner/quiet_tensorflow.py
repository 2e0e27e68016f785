"""TensorFlow's import, the same for all who need it: quiet, and sharing the GPU."""

from __future__ import annotations

import os
from typing import Any

from tracer.errors import not_installed


def import_tensorflow() -> Any:
    """TensorFlow, imported quietly."""
    # Its C++ side greets at length on standard error, where a host's log may be read.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Sessions and the eager runtime may share a GPU: neither may take all of it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        import tensorflow as tf
    except ImportError:
        raise not_installed("TensorFlow", "kws-trace[tensorflow]") from None
    # The v1 loader says at each start that it is deprecated; its successor does not read the reference model.
    tf.get_logger().setLevel("ERROR")
    return tf
