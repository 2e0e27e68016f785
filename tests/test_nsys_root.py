"""Who may trace on a Jetson, and whose what was written under sudo is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from runner.nsys.installation import give_to_caller, refuse_without_root
from tests.conftest import ROOT
from tests.fake_nsys import Fake
from tracer.errors import UsageError


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path, monkeypatch)


def tegra(tmp_path: Path) -> Path:
    (tmp_path / "root/proc/device-tree").mkdir(parents=True)
    (tmp_path / "root/proc/device-tree/compatible").write_bytes(b"nvidia,p3768\0nvidia,tegra234\0")
    return tmp_path / "root"


def test_on_tegra_without_root_the_line_that_works_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    environment = {
        "PATH": "/usr/bin:/opt/it's",
        "LD_LIBRARY_PATH": "/usr/lib/cuda",
        "SECRET": "x",
        "PYTHONPATH": "/home/me",
    }
    words = ["run", "--port", "/dev/ttyGS0", "--nsys", "--name", "two words"]
    with pytest.raises(UsageError) as caught:
        refuse_without_root(words, environment, tegra(tmp_path))
    line = (
        """sudo env 'PATH=/usr/bin:/opt/it'"'"'s' LD_LIBRARY_PATH=/usr/lib/cuda """
        f"{sys.executable} {ROOT / 'runner/start.py'} runner run --port /dev/ttyGS0 --nsys --name 'two words'"
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
