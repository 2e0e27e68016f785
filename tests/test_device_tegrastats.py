"""Lines of tegrastats as four releases print them; values of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.device.tegrastats import CoreLoad, TegrastatsError, parse_tegrastats

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
WITHOUT_ROOT = "RAM 1/2MB (lfb 1x1MB) SWAP 0/0MB (cached 0MB) CPU [1%@102] EMC_FREQ 0% GR3D_FREQ 0% CPU@40C"


def test_a_nano_of_jetpack_4() -> None:
    found = parse_tegrastats(NANO_JETPACK_4)
    assert found.ram_mb == (801, 3956)
    assert found.cores == (CoreLoad(12, 1479), CoreLoad(3, 1479), None, None)
    assert (found.gpu_percent, found.gpu_mhz, found.emc_percent, found.emc_mhz) == (31, (921,), 4, 1600)
    assert found.temperatures_c["thermal"] == 35.25
    assert found.rails_mw == {"POM_5V_IN": (2532, 2410), "POM_5V_GPU": (205, 180), "POM_5V_CPU": (533, 498)}


def test_a_tx2_of_jetpack_3_has_one_frequency_for_all_cores() -> None:
    found = parse_tegrastats(TX2_JETPACK_3)
    assert found.cores[0] == CoreLoad(4, 2035)
    assert found.cores[1] is None
    assert (found.gpu_mhz, found.emc_mhz) == ((114,), 1866)
    assert found.rails_mw == {"VDD_IN": (3401, 3377)}


def test_a_xavier_of_jetpack_5_has_units_and_brackets_and_a_part_that_is_off() -> None:
    found = parse_tegrastats(XAVIER_JETPACK_5)
    assert found.gpu_mhz == (510,)
    assert "GPU" not in found.temperatures_c
    assert found.rails_mw["VDD_CPU_GPU_CV"] == (487, 481)
    assert "RAM" not in found.rails_mw


def test_an_agx_orin_of_jetpack_6_begins_with_a_date_and_has_two_clusters() -> None:
    found = parse_tegrastats(AGX_ORIN_JETPACK_6)
    assert found.gpu_mhz == (611, 305)
    assert set(found.rails_mw) == {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"}
    assert found.temperatures_c == {"cpu": 52.562, "tj": 53.5, "soc2": 48.437}


def test_what_a_line_does_not_say_is_not_zero() -> None:
    found = parse_tegrastats(WITHOUT_ROOT)
    assert (found.gpu_percent, found.gpu_mhz, found.emc_mhz, found.rails_mw) == (0, (), None, {})
    assert {sample.source for sample in found.samples(1)} == {"cpu0", "thermal:CPU"}


def test_a_line_becomes_samples_in_the_units_of_their_table() -> None:
    values = {(one.source, one.quantity): one.value for one in parse_tegrastats(AGX_ORIN_JETPACK_6).samples(9)}
    assert values == {
        ("cpu0", "frequency_hz"): 729_000_000,
        ("cpu1", "frequency_hz"): 729_000_000,
        ("gpu", "frequency_hz"): 611_000_000,
        ("emc", "frequency_hz"): 2_133_000_000,
        ("thermal:cpu", "temperature_mc"): 52_562,
        ("thermal:tj", "temperature_mc"): 53_500,
        ("thermal:soc2", "temperature_mc"): 48_437,
        ("rail:VDD_GPU_SOC", "power_mw"): 2412,
        ("rail:VDD_CPU_CV", "power_mw"): 402,
        ("rail:VIN_SYS_5V0", "power_mw"): 4018,
    }


@pytest.mark.parametrize("line", ["", "tegrastats: command not found", "RAM 1/2MB", "CPU [1%@102]"])
def test_a_line_of_something_else_is_refused(line: str) -> None:
    with pytest.raises(TegrastatsError, match="tegrastats"):
        parse_tegrastats(line)


@given(st.integers(0, len(AGX_ORIN_JETPACK_6)))
def test_a_line_that_is_cut_gives_a_part_of_the_whole_or_is_refused(length: int) -> None:
    whole = parse_tegrastats(AGX_ORIN_JETPACK_6)
    try:
        found = parse_tegrastats(AGX_ORIN_JETPACK_6[:length])
    except TegrastatsError:
        return
    assert set(found.rails_mw) <= set(whole.rails_mw)
    assert set(found.temperatures_c) <= set(whole.temperatures_c)
