"""Limits of devices, the roofline, and the place among published results, against values worked out by hand."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.limits.cpu_probe import cpu_clock_hz, probe_cpu
from tracer.errors import DeviceError
from tracer.model.devices import Limits, detect_device, devices, find_device, gpus, match_device, match_gpu
from tracer.model.model_cost import count_model
from tracer.model.model_operations import Operation, Tensor, Window
from tracer.model.published import COMMITS, place_among, published
from tracer.model.roofline import attainable_per_s, build_limits, operation_points, roofline_curve
from tracer.reports.model_cost_report import limit_rows

LIMITS = Limits("a device", 10, 1e9, 20e9, 40e9, 5e9, "a test")
TRAFFIC = ("what", "bytes", "memory_ns", "bound", "needed_bytes_per_s_gentle", "needed_bytes_per_s")


def test_the_2021_report_s_own_count_takes_28_us_at_its_gentle_measure() -> None:
    # 2 x 1,664,768 operations on 128 cores at 921 MHz. The report prints 28.42: its formula gives 28.24.
    limits = find_device("nano").limits(gpu_hz=921e6)
    figures = build_limits(2 * 1_664_768, 2008, 2008, limits, measured_ns=4.2e6, weight_bytes=0)
    assert figures["gentle_ns"] == pytest.approx(28_243, abs=1)
    assert figures["gentle_ns"] == pytest.approx(28_420, rel=0.01)
    # Its utilisation of 0.67 % and its 70.7 MB/s of input and output.
    assert figures["measured"]["utilisation_gentle"] == pytest.approx(0.0067, abs=0.00005)
    assert figures["needed_bytes_per_s_gentle"] == pytest.approx(70.7e6, rel=0.01)


def test_the_report_s_peak_of_512_gflops_gives_its_6_5_us() -> None:
    limits = Limits("as the report has it", 128, 921e6, 512e9, None, 25.6e9, "report")
    assert build_limits(2 * 1_664_768, 2008, 2008, limits, weight_bytes=0)["peak_ns"] == pytest.approx(6503, abs=1)


def test_limits_are_the_longer_of_arithmetic_and_least_traffic() -> None:
    # 40,000 operations at 20 G/s: 2 us, at 40 G/s: 1 us; 50,000 bytes at 5 GB/s: 10 us; 5,000: 1 us.
    limits = Limits("a device", 10, 1e9, 20e9, 40e9, 5e9, "a test", 80e9)
    point = {"name": "inference", "reached_per_s": 2e9, "measured_ns": 20_000}
    assert build_limits(40_000, 50_000, 5_000, limits, measured_ns=20_000, weight_bytes=4_000) == {
        "device": "a device",
        "source": "a test",
        "cores": 10,
        "clock_hz": 1e9,
        "fp32_per_s": 20e9,
        "fp16_per_s": 40e9,
        "tf32_per_s": 80e9,
        "bytes_per_s": 5e9,
        "ridge_operations_per_byte": 4,
        "operations": 40_000,
        "moved_bytes": 50_000,
        "least_moved_bytes": 5_000,
        "peak_ns": 2_000,
        "peak_fp16_ns": 1_000,
        "memory_ns": 10_000,
        "least_memory_ns": 1_000,
        "gentle_ns": 4_000,
        "limit_ns": 2_000,
        "bound": "compute",
        "needed_bytes_per_s_gentle": 12.5e9,
        "point": {**point, "intensity": 8, "attainable_per_s": 20e9},
        "point_through_memory": {**point, "intensity": 0.8, "attainable_per_s": 4e9},
        # Bytes, over 5 GB/s, against the peak's 2 us; then over 4 us and over 20 us.
        "traffic": [
            dict(zip(TRAFFIC, row, strict=True))
            for row in (
                ("input and output", 1_000, 200, "compute", 0.25e9, 0.05e9),
                ("with the weights", 5_000, 1_000, "compute", 1.25e9, 0.25e9),
                ("every tensor", 50_000, 10_000, "memory", 12.5e9, 2.5e9),
            )
        ],
        "measured": {
            "measured_ns": 20_000,
            "operations_per_s": 2e9,
            "utilisation_peak": 0.1,
            "utilisation_gentle": 0.2,
            "needed_bytes_per_s": 2.5e9,
            "bandwidth_share": 0.5,
        },
    }
    figures = build_limits(40_000, 50_000, 5_000, limits, measured_ns=20_000, weight_bytes=4_000)
    assert limit_rows(figures) == [
        ("cores, at", "10, 1,000 MHz"),
        ("peak, float32", "20.0 GFLOP/s"),
        ("peak, float16", "40.0 GFLOP/s"),
        ("peak, TF32", "80.0 GFLOP/s"),
        ("memory bandwidth", "5.00 GB/s"),
        ("ridge", "4.00 operations a byte"),
        ("intensity, least traffic", "8.00 operations a byte"),
        ("intensity, every tensor through memory", "0.800 operations a byte"),
        ("arithmetic at the float32 peak", "2.00 us"),
        ("arithmetic at the float16 peak", "1.00 us"),
        ("moved, input and output: 1,000 B", "200 ns (compute-bound)"),
        ("moved, with the weights: 5,000 B", "1.00 us (compute-bound)"),
        ("moved, every tensor: 50,000 B", "10.00 us (memory-bound)"),
        ("limit (with the weights)", "2.00 us (compute-bound)"),
        ("time at 1 operation a core and cycle", "4.00 us"),
        ("  needs, input and output", "250 MB/s, 5.0 % of the bandwidth"),
        ("  needs, with the weights", "1.25 GB/s, 25.0 % of the bandwidth"),
        ("  needs, every tensor", "12.5 GB/s, 250.0 % of the bandwidth"),
        ("measured", "20.00 us"),
        ("utilisation of the float32 peak", "10.0 %"),
        ("utilisation at 1 operation a core and cycle", "20.0 %"),
        ("reached", "2.00 GFLOP/s"),
        ("  needs, input and output", "50.0 MB/s, 1.0 % of the bandwidth"),
        ("  needs, with the weights", "250 MB/s, 5.0 % of the bandwidth"),
        ("  needs, every tensor", "2.50 GB/s, 50.0 % of the bandwidth"),
    ]
    # 10,000 bytes take as long as the arithmetic, which then is what bounds.
    assert build_limits(40_000, 50_000, 10_000, LIMITS, weight_bytes=0)["bound"] == "compute"
    # Where no bytes move there is no intensity, and the peak is attainable.
    still = build_limits(40_000, 0, 0, LIMITS, weight_bytes=0)["point"]
    assert (still["intensity"], still["attainable_per_s"]) == (None, 20e9)
    assert build_limits(40_000, 50_000, 50_000, LIMITS, weight_bytes=0)["bound"] == "memory"
    assert build_limits(40_000, 50_000, 50_000, LIMITS, weight_bytes=0)["measured"] is None


def test_without_a_clock_there_is_no_gentle_measure() -> None:
    figures = build_limits(1000, 10, 10, Limits("cpu", 2, None, 1e9, None, 1e9, "probe"), 1e4, weight_bytes=0)
    assert (figures["gentle_ns"], figures["needed_bytes_per_s_gentle"]) == (None, None)
    assert figures["measured"]["utilisation_gentle"] is None


@given(st.floats(1e-3, 1e4), st.floats(1e-3, 1e4))
def test_the_roof_rises_to_its_ridge_and_is_flat_past_it(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert attainable_per_s(low, LIMITS) <= attainable_per_s(high, LIMITS) <= LIMITS.fp32_per_s
    assert attainable_per_s(LIMITS.ridge, LIMITS) == LIMITS.fp32_per_s


def test_the_curve_has_its_ends_and_its_ridge() -> None:
    curve = roofline_curve(LIMITS, 0.1, 100, 4)
    assert [round(intensity, 6) for intensity, _ in curve] == [0.1, 1, 4, 10, 100]
    assert [rate for _, rate in curve] == pytest.approx([0.5e9, 5e9, 20e9, 20e9, 20e9])


def test_an_operation_s_point_has_the_time_that_was_measured_for_it() -> None:
    x, w, y = (
        Tensor("x", (1, 64), "float32"),
        Tensor("w", (64, 12), "float32", stored=True),
        Tensor("y", (1, 12), "float32"),
    )
    dense = Operation("dense", "dense/MatMul", "dense", "MatMul", (x, w), (y,), Window(1, 1, 64))
    view = Operation("view", "flatten", "flatten", "Reshape", (y,), (Tensor("z", (12,), "float32"),))
    points = operation_points(count_model([dense, view]), LIMITS, {"dense/MatMul": 2000.0})
    assert [point["name"] for point in points] == ["dense/MatMul"]
    # 1536 operations over (64 + 768 + 12) x 4 bytes, in 2 us.
    assert points[0]["intensity"] == pytest.approx(1536 / 3376)
    assert points[0]["reached_per_s"] == pytest.approx(0.768e9)
    assert operation_points(count_model([dense]), LIMITS)[0]["reached_per_s"] is None


@pytest.mark.parametrize(
    ("key", "gflops", "gigabytes"),
    [
        ("nano", 235.9, 25.6),
        ("tx2", 665.6, 59.7),
        ("xavier-nx", 844.8, 59.7),
        ("orin-nano-4gb", 640, 34.1),
        ("orin-nano", 1280, 68.3),
        ("orin-nano-super", 2089, 102.4),
        ("orin-nx-8gb", 1566.7, 102.4),
        ("orin-nx", 1880, 102.4),
        ("agx-orin-32gb", 3333, 204.8),
        ("agx-orin", 5324.8, 204.8),
        ("v100-sxm2", 15_700, 900),
        ("t4", 8_100, 320),
        ("a100-sxm4-80gb", 19_500, 2_039),
        ("a10", 31_200, 600),
        ("a30", 10_300, 933),
        ("a40", 37_400, 696),
        ("l4", 30_300, 300),
        ("l40", 90_500, 864),
        ("l40s", 91_600, 864),
        ("h100-pcie", 51_200, 2_000),
        ("h100-sxm", 66_900, 3_350),
        ("h200", 66_900, 4_800),
        ("rtx-3080", 29_800, 760),
        ("rtx-3090", 35_600, 936),
        ("rtx-4090", 82_600, 1_008),
    ],
)
def test_a_device_s_peak_and_bandwidth_are_those_that_nvidia_prints(
    key: str, gflops: float, gigabytes: float
) -> None:
    limits = find_device(key).limits()
    assert limits.fp32_per_s / 1e9 == pytest.approx(gflops, rel=0.001 if gflops < 6000 else 0.006)
    assert limits.bytes_per_s / 1e9 == pytest.approx(gigabytes, rel=0.002)


def test_every_device_of_the_tables_has_a_source_and_a_key_and_names_of_its_own() -> None:
    keys = [device.key for device in devices()]
    names = [name for device in gpus() for name in device.modules]
    assert (len(set(keys)), len(set(names))) == (len(keys), len(names))
    assert sum(device.is_jetson for device in devices()) == 11
    assert all(device.source for device in devices())


def test_a_gpu_is_known_by_its_whole_name_and_where_two_share_one_by_its_memory() -> None:
    assert match_gpu("NVIDIA H200") == find_device("h200")
    assert match_gpu("NVIDIA GeForce RTX 3080", 10_240 << 20) == find_device("rtx-3080")
    # Another card of that name has 12 GB and more cores; a laptop's GPU has fewer.
    for name, memory in (
        ("NVIDIA GeForce RTX 3080", 12_288 << 20),
        ("NVIDIA GeForce RTX 3080", None),
        # A tenth more or less is another card.
        ("NVIDIA GeForce RTX 3080", 9 << 30),
        ("NVIDIA GeForce RTX 3080", 11 << 30),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16 << 30),
        ("NVIDIA H200 NVL", None),
    ):
        assert match_gpu(name, memory) is None


def test_a_pc_s_gpu_has_the_dense_peaks_of_its_tensor_cores_whatever_its_clock() -> None:
    slow = find_device("h200").limits(gpu_hz=990e6)
    assert slow.fp32_per_s == pytest.approx(33.5e12, rel=0.002)
    # Half of the printed 1,979 and 989 TFLOP/s, which are with sparsity.
    assert (slow.fp16_per_s, slow.tf32_per_s, slow.bytes_per_s) == (989.5e12, 494.5e12, 4.8e12)


def test_the_nano_reaches_472_gflops_in_float16() -> None:
    assert find_device("Jetson Nano").limits().fp16_per_s == pytest.approx(471.9e9, rel=0.001)


def test_measured_clocks_scale_the_limits() -> None:
    top, half = find_device("nano").limits(), find_device("nano").limits(460.8e6, 800e6)
    assert (half.fp32_per_s, half.bytes_per_s) == (top.fp32_per_s / 2, top.bytes_per_s / 2)
    assert half.gentle_per_s == 128 * 460.8e6


def test_a_device_that_is_not_in_the_table_is_told_with_those_that_are() -> None:
    with pytest.raises(DeviceError) as told:
        find_device("tk1")
    known = [*(device.key for device in devices() if device.is_jetson), *(device.key for device in gpus())]
    assert str(told.value) == f"no device tk1; there are {', '.join(known)}, and `cpu`, which is measured here"
    assert find_device("Jetson Orin_Nano") == find_device("orin-nano")


@pytest.mark.parametrize(
    ("model", "compatible", "key"),
    [
        ("NVIDIA Jetson Nano Developer Kit", ["nvidia,p3449-0000-a02+p3448-0000-a02", "nvidia,tegra210"], "nano"),
        ("quill", ["nvidia,p2597-0000+p3310-1000", "nvidia,tegra186"], "tx2"),
        ("NVIDIA Jetson Xavier NX Developer Kit", ["nvidia,p3509-0000+p3668-0000", "nvidia,tegra194"], "xavier-nx"),
        ("NVIDIA Jetson Orin Nano Developer Kit", ["nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005"], "orin-nano"),
        ("NVIDIA Jetson Orin Nano Developer Kit", ["nvidia,p3768-0000+p3767-0004"], "orin-nano-4gb"),
        (
            "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
            ["nvidia,p3768-0000+p3767-0005-super", "nvidia,p3767-0005"],
            "orin-nano-super",
        ),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", ["nvidia,p3768-0000+p3767-0000"], "orin-nx"),
        ("NVIDIA Jetson AGX Orin Developer Kit", ["nvidia,p3737-0000+p3701-0005", "nvidia,tegra234"], "agx-orin"),
        ("NVIDIA Jetson AGX Orin", ["nvidia,p3737-0000+p3701-0004"], "agx-orin-32gb"),
        ("NVIDIA Jetson Nano 2GB Developer Kit", [], "nano"),
        ("Raspberry Pi 4 Model B Rev 1.2", ["raspberrypi,4-model-b", "brcm,bcm2711"], None),
    ],
)
def test_a_device_tree_names_its_module(model: str, compatible: list[str], key: str | None) -> None:
    found = match_device(model, compatible)
    assert (found.key if found else None) == key


def test_a_device_is_detected_by_its_device_tree_and_a_pc_is_none(tmp_path: Path) -> None:
    assert detect_device(tmp_path) is None
    tree = tmp_path / "proc" / "device-tree"
    tree.mkdir(parents=True)
    (tree / "model").write_bytes(b"NVIDIA Jetson Nano Developer Kit\0")
    (tree / "compatible").write_bytes(b"nvidia,p3449-0000-b00+p3448-0000-b00\0nvidia,jetson-nano\0nvidia,tegra210\0")
    assert detect_device(tmp_path) == find_device("nano")
    # Two modules call themselves alike: the number decides.
    (tree / "model").write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    (tree / "compatible").write_bytes(b"nvidia,p3768-0000\0nvidia,p3767-0004\0nvidia,tegra234\0")
    assert detect_device(tmp_path) == find_device("orin-nano-4gb")


def test_the_probe_takes_the_best_of_its_repetitions() -> None:
    # Each repetition reads the clock before and after it; the pass ends when its time is over.
    ticks = iter([0, 0, 4_000_000, 4_000_000, 5_000_000, 6_000_000, 10**9, 0, 0, 50_000_000, 10**9])
    limits = probe_cpu(1, seconds=0.5, clock=lambda: next(ticks))
    assert limits.fp32_per_s == 2 * 512**3 / 1e-3
    assert limits.bytes_per_s == 2 * 64 * 2**20 / 50e-3
    assert limits.cores == 1


def test_the_cpu_s_clock_is_that_of_cpufreq_else_of_cpuinfo_else_unknown(tmp_path: Path) -> None:
    assert cpu_clock_hz(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text("processor : 0\ncpu MHz\t\t: 2445.4\n")
    assert cpu_clock_hz(tmp_path) == 2445.4e6
    cpufreq = tmp_path / "sys/devices/system/cpu/cpu0/cpufreq"
    cpufreq.mkdir(parents=True)
    (cpufreq / "scaling_cur_freq").write_text("1479000\n")
    assert cpu_clock_hz(tmp_path) == 1479e6


def test_the_2021_latency_stands_third_of_six_in_v0_5_as_the_report_says() -> None:
    # 232.26 inf/s; before it the Raspberry Pi 4 with 0.39 and 0.42 ms.
    placed = place_among(1e9 / 232.26, near=3)
    assert placed["rounds"]["v0.5"] == {"rank": 3, "of": 6}
    pi = {row.system: row.latency_ns for row in published() if row.submitter == "latentai"}
    assert sorted(round(ns / 1e6, 2) for ns in pi.values()) == [0.39, 0.42]


def test_a_place_names_its_neighbours_and_the_rank_of_each_round() -> None:
    """1,000 inferences a second among the nine closed results of v1.3, two of which are faster."""
    placed = place_among(1e6, near=1)
    assert placed["rounds"].keys() == COMMITS.keys()
    assert placed["rounds"]["v1.3"] == {"rank": 3, "of": 10}

    def neighbour(system: str, rate_hz: float) -> dict[str, object]:
        source = f"mlcommons/tiny_results_v1.3: closed/kai_jiang/results/{system}"
        facts = {"round": "v1.3", "submitter": "kai_jiang", "system": system, "source": source}
        return {**facts, "latency_ns": 1e9 / rate_hz, "times": pytest.approx(1000 / rate_hz)}

    del placed["rounds"]  # type: ignore[misc] -- held above
    assert placed == {
        "latency_ns": 1e6,
        "division": "closed",
        "round": "v1.3",
        "rank": 3,
        "of": 10,
        "faster": [neighbour("K1_BOARD_V1.0_HIGH_FREQ", 1734.669)],
        "slower": [neighbour("K1_BOARD_V1.0", 717.296)],
    }
    # Who is as fast as another stands on its place, not behind it.
    equal = place_among(1e9 / 1734.669)
    assert (equal["rank"], equal["rounds"]["v1.3"]["rank"], len(equal["faster"]), len(equal["slower"])) == (
        2,
        2,
        1,
        2,
    )


@given(st.floats(1e3, 1e10))
def test_neighbours_stand_on_their_sides_and_the_rank_counts_the_faster(latency_ns: float) -> None:
    placed = place_among(latency_ns)
    assert all(one["latency_ns"] < latency_ns for one in placed["faster"])
    assert all(one["latency_ns"] >= latency_ns for one in placed["slower"])
    there = [row for row in published() if (row.division, row.round) == ("closed", placed["round"])]
    assert placed["of"] == len(there) + 1
    assert placed["rank"] == 1 + sum(row.latency_ns < latency_ns for row in there)
    assert {one["round"] for one in (*placed["faster"], *placed["slower"])} == {placed["round"]} == {"v1.3"}


def test_every_published_result_has_a_positive_rate_and_a_repository_at_a_commit() -> None:
    assert len(published()) == 89
    assert {row.round for row in published()} == set(COMMITS)
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in COMMITS.values())
    assert all(row.rate_hz > 0 and row.division in ("closed", "open") for row in published())
    assert published()[0].source.startswith("mlcommons/tiny_results_v0.5: closed/")


def test_published_rates_are_those_of_the_logs(shared_data: Path) -> None:
    rates = {(row.round, row.system): row.rate_hz for row in published()}
    results = shared_data / "mlperf-tiny-results"
    for folder, key in (
        ("v1.3-STMicroelectronics-NUCLEO_L4R5ZI-P", ("v1.3", "NUCLEO_L4R5ZI-P")),
        ("v0.5-reference-Nucleo-L4R5ZI", ("v0.5", "Nucleo-L4R5ZI")),
    ):
        printed = re.search(r"Median throughput is +([\d.]+)", (results / folder / "results.txt").read_text())
        assert printed is not None
        assert float(printed[1]) == rates[key]
    # This log prints no rate: five windows of 25,000 inferences, after the lap of `timestamp`.
    log = (results / "v0.5-latentai-raspberry_pi_4" / "performance_log.txt").read_text(errors="replace")
    laps = [int(lap) for lap in re.findall(r"m-lap-us-(\d+)", log)][1:]
    median = statistics.median(25_000e6 / (end - start) for start, end in zip(laps[::2], laps[1::2], strict=True))
    assert round(median, 3) == rates["v0.5", "raspberry_pi_4_leip_framework/kws_fp32"]


def test_each_assumption_on_what_moves_has_its_own_verdict() -> None:
    """The reference model on a Nano: of the same arithmetic two are compute-bound and one is memory-bound."""
    limits = find_device("nano").limits()
    figures = build_limits(5_609_328, 2_406_344, 101_640, limits, weight_bytes=99_632)
    ends, weights, every = figures["traffic"]
    assert [one["bytes"] for one in figures["traffic"]] == [2_008, 101_640, 2_406_344]
    assert [one["bound"] for one in figures["traffic"]] == ["compute", "compute", "memory"]
    # By hand: 5,609,328 operations at 128 x 921.6 MHz take 47.55 us.
    assert ends["needed_bytes_per_s_gentle"] == pytest.approx(2_008 / 47.551e-6, rel=1e-4)
    assert every["needed_bytes_per_s_gentle"] == pytest.approx(50.6e9, rel=1e-3)
    assert every["needed_bytes_per_s_gentle"] > figures["bytes_per_s"] > weights["needed_bytes_per_s_gentle"]
    shown = dict(limit_rows(figures))
    assert shown["moved, every tensor: 2,406,344 B"] == "94.00 us (memory-bound)"
    assert shown["  needs, every tensor"] == "50.6 GB/s, 197.7 % of the bandwidth"
    assert shown["  needs, input and output"].startswith("42.2 MB/s, 0.2 %")
