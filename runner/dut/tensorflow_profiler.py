"""TensorFlow's own profiler around a block of work: the kernel level where there is no nsys, or no GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.runtime_output import RuntimeOutput
from tracer.errors import ProfilerError

_PROFILER = "TensorFlow's profiler"
OPS_LEVEL = 2
"""Host tracer level that records our ranges and the ops that TensorFlow calls expensive; 3 records every op."""


@contextmanager
def profile_block(logdir: Path) -> Iterator[None]:
    """
    Profile what runs inside; Python's own calls are not traced. What TensorFlow says meanwhile is shown if it fails.

    TensorFlow makes ``plugins/profile/<time>/`` in ``logdir``.

    Raises:
        ProfilerError: if another profiler runs in this process, or no file was written. An error of the block itself
            goes through; what had been recorded by then is saved.
    """
    import tensorflow as tf

    profiler = tf.profiler.experimental
    before = set(logdir.rglob("*.xplane.pb"))
    options = profiler.ProfilerOptions(host_tracer_level=OPS_LEVEL, python_tracer_level=0, device_tracer_level=1)
    # It complains of options that it gave itself, four lines a capture.
    with RuntimeOutput() as output, output.kept():
        try:
            profiler.start(str(logdir), options)
        except tf.errors.AlreadyExistsError:
            remedy = "stop it, or leave out --profiler tensorflow"
            raise ProfilerError(_PROFILER, "another one runs in this process", remedy) from None
        try:
            yield
        finally:
            _stop(profiler, logdir)
    if not set(logdir.rglob("*.xplane.pb")) - before:
        raise ProfilerError(
            _PROFILER, f"it left no *.xplane.pb in {logdir}", "see whether that folder can be written to"
        )


def _stop(profiler: Any, logdir: Path) -> None:
    import tensorflow as tf

    try:
        profiler.stop()
    except tf.errors.OpError as error:
        problem = f"it did not end well ({error.message})"
        raise ProfilerError(_PROFILER, problem, f"see whether {logdir} can be written to") from error
