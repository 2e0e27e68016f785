"""What a user calls the place that runs are brought from: ``HOST:DIR``, a URL, or a folder."""

from __future__ import annotations

import re
from pathlib import Path

from runner.pull.places import FolderPlace, Place, UrlPlace
from runner.pull.ssh_place import SshPlace
from tracer.errors import UsageError

_HOST = re.compile(r"([\w.][\w.+-]*@)?([\w.][\w.-]*|\[[0-9A-Fa-f:.]+(%[\w.-]+)?\])\Z")


def place_of(source: str) -> Place:
    """
    The place that a source names.

    Raises:
        UsageError: if it is no host, no folder, or a URL that nothing here can open.
        NotInstalledError: if what opens it is not installed.
    """
    if not source.strip():
        raise UsageError("SOURCE", "it is empty", "give HOST:DIR, a folder, or a URL")
    if "://" in source:
        return UrlPlace(source)
    host, folder = _split(source)
    if not host:
        return FolderPlace(Path(source))
    if not _HOST.match(host):
        # One that began with a dash would be an option of ssh.
        raise UsageError(f"{host!r}", "it is no name of a host", "give HOST:DIR, as ssh and scp take it")
    return SshPlace(host.replace("[", "").replace("]", ""), folder.removeprefix("~/") or ".")


def _split(source: str) -> tuple[str, str]:
    """Host and folder; no host where a slash comes before the first colon, as scp reads it."""
    if source.startswith("[") or "@[" in source:
        host, _, folder = source.partition("]:")
        return f"{host}]", folder
    host, colon, folder = source.partition(":")
    return (host, folder) if colon and "/" not in host else ("", source)
