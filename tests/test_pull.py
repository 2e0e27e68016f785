"""``kws-trace pull``: over a real rsync or tar and an ssh that runs the other side here, from folders and URLs."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from runner.cli import app
from runner.pull.places import FolderPlace, PlacedFile, Tell, UrlPlace
from runner.pull.pulling import pull
from tests.dashboard_runs import gpu_run, recovered_run
from tests.fleet_runs import fleet_run
from tests.needs import NO_RSYNC
from tracer.errors import KwsTraceError, RunError, UsageError

ROOT = Path(__file__).parent.parent
NAMES = ("gpu", "läuft 'é\" $(x)", "plain")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A board's folder of three runs, one with a capture and one with a name that a shell would read."""
    folder = tmp_path / "home" / "traces"
    gpu_run(folder, NAMES[0])
    for hours, name in enumerate(NAMES[1:]):
        fleet_run(folder, name, hours, inferences=300, seed=hours)
    (folder / "plain" / "session").mkdir()
    (folder / "plain" / "session" / "log.txt").write_text("m-ready\n")
    return folder


@pytest.fixture(params=["rsync", "tar"])
def by(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An ssh to this machine, with rsync on both sides or on none."""
    if request.param == "rsync" and shutil.which("rsync") is None:
        pytest.skip(NO_RSYNC)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "find", "tar", "xargs", "sha256sum", *(["rsync"] if request.param == "rsync" else [])):
        (programs / name).symlink_to(shutil.which(name))
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {sys.executable} -S {ROOT / "tests" / "fake_ssh.py"} "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("FAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SAID_FILE", str(tmp_path / "said"))
    return request.param


def called(*words: str | Path, code: int = 0) -> dict[str, list[str]]:
    result = CliRunner().invoke(app, ["pull", "--json", *map(str, words)])
    assert isinstance(result.exception, SystemExit | KwsTraceError | None), result.exception
    assert getattr(result.exception, "exit_code", result.exit_code) == code, result.output
    return json.loads(result.stdout) if result.stdout else {}


def plain_files(folder: Path) -> set[Path]:
    every = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path for path in every if not any(part.startswith(".") for part in path.parts)}


def assert_equal(there: Path, here: Path) -> None:
    """All that is not hidden, byte for byte, and with its times."""
    found = plain_files(there)
    assert plain_files(here) == found
    for path in found:
        assert filecmp.cmp(there / path, here / path, shallow=False), path
        assert (there / path).stat().st_mtime_ns == (here / path).stat().st_mtime_ns, path


def test_runs_come_over_ssh_byte_for_byte_and_the_next_time_nothing_is_read(
    there: Path, tmp_path: Path, by: str
) -> None:
    here = tmp_path / "here"
    found = called("me@board:~/traces", "--traces", here)
    assert (sorted(found["came"]), found["refused"]) == (sorted(NAMES), [])
    assert_equal(there, here)
    (tmp_path / "said").unlink()
    assert sorted(called("me@board:traces", "--traces", here)["here"]) == sorted(NAMES)
    assert int((tmp_path / "said").read_text()) < sum(path.stat().st_size for path in there.rglob("spans/*"))


@pytest.mark.slow
def test_a_connection_that_ends_is_gone_on_with_by_the_same_command(
    there: Path, tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut after so many twelfths of what the other side says in all, its first list among it."""
    called("board:traces", "--traces", tmp_path / "whole")
    said = tmp_path / "said"
    total = int(said.read_text())
    for moment in range(1, 12):
        said.unlink()
        here = tmp_path / f"here-{moment}"
        monkeypatch.setenv("CUT_AFTER", str(total * moment // 12))
        called("board:traces", "--traces", here, code=1)
        for name in NAMES:
            if (here / name).exists():
                assert_equal(there / name, here / name)
        monkeypatch.delenv("CUT_AFTER")
        called("board:traces", "--traces", here)
        assert_equal(there, here)


@pytest.mark.slow
def test_a_pull_that_is_killed_at_any_moment_is_finished_by_the_same_command(
    there: Path, tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called("board:traces", "--traces", tmp_path / "whole")
    said, pid = tmp_path / "said", tmp_path / "pid"
    total = int(said.read_text())
    for moment in range(1, 12):
        here = tmp_path / f"here-{moment}"
        words = [sys.executable, "-m", "runner", "pull", "board:traces", "--traces", here]
        said.unlink(missing_ok=True)
        cut = {"CUT_AFTER": str(total * moment // 12), "PULL_PID_FILE": str(pid), "PYTHONPATH": str(ROOT)}
        script = [shutil.which("sh"), "-c", f'echo $$ > {pid}; exec "$@"', "sh", *map(str, words)]
        killed = subprocess.run(script, env={**os.environ, **cut}, cwd=tmp_path, capture_output=True, check=False)
        assert killed.returncode == -9
        called("board:traces", "--traces", here)
        assert_equal(there, here)


def test_a_host_that_is_an_option_or_no_name_is_refused(tmp_path: Path, by: str) -> None:
    (tmp_path / "home").mkdir()
    for source in ("-oProxyCommand=touch x:traces", "me@-oX:traces", "a b:traces", "a;b:traces", "$(x):t", "@x:t"):
        called("--traces", tmp_path / "here", "--", source, code=2)
    for source in ("nohost:traces", "board:nowhere", "board:."):
        code = 1 if source.startswith("nohost") else 2
        called(source, "--traces", tmp_path / "here", code=code)
    assert not (tmp_path / "here").exists()


class Moving(FolderPlace):
    """A folder in which something happens after the files were brought."""

    def __init__(self, folder: Path, happens) -> None:
        super().__init__(folder)
        self.happens = happens

    def fetch(self, files: Sequence[PlacedFile], into: Path, tell: Tell) -> str | None:
        failure = super().fetch(files, into, tell)
        if len(files) > len(NAMES):
            self.happens()
        return failure


def test_a_run_that_changes_on_the_way_is_refused_and_comes_the_next_time(there: Path, tmp_path: Path) -> None:
    log = there / "plain" / "session" / "log.txt"
    facts = log.stat()

    def rewrite() -> None:
        # As long as before, and of the same time: only its content tells.
        log.write_text("m-READY\n")
        os.utime(log, ns=(facts.st_mtime_ns, facts.st_mtime_ns))

    for happens in (rewrite, lambda: (there / "plain" / "late.txt").write_text("x"), log.unlink):
        here = tmp_path / str(len(list(tmp_path.iterdir())))
        found = pull(Moving(there, happens), here, ())
        assert sorted(found.came) == sorted(NAMES[:2])
        assert found.refused[0].startswith("plain: ")
        assert "on the way" in found.refused[0]
        assert not (here / "plain").exists()
        (there / "plain" / "late.txt").unlink(missing_ok=True)
        log.write_text("m-ready\n")
        assert pull(FolderPlace(there), here, ()).came == ["plain"]
        assert_equal(there, here)


def test_a_different_run_of_the_same_name_and_a_changed_one_stay_as_they_are(there: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    fleet_run(here, "plain", seed=9)
    before = {path: path.read_bytes() for path in here.rglob("*.parquet")}
    found = called(there, "--traces", here, code=1)
    assert found["refused"] == ["plain: another run of that name is here; rename it, here or there"]
    (there / "gpu" / "note.txt").write_text("ingested since")
    (refused,) = called(there, "gpu", "--traces", here, code=1)["refused"]
    assert "with other content" in refused
    assert {path: path.read_bytes() for path in before} == before
    assert not (here / "gpu" / "note.txt").exists()
    (here / "gpu").rename(here / "renamed")
    (there / "gpu" / "note.txt").unlink()
    assert "renamed" in called(there, "gpu", "--traces", here)["here"]


def test_what_is_recorded_killed_or_damaged_does_not_come_and_is_named(there: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    recovered_run(there, "killed")
    (there / "nonsense").mkdir()
    (there / "nonsense" / "run.json").write_text("{")
    (part,) = (there / "plain" / "spans").glob("*.parquet")
    table = pq.read_table(part)
    last = pc.max(table["inference"]).as_py()
    pq.write_table(table.filter(pc.fill_null(pc.less(table["inference"], last), True)), part)
    found = called(there, "--traces", here, code=1)
    assert sorted(sentence.split(":")[0] for sentence in found["left_out"]) == ["killed", "nonsense/run.json"]
    (refused,) = found["refused"]
    assert "plain: it is damaged there: window 4: spans has 299 of 300 inferences" in refused
    assert sorted(path.name for path in here.iterdir() if not path.name.startswith(".")) == sorted(NAMES[:2])


def test_another_side_that_names_files_outside_puts_none_there(there: Path, tmp_path: Path) -> None:
    class Lying(FolderPlace):
        def files(self) -> list[PlacedFile]:
            held = super().files()
            return [*held, *(PlacedFile(f"../{file.path}", file.size, file.mtime_ns) for file in held)]

    here = tmp_path / "a" / "here"
    assert sorted(pull(Lying(there), here, ()).came) == sorted(NAMES)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["here"]


def test_a_disk_without_room_is_said_before_anything_comes(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(RunError, match=r"the disk has 1\.00 kB free"):
        pull(FolderPlace(there), tmp_path / "here", ())


def test_runs_come_from_a_url(there: Path, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="needs the extra fleet")
    memory = fsspec.filesystem("memory")
    memory.put(str(there), "/bucket/traces", recursive=True)
    here = tmp_path / "here"
    assert sorted(called("memory://bucket/traces", "--traces", here)["came"]) == sorted(NAMES)
    assert filecmp.cmp(there / "plain" / "run.json", here / "plain" / "run.json", shallow=False)
    assert sorted(called("memory://bucket/traces", "--traces", here)["here"]) == sorted(NAMES)
    called("nothing://bucket", "--traces", here, code=2)
    with pytest.raises(UsageError, match=r"^memory://nowhere: no run is there"):
        pull(UrlPlace("memory://nowhere"), here, ())


ADDRESS = "http://board/traces"


def web_server(folder: Path, unlisted: str = "none") -> Any:
    """
    As fsspec sees one: a folder is listed by the links of its page, some of which sort it, and has no sizes.

    Of the folder ``unlisted`` there is no page.
    """
    fsspec = pytest.importorskip("fsspec", reason="needs the extra fleet")

    class Web(fsspec.AbstractFileSystem):
        def _here(self, path: str) -> Path:
            return folder / unquote(path.removeprefix(ADDRESS).strip("/"))

        def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
            if path.endswith(unlisted):
                raise PermissionError("not for you")
            links = {f"{path.rstrip('/')}/{quote(one.name)}": one.is_dir() for one in self._here(path).iterdir()}
            links[f"{path.rstrip('/')}/?C=N;O=D"] = False
            kinds = {True: "directory", False: "file"}
            return [{"name": link, "size": None, "type": kinds[is_dir]} for link, is_dir in links.items()]

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            facts = self._here(path).stat()
            told = formatdate(facts.st_mtime, usegmt=True)
            return {"name": path, "size": facts.st_size, "type": "file", "Last-Modified": told}

        def _open(self, path: str, *_: Any, **__: Any) -> Any:
            return self._here(path).open("rb")

    return Web(skip_instance_cache=True)


def test_runs_come_from_a_web_server_which_quotes_names_and_tells_sizes_file_by_file(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, here = web_server(there), tmp_path / "here"
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda url: (system, url))
    assert sorted(called(ADDRESS, "--traces", here)["came"]) == sorted(NAMES)
    for path in plain_files(there):
        assert filecmp.cmp(there / path, here / path, shallow=False), path
        assert (here / path).stat().st_mtime == int((there / path).stat().st_mtime), path
    assert sorted(called(ADDRESS, "--traces", here)["here"]) == sorted(NAMES)


def test_a_folder_behind_a_url_that_cannot_be_listed_is_no_folder_without_files(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = web_server(there, "plain/spans")
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda url: (system, url))
    with pytest.raises(RunError, match=f"^{ADDRESS}: cannot be listed \\(not for you\\)"):
        UrlPlace(ADDRESS).files()


def test_a_name_that_is_not_there_is_refused(there: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nobody: no such run is in .*traces"):
        pull(FolderPlace(there), tmp_path / "here", ["nobody"])
