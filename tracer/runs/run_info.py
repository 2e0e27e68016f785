"""What a run is: ``run.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from tracer.command_line import command_line
from tracer.errors import RunError
from tracer.runs.run_json import SHAPES, misfit, read_facts
from tracer.whole_files import write_json

SCHEMA_VERSION = 2
"""Of a run on disk; a newer reader opens older runs, an older reader refuses newer ones."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """
    Facts of a run; times in ISO 8601 UTC, costs in nanoseconds an inference.

    ``cost`` is what an inference of the model costs by counting (``tracer.reports.run_limits.COUNTS``), empty where
    it was not counted; ``board`` the key of a device of ``tracer.model.devices``; ``gpus``, ``cuda`` and ``machine``
    are ``GpuFacts``, ``CudaFacts`` and ``MachineFacts``. ``profiler`` says which profiler was attached while the run
    was made, ``more_gaps`` how many gaps of the line came after those in ``gaps``, ``captures`` what was ingested
    from one. ``energy`` is the timestamp pin of energy mode: ``line``, ``chip``, ``name``, ``offset``, ``hold_ns``.
    ``launch_set`` is of a run that is one launch of several of one configuration: ``id`` of the set,
    ``number`` from 1, ``of`` how many. ``journal`` says what the parts should hold: how many ``rows`` it had, and the
    numbers of those that are ``lost``. ``extra`` keeps keys of ``run.json`` that this version does not know, so that
    rewriting loses nothing.
    """

    run_id: str
    name: str
    state: str
    created: str
    schema_version: int = SCHEMA_VERSION
    host: str = ""
    platform: str = ""
    python: str = ""
    cpu: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    backend: dict[str, Any] = field(default_factory=dict)
    timed: str = "reference"
    stages_mode: str = "split"
    stages: list[str] = field(default_factory=list)
    quantization: dict[str, Any] | None = None
    port: str | None = None
    baud: int | None = None
    energy: dict[str, Any] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    recorder_cost: dict[str, Any] = field(default_factory=dict)
    splitting_cost: dict[str, Any] | None = None
    startup: dict[str, Any] = field(default_factory=dict)
    nvtx: dict[str, Any] = field(default_factory=dict)
    gaps: list[dict[str, str]] = field(default_factory=list)
    more_gaps: int = 0
    command: list[str] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)
    profiler: dict[str, Any] | None = None
    cost: dict[str, Any] = field(default_factory=dict)
    board: str | None = None
    gpus: list[dict[str, Any]] = field(default_factory=list)
    cuda: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    captures: list[dict[str, Any]] = field(default_factory=list)
    launch_set: dict[str, Any] | None = None
    journal: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def new_run_info(name: str, **facts: Any) -> RunInfo:
    """A run that begins now on this machine; ``facts`` are fields of ``RunInfo``."""
    import platform
    import socket
    import uuid

    return RunInfo(
        run_id=str(uuid.uuid4()),
        name=name,
        state="recording",
        created=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        host=socket.gethostname(),
        platform=platform.platform(),
        python=platform.python_version(),
        cpu=_cpu_name(),
        **facts,
    )


def default_run_name() -> str:
    """Time and host name, as ``20260131-235959-bench``."""
    import socket

    host = "".join(c if c.isalnum() or c in "-_" else "-" for c in socket.gethostname())
    return f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{host}"


def given_run_name(name: str | None) -> str:
    """The name that was asked for, an empty one too, which is then refused; by time and host where none was."""
    return default_run_name() if name is None else name


def write_run_info(path: Path, info: RunInfo) -> None:
    """
    Write ``run.json``: a reader never sees half of it.

    Raises:
        OSError: if the disk does not take it; then it is as before.
    """
    known = asdict(info)
    write_json(path, {**known.pop("extra"), **known})


def read_run_info(path: Path) -> RunInfo:
    """
    Read ``run.json``.

    Raises:
        RunError: if it is missing or damaged, or a newer version wrote it.
    """
    try:
        facts = read_facts(path)
    except FileNotFoundError:
        listed = command_line("runs", traces=path.parent.parent)
        raise RunError(path, "there is no such file", f"no run is here; `{listed}` lists them") from None
    except (OSError, ValueError) as error:
        raise RunError(path, f"it is not readable ({error})", "the tables beside it may be whole") from None
    if not isinstance(facts, dict) or not {"run_id", "name", "state", "created"} <= facts.keys():
        raise RunError(path, "it lacks run_id, name, state or created", "it was not written by kws-trace")
    version = facts.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        problem = f"schema {version} is newer than {SCHEMA_VERSION}"
        raise RunError(path, problem, "read it with a newer kws-trace")
    names = {known.name for known in fields(RunInfo)} - {"extra"}
    known = {key: value for key, value in facts.items() if key in names}
    found = (misfit(value, _hints()[key], key) for key, value in known.items())
    wrong = next((place for place in found if place is not None), None)
    if wrong is not None:
        raise RunError(path, f"its {wrong}", "it is damaged; the tables may be whole")
    return RunInfo(**known, extra={key: value for key, value in facts.items() if key not in names})


@cache
def _hints() -> dict[str, Any]:
    """What a field of ``run.json`` can be."""
    return {**get_type_hints(RunInfo), **SHAPES}


def _cpu_name() -> str:
    import platform

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.machine()
