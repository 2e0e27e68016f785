"""The real ``kws-trace`` as a child of an attack, and folders that are made to harm it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.children import read_until, running

SCRIPT = str(Path(sys.executable).with_name("kws-trace"))

NAMES = (
    "typer",
    "rich",
    "numpy",
    "pyarrow",
    "pandas",
    "streamlit",
    "nvtx",
    "serial",
    "runpy",
    "json",
    "sitecustomize",
)


def hostile_folder(folder: Path) -> Path:
    """Modules and packages by the names that we import, each of which leaves ``ran-NAME`` beside it."""
    folder.mkdir()
    for name in (*NAMES, "runner", "tracer", "dashboard"):
        path = folder / f"{name}.py" if name in NAMES else folder / name / "__init__.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(folder / f'ran-{name}')!r}, 'w').close()\nraise SystemExit(66)\n")
    return folder


def ran(folder: Path) -> list[str]:
    """What of ``hostile_folder`` was imported."""
    return sorted(path.name.removeprefix("ran-") for path in folder.glob("ran-*"))


@contextmanager
def dut(folder: Path, *options: str, **how: object) -> Iterator[subprocess.Popen[str]]:
    """The installed script as a DUT on ``folder/dut`` that records ``folder/traces/run``, started where we are."""
    command = [SCRIPT, "run", "--port", f"pty:{folder / 'dut'}", "--backend", "litert", "--name", "run"]
    command += ["--traces", str(folder / "traces"), *options]
    child: subprocess.Popen[str]
    with running(command, stderr=subprocess.PIPE, text=True, **how) as child:
        assert child.stderr is not None
        read_until(child.stderr, "ready on")
        yield child
