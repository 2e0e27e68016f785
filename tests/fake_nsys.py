"""A fake nsys in PATH and a fake DUT that it runs: what a launch did is read from what they left."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.dut.capture_plan import CaptureChoice
from runner.dut.profiler_launch import (
    serve_under_nsys,
)
from runner.dut.run_job import RunJob
from runner.inference.models import SHIPPED_TFLITE, ModelChoice
from tests.gpu_runs import captured_windows, gpu_export, recorded_run, usual_windows

NSYS = f"""#!{sys.executable} -ES
import json, os, shutil, signal, subprocess, sys
from pathlib import Path
fake, words = Path(os.environ["FAKE_NSYS"]), sys.argv[1:]
if words == ["--version"]:
    print((fake / "version").read_text())
elif words == ["profile", "--help"]:
    print((fake / "help").read_text())
elif words[0] == "export":
    made = next(word.partition("=")[2] for word in words if word.startswith("--output="))
    shutil.copy(words[-1], made)
elif words[0] == "profile":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: (fake / "nsys-was-signalled").touch())
    options = words[1 : words.index(os.environ["FAKE_DUT"])]
    keys = ("TMPDIR", "NSYS_NVTX_PROFILER_REGISTER_ONLY")
    environment = {{key: os.environ.get(key) for key in keys}}
    facts = {{"options": options, "session": os.getsid(0), "pid": os.getpid(), "environment": environment}}
    (fake / "profile.json").write_text(json.dumps(facts))
    with (fake / "starts").open("a") as starts:
        print(os.getpid(), file=starts)
    if (fake / "fails-once").exists():
        (fake / "fails-once").unlink()
        sys.exit((print("sem_open: No such file or directory", file=sys.stderr), 1)[1])
    if (fake / "refuses").exists():
        sys.exit((print("cannot start here"), 3)[1])
    code = subprocess.call(words[words.index(os.environ["FAKE_DUT"]):])
    output = Path(next(word.partition("=")[2] for word in options if word.startswith("--output=")))
    for report in (fake / "reports").iterdir():
        shutil.copy(report, output.parent / report.name)
    sys.exit(code)
"""
DUT = f"""#!{sys.executable} -ES
import json, os, shutil, signal, sys, time
from pathlib import Path
fake = Path(os.environ["FAKE_NSYS"])
orders = json.loads(os.environ["KWS_TRACE_UNDER_NSYS"])
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: got.append(number))
pid_file = Path(orders["pid_file"])
(fake / "new").write_text(str(os.getpid()))
(fake / "new").rename(pid_file)
while (fake / "waits").exists() and not got:
    time.sleep(0.01)
time.sleep(0.2 if got else 0)
traces = Path(sys.argv[sys.argv.index("--traces") + 1])
if (fake / "run").exists():
    shutil.copytree(fake / "run", traces / orders["name"])
(fake / "dut.json").write_text(json.dumps({{"signals": got, "words": sys.argv[1:], "orders": orders}}))
sys.exit(int((fake / "code").read_text()) if (fake / "code").exists() else 0)
"""
HELP = """
\t-c, --capture-range=

\t   Possible values are none, cudaProfilerApi, nvtx, hotkey.

\t--capture-range-end=

\t   Possible values are 'none', 'stop', 'stop-shutdown', 'repeat[:N]' or 'repeat-shutdown:N'.

\t--cpuctxsw=

\t   Possible values are 'process-tree', 'system-wide', or 'none'.

\t--cuda-graph-trace=

\t   Possible values are 'graph' or 'node'.

\t--kill=

\t   Possible values are 'none', 'sigkill', 'sigterm', or a signal number.

\t-p, --nvtx-capture=

\t   Possible values are 'range@domain' to specify range and domain.

\t-o, --output=

\t   Output report filename.

\t-s, --sample=

\t   Possible values are 'process-tree', 'system-wide' or 'none'.

\t-t, --trace=

\t   Possible values are 'cuda', 'nvtx', 'cublas', 'cudnn', 'osrt', 'vulkan', or 'none'.
\t   Select the API(s) to be traced. With 'opengl', more is traced.

\t-w, --wait=

\t   Possible values are 'primary' or 'all'.
"""
NEWER = HELP.replace(
    "\t--kill=\n", "\t--cuda-event-trace=\n\n\t   Possible values are 'true' or 'false'.\n\n\t--kill=\n"
)
OLDER = HELP.replace("\t--cuda-graph-trace=\n\n\t   Possible values are 'graph' or 'node'.\n\n", "").replace(
    ", 'cublas', 'cudnn'", ""
)
ALWAYS = ["--sample=none", "--cpuctxsw=none", "--capture-range=nvtx", "--nvtx-capture=capture@kws-trace"]
ALWAYS += ["--capture-range-end=repeat:2", "--kill=none", "--wait=all"]


class Fake:
    """A fake nsys in PATH and a fake DUT in place of Python; ``folder`` steers both."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.traces = tmp_path / "fake", tmp_path / "traces"
        (self.folder / "reports").mkdir(parents=True)
        (tmp_path / "bin").mkdir()
        for name, text in (("nsys", NSYS), ("dut", DUT)):
            (tmp_path / "bin" / name).write_text(text)
            (tmp_path / "bin" / name).chmod(0o755)
        self.dut = str(tmp_path / "bin" / "dut")
        self.says("version", "NVIDIA Nsight Systems version 2023.2.3.1001-32894139v0")
        self.says("help", HELP)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("FAKE_NSYS", str(self.folder))
        monkeypatch.setenv("FAKE_DUT", self.dut)
        monkeypatch.delenv("NSYS_NVTX_PROFILER_REGISTER_ONLY", raising=False)
        monkeypatch.setattr(sys, "executable", self.dut)

    def says(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def said(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())

    def leaves(self, captures: int = 2, suffix: str = ".nsys-rep", cut: bool = False) -> None:
        """The DUT leaves a run, and nsys a report of each of its captures."""
        windows = usual_windows(captures)
        if cut:
            windows[-1] = replace(windows[-1], state="aborted", probabilities=None)
        recorded_run(self.folder, windows)
        for number, one in enumerate(captured_windows(windows), start=1):
            gpu_export(one).write(self.folder / "reports" / f"capture.{number}{suffix}")

    def job(self, **options: Any) -> RunJob:
        chosen: dict[str, Any] = {"name": "mine", "capture": CaptureChoice(20, 2), **options}
        return RunJob(ModelChoice(SHIPPED_TFLITE), self.traces, **chosen)

    def serve(self, preset: str = "light", **options: Any) -> int:
        words = ["run", "--port", "pty:dut", "--nsys", "--preset", preset, "--traces", str(self.traces)]
        return serve_under_nsys(self.job(**options), preset, [*words, "--capture-inferences=20", "--name", "mine"])

    @property
    def starts(self) -> int:
        path = self.folder / "starts"
        return len(path.read_text().splitlines()) if path.exists() else 0
