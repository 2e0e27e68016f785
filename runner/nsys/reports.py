"""From what nsys leaves to an SQLite export: the importer and the exporter of the installed nsys."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.nsys.installation import Nsys, find_nsys, nsys_failed, run_program
from tracer.errors import NotInstalledError, ProfileError, ProfilerError
from tracer.profiles.open_profile import read_profile_file
from tracer.profiles.profile import Profile, ProfileSummary

RAW, REPORT = ".qdstrm", ".nsys-rep"
REPORTS = (REPORT, ".qdrep")
"""``.qdrep`` is the name until 2021.4."""


def read_any_profile(path: Path, nsys: Nsys | None = None, work_in: Path | None = None) -> Profile | ProfileSummary:
    """
    Read a profile; a report of nsys is exported first, by ``nsys`` or by the installed one.

    The export is made in a folder in ``work_in``, by default beside the report, and is removed.

    Raises:
        KwsTraceError: if it cannot be read; NotInstalledError: if it needs nsys, and there is none.
    """
    if not (path.suffix in (RAW, *REPORTS) and path.is_file()):
        return read_profile_file(path)
    nsys = nsys or find_nsys()
    beside = work_in or path.parent
    # A report may lie where nothing can be written.
    with tempfile.TemporaryDirectory(prefix=".export-", dir=beside if os.access(beside, os.W_OK) else None) as folder:
        return replace(read_profile_file(export_sqlite(nsys, path, Path(folder))), path=path)


def export_sqlite(nsys: Nsys, path: Path, folder: Path) -> Path:
    """
    Export a report, importing it first if it is raw.

    ``folder`` takes what is made; ``path`` (``.qdstrm``, ``.nsys-rep`` or ``.qdrep``) is not changed.

    Returns:
        The SQLite file.

    Raises:
        NotInstalledError: for a raw one where nsys has no importer.
        ProfilerError: if nsys does not do it.
    """
    if path.suffix == RAW:
        path = import_raw(nsys, path, folder)
    path, made = path.absolute(), folder.absolute() / f"{path.stem}.sqlite"
    try:
        _export(nsys, path, made)
    except ProfilerError as error:
        recorded = _version(_head(path))
        if not recorded:
            raise ProfileError(path, f"no report of nsys ({error.problem})", "name a file that nsys wrote") from None
        # The files of a newer one are not read; what is said of them names no version that a user knows.
        if recorded <= _version(nsys.version):
            raise
        version = ".".join(map(str, recorded))
        raise ProfileError(
            path,
            f"nsys {version} recorded it, and the installed one is {nsys.version}",
            f"export it where it was recorded, `nsys export --type=sqlite {shlex.quote(path.name)}`, or install nsys "
            f"{version}",
        ) from None
    return made


def _export(nsys: Nsys, path: Path, made: Path) -> None:
    _run([nsys.path, "export", "--type=sqlite", "--force-overwrite=true", f"--output={made}", path], made, "export")


def _head(path: Path) -> str:
    """The first line of a report, such as ``NVIDIA Tegra Profiler Report 2024@2@3@38-242334140272v0``."""
    with path.open("rb") as file:
        return file.read(100).decode("latin-1").partition("\n")[0]


def _version(text: str) -> tuple[int, ...]:
    """Year, release and patch of the first version that is named; nothing where none is."""
    found = re.search(r"(20\d\d)[.@](\d+)[.@](\d+)", text)
    return tuple(map(int, found.groups())) if found else ()


def import_raw(nsys: Nsys, path: Path, folder: Path) -> Path:
    """
    Make a ``.nsys-rep`` of a ``.qdstrm``; nsys of some distributions does not find its importer.

    Raises:
        NotInstalledError, ProfilerError: as ``export_sqlite``.
    """
    if nsys.importer is None:
        raise NotInstalledError(
            path,
            "it is raw, and this nsys has no importer (QdstrmImporter, of the host package)",
            f"copy it to a machine with the whole Nsight Systems and there `kws-trace ingest RUN {path.name}`",
        )
    path, made = path.absolute(), folder.absolute() / f"{path.stem}{REPORT}"
    _run([nsys.importer, "-i", path, "-o", made], made, "import")
    return made


def _run(command: Sequence[str | Path], made: Path, what: str) -> None:
    done = run_program(command)
    if done.returncode or not made.is_file():
        raise nsys_failed(f"the {what} of {made.stem} failed", done.stderr + done.stdout)
