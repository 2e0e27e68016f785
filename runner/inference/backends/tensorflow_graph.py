"""What every way of running a SavedModel in TensorFlow shares: import, signature, sessions, callables, freezing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.inference.backends.backend import checked_ends, cpu_number
from runner.model_graphs.savedmodel import serving_ends, serving_graph
from tracer.errors import ModelError, first_line


def session_config(tf: Any, device: str | None, threads: int | None) -> Any:
    """
    A session's ``ConfigProto``: no soft placement, GPU memory as it is needed, the logical CPUs that are named, and
    then no GPU.

    ``threads`` are of one operation, and as many run operations beside one another.
    """
    config = tf.compat.v1.ConfigProto(allow_soft_placement=False)
    # A Jetson's GPU shares the system's memory: take it as it is needed.
    config.gpu_options.allow_growth = True
    if threads:
        config.intra_op_parallelism_threads = threads
        config.inter_op_parallelism_threads = threads
    if (number := cpu_number(device)) is not None:
        # More than one logical CPU exists only where it is asked for.
        config.device_count["CPU"] = number + 1
        # Seen, a GPU would take the operations that name no device, and memory.
        config.device_count["GPU"] = 0
    return config


@dataclass(frozen=True, slots=True)
class ModelEnds:
    """Names of the input and output tensors of a SavedModel of the benchmark, and the input's shape for a batch."""

    input: str
    output: str
    input_shape: tuple[int, ...]


def model_ends(path: Path, batch: int = 1) -> ModelEnds:
    """
    The ends of a SavedModel's signature ``serving_default``, read without TensorFlow.

    Raises:
        ModelError: if the folder holds none, or the model is not of the benchmark or does not take ``batch`` inputs.
    """
    given, gives = serving_ends(serving_graph(path))
    return ModelEnds(given.name, gives.name, checked_ends(path, given.shape, gives.shape, batch)[0])


def load_graph(tf: Any, session: Any, path: Path, input_map: dict[str, Any] | None = None) -> None:
    """Load the graph with the tag ``serve`` into a session, with ``input_map`` in place of some of its tensors."""
    try:
        tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path), input_map=input_map)
    except (OSError, RuntimeError, ValueError, tf.errors.OpError) as error:
        reason = first_line(error)
        raise ModelError(path, f"TensorFlow does not load it ({reason})", "export the model again") from None


@contextmanager
def loaded_session(tf: Any, path: Path) -> Iterator[Any]:
    """A session that holds the model as it was exported; closed afterwards."""
    with tf.Graph().as_default(), tf.compat.v1.Session(config=session_config(tf, None, None)) as session:
        load_graph(tf, session, path)
        yield session


def frozen_graph(tf: Any, path: Path) -> Any:
    """The model's GraphDef with its variables as constants; names of nodes stay."""
    from tensorflow.python.framework import convert_to_constants

    with loaded_session(tf, path) as session:
        return convert_to_constants.convert_variables_to_constants_from_session_graph(
            session, session.graph.as_graph_def(), [model_ends(path).output.partition(":")[0]]
        )


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
