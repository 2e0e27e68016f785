"""The files that the benchmark's own hosts need."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from runner.host.config_files import energyrunner_files, mlcommons_files, parse_usb_id, write_files
from tracer.errors import UsageError

FACTS = (0x0525, 0xA4A7, 115200, 2400)


def test_the_mlcommons_runner_finds_the_port_by_its_usb_ids() -> None:
    devices = yaml.safe_load(mlcommons_files(*FACTS)["devices_kws_trace.yaml"])
    assert [device["type"] for device in devices] == ["dut"]
    assert devices[0]["usb"] == {0x0525: 0xA4A7}
    assert devices[0]["baud"]["performance"] == 115200


def test_its_test_scripts_have_the_form_of_its_own() -> None:
    files = mlcommons_files(*FACTS)
    performance = yaml.safe_load(files["tests_performance_kws_trace.yaml"])["kws01"]
    assert performance["script"] == [{"loop 5": ["download", "infer 2400 10"]}]
    assert performance["model"] == "kws01"
    assert performance["truth_file"] == "y_labels.csv"
    accuracy = yaml.safe_load(files["tests_accuracy_kws_trace.yaml"])["kws01"]
    assert accuracy["script"] == [{"loop": ["download", "infer 1 0"]}]


def test_energyrunner_is_told_root_and_baud_in_its_own_form() -> None:
    lines = dict(line.split("=", 1) for line in energyrunner_files(115200)[".eembc.ini"].splitlines())
    assert lines["dut-baud"] == "115200"
    assert Path(lines["root"]).is_absolute()
    assert lines["umount-on-error"] == "true"


def test_usb_ids_are_read_in_hexadecimal() -> None:
    assert parse_usb_id("0x0525:0xa4a7") == parse_usb_id("0525:A4A7") == (0x0525, 0xA4A7)
    for text in ("0525", "0525:zzzz", "0525:a4a7:1", "10000:1", ":"):
        with pytest.raises(UsageError):
            parse_usb_id(text)


def test_nothing_is_written_over_a_file_that_is_there_unless_forced(tmp_path: Path) -> None:
    files = energyrunner_files(115200)
    (tmp_path / ".eembc.ini").write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        write_files(files, tmp_path, force=False)
    assert (tmp_path / ".eembc.ini").read_text() == "mine"
    write_files(files, tmp_path, force=True)
    assert "dut-baud" in (tmp_path / ".eembc.ini").read_text()
