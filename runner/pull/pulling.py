"""
Brings runs into a folder: first beside the others, in ``.pull/new``, then each in one step to its place.

A run is in its place only after every file of it equals, by SHA-256, what lies at the source after the transfer, and
its rows are as many as the run says. What was cut short stays in ``.pull/new`` and is gone on with.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from runner.pull.ledger import Ledger, fingerprint
from runner.pull.places import Place, PlacedFile, is_here, not_taken
from tracer.errors import RunError, UsageError
from tracer.figure_text import size_text
from tracer.fleet.damage import damage_of
from tracer.runs.run_files import NAME_RULE, is_run_name
from tracer.runs.run_index import RunIndex
from tracer.runs.run_info import RunInfo, read_run_info
from tracer.runs.run_store import stored_run
from tracer.whole_files import digest, sync

Progress = Callable[[int, int, int], None]
"""Is told how many bytes of how many came, and how many runs are in their place."""

BATCH_BYTES = 256 << 20
"""So much is fetched before its runs are verified and put in their place."""

_WAIT_S = 10.0
"""For an rsync that outlives a pull which was killed; it ends when it next says something."""

_ENDED = ("complete", "recovered")


@dataclass(slots=True)
class Pulled:
    """
    Names of runs that came, and of those that were here; a sentence for each left out or refused.

    ``changed`` names the runs here whose content is another there.
    """

    came: list[str] = field(default_factory=list)
    here: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    bytes: int = 0


def pull(place: Place, traces: Path, names: Sequence[str], tell: Progress = lambda *_: None) -> Pulled:
    """
    Bring the runs of a place into ``traces``, or those of ``names``.

    Raises:
        UsageError: if the place has none of them.
        RunError: if another pull into the folder is under way.
        WriteError: if the disk does not take them.
        ProcessError: if the place cannot be listed any more.
    """
    chosen = _chosen(place, names)
    with _locked(traces) as room:
        pulling = _Pulling(place, traces, room, tell)
        pulling.bring(chosen)
        if not names and not pulling.found.refused:
            shutil.rmtree(pulling.staging, ignore_errors=True)
        return pulling.found


Run = tuple[str, list[PlacedFile]]


def _chosen(place: Place, names: Sequence[str]) -> list[Run]:
    ordered = sorted(filter(_is_plain, place.files()), key=lambda file: (file.run, file.path))
    runs = [(name, list(group)) for name, group in groupby(ordered, key=lambda file: file.run)]
    runs = [(name, held) for name, held in runs if any(file.path == f"{name}/run.json" for file in held)]
    if not runs:
        raise UsageError(place.name, "no run is there", "name the folder that holds the folders of runs")
    missing = set(names) - {name for name, _ in runs}
    if missing:
        raise UsageError(
            ", ".join(sorted(missing)), f"no such run is in {place.name}", "leave the names out to bring all"
        )
    return [(name, held) for name, held in runs if not names or name in names]


def _is_plain(file: PlacedFile) -> bool:
    """Not hidden, as locks and what a writer left are, and not out of the folder, whatever the other side says."""
    return "\0" not in file.path and all(part and not part.startswith(".") for part in file.path.split("/"))


class _Pulling:
    def __init__(self, place: Place, traces: Path, room: Path, tell: Progress) -> None:
        self.found = Pulled()
        self.staging = room / "new"
        self._place, self._traces, self._tell = place, traces, tell
        self._ledger = Ledger(room / "pulled.txt")
        self._here = _run_ids(traces)
        self._total = 0

    def bring(self, runs: Sequence[Run]) -> None:
        asked = [run for run in runs if not self._was_pulled(run)]
        infos = [file for name, held in asked for file in held if file.path == f"{name}/run.json"]
        failure = self._place.fetch(infos, self.staging, lambda _: None)
        if failure:
            self.found.refused.append(failure)
        came = {file.run for file in infos if is_here(file, self.staging)}
        wanted = [run for run in asked if run[0] in came and self._is_wanted(run)]
        self._total = sum(file.size for _, held in wanted for file in held)
        self._check_room(wanted)
        for batch in _batches(wanted):
            if not self._bring_batch(batch):
                break

    def _was_pulled(self, run: Run) -> bool:
        name, held = run
        here = self._here.get(self._ledger.run_of(fingerprint(held)) or "")
        if here:
            self.found.here.append(here)
        elif not is_run_name(name):
            self.found.left_out.append(f"{name!r}: {NAME_RULE}")
        else:
            return False
        return True

    def _is_wanted(self, run: Run) -> bool:
        name, held = run
        path = self.staging / name / "run.json"
        try:
            info = read_run_info(path)
        except RunError as error:
            self.found.left_out.append(f"{name}/run.json: {error.problem}")
            return False
        unfinished = [file.path for file in held if file.path.startswith(f"{name}/journal-")]
        if info.state not in _ENDED or unfinished:
            recover = f"it is being recorded, or was killed: then `kws-trace runs --recover {name}` there"
            self.found.left_out.append(f"{name}: {recover}")
            return False
        here = self._here.get(info.run_id)
        if here is not None:
            self._compare(run, info, here)
        elif os.path.lexists(self._traces / name):
            self.found.refused.append(f"{name}: another run of that name is here; rename it, here or there")
        else:
            return True
        return False

    def _compare(self, run: Run, info: RunInfo, here: str) -> None:
        """A run that is here and whose files there are not those that came."""
        name, held = run
        theirs = self._place.digests(held)
        if theirs == _digests(self._traces / here, name, held):
            self._ledger.add(fingerprint(held), info.run_id)
            self.found.here.append(here)
        else:
            changed = f"it is here as {here}, with other content; it changed there, or here, since it came"
            self.found.refused.append(f"{name}: {changed}: rename and delete are yours")
            self.found.changed.append(here)

    def _check_room(self, runs: Sequence[Run]) -> None:
        needed = sum(file.size for _, held in runs for file in held if not is_here(file, self.staging))
        free = shutil.disk_usage(self._traces).free
        if needed > free:
            problem = f"{size_text(needed)} are to come, and the disk has {size_text(free)} free"
            raise RunError(self._traces, problem, "make room, or name fewer runs", exit_code=1)

    def _bring_batch(self, batch: Sequence[Run]) -> bool:
        files = [file for _, held in batch for file in held]
        failure = self._place.fetch(files, self.staging, self._came)
        now = dict(_chosen(self._place, ()))
        theirs = self._place.digests(files)
        for name, held in batch:
            if now.get(name) != held:
                self._refuse(name, "it changed there on the way; give the same command again")
            elif all(is_here(file, self.staging) for file in held):
                self._place_run(name, held, theirs)
            else:
                self.found.refused.append(f"{name}: it did not come whole; give the same command again")
        if failure:
            self.found.refused.append(failure)
        return failure is None

    def _place_run(self, name: str, held: Sequence[PlacedFile], theirs: dict[str, str]) -> None:
        folder = self.staging / name
        ours = _digests(folder, name, held)
        if any(theirs.get(file.path) != ours[file.path] for file in held):
            self._refuse(name, "what came is not what is there: it changed on the way; give the same command again")
            return
        wanted = {file.path for file in held}
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            if f"{name}/{path.relative_to(folder)}" not in wanted:
                path.unlink()
        run = stored_run(folder)
        damage = damage_of(run)
        if damage:
            self._refuse(name, f"it is damaged there: {'; '.join(damage)}")
            return
        self._put(name, folder)
        self._ledger.add(fingerprint(held), run.info.run_id)
        self._here[run.info.run_id] = name
        self.found.came.append(name)
        self._came(0)

    def _put(self, name: str, folder: Path) -> None:
        try:
            for path in [*folder.rglob("*"), folder]:
                sync(path)
            if os.path.lexists(self._traces / name):
                raise RunError(self._traces / name, "it came into being meanwhile", "rename it, and pull again")
            folder.rename(self._traces / name)
            sync(self._traces)
        except OSError as error:
            raise not_taken(self._traces / name, error) from None

    def _refuse(self, name: str, why: str) -> None:
        self.found.refused.append(f"{name}: {why}")
        shutil.rmtree(self.staging / name, ignore_errors=True)

    def _came(self, count: int) -> None:
        self.found.bytes += count
        self._tell(self.found.bytes, self._total, len(self.found.came))


def _digests(folder: Path, name: str, held: Sequence[PlacedFile]) -> dict[str, str]:
    """SHA-256 of the files of a run that are here, by their names there."""
    found = {}
    for file in held:
        with suppress(OSError), (folder / file.path[len(name) + 1 :]).open("rb") as source:
            found[file.path] = digest(source)
    return found


def _batches(runs: Sequence[Run]) -> Iterator[list[Run]]:
    batch: list[Run] = []
    size = 0
    for run in runs:
        batch.append(run)
        size += sum(file.size for file in run[1])
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _run_ids(traces: Path) -> dict[str, str]:
    """Names of the runs that are here, by their ids; one that cannot be read has none."""
    return {one.run_id: one.folder.name for one in RunIndex(traces).listed if one.problem is None}


@contextmanager
def _locked(traces: Path) -> Iterator[Path]:
    """The folder of what a pull keeps, which no other pull uses meanwhile."""
    room = traces / ".pull"
    try:
        room.mkdir(parents=True, exist_ok=True)
        lock = os.open(room / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise not_taken(room, error) from None
    # An rsync that we start holds it as long as it writes.
    os.set_inheritable(lock, True)  # noqa: FBT003 -- its own signature
    until = time.monotonic() + _WAIT_S
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise RunError(traces, "another pull into it is under way", "let it end") from None
                time.sleep(0.1)
        yield room
    finally:
        os.close(lock)
