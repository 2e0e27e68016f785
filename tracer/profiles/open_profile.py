"""Opens a profile of any kind that is read here: what it is is told from what it holds, never from its name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tracer.errors import ProfileError
from tracer.given_files import open_file
from tracer.profiles.profile import Profile, ProfileSummary

NSYS_SQLITE = "nsys SQLite"
NSYS_PARQUET = "nsys Parquet"
NVPROF_SQLITE = "nvprof SQLite"
NVPROF_TEXT = "nvprof text"
XPLANE = "xplane"

# Imported when used: each reader brings its own libraries, and the command line starts in half a second.
_READERS = {
    NSYS_SQLITE: ("nsys_sqlite", "read_nsys_sqlite"),
    NSYS_PARQUET: ("nsys_parquet", "read_nsys_parquet"),
    NVPROF_SQLITE: ("nvprof_sqlite", "read_nvprof_sqlite"),
    NVPROF_TEXT: ("nvprof_text", "read_nvprof_text"),
    XPLANE: ("xplane", "read_xplane"),
}
_KNOWN = "give a SQLite or parquetdir export of nsys, an output of nvprof, or TensorFlow's xplane.pb"
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
            sample = file.read(_SAMPLE)
            file.seek(max(_SAMPLE, os.fstat(file.fileno()).st_size - _SAMPLE))
            sample += file.read()
    except (OSError, ValueError) as error:
        raise ProfileError(path, f"cannot be read ({getattr(error, 'strerror', None) or error})", _KNOWN) from None
    if not sample:
        raise ProfileError(path, "the file is empty", _KNOWN)
    if sample.startswith(_SQLITE):
        return _recognise_sqlite(path)
    _refuse_what_is_none(path, sample)
    if _XSPACE.match(sample):
        return XPLANE
    if b"\0" not in sample and any(mark in sample for mark in _NVPROF):
        return NVPROF_TEXT
    if b'"traceEvents"' in sample or (sample.startswith(_GZIP) and path.name.endswith(".json.gz")):
        whose = "PyTorch's profiler" if b"pt.trace" in path.name.encode() or b'"trace_id"' in sample else "a profiler"
        raise ProfileError(
            path,
            f"this is a trace in Chrome's JSON, as {whose} exports it, which is not read here",
            "profile the same work with `nsys profile --trace cuda,nvtx`, and give its SQLite export",
        )
    raise ProfileError(path, "this is no profile that is known here", _KNOWN)


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
    if any(path.rglob("*.xplane.pb")):
        return XPLANE
    raise ProfileError(path, "the folder holds neither Parquet files nor an xplane.pb", _KNOWN)


def _recognise_sqlite(path: Path) -> str:
    """By the table of strings, whose name differs: nvprof's is ``StringTable``, that of nsys ``StringIds``."""
    from tracer.profiles.sqlite_file import sqlite_columns

    return NVPROF_SQLITE if "StringTable" in sqlite_columns(path) else NSYS_SQLITE
