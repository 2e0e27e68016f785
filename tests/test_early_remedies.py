"""What cannot work is told before anything slow begins, and the remedy names what to type."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.dataset import load_dataset
from runner.dut.profiler_launch import _why_no_kernel
from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice
from runner.line.ports import open_dut_link, open_host_link
from tests.children import forked
from tracer.errors import DatasetError, KwsTraceError, ModelError, PortError


@pytest.mark.parametrize(
    ("open_end", "spec", "said"),
    [
        (open_host_link, "/tmp/no-dut-is-here", "start the DUT first.*kws-trace run --port pty:/tmp/no-dut-is-here`"),
        (
            open_host_link,
            "tcp:127.0.0.1:1",
            "start the DUT there first.*kws-trace run --port tcp-listen:127.0.0.1:1`",
        ),
        (open_host_link, "tcp-listen:127.0.0.1:7000", "give --port tcp:127.0.0.1:7000"),
        (open_dut_link, "tcp:127.0.0.1:7000", "give --port tcp-listen:127.0.0.1:7000"),
        (open_dut_link, "socket://127.0.0.1:1", "a DUT that listens itself is `--port tcp-listen:127.0.0.1:1`"),
    ],
)
def test_each_end_of_a_line_hears_what_to_type_at_the_other(
    open_end: Callable[[str, int], object], spec: str, said: str
) -> None:
    with pytest.raises(PortError, match=said):
        open_end(spec, 115200)


def test_a_dut_does_not_take_the_hosts_end_of_another_dut_and_a_host_does(tmp_path: Path) -> None:
    path = tmp_path / "dut"

    def refused() -> None:
        with pytest.raises(PortError, match=f"another DUT is on its other end.*give another path, as pty:{path}-2"):
            open_dut_link(str(path), 115200)
        open_host_link(str(path), 115200).close()

    # A lock of a process on itself is none: the second DUT is another process.
    with contextlib.closing(open_dut_link(f"pty:{path}", 115200)), forked(refused) as child:
        assert os.waitpid(child, 0)[1] == 0


def test_a_pseudo_terminal_that_no_dut_made_is_a_line(tmp_path: Path) -> None:
    master, slave = os.openpty()
    fcntl.flock(slave, fcntl.LOCK_UN)
    open_dut_link(os.ttyname(slave), 115200).close()
    os.close(master)
    os.close(slave)


def test_a_folder_without_a_model_is_told_before_tensorflow_is_imported(tmp_path: Path) -> None:
    before = set(sys.modules)
    with pytest.raises(ModelError, match=r"no saved_model\.pb is in this folder; name the SavedModel folder"):
        ModelChoice.of(tmp_path)
    assert "tensorflow" not in set(sys.modules) - before


def test_a_dataset_without_labels_names_the_file_and_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "tst_1.bin").write_bytes(bytes(490))
    with pytest.raises(DatasetError, match=r"y_labels\.csv: .*beside 1 input; .*copy it from"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("model", "device", "present", "said"),
    [
        (SHIPPED_TFLITE, None, "nvidia0", "runs on LiteRT, on the CPU"),
        (SHIPPED_SAVED_MODEL, "CPU", "nvidia0", "leave it out"),
        (SHIPPED_SAVED_MODEL, None, "null", "no NVIDIA GPU"),
        (SHIPPED_SAVED_MODEL, None, "nvidia0", None),
        (SHIPPED_SAVED_MODEL, None, "nvhost-gpu", None),
    ],
)
def test_a_capture_that_will_hold_no_kernel_is_told_before_the_run(
    tmp_path: Path, model: Path, device: str | None, present: str, said: str | None
) -> None:
    (tmp_path / present).touch()
    why = _why_no_kernel(ModelChoice(model, device=device), tmp_path)
    assert why is None if said is None else said in (why or "")


def test_every_refusal_is_wrong_use() -> None:
    for error in (PortError("x", "y", "z"), ModelError("x", "y", "z"), DatasetError("x", "y", "z")):
        assert isinstance(error, KwsTraceError)
        assert error.exit_code == 2
