"""Opens a profile of any kind that is read here: what it is is told from what it holds, never from its name."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO

from tracer.errors import ProfileError
from tracer.given_files import open_file, xplanes_in
from tracer.profiles.profile import Profile, ProfileSummary

NSYS_SQLITE = "nsys SQLite"
NSYS_PARQUET = "nsys Parquet"
NVPROF_SQLITE = "nvprof SQLite"
NVPROF_TEXT = "nvprof text"
XPLANE = "xplane"
KINETO = "PyTorch trace"
XLA_JSON = "JAX trace"
ONNXRUNTIME = "ONNX Runtime profile"
TRTEXEC_TIMES = "trtexec times"
TRTEXEC_LAYERS = "trtexec layers"

# Imported when used: each reader brings its own libraries, and the command line starts in half a second.
_READERS = {
    NSYS_SQLITE: ("nsys_sqlite", "read_nsys_sqlite"),
    NSYS_PARQUET: ("nsys_parquet", "read_nsys_parquet"),
    NVPROF_SQLITE: ("nvprof_sqlite", "read_nvprof_sqlite"),
    NVPROF_TEXT: ("nvprof_text", "read_nvprof_text"),
    XPLANE: ("xplane", "read_xplane"),
    KINETO: ("kineto", "read_kineto"),
    XLA_JSON: ("xla_json", "read_xla_json"),
    ONNXRUNTIME: ("onnxruntime_json", "read_onnxruntime"),
    TRTEXEC_TIMES: ("trtexec", "read_trtexec_times"),
    TRTEXEC_LAYERS: ("trtexec", "read_trtexec_layers"),
}
_KNOWN = (
    "give a SQLite or parquetdir export of nsys, an output of nvprof, TensorFlow's or JAX's xplane.pb, the JSON of "
    "PyTorch's, JAX's or ONNX Runtime's profiler, or of trtexec"
)
_EXPORT = "export it first: `nsys export --type sqlite {}`"
_GZIP = b"\x1f\x8b"
_SQLITE = b"SQLite format 3\0"
_REPORTS = {
    b"NVIDIA Tegra Profiler Report": ("this is a report of nsys (.nsys-rep or .qdrep)", _EXPORT),
    b"U3w[END]NVIDIA Nsight Systems": (
        "this is what nsys records before it makes a report (.qdstrm)",
        "import it with `QdstrmImporter -i {}` of the same nsys, then `nsys export --type sqlite`",
    ),
}
"""First bytes of the files of nsys 2022.4, what they are, and what to do."""
_NOT_PROFILES = (
    (
        re.compile(rb"Time ?\(%\)\W{1,4}Total Time|stats report\b.*\.nsys-rep|Executing '\w+' stats report"),
        "this is what `nsys stats` printed, totals as text",
        "give the report that it was made of: `kws-trace kernels REPORT.nsys-rep`",
    ),
    (
        re.compile(rb"\A\s*<\?xml[^>]*>\s*<session\b"),
        "this is a session of the NVIDIA Visual Profiler (XML), which is no profile",
        "record one with `nvprof --export-profile FILE`",
    ),
    (
        re.compile(rb"\A(?!.*Profiling result:).*CPU profiling result", re.DOTALL),
        "this is nvprof's sampling of the CPU, without GPU work",
        "record it with nvprof and without --cpu-profiling",
    ),
)
"""What is often taken for a profile: how it is told, what it is, and what to do."""
_XSPACE = re.compile(rb"\x0a[\x80-\xff]*[\x00-\x7f][\x08\x12]")
"""An XSpace begins with a plane (field 1), that with its id or its name (xplane.proto of the XLA project)."""
_NVPROF = (
    *(b"Profiling result", b"Profiling application", b"NVPROF", b"Time(%)", b"GPU activities"),
    *(b'"Duration"', b"Start,Duration"),
)
_JSON = (
    (TRTEXEC_TIMES, re.compile(rb'\A\s*\[\s*\{[^{}]*"(?:startComputeMs|endComputeMs)"')),
    (TRTEXEC_LAYERS, re.compile(rb'\A\s*\[\s*\{\s*"count"\s*:\s*\d+\s*\}\s*,\s*\{\s*"name"[^{}]*"timeMs"')),
    (ONNXRUNTIME, re.compile(rb'\A\s*\[\s*\{\s*"cat"\s*:\s*"(?:Session|Node|Kernel|Api)"')),
    (
        XLA_JSON,
        re.compile(
            rb'\A(?=.{0,4096}"traceEvents").*?"(?:process_name|name)"[^}]{0,80}"/(?:host:CPU|device:\w+:\d+)', re.S
        ),
    ),
)
"""How a JSON begins, where its beginning tells."""
_EVENTS = b'"traceEvents"'
_KINETO = re.compile(rb'"cat"\s*:\s*"(?:cpu_op|kernel|cuda_runtime|user_annotation|Operator|Trace)"')
"""What stands behind ``_EVENTS`` in PyTorch's."""
_SAMPLE = 1 << 20
"""Bytes at each end of a text: a program's own output may come first."""


