"""The runs behind a URL in the cache folder, as they are there now: what ``fleet`` asks is then a folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from runner.pull.places import Place, PlacedFile
from runner.pull.pulling import Progress, Pulled, pull
from runner.pull.source import place_of
from tracer.errors import UsageError
from tracer.fleet.baselines import FILE
from tracer.runs.run_index import RunIndex, cache_folder


def mirrored(url: str, tell: Progress = lambda *_: None) -> tuple[Path, list[str]]:
    """
    Bring what is new behind a URL, verified and resumable as ``pull`` does, and remove what is not there any more.

    A run that changed there since it came is brought again: here nobody works on it.

    Returns:
        The folder, and a sentence for each run that did not come.

    Raises:
        UsageError: if there is no cache folder, nothing opens the URL, or no run is there.
        NotInstalledError: if what opens it is not installed.
        RunError: if it cannot be listed, or another pull into the folder is under way.
        WriteError: if the disk does not take the runs.
    """
    cache = cache_folder()
    if cache is None:
        raise UsageError("--root", f"there is no cache folder for the runs of {url}", "set XDG_CACHE_HOME or HOME")
    folder = cache / "pulled" / hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    place = place_of(url)
    found = pull(place, folder, (), tell)
    if found.changed:
        for name in found.changed:
            shutil.rmtree(folder / name)
        found = pull(place, folder, (), tell)
    _remove_others(folder, found)
    _bring_baselines(place, folder)
    return folder, [f"{url}: {sentence}" for sentence in (*found.left_out, *found.refused)]


def _bring_baselines(place: Place, folder: Path) -> None:
    """The file of baselines beside the runs, as it is there now; where it does not come there is none here."""
    if place.fetch([PlacedFile(FILE, -1, 0)], folder, lambda _: None):
        (folder / FILE).unlink(missing_ok=True)


def _remove_others(folder: Path, found: Pulled) -> None:
    for one in RunIndex(folder).listed:
        if one.called not in (*found.came, *found.here):
            shutil.rmtree(one.folder)
