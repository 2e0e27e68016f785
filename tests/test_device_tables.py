"""What the tables of devices say, as whole values: a board, a GPU of a PC, one of two of a name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tracer.model.devices import Device, Limits, detect_device, devices, find_device, gpus, match_gpu
from tracer.model.roofline import roofline_curve


@pytest.fixture(autouse=True)
def read_anew() -> None:
    """Each test reads the tables itself."""
    devices.cache_clear()
    gpus.cache_clear()


def test_a_board_is_read_whole_and_has_limits_by_its_clocks() -> None:
    nano = find_device("nano")
    assert nano == Device(
        key="nano",
        name="Jetson Nano",
        modules=("p3448",),
        model_text="Jetson Nano",
        cores=128,
        gpu_hz=921.6e6,
        memory_hz=1_600e6,
        bus_bits=64,
        fp16_ratio=2.0,
        source=nano.source,
    )
    assert nano.source.startswith("NVIDIA L4T 32.6 developer guide, ")
    assert nano.is_jetson
    # 128 cores, two operations a cycle; 8 bytes a line, two lines a cycle.
    limits = Limits("Jetson Nano", 128, 1e9, 256e9, 512e9, 16e9, nano.source)
    assert nano.limits(1e9, 1e9) == limits
    assert (limits.gentle_per_s, limits.ridge) == (128e9, 16.0)
    assert replace(limits, clock_hz=None).gentle_per_s is None
    unknown = find_device("orin-nano")
    assert (unknown.fp16_ratio, unknown.limits().fp16_per_s) == (None, None)


def test_a_gpu_of_a_pc_is_read_whole_and_has_the_bandwidth_that_is_printed() -> None:
    t4 = find_device("t4")
    assert t4 == Device(
        key="t4",
        name="NVIDIA T4",
        modules=("Tesla T4", "NVIDIA T4"),
        model_text="",
        cores=2560,
        gpu_hz=1_590e6,
        memory_hz=0.0,
        bus_bits=0,
        fp16_ratio=None,
        source="NVIDIA T4 data sheet: 65 TFLOPS mixed precision and 320 GB/s",
        tensor_fp16_per_s=65e12,
        tf32_per_s=None,
        bytes_per_s=320e9,
        memory_bytes=None,
    )
    assert not t4.is_jetson
    assert t4.limits(1e9, 5e9) == Limits("NVIDIA T4", 2560, 1e9, 5.12e12, 65e12, 320e9, t4.source)
    assert match_gpu("Tesla T4") == match_gpu("NVIDIA T4", 1) == t4
    assert [device.key for device in devices() if device.memory_bytes == 10 * 2**30] == ["rtx-3080"]


def test_of_two_cards_of_a_name_the_one_within_a_tenth_of_its_memory_is_meant() -> None:
    name, printed = "NVIDIA GeForce RTX 3080", 10 * 2**30
    # Nine and eleven tenths are no longer within it.
    told = (printed * 9 // 10, printed * 9 // 10 + 1, printed, printed * 11 // 10 - 1, printed * 11 // 10, 0)
    assert [match_gpu(name, memory) is not None for memory in told] == [False, True, True, True, False, False]


def test_a_number_in_the_device_tree_decides_with_a_vendor_or_without(tmp_path: Path) -> None:
    tree = tmp_path / "proc" / "device-tree"
    tree.mkdir(parents=True)
    (tree / "model").write_bytes(b"a kit\0")
    for compatible, key in ((b"acme,kit\0nvidia,p3448-0000\0", "nano"), (b"acme,kit\0p3310-1000\0", "tx2")):
        (tree / "compatible").write_bytes(compatible)
        assert detect_device(tmp_path) == find_device(key)
    (tree / "compatible").write_bytes(b"acme,kit\0")
    assert detect_device(tmp_path) is None


def test_a_roof_is_drawn_by_64_points_and_its_ridge() -> None:
    limits = Limits("a device", 10, 1e9, 20e9, 40e9, 5e9, "a test")
    curve = roofline_curve(limits, 0.1, 100)
    assert len(curve) == 64 + 1
    assert (4.0, 20e9) in curve
    # At an end of the axis the ridge is there already.
    assert len(roofline_curve(limits, 4.0, 100)) == len(roofline_curve(limits, 0.1, 4.0)) == 64
