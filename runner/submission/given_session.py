"""A session that somebody names for a submission, with the DUT's run that it drove."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracer.errors import RunError, SessionError, told_unreadable
from tracer.given_files import open_file
from tracer.runs.run_info import RunInfo
from tracer.runs.run_store import StoredRun, stored_run
from tracer.sessions.audit import SessionAudit, audit_session
from tracer.sessions.join import join_session
from tracer.sessions.open_session import build_session
from tracer.submission.refusals import ModelFacts, Role
from tracer.whole_files import digest


@dataclass(frozen=True)
class GivenSession:
    """A session in its role, judged; ``run`` is None where no run at hand was driven by it."""

    role: Role
    folder: Path
    audit: SessionAudit
    run: StoredRun | None

    @property
    def model(self) -> ModelFacts | None:
        """The model of its run."""
        return model_facts(self.run.info) if self.run is not None else None


def model_facts(info: RunInfo) -> ModelFacts:
    """Name and hash of the model of a run."""
    return ModelFacts(str(info.model.get("name", "its model")), info.model.get("sha256"))


def read_given(role: Role, path: Path, runs: Sequence[StoredRun]) -> GivenSession:
    """
    Read and judge a session, and find its run: whose folder holds it, else the first of ``runs`` that it drove.

    Each window of the session must be one of the run's.

    Raises:
        SessionError: if it cannot be read.
    """
    audit = audit_session(build_session(path))
    folder = audit.session.path.parent
    candidates = list(runs)
    if (folder.parent / "run.json").is_file():
        with contextlib.suppress(RunError):
            candidates.insert(0, stored_run(folder.parent))
    for run in candidates:
        if audit.session.kind == "energy" and run.info.energy is None:
            continue  # in performance mode there is no pin that an energy monitor could have heard
        with contextlib.suppress(SessionError):
            if len(join_session(audit, run.each_window, run.name)) == len(audit.session.timed):
                return GivenSession(role, folder, audit, run)
    return GivenSession(role, folder, audit, None)


def file_hashes(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """
    SHA-256 of a folder's files by their names; one that is not there is left out.

    Raises:
        SessionError: if one cannot be read.
    """
    hashes = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            continue
        with told_unreadable(SessionError, path, "name a session that can be read"), open_file(path) as file:
            hashes[name] = digest(file)
    return hashes
