"""TensorFlow's own ways of calling one SavedModel, each a layer thinner than the one before; and XLA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.bench.runtimes.candidate import REFERENCE, Absent, Candidate, FloatInput, Found
from runner.bench.runtimes.saved_model import SessionModel
from runner.inference.backends.backend import CLASSES, INPUT_SHAPE
from runner.inference.backends.tensorflow_graph import inline_callable
from tracer.errors import first_line

CALLABLE = "TensorFlow make_callable"
INLINE = "TensorFlow inline callable"
FROZEN = "TensorFlow frozen, inline"
XLA = "TensorFlow frozen with XLA"
LOADED = "TensorFlow saved_model.load"
NAMES = (REFERENCE, CALLABLE, INLINE, FROZEN, XLA, LOADED)


def tensorflow_candidates(model: SessionModel, frozen: Any, given: FloatInput) -> Found:
    """Every way that TensorFlow has here."""
    tf, session, host = model.tf, model.session, given.array.reshape(model.shape)
    made = session.make_callable(model.output, [model.input])
    inline = inline_callable(session, [model.input_name], [model.output_name])
    # The dictionary is made in each call, as a program does it: it is part of what this way costs.
    calls: dict[str, Callable[[], Any]] = {
        REFERENCE: lambda: session.run(model.output, {model.input: host}),
        CALLABLE: lambda: made(host),
        INLINE: lambda: inline(host),
    }
    closes: dict[str, Callable[[], None]] = {REFERENCE: session.close}
    absent: list[Absent] = []
    for name, compiled in ((FROZEN, False), (XLA, True)):
        try:
            calls[name], closes[name] = _frozen_call(model, frozen, given.array, compiled=compiled)
        except tf.errors.OpError as error:
            absent.append(Absent(name, first_line(error), "see what TensorFlow says with TF_CPP_MIN_LOG_LEVEL=0"))
    try:
        calls[LOADED] = _loaded_call(model, host)
    except (AttributeError, ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        # Restoring Keras objects fails in as many ways as there were Keras releases.
        absent.append(Absent(LOADED, f"it does not load it: {first_line(error)}", "export the model again"))
    return Found([_candidate(name, model, given, call, closes.get(name)) for name, call in calls.items()], absent)


def _frozen_call(
    model: SessionModel, frozen: Any, host: NDArray[np.float32], *, compiled: bool
) -> tuple[Callable[[], Any], Callable[[], None]]:
    """The frozen graph in a Session of its own, called inline; run once, so that what fails fails here."""
    tf = model.tf
    with tf.Graph().as_default():
        source = tf.compat.v1.placeholder(tf.float32, INPUT_SHAPE)

        def graph(features: Any) -> Any:
            return model.import_frozen(frozen, features)

        if compiled:
            with tf.device(f"/device:{model.device}"):
                output = tf.function(graph, jit_compile=True)(source)
        else:
            output = graph(source)
        session = model.new_session()
        inline = inline_callable(session, [source.name], [output.name])
    inline(host)
    return lambda: inline(host), session.close


def _loaded_call(model: SessionModel, host: NDArray[np.float32]) -> Callable[[], Any]:
    tf = model.tf
    signature = tf.saved_model.load(str(model.path)).signatures["serving_default"]
    (key,) = signature.structured_input_signature[1]
    (gives,) = signature.structured_outputs
    constant = tf.constant

    def call() -> Any:
        # By keyword: called positionally it costs some 2 ms more, the formatting of an error that nobody sees.
        return signature(**{key: constant(host)})[gives].numpy()

    call()
    return call


def _candidate(
    name: str, model: SessionModel, given: FloatInput, call: Callable[[], Any], close: Callable[[], None] | None
) -> Candidate:
    def probabilities() -> NDArray[np.float32]:
        return np.asarray(call(), np.float32).reshape(CLASSES)

    def nothing() -> None:
        """It shares the Session of the first, which is closed with that."""

    version, device = model.tf.__version__, model.device.replace("CPU:0", "CPU")
    return Candidate(name, version, "float32", device, given.load, call, probabilities, close or nothing)
