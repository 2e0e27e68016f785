"""
TensorFlow's C library by ctypes: the few functions of c_api.h that an inference needs, and nothing of Python's.

Functions and types: https://www.tensorflow.org/install/lang_c, tensorflow/c/c_api.h and tf_tensor.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.inference.backends.backend import cpu_number
from tracer.errors import NotInstalledError

FLOAT = 1
"""TF_DataType."""

_P, _S, _I, _Z = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t


class Output(ctypes.Structure):
    """TF_Output: an operation and which of its outputs."""

    _fields_ = (("oper", _P), ("index", _I))


class Buffer(ctypes.Structure):
    """TF_Buffer: bytes and who frees them."""

    _fields_ = (("data", _P), ("length", _Z), ("data_deallocator", _P))


_OUTPUTS, _POINTERS = ctypes.POINTER(Output), ctypes.POINTER(_P)
_SIGNATURES: dict[str, tuple[Any, Sequence[Any]]] = {
    "TF_Version": (_S, ()),
    "TF_NewStatus": (_P, ()),
    "TF_DeleteStatus": (None, (_P,)),
    "TF_GetCode": (_I, (_P,)),
    "TF_Message": (_S, (_P,)),
    "TF_NewGraph": (_P, ()),
    "TF_DeleteGraph": (None, (_P,)),
    "TF_NewSessionOptions": (_P, ()),
    "TF_DeleteSessionOptions": (None, (_P,)),
    "TF_SetConfig": (None, (_P, _S, _Z, _P)),
    "TF_LoadSessionFromSavedModel": (_P, (_P, _P, _S, ctypes.POINTER(_S), _I, _P, _P, _P)),
    "TF_CloseSession": (None, (_P, _P)),
    "TF_DeleteSession": (None, (_P, _P)),
    "TF_SessionListDevices": (_P, (_P, _P)),
    "TF_DeviceListCount": (_I, (_P,)),
    "TF_DeviceListName": (_S, (_P, _I, _P)),
    "TF_DeleteDeviceList": (None, (_P,)),
    "TF_NewImportGraphDefOptions": (_P, ()),
    "TF_DeleteImportGraphDefOptions": (None, (_P,)),
    "TF_ImportGraphDefOptionsSetPrefix": (None, (_P, _S)),
    "TF_ImportGraphDefOptionsAddInputMapping": (None, (_P, _S, _I, Output)),
    "TF_GraphImportGraphDef": (None, (_P, ctypes.POINTER(Buffer), _P, _P)),
    "TF_GraphOperationByName": (_P, (_P, _S)),
    "TF_NewOperation": (_P, (_P, _S, _S)),
    "TF_SetDevice": (None, (_P, _S)),
    "TF_AddInput": (None, (_P, Output)),
    "TF_SetAttrType": (None, (_P, _S, _I)),
    "TF_SetAttrShape": (None, (_P, _S, ctypes.POINTER(ctypes.c_int64), _I)),
    "TF_SetAttrTensor": (None, (_P, _S, _P, _P)),
    "TF_FinishOperation": (_P, (_P, _P)),
    "TF_SessionRun": (None, (_P, _P, _OUTPUTS, _POINTERS, _I, _OUTPUTS, _POINTERS, _I, _POINTERS, _I, _P, _P)),
    "TF_AllocateTensor": (_P, (_I, ctypes.POINTER(ctypes.c_int64), _I, _Z)),
    "TF_DeleteTensor": (None, (_P,)),
    "TF_TensorData": (_P, (_P,)),
}


class CLibraryError(RuntimeError):
    """A call of the library failed, in its own words."""


class CLibrary:
    """
    The functions of ``libtensorflow``, by their names without ``TF_``.

    ``path`` is libtensorflow.so, or libtensorflow_cc.so.2 of the registry's wheel.

    Raises:
        NotInstalledError: if it cannot be loaded, or is another library.
    """

    def __init__(self, path: Path) -> None:
        remedy = "give libtensorflow.so, or libtensorflow_cc.so.2 of the folder of the tensorflow package"
        try:
            # Its companion stands beside it, where the loader does not look of itself.
            for beside in sorted(path.resolve().parent.glob("libtensorflow_framework.so*")):
                ctypes.CDLL(str(beside), ctypes.RTLD_GLOBAL)
            library = ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise NotInstalledError(path, f"no TensorFlow C library ({error})", remedy) from None
        self.functions: Any = library
        self.version: str = library.TF_Version().decode()

    @contextmanager
    def status(self) -> Iterator[Any]:
        """
        A TF_Status for the calls inside.

        Raises:
            CLibraryError: at the end, if it tells of an error.
        """
        made = self.functions.TF_NewStatus()
        try:
            yield made
            if self.functions.TF_GetCode(made):
                raise CLibraryError(self.functions.TF_Message(made).decode("utf-8", "replace"))
        finally:
            self.functions.TF_DeleteStatus(made)

    def float_tensor(self, shape: Sequence[int]) -> tuple[Any, Any]:
        """A TF_Tensor of float32, and its memory as a ctypes array."""
        count = 1
        for size in shape:
            count *= size
        tensor = self.functions.TF_AllocateTensor(FLOAT, dimensions(shape), len(shape), 4 * count)
        return tensor, (ctypes.c_float * count).from_address(self.functions.TF_TensorData(tensor))


def dimensions(shape: Sequence[int]) -> Any:
    """A shape as the library takes it."""
    return (ctypes.c_int64 * len(shape))(*shape)


def config_bytes(device: str | None, threads: int | None) -> bytes:
    """
    A ConfigProto as ``tensorflow_graph.session_config`` makes it, without protobuf's classes.

    Fields of config.proto: device_count = 1 (a map), intra_op_parallelism_threads = 2,
    inter_op_parallelism_threads = 5, gpu_options = 6 with allow_growth = 4. Soft placement is off by default.
    """
    config = bytes([6 << 3 | 2, 2, 4 << 3, 1])
    if threads:
        config += bytes([2 << 3]) + _varint(threads) + bytes([5 << 3]) + _varint(threads)
    if (number := cpu_number(device)) is not None:
        for name, count in ((b"CPU", number + 1), (b"GPU", 0)):
            entry = bytes([1 << 3 | 2, 3]) + name + bytes([2 << 3]) + _varint(count)
            config += bytes([1 << 3 | 2]) + _varint(len(entry)) + entry
    return config


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