def read_profile_file(path: Path) -> Profile | ProfileSummary:
    """
    Read a profile with the reader of its kind.

    Returns:
        A summary where the profile has totals and no timeline, as nvprof's text.

    Raises:
        ProfileError: if it is none that is known, or its reader refuses it. A report of nsys (``.nsys-rep``) is to be
            exported first, by the nsys that made it.
    """
    module, function = _READERS[recognise(path)]
    reader: Callable[[Path], Profile | ProfileSummary] = getattr(import_module(f"tracer.profiles.{module}"), function)
    return reader(path)


def recognise(path: Path) -> str:
    """
    Tell the kind of a profile: one of the constants of this module.

    Raises:
        ProfileError: if it is none of them.
    """
    try:
        if path.is_dir():
            return _recognise_folder(path)
        with open_file(path) as file:
            sample = _sample(file)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise ProfileError(path, f"cannot be read ({getattr(error, 'strerror', None) or error})", _KNOWN) from None
    if not sample:
        raise ProfileError(path, "the file is empty", _KNOWN)
    if sample.startswith(_SQLITE):
        return _recognise_sqlite(path)
    _refuse_what_is_none(path, sample)
    if (form := _json_form(path, sample)) is not None:
        return form
    if _XSPACE.match(sample):
        return XPLANE
    if b"\0" not in sample and any(mark in sample for mark in _NVPROF):
        return NVPROF_TEXT
    raise ProfileError(path, "this is no profile that is known here", _KNOWN)


def _json_form(path: Path, sample: bytes) -> str | None:
    """Whose JSON it is; None where it is none of those that are read here."""
    if not sample.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        return None
    form = next((kind for kind, begin in _JSON if begin.search(sample)), None)
    events = sample.find(_EVENTS)
    if form is not None or events < 0:
        return form
    if _KINETO.search(sample, events):
        return KINETO
    raise ProfileError(path, "this is a trace in Chrome's JSON, of no profiler that is read here", _KNOWN)


def _sample(file: IO[bytes]) -> bytes:
    """Both ends of a file; of a packed one what its beginning unpacks to."""
    sample = file.read(_SAMPLE)
    if sample.startswith(_GZIP):
        plain = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(sample, _SAMPLE)
        if not plain:
            raise EOFError("its gzip is cut off")
        return plain
    file.seek(max(_SAMPLE, os.fstat(file.fileno()).st_size - _SAMPLE))
    return sample + file.read()


def _refuse_what_is_none(path: Path, sample: bytes) -> None:
    for magic, (what, remedy) in _REPORTS.items():
        if sample.startswith(magic):
            raise ProfileError(path, what, remedy.format(path))
    for form, what, remedy in _NOT_PROFILES:
        if form.search(sample):
            raise ProfileError(path, what, remedy)


def _recognise_folder(path: Path) -> str:
    if any(path.glob("*.parquet")):
        return NSYS_PARQUET
    if any(xplanes_in(path)):
        return XPLANE
    raise ProfileError(path, "the folder holds neither Parquet files nor an xplane.pb", _KNOWN)


def _recognise_sqlite(path: Path) -> str:
    """By the table of strings, whose name differs: nvprof's is ``StringTable``, that of nsys ``StringIds``."""
    from tracer.profiles.sqlite_file import sqlite_columns

    return NVPROF_SQLITE if "StringTable" in sqlite_columns(path) else NSYS_SQLITE
