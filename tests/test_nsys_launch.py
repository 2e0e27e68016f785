"""The DUT under nsys, with a fake nsys and a fake DUT: command lines, signals, permissions, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runner import captured_run
from runner.captured_run import (
    LAUNCHER_OPTIONS,
    NothingCapturedError,
    ProfileFolderError,
    ProfilerChoiceError,
    serve_under_nsys,
    serve_with_tensorflow,
)
from runner.cli import app
from runner.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice
from runner.nsys import installation, launch
from runner.nsys.command import NsysTooOldError, profile_command
from runner.nsys.installation import (
    Nsys,
    NsysBrokenError,
    NsysMissingError,
    RootNeededError,
    find_nsys,
    give_to_caller,
    refuse_without_root,
)
from runner.nsys.launch import run_under_nsys, without_profiler_options
from runner.nsys.reports import ImporterMissingError
from runner.run_job import CaptureChoice, NoRangesError, RunJob
from tests.gpu_runs import captured_windows, gpu_export, recorded_run, usual_windows
from tracer.reports.report import build_report
from tracer.runs.run_store import open_run
from tracer.runs.run_writer import RunExistsError

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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: (fake / "nsys-was-signalled").touch())
    options = words[1 : words.index(os.environ["FAKE_DUT"])]
    keys = ("TMPDIR", "NSYS_NVTX_PROFILER_REGISTER_ONLY")
    environment = {{key: os.environ.get(key) for key in keys}}
    facts = {{"options": options, "session": os.getsid(0), "pid": os.getpid(), "environment": environment}}
    (fake / "profile.json").write_text(json.dumps(facts))
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
for number in (signal.SIGINT, signal.SIGTERM):
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
        monkeypatch.setattr(launch.sys, "executable", self.dut)

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

    def started(self) -> bool:
        return (self.folder / "profile.json").exists()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path, monkeypatch)


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        assert signal.getsignal(number) is handler


def test_the_run_and_its_captures_are_there_when_the_dut_has_ended(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.leaves(captures=2)
    assert fake.serve() == 0
    run = open_run("mine", fake.traces)
    assert [facts["file"] for facts in run.info.captures] == ["capture.1.nsys-rep", "capture.2.nsys-rep"]
    assert build_report(run)["gpu"]["inferences"] == 40
    assert sorted(path.name for path in fake.traces.iterdir()) == ["mine", "mine.profile"]
    kept = sorted(path.name for path in (fake.traces / "mine.profile").iterdir())
    assert kept == ["capture.1.nsys-rep", "capture.2.nsys-rep", "nsys.log"]
    said = capsys.readouterr().err
    assert said.startswith("nsys 2023.2.3.1001-32894139v0, preset light: 20 inferences after each of the first 2")
    assert "at most about 56 MB" in said


def test_the_dut_gets_its_own_options_and_the_orders_and_not_the_launchers(fake: Fake) -> None:
    fake.leaves()
    fake.serve()
    dut = fake.said("dut.json")
    assert dut["words"] == [
        *("-m", "runner", "run", "--port", "pty:dut", "--traces", str(fake.traces)),
        *("--capture-inferences", "20", "--capture-windows", "2"),
    ]
    assert dut["orders"]["name"] == "mine"
    version = "2023.2.3.1001-32894139v0"
    facts = {"name": "nsys", "version": version, "preset": "light", "traced": ["cuda", "nvtx"]}
    assert dut["orders"]["profiler"] == facts


def test_nsys_stands_in_a_session_of_its_own_and_its_rubbish_goes(fake: Fake) -> None:
    fake.leaves()
    fake.serve()
    facts = fake.said("profile.json")
    assert facts["session"] == facts["pid"]
    assert facts["environment"]["NSYS_NVTX_PROFILER_REGISTER_ONLY"] == "0"
    assert Path(facts["environment"]["TMPDIR"]).parent == (fake.traces / "mine.profile")
    assert not Path(facts["environment"]["TMPDIR"]).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("handlers")
def test_a_signal_reaches_the_dut_alone_and_nsys_ends_after_it(fake: Fake, number: signal.Signals) -> None:
    fake.leaves()
    (fake.folder / "waits").touch()

    def send_when_it_runs() -> None:
        while not (fake.traces / "mine.profile" / "dut.pid").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send_when_it_runs)
    sender.start()
    assert fake.serve() == 0
    sender.join()
    assert fake.said("dut.json")["signals"] == [number]
    assert not (fake.folder / "nsys-was-signalled").exists()
    assert len(open_run("mine", fake.traces).info.captures) == 2


@pytest.mark.parametrize(
    ("preset", "text", "wanted"),
    [
        ("light", HELP, ["--trace=cuda,nvtx", "--cuda-graph-trace=graph"]),
        ("deep", HELP, ["--trace=cuda,nvtx,cudnn,cublas,osrt", "--cuda-graph-trace=node"]),
        ("light", OLDER, ["--trace=cuda,nvtx"]),
        ("deep", OLDER, ["--trace=cuda,nvtx,osrt"]),
    ],
)
def test_a_preset_asks_for_what_this_nsys_has(fake: Fake, preset: str, text: str, wanted: list[str]) -> None:
    fake.says("help", text)
    command = profile_command(find_nsys(), preset, 2, Path("out/capture"), ["python", "-m", "runner"])
    assert command[1] == "profile"
    assert command[-3:] == ["python", "-m", "runner"]
    assert sorted(command[2:-3]) == sorted([*ALWAYS, *wanted, "--output=out/capture"])


def test_an_nsys_without_capture_ranges_is_refused_before_the_run(fake: Fake) -> None:
    fake.says("help", HELP.replace("--capture-range=", "--capture="))
    with pytest.raises(NsysTooOldError, match=r"has no --capture-range; install 2020\.4 or newer") as caught:
        fake.serve()
    assert caught.value.exit_code == 2
    assert not fake.started()
    assert not fake.traces.exists()


def test_no_nsys_is_refused_before_the_run_with_how_it_is_had(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fake.folder))
    monkeypatch.setattr(installation, "_FOLDERS", (f"{fake.folder}/none/*",))
    with pytest.raises(NsysMissingError, match="nsight-systems-cli") as caught:
        fake.serve()
    assert caught.value.exit_code == 2
    assert not fake.traces.exists()


def test_an_nsys_that_says_no_version_is_broken(fake: Fake) -> None:
    fake.says("version", "libfoo.so.1: cannot open shared object file")
    with pytest.raises(NsysBrokenError, match="names no version; it said: libfoo") as caught:
        find_nsys()
    assert caught.value.exit_code == 1


def test_an_nsys_that_does_not_start_the_dut_is_told_with_what_it_said(fake: Fake) -> None:
    (fake.folder / "refuses").touch()
    with pytest.raises(NsysBrokenError, match="ended with 3 before the DUT began; it said: cannot start here"):
        fake.serve()
    assert not (fake.traces / "mine.profile").exists()


def test_a_dut_that_refuses_hands_on_its_exit_code_and_leaves_nothing(fake: Fake) -> None:
    fake.says("code", "2")
    assert fake.serve() == 2
    assert list(fake.traces.iterdir()) == []


def test_a_run_in_which_nothing_was_captured_is_complete_and_the_job_failed(fake: Fake) -> None:
    recorded_run(fake.folder, [usual_windows()[0]])
    with pytest.raises(NothingCapturedError, match="the run itself is complete") as caught:
        fake.serve()
    assert caught.value.exit_code == 1
    assert open_run("mine", fake.traces).state == "complete"
    assert [path.name for path in fake.traces.iterdir()] == ["mine"]


def test_the_capture_in_which_the_run_was_ended_is_left_out_and_the_others_taken(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.leaves(captures=2, cut=True)
    assert fake.serve() == 0
    assert [facts["first_inference"] for facts in open_run("mine", fake.traces).info.captures] == [12]
    assert "capture.2.nsys-rep: left out: the run was ended in the middle" in capsys.readouterr().err


def test_raw_captures_without_an_importer_are_announced_and_kept_for_another_machine(
    fake: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.leaves(captures=1, suffix=".qdstrm")
    monkeypatch.setattr(captured_run, "find_nsys", lambda: replace(find_nsys(), importer=None))
    with pytest.raises(ImporterMissingError, match=r"kws-trace ingest RUN capture\.1\.qdstrm") as caught:
        fake.serve()
    assert caught.value.exit_code == 2
    assert "no QdstrmImporter beside" in capsys.readouterr().err
    assert (fake.traces / "mine.profile" / "capture.1.qdstrm").exists()
    assert open_run("mine", fake.traces).state == "complete"


def test_raw_captures_are_imported_by_the_importer_beside_nsys(fake: Fake, tmp_path: Path) -> None:
    folder = tmp_path / "host-linux-fake"
    folder.mkdir()
    importer = folder / "QdstrmImporter"
    importer.write_text('#!/bin/sh\ncp "$2" "$4"\n')
    importer.chmod(0o755)
    fake.leaves(captures=2, suffix=".qdstrm")
    assert find_nsys().importer == importer
    assert fake.serve() == 0
    assert [facts["file"] for facts in open_run("mine", fake.traces).info.captures] == [
        "capture.1.nsys-rep",
        "capture.2.nsys-rep",
    ]
    assert not list((fake.traces / "mine.profile").glob("*.qdstrm"))


def test_ten_captures_are_taken_in_their_order_not_that_of_their_names(fake: Fake) -> None:
    folder = fake.folder / "reports"
    for number in range(1, 12):
        (folder / f"capture.{number}.nsys-rep").touch()
    (fake.folder / "run").mkdir()
    words = ["run", "--traces", str(fake.traces)]
    code, reports = run_under_nsys(find_nsys(), "light", 11, "mine", fake.traces / "mine.profile", words)
    assert code == 0
    assert [path.name for path in reports] == [f"capture.{number}.nsys-rep" for number in range(1, 12)]


def tegra(tmp_path: Path) -> Path:
    (tmp_path / "root/proc/device-tree").mkdir(parents=True)
    (tmp_path / "root/proc/device-tree/compatible").write_bytes(b"nvidia,p3768\0nvidia,tegra234\0")
    return tmp_path / "root"


def test_on_tegra_without_root_the_line_that_works_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    environment = {"PATH": "/usr/bin:/opt/it's", "LD_LIBRARY_PATH": "/usr/lib/cuda", "SECRET": "x", "PYTHONPATH": ""}
    words = ["run", "--port", "/dev/ttyGS0", "--nsys", "--name", "two words"]
    with pytest.raises(RootNeededError) as caught:
        refuse_without_root(words, environment, tegra(tmp_path))
    line = (
        """sudo env 'PATH=/usr/bin:/opt/it'"'"'s' LD_LIBRARY_PATH=/usr/lib/cuda """
        f"{sys.executable} -m runner run --port /dev/ttyGS0 --nsys --name 'two words'"
    )
    assert str(caught.value).split("\n\n")[1].strip() == line
    assert "what it writes will be yours" in str(caught.value)
    assert caught.value.exit_code == 2


def test_root_on_tegra_and_anybody_elsewhere_may_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    refuse_without_root(["run"], {}, tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    refuse_without_root(["run"], {}, tegra(tmp_path))


def test_under_sudo_all_that_was_written_belongs_to_the_caller_and_links_are_not_followed(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned: dict[str, tuple[int, int, bool]] = {}

    def chown(path: Path, owner: int, group: int, *, follow_symlinks: bool) -> None:
        owned[str(path)] = (owner, group, follow_symlinks)

    monkeypatch.setattr(os, "chown", chown)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "5678")
    fake.leaves(captures=1)
    fake.serve()
    # The folder of the runs too: it was not there before.
    assert set(owned) == {str(path) for path in (fake.traces, *fake.traces.rglob("*"))}
    assert set(owned.values()) == {(1234, 5678, False)}
    owned.clear()
    give_to_caller([fake.traces], {})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    give_to_caller([fake.traces], {"SUDO_UID": "1234"})
    assert owned == {}


def test_under_sudo_runs_of_others_in_the_same_folder_stay_theirs(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.traces.mkdir()
    (fake.traces / "of-another").mkdir()
    owned: list[str] = []
    monkeypatch.setattr(os, "chown", lambda path, *_, **__: owned.append(str(path)))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1234")
    fake.leaves(captures=1)
    fake.serve()
    assert str(fake.traces / "mine" / "run.json") in owned
    assert not {str(fake.traces), str(fake.traces / "of-another")} & set(owned)


def test_the_launchers_options_go_in_whatever_form_they_were_given() -> None:
    words = ["run", "--nsys", "--preset", "deep", "--port=pty:x", "--name=a", "--capture-windows", "3", "--stages"]
    kept = without_profiler_options([*words, "fused", "--capture-inferences=7"], LAUNCHER_OPTIONS)
    assert kept == ["run", "--port=pty:x", "--stages", "fused"]


def test_the_run_that_nsys_needs_ranges_of_is_refused_without_them(fake: Fake) -> None:
    with pytest.raises(NoRangesError, match="--no-nvtx") as caught:
        fake.serve(nvtx=False)
    assert caught.value.exit_code == 2
    assert not fake.started()
    assert not fake.traces.exists()


def test_an_nvtx_that_pushes_nothing_is_refused_before_the_run(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured_run, "open_ranges", lambda: None)
    with pytest.raises(NoRangesError, match=r"nvtx 0\.2\.12 or newer"):
        fake.serve()
    assert not fake.started()


def test_a_capture_of_nothing_is_refused(fake: Fake) -> None:
    with pytest.raises(ProfilerChoiceError, match="--capture-inferences 0: nothing would be captured"):
        fake.serve(capture=CaptureChoice(0, 2))
    assert not fake.started()


def test_a_name_that_is_taken_is_refused_and_what_is_there_left_alone(fake: Fake) -> None:
    fake.leaves(captures=1)
    fake.serve()
    before = {path: path.read_bytes() for path in fake.traces.rglob("*") if path.is_file()}
    with pytest.raises(RunExistsError, match="mine"):
        fake.serve()
    assert {path: path.read_bytes() for path in fake.traces.rglob("*") if path.is_file()} == before
    shutil.rmtree(fake.traces / "mine")
    with pytest.raises(ProfileFolderError, match="profiles of an earlier run"):
        fake.serve()


def test_tensorflows_profiler_is_refused_for_a_model_that_it_cannot_see(fake: Fake) -> None:
    with pytest.raises(ProfilerChoiceError, match=r"runs on LiteRT.*--backend tensorflow") as caught:
        serve_with_tensorflow(fake.job(), "pty:dut", 115200, "bench")
    assert caught.value.exit_code == 2
    assert not fake.traces.exists()


def test_tensorflows_profiler_needs_no_nvtx(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ranges are TensorFlow's own."""
    served: list[RunJob] = []

    def serve(job: RunJob, *_: Any) -> int:
        served.append(job)
        recorded_run(fake.traces, [usual_windows()[0]], name="mine")
        return 0

    monkeypatch.setattr(captured_run, "serve_run", serve)
    job = replace(fake.job(nvtx=False), choice=ModelChoice(SHIPPED_SAVED_MODEL))
    with pytest.raises(NothingCapturedError):
        serve_with_tensorflow(job, "pty:dut", 115200, "bench")
    assert served[0].profile_folder == fake.traces / "mine.profile"


