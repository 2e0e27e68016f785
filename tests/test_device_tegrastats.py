"""Lines of tegrastats as its releases print them; those of JetPack 7 have the values of real boards."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.doctor.hardware import memory_mhz

NANO_JETPACK_4 = (
    "RAM 801/3956MB (lfb 511x4MB) SWAP 3/1978MB (cached 0MB) CPU [12%@1479,3%@1479,off,off] EMC_FREQ 4%@1600 "
    "GR3D_FREQ 31%@921 APE 25 PLL@33C CPU@36.5C PMIC@100C GPU@34C AO@42.5C thermal@35.25C "
    "POM_5V_IN 2532/2410 POM_5V_GPU 205/180 POM_5V_CPU 533/498"
)
TX2_JETPACK_3 = (
    "RAM 1179/7851MB (lfb 1500x4MB) CPU [4%,off,off,1%,2%,0%]@2035 EMC 2%@1866 GR3D 0%@114 BCPU@40C VDD_IN 3401/3377"
)
XAVIER_JETPACK_5 = (
    "RAM 2690/6854MB (lfb 6x1MB) SWAP 479/3427MB (cached 3MB) CPU [9%@1190,8%@1190,off,off,off,off] EMC_FREQ 1%@1600 "
    "GR3D_FREQ 5%@[510] VIC_FREQ 115 APE 150 AUX@39C CPU@41.5C AO@39C GPU@-256C PMIC@50C "
    "VDD_IN 3112mW/3084mW VDD_CPU_GPU_CV 487mW/481mW VDD_SOC 812mW/806mW"
)
AGX_ORIN_JETPACK_6 = (
    "03-14-2026 15:09:26 RAM 5137/62841MB (lfb 2x4MB) SWAP 0/31420MB (cached 0MB) CPU [2%@729,0%@729] "
    "EMC_FREQ 0%@2133 GR3D_FREQ 17%@[611,305] NVENC off VIC 3%@115 APE 174 cpu@52.562C tj@53.5C soc2@48.437C "
    "VDD_GPU_SOC 2412mW/2400mW VDD_CPU_CV 402mW/410mW VIN_SYS_5V0 4018mW/4011mW NC 0mW/0mW"
)
AGX_ORIN_JETPACK_7 = (
    "07-25-2026 09:08:28 RAM 20642/62817MB (lfb 1x2MB) CPU [23%@2201,10%@2201,33%@2201,7%@2201] EMC_FREQ 3%@3199 "
    "GR3D_FREQ 12%@[1300,1300] NVENC0 off PVA0_FREQ off APE 174 cpu@52.968C/52.968C gpu@47.625C/47.625C "
    "VDD_GPU_SOC 5139mW/5139mW/5139mW VDD_CPU_CV 3268mW/3268mW/3268mW VIN_SYS_5V0 5500mW/5500mW/5500mW"
)
THOR_JETPACK_7 = (
    "08-08-2026 20:58:23 RAM 3429/125749MB (lfb 120x4MB) CPU [0%,5%,off]@2601 EMC_FREQ @4266 "
    "GR3D_FREQ @[1574,1574,1574] cpu@49.75C/49.75C gpu@51.218C/51.218C "
    "VDD_GPU 6330mW/6330mW/6330mW VIN 28906mW/14453mW/28906mW"
)
NOT_TOLD_BY_THE_BOARD = "RAM 1/2MB (lfb 1x1MB) CPU [1%@102] EMC_FREQ @0 GR3D_FREQ 99%@[611]"
WITHOUT_ROOT = "RAM 1/2MB (lfb 1x1MB) SWAP 0/0MB (cached 0MB) CPU [1%@102] EMC_FREQ 0% GR3D_FREQ 0% CPU@40C"


@pytest.mark.parametrize(
    ("line", "mhz"),
    [
        (NANO_JETPACK_4, 1600),
        (TX2_JETPACK_3, 1866),
        (XAVIER_JETPACK_5, 1600),
        (AGX_ORIN_JETPACK_6, 2133),
        (AGX_ORIN_JETPACK_7, 3199),
        (THOR_JETPACK_7, 4266),
    ],
)
def test_the_memorys_frequency_is_read_in_every_release(line: str, mhz: int) -> None:
    assert memory_mhz(line) == mhz
    assert memory_mhz(f"a line of something else\n{line}\n") == mhz


def test_what_a_line_does_not_say_is_not_zero() -> None:
    assert memory_mhz(WITHOUT_ROOT) is None
    assert memory_mhz(NOT_TOLD_BY_THE_BOARD) is None


def test_every_line_of_three_values_a_rail_is_read(shared_data: Path) -> None:
    lines = (shared_data / "cases/tegrastats-three-values/lines.txt").read_text(encoding="utf-8").splitlines()
    assert [memory_mhz(line) for line in lines] == [3199, 1866]


@pytest.mark.parametrize("line", ["", "tegrastats: command not found", "RAM 1/2MB", "CPU [1%@102]", "EMC 2%@1866"])
def test_a_line_of_something_else_tells_nothing(line: str) -> None:
    assert memory_mhz(line) is None


@given(st.integers(0, len(AGX_ORIN_JETPACK_6)))
def test_a_line_that_is_cut_before_the_figure_tells_nothing(length: int) -> None:
    end = AGX_ORIN_JETPACK_6.index("EMC_FREQ 0%@") + len("EMC_FREQ 0%@")
    found = memory_mhz(AGX_ORIN_JETPACK_6[:length])
    assert (found is not None) == (length > end)
