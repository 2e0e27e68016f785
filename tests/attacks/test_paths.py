"""A path that is no file, or none at all, in place of each file that we write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.attacks.programs import called, obeyed
from tests.conftest import ROOT
from tracer.whole_files import written_whole


@pytest.mark.parametrize("name", ["fifo", "folder", "", "file/below", "a\nb\x1b[31m/c", "n" * 300])
def test_an_export_replaces_nothing_but_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("folder").mkdir()
    Path("file").touch()
    ended = called("export", ROOT / "traces" / "sample-cpu", "--inferences", "100:101", "--perfetto", name)
    assert ended.code == 2
    assert ended.err.count("kws-trace: ") == 1
    assert "nobody foresaw" not in ended.err
    assert not obeyed(ended.said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fifo", "file", "folder"]
    assert stat.S_ISFIFO(os.stat("fifo").st_mode)


def test_a_link_to_a_device_stays(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    with pytest.raises(FileExistsError, match="a device"), written_whole(link) as temporary:
        temporary.write_text("")
    assert list(tmp_path.iterdir()) == [link]
    assert link.is_symlink()
