"""
A SavedModel in TensorFlow's C library: the stack of 2021, without Python's TensorFlow in the process.

The model is loaded as it is, which restores its weights; then its graph is put a second time between two variables
on the device, over the weights of the first. So the copies are calls of their own, as in ``tensorflow_session``.
``TF_SessionRun`` is what ``Session.run`` calls: the two differ by Python's part of the framework alone.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.inference.backends.backend import CLASSES, INPUT_SHAPE, FloatBackend, checked_ends, chosen_device
from runner.inference.backends.tensorflow_c_library import (
    FLOAT,
    Buffer,
    CLibrary,
    CLibraryError,
    Output,
    config_bytes,
    dimensions,
)
from runner.model_graphs.graph_nodes import read_nodes
from runner.model_graphs.savedmodel import serving_ends, serving_graph
from tracer.errors import ModelError, first_line

_PREFIX = "kws_trace_model"
_VARIABLES = ("VarHandleOp", "VariableV2")


class TensorFlowCBackend(FloatBackend):
    """
    A SavedModel with the tag ``serve`` and the signature ``serving_default``.

    ``device`` and ``threads`` are as ``TensorFlowBackend`` takes them.

    Raises:
        DeviceError: if the library does not see the device.
        ModelError: if the folder holds no such model, or the library does not load or run it.
        NotInstalledError: if ``library`` is no TensorFlow C library.
    """

    name = "tensorflow-c"
    way = "capi"

    def __init__(self, path: Path, library: Path, device: str | None = None, threads: int | None = None) -> None:
        saved = serving_graph(path)
        given, gives = serving_ends(saved)
        shapes = checked_ends(path, given.shape, gives.shape)
        self._library = CLibrary(library)
        self.version = self._library.version
        self.threads = threads
        self.host_input: NDArray[Any] = np.zeros(INPUT_SHAPE, np.float32)
        self._output: NDArray[Any] = np.zeros((1, CLASSES), np.float32)
        try:
            self._session = _Session(self._library, path, config_bytes(device, threads))
            self.device = chosen_device(self._session.devices(), device)
            self._prepare(saved, (given.name, gives.name), shapes)
            self.host_to_device()
            self.session_run()
            self.readback()
        except CLibraryError as error:
            problem = f"TensorFlow's C library does not run it ({first_line(error)})"
            raise ModelError(path, problem, "export the model again, or give another library") from None

    def host_to_device(self) -> None:
        """Copy the host's array into a TF_Tensor, and assign it to the input variable on the device."""
        ctypes.memmove(self._memory, self.host_input.ctypes.data, self.host_input.nbytes)
        self._assign()

    def session_run(self) -> None:
        """Run the model from the input variable to the output variable."""
        self._run()

    def readback(self) -> None:
        """Read the output variable."""
        self._read()

    def fused(self) -> None:
        """Feed, run and fetch in one ``TF_SessionRun``."""
        ctypes.memmove(self._memory, self.host_input.ctypes.data, self.host_input.nbytes)
        self._whole()

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _prepare(self, saved: Any, ends: tuple[str, str], shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
        """Variables, the model between them, and the four calls."""
        session, device = self._session, self.device
        source = session.variable("kws_trace_input", device, shapes[0])
        target = session.variable("kws_trace_output", device, shapes[1])
        session.import_again(saved, ends[0], session.node("ReadVariableOp", "kws_trace_features", device, [source]))
        output = session.output(f"{_PREFIX}/{ends[1]}")
        tensor, self._memory = self._library.float_tensor(shapes[0])
        feed = session.placeholder("kws_trace_feed", shapes[0])
        assign = session.node("AssignVariableOp", "kws_trace_assign", device, [source, feed])
        store = session.node("AssignVariableOp", "kws_trace_store", device, [target, output])
        read = session.node("ReadVariableOp", "kws_trace_read", device, [target])
        taken = self._output
        self._assign = session.call((feed, tensor), None, assign, taken)
        self._run = session.call(None, None, store, taken)
        self._read = session.call(None, read, None, taken)
        self._whole = session.call((session.output(ends[0]), tensor), session.output(ends[1]), None, taken)


class _Session:
    """A TF_Session over a SavedModel, and operations added to its graph."""

    def __init__(self, library: CLibrary, path: Path, config: bytes) -> None:
        self._library, self._tf = library, library.functions
        self._graph = self._tf.TF_NewGraph()
        options = self._tf.TF_NewSessionOptions()
        tags = (ctypes.c_char_p * 1)(b"serve")
        try:
            with library.status() as status:
                self._tf.TF_SetConfig(options, config, len(config), status)
            with library.status() as status:
                self._session = self._tf.TF_LoadSessionFromSavedModel(
                    options, None, str(path).encode(), tags, 1, self._graph, None, status
                )
        finally:
            self._tf.TF_DeleteSessionOptions(options)

    def devices(self) -> list[str]:
        """Names of the devices that it sees, as ``GPU:0``."""
        with self._library.status() as status:
            found = self._tf.TF_SessionListDevices(self._session, status)
        with self._library.status() as status:
            names = [
                self._tf.TF_DeviceListName(found, one, status) for one in range(self._tf.TF_DeviceListCount(found))
            ]
        self._tf.TF_DeleteDeviceList(found)
        plain = [name.decode().rsplit("/device:", 1)[-1] for name in names]
        return [name for name in plain if not name.startswith("XLA_")]

    def output(self, tensor: str) -> Output:
        """A tensor of the graph by its name, ``node:0``."""
        name, _, index = tensor.partition(":")
        operation = self._tf.TF_GraphOperationByName(self._graph, name.encode())
        if not operation:
            raise CLibraryError(f"its graph lacks the node {name}")
        return Output(operation, int(index or 0))

    def variable(self, name: str, device: str, shape: tuple[int, ...]) -> Output:
        """The handle of a float variable on the device."""
        made = self._tf.TF_NewOperation(self._graph, b"VarHandleOp", name.encode())
        self._tf.TF_SetDevice(made, device.encode())
        self._tf.TF_SetAttrType(made, b"dtype", FLOAT)
        self._tf.TF_SetAttrShape(made, b"shape", dimensions(shape), len(shape))
        return self._finished(made)

    def placeholder(self, name: str, shape: tuple[int, ...]) -> Output:
        """A placeholder of floats on the host."""
        made = self._tf.TF_NewOperation(self._graph, b"Placeholder", name.encode())
        self._tf.TF_SetDevice(made, b"/device:CPU:0")
        self._tf.TF_SetAttrType(made, b"dtype", FLOAT)
        self._tf.TF_SetAttrShape(made, b"shape", dimensions(shape), len(shape))
        return self._finished(made)

    def node(self, kind: str, name: str, device: str, inputs: list[Output]) -> Output:
        """An operation over float variables."""
        made = self._tf.TF_NewOperation(self._graph, kind.encode(), name.encode())
        self._tf.TF_SetDevice(made, device.encode())
        for one in inputs:
            self._tf.TF_AddInput(made, one)
        self._tf.TF_SetAttrType(made, b"dtype", FLOAT)
        return self._finished(made)

    def import_again(self, saved: Any, given: str, features: Output) -> None:
        """The model's graph once more, fed by ``features`` and over the variables that were restored."""
        serialized = saved.graph.SerializeToString()
        variables = [node.name for node in read_nodes(saved.graph.nodes).values() if node.op in _VARIABLES]
        options = self._tf.TF_NewImportGraphDefOptions()
        self._tf.TF_ImportGraphDefOptionsSetPrefix(options, _PREFIX.encode())
        for tensor, source in [(given, features), *((name, self.output(name)) for name in variables)]:
            name, _, index = tensor.partition(":")
            self._tf.TF_ImportGraphDefOptionsAddInputMapping(options, name.encode(), int(index or 0), source)
        held = ctypes.create_string_buffer(serialized, len(serialized))
        buffer = Buffer(ctypes.cast(held, ctypes.c_void_p), len(serialized), None)
        try:
            with self._library.status() as status:
                self._tf.TF_GraphImportGraphDef(self._graph, ctypes.byref(buffer), options, status)
        finally:
            self._tf.TF_DeleteImportGraphDefOptions(options)

    def call(
        self, fed: tuple[Output, Any] | None, fetched: Output | None, target: Output | None, taken: NDArray[Any]
    ) -> Any:
        """A ``TF_SessionRun`` whose arguments are made once; what it fetches is copied into ``taken``."""
        feeds, values = (Output * 1)(*([fed[0]] if fed else [])), (ctypes.c_void_p * 1)(fed[1] if fed else None)
        fetches, results = (Output * 1)(*([fetched] if fetched else [])), (ctypes.c_void_p * 1)()
        targets = (ctypes.c_void_p * 1)(target.oper if target else None)
        counts = int(fed is not None), int(fetched is not None), int(target is not None)
        run, session, tf = self._tf.TF_SessionRun, self._session, self._tf
        status, code, size, address = tf.TF_NewStatus(), tf.TF_GetCode, taken.nbytes, taken.ctypes.data

        def call() -> None:
            run(
                session, None, feeds, values, counts[0], fetches, results, counts[1], targets, counts[2], None, status
            )
            if code(status):
                raise CLibraryError(tf.TF_Message(status).decode("utf-8", "replace"))
            if counts[1]:
                ctypes.memmove(address, tf.TF_TensorData(results[0]), size)
                tf.TF_DeleteTensor(results[0])

        return call

    def close(self) -> None:
        """Close it, and let its memory go."""
        with self._library.status() as status:
            self._tf.TF_CloseSession(self._session, status)
        with self._library.status() as status:
            self._tf.TF_DeleteSession(self._session, status)
        self._tf.TF_DeleteGraph(self._graph)

    def _finished(self, made: Any) -> Output:
        with self._library.status() as status:
            operation = self._tf.TF_FinishOperation(made, status)
        return Output(operation, 0)
