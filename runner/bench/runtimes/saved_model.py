"""A SavedModel in a v1 Session, and the same as one frozen graph: what every float candidate is made from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runner.inference.backends import tensorflow_graph
from runner.inference.backends.backend import CLASSES, INPUT_SHAPE


class SessionModel:
    """
    The model as it was exported, in a Session of its own.

    ``threads`` are of one operation.
    """

    def __init__(self, path: Path, threads: int) -> None:
        # Sessions and the eager runtime share a GPU here: neither may take all of it.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        self.tf: Any = tensorflow_graph.import_tensorflow()
        tf = self.tf
        _limit_eager_threads(tf, threads)
        self.path, self.threads = path, threads
        given, gives = tensorflow_graph.model_ends(path)
        self.input_name: str = given.name
        self.output_name: str = gives.name
        self.shape = [1, *(dimension.size for dimension in given.tensor_shape.dim[1:])]
        with tf.Graph().as_default() as graph:
            self.session: Any = self.new_session()
            tensorflow_graph.load_graph(tf, self.session, path)
        self.graph: Any = graph
        self.input: Any = graph.get_tensor_by_name(self.input_name)
        self.output: Any = graph.get_tensor_by_name(self.output_name)
        # Nothing pins the graph: TensorFlow puts it on the GPU where it sees one.
        self.device = next(
            (name for name in tensorflow_graph.seen_devices(self.session) if name.startswith("GPU")), "CPU:0"
        )

    def new_session(self) -> Any:
        """A Session over the graph in force, with the threads of all."""
        config = tensorflow_graph.session_config(self.tf, None, self.threads)
        config.inter_op_parallelism_threads = self.threads
        return self.tf.compat.v1.Session(config=config)

    def freeze(self) -> Any:
        """The GraphDef with its variables as constants; node names stay."""
        from tensorflow.python.framework import convert_to_constants

        return convert_to_constants.convert_variables_to_constants_from_session_graph(
            self.session, self.graph.as_graph_def(), [self.output_name.partition(":")[0]]
        )

    def import_frozen(self, frozen: Any, source: Any) -> Any:
        """The frozen graph in the graph in force, fed by ``source``; returns its output (1, 12)."""
        tf = self.tf
        shaped = source if self.shape == list(INPUT_SHAPE) else tf.reshape(source, self.shape)
        (output,) = tf.graph_util.import_graph_def(frozen, {self.input_name: shaped}, [self.output_name], name="")
        return tf.reshape(output, [1, CLASSES]) if output.shape.rank != 2 else output


def _limit_eager_threads(tf: Any, threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        return  # the eager runtime runs already, with the threads that it was given first
