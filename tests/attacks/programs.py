"""The real ``kws-trace`` as a child of an attack, and folders that are made to harm it."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from runner import cli
from tests.children import read_until, running

SCRIPT = str(Path(sys.executable).with_name("kws-trace"))

NAMES = tuple(
    sorted(
        {"sitecustomize", "usercustomize", "conftest", "setup", *sys.stdlib_module_names}
        | {name for name in packages_distributions() if name.isidentifier()}
    )
)
"""All that any import here may ask for: Python's own modules, and those of every package that is installed."""

PACKAGES = ("runner", "tracer", "dashboard")


def hostile_folder(folder: Path) -> Path:
    """Modules and packages by all names that are imported, each of which leaves ``ran-NAME`` beside it."""
    folder.mkdir()
    for name in {*NAMES, *PACKAGES}:
        path = folder / name / "__init__.py" if name in PACKAGES else folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(folder / f'ran-{name}')!r}, 'w').close()\nraise SystemExit(66)\n")
    settings = folder / ".streamlit"
    settings.mkdir()
    # Obeyed, they would move every page and let nobody in.
    (settings / "config.toml").write_text('[server]\nbaseUrlPath = "elsewhere"\n')
    (settings / "secrets.toml").write_text("[")
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


@dataclass(frozen=True)
class Ended:
    """How a command line ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


def called(*words: str | Path) -> Ended:
    """``kws-trace WORDS`` in this process: quick enough for hundreds of attacks."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [SCRIPT, *map(str, words)])
        patch.delenv(cli.DEBUG, raising=False)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return Ended(code, out.getvalue(), err.getvalue())


def obeyed(text: str) -> list[str]:
    """What of a text a terminal would obey, or would show otherwise than it stands."""
    return [f"U+{ord(char):04X}" for char in text if not (char.isprintable() or char in "\n\t")]