def test_the_command_line_refuses_what_contradicts_itself_before_anything_starts(fake: Fake) -> None:
    base = ["run", "--port", "pty:dut", "--traces", str(fake.traces)]
    for words, said in (
        (["--nsys", "--no-nvtx"], "--no-nvtx"),
        (["--profiler", "tensorflow"], "runs on LiteRT"),
        (["--nsys", "--profiler", "tensorflow"], "one profiler at a time"),
        (["--nsys", "--capture-inferences", "0"], "nothing would be captured"),
        (["--capture-inferences", "5", "--no-nvtx"], "--no-nvtx"),
    ):
        done = CliRunner().invoke(app, [*base, *words])
        assert said in " ".join(f"{done.output} {done.exception}".split()), words
        assert getattr(done.exception, "exit_code", done.exit_code) == 2
    assert not fake.traces.exists()
    assert not fake.started()


def test_the_newest_nsys_of_the_usual_folder_is_taken_where_path_has_none(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("2022.4.2", "2023.2.3"):
        folder = tmp_path / "opt" / version / "target-linux-tegra-armv8"
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / "bin" / "nsys", folder / "nsys")
    monkeypatch.setenv("PATH", str(fake.folder))
    monkeypatch.setattr(installation, "_FOLDERS", (f"{tmp_path}/opt/*/target-linux-*",))
    found = find_nsys()
    assert isinstance(found, Nsys)
    assert found.path.parent.parent.name == "2023.2.3"
