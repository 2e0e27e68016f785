"""
Published keyword-spotting results of MLPerf Tiny v0.5 to v1.3, and where a measured latency stands among them.

Facts read from the repositories ``mlcommons/tiny_results_<round>``: for each submission the "Median throughput" that
the runner printed into its performance log or results. Four logs of v0.5 print none: there the median of the five
windows, inferences over the time between a window's two ``m-lap-us`` lines. Read at the commits of ``COMMITS``.
"""

from __future__ import annotations

from dataclasses import dataclass

from tracer.report_types.limits import Place, PublishedResult, Rank

COMMITS = {
    "v0.5": "d75aef63526dcbb30632f0529411f0219ed1003e",
    "v0.7": "64623f41b6721bdff6d0133a524c63a003123b3b",
    "v1.0": "c7761cf84076d601c4a0ed2ecc51e77d40696ed2",
    "v1.1": "c32ef94d19429ef1d318e9c7a60002a4bd70e11b",
    "v1.2": "cadb362343f559d459e7cdb8748685ba76b9eb23",
    "v1.3": "cd605ea0981306693c9e19765a15801c776988dc",
}


@dataclass(frozen=True, slots=True)
class Published:
    """
    One submission's keyword-spotting performance.

    ``system`` is the folder of the system under ``results``. The closed division runs the reference model, the open
    one another model.
    """

    round: str
    division: str
    submitter: str
    system: str
    rate_hz: float

    @property
    def latency_ns(self) -> float:
        """Time of one inference, from the rate."""
        return 1e9 / self.rate_hz

    @property
    def source(self) -> str:
        """Repository and folder that it was read from."""
        return f"mlcommons/tiny_results_{self.round}: {self.division}/{self.submitter}/results/{self.system}"


PUBLISHED = (
    Published("v0.5", "closed", "PengChengLaboratory", "dividiti-closed-pcl-scepu02", 3.071),
    Published("v0.5", "closed", "latentai", "raspberry_pi_4_leip_framework/kws_fp32", 2543.038),
    Published("v0.5", "closed", "latentai", "raspberry_pi_4_leip_framework/kws_int8", 2372.647),
    Published("v0.5", "closed", "reference", "Nucleo-L4R5ZI", 5.497),
    Published("v0.5", "closed", "syntiant", "syntiant_9120", 168.014),
    Published("v0.7", "closed", "Andes", "AndesCore_d25_tflite_micro_framework", 12.523),
    Published("v0.7", "closed", "Andes", "AndesCore_d45_tflite_micro_framework", 14.639),
    Published("v0.7", "closed", "STMicroelectronics", "NUCLEO-H7A3ZI-Q", 44.863),
    Published("v0.7", "closed", "STMicroelectronics", "NUCLEO-U575ZI-Q", 18.244),
    Published("v0.7", "closed", "STMicroelectronics", "NUCLEO_L4R5ZI", 10.241),
    Published("v0.7", "closed", "plumerai", "DISCO_F746NG", 51.139),
    Published("v0.7", "closed", "plumerai", "NUCLEO_L4R5ZI", 13.597),
    Published("v0.7", "closed", "plumerai", "cy8cproto_062_4343w", 15.707),
    Published("v0.7", "closed", "renesas", "EK-RA6M4", 19.774),
    Published("v0.7", "closed", "renesas", "RX65N-Cloud-Kit", 12.218),
    Published("v0.7", "closed", "silicon_labs", "silicon_labs_xG24_DK2601B", 15.85),
    Published("v0.7", "closed", "syntiant", "syntiant_9120_0v9_30mhz", 231.788),
    Published("v0.7", "closed", "syntiant", "syntiant_9120_1v1_98mhz", 558.359),
    Published("v0.7", "open", "Alibaba", "Alibaba Cloud Sinian Platform (Xuantie RISC-V)", 832.112),
    Published("v0.7", "open", "hls4ml-finn", "arty-a7-100t/KWS-W3A3", 30151.77),
    Published("v0.7", "open", "hls4ml-finn", "pynq-z2/KWS-W3A3", 57268.135),
    Published("v1.0", "closed", "OctoML", "microtvm_cmsis_nn/NRF5340-DK", 13.143),
    Published("v1.0", "closed", "OctoML", "microtvm_cmsis_nn/NUCLEO_L4R5ZI", 10.019),
    Published("v1.0", "closed", "OctoML", "microtvm_native/NUCLEO_L4R5ZI", 6.943),
    Published("v1.0", "closed", "STMicroelectronics", "NUCLEO-H7A3ZI-Q", 59.667),
    Published("v1.0", "closed", "STMicroelectronics", "NUCLEO-U575ZI-Q", 22.608),
    Published("v1.0", "closed", "STMicroelectronics", "NUCLEO_L4R5ZI", 13.323),
    Published("v1.0", "closed", "greenwaves-technologies", "gap9_650_240", 1365.785),
    Published("v1.0", "closed", "greenwaves-technologies", "gap9_800_370", 2103.206),
    Published("v1.0", "closed", "plumerai", "B_U585I_IOT02A", 28.219),
    Published("v1.0", "closed", "plumerai", "DISCO_F746NG", 52.288),
    Published("v1.0", "closed", "plumerai", "NUCLEO_L4R5ZI", 13.955),
    Published("v1.0", "closed", "plumerai", "cy8cproto_062_4343w", 16.287),
    Published("v1.0", "closed", "silicon_labs", "silicon_labs_xG24_DK2601B", 27.563),
    Published("v1.0", "closed", "syntiant", "syntiant_9120_0v9_30mhz", 228.982),
    Published("v1.0", "closed", "syntiant", "syntiant_9120_1v1_98mhz", 675.024),
    Published("v1.1", "closed", "Krai", "NRF5340-DK_MICROTVM-CMSIS-NN", 13.074),
    Published("v1.1", "closed", "Krai", "NUCLEO-H7A3ZI-Q_X-CUBE-AI-7.3", 59.788),
    Published("v1.1", "closed", "Krai", "NUCLEO-H7A3ZI-Q_X-CUBE-AI-8.0", 60.988),
    Published("v1.1", "closed", "Krai", "NUCLEO-L4R5ZI_MICROTVM-CMSIS-NN", 10.019),
    Published("v1.1", "closed", "Krai", "NUCLEO-L4R5ZI_MICROTVM-NATIVE", 6.943),
    Published("v1.1", "closed", "Krai", "NUCLEO-L4R5ZI_X-CUBE-AI-7.3", 13.381),
    Published("v1.1", "closed", "Krai", "NUCLEO-L4R5ZI_X-CUBE-AI-8.0", 13.759),
    Published("v1.1", "closed", "Nuvoton", "NUMAKER_M467HJ-zephyr", 21.652),
    Published("v1.1", "closed", "STMicroelectronics", "NUCLEO_H7A3ZI_Q", 65.133),
    Published("v1.1", "closed", "STMicroelectronics", "NUCLEO_L4R5ZI", 15.905),
    Published("v1.1", "closed", "STMicroelectronics", "NUCLEO_U575ZI_Q", 25.92),
    Published("v1.1", "closed", "Skymizer", "NUCLEO_L4R5ZI-mbed_os", 12.195),
    Published("v1.1", "closed", "Skymizer", "NUCLEO_L4R5ZI-zephyr", 10.679),
    Published("v1.1", "closed", "bosch", "DISCO_F746NG", 54.293),
    Published("v1.1", "closed", "bosch", "NUCLEO_G0B1RE", 1.472),
    Published("v1.1", "closed", "bosch", "NUCLEO_H7A3ZI", 67.956),
    Published("v1.1", "closed", "bosch", "NUCLEO_L4R5ZI", 15.954),
    Published("v1.1", "closed", "bosch", "NUCLEO_U575ZI", 25.166),
    Published("v1.1", "closed", "cTuning", "NUCLEO-L4R5ZI_MicroTVM_CMSIS_NN", 10.016),
    Published("v1.1", "closed", "cTuning", "NUCLEO-L4R5ZI_MicroTVM_Native", 6.943),
    Published("v1.1", "closed", "fpgaconvnet", "cora-z7", 237.461),
    Published("v1.1", "closed", "fpgaconvnet", "zedboard", 3087.887),
    Published("v1.1", "closed", "fpgaconvnet", "zybo", 464.89),
    Published("v1.1", "closed", "plumerai", "CY8CPROTO-062-4343W", 18.497),
    Published("v1.1", "closed", "plumerai", "DISCO-F746NG", 56.341),
    Published("v1.1", "closed", "plumerai", "NUCLEO-H7A3ZI-Q", 72.141),
    Published("v1.1", "closed", "plumerai", "NUCLEO-L4R5ZI", 20.929),
    Published("v1.1", "closed", "plumerai", "NUCLEO-U575ZI-Q", 33.286),
    Published("v1.1", "closed", "syntiant", "syntiant_9120_0v9_30mhz", 228.982),
    Published("v1.1", "closed", "syntiant", "syntiant_9120_1v1_98mhz", 675.024),
    Published("v1.2", "closed", "Qualcomm", "Snapdragon_8_Gen_3_Mobile_Platform_MTP", 11705.22),
    Published("v1.2", "closed", "Renesas", "EK-RA8D1", 288.611),
    Published("v1.2", "closed", "STMicroelectronics", "NUCLEO_H7A3ZI_Q", 88.356),
    Published("v1.2", "closed", "STMicroelectronics", "NUCLEO_L4R5ZI", 23.155),
    Published("v1.2", "closed", "STMicroelectronics", "NUCLEO_U575ZI_Q", 34.416),
    Published("v1.2", "closed", "bosch", "CY8CPROTO_062_4343W_int8", 18.466),
    Published("v1.2", "closed", "bosch", "DISCO_F746NG_int8", 52.746),
    Published("v1.2", "closed", "bosch", "NUCLEO_G0B1RE_int8", 2.107),
    Published("v1.2", "closed", "bosch", "NUCLEO_H7A3ZI_int8", 68.083),
    Published("v1.2", "closed", "bosch", "NUCLEO_L4R5ZI_int8", 16.623),
    Published("v1.2", "closed", "bosch", "NUCLEO_U575ZI_int8", 25.918),
    Published("v1.2", "closed", "bosch", "RENESAS_RH850_F1KMS4_int8", 15.71),
    Published("v1.2", "closed", "syntiant", "syntiant_9120_0v9_30mhz", 228.982),
    Published("v1.2", "closed", "syntiant", "syntiant_9120_1v1_98mhz", 675.024),
    Published("v1.3", "closed", "Qualcomm", "Next_Generation_Snapdragon_Mobile_Platform_MTP", 15396.099),
    Published("v1.3", "closed", "STMicroelectronics", "NUCLEO_L4R5ZI-P", 23.032),
    Published("v1.3", "closed", "STMicroelectronics", "NUCLEO_U385RG_Q", 20.703),
    Published("v1.3", "closed", "STMicroelectronics", "NUCLEO_U3C5ZIT6_Q", 60.492),
    Published("v1.3", "closed", "STMicroelectronics", "NUCLEO_U575ZI_Q", 34.489),
    Published("v1.3", "closed", "kai_jiang", "K1_BOARD_V1.0", 717.296),
    Published("v1.3", "closed", "kai_jiang", "K1_BOARD_V1.0_HIGH_FREQ", 1734.669),
    Published("v1.3", "closed", "syntiant", "syntiant_9120_0v9_30mhz", 228.982),
    Published("v1.3", "closed", "syntiant", "syntiant_9120_1v1_98mhz", 675.024),
)


def place_among(latency_ns: float, division: str = "closed", near: int = 2) -> Place:
    """
    Where a latency stands among the submissions.

    Args:
        latency_ns: of one inference; positive.
        division: ``closed`` or ``open``.
        near: how many of the nearest faster and slower ones to name.

    Returns:
        ``rank`` (1 is the fastest) among ``of`` results, this one included; a result carried over unchanged to a
        later round counts once. ``rounds`` has the same for each round by itself. ``faster`` and ``slower`` are the
        nearest, from fast to slow.
    """
    rows = [row for row in PUBLISHED if row.division == division]
    distinct = list({(row.submitter, row.system, row.rate_hz): row for row in reversed(rows)}.values())
    distinct.sort(key=lambda row: row.latency_ns)
    faster = [row for row in distinct if row.latency_ns < latency_ns]
    slower = distinct[len(faster) :]
    rounds: dict[str, Rank] = {}
    for name in COMMITS:
        there = [row for row in rows if row.round == name]
        rank = 1 + sum(row.latency_ns < latency_ns for row in there)
        rounds[name] = {"rank": rank, "of": len(there) + 1}
    return {
        "latency_ns": latency_ns,
        "division": division,
        "rank": len(faster) + 1,
        "of": len(distinct) + 1,
        "rounds": rounds,
        "faster": [_facts(row, latency_ns) for row in faster[-near:]],
        "slower": [_facts(row, latency_ns) for row in slower[:near]],
    }


def _facts(row: Published, latency_ns: float) -> PublishedResult:
    return {
        "round": row.round,
        "submitter": row.submitter,
        "system": row.system,
        "latency_ns": row.latency_ns,
        "times": row.latency_ns / latency_ns,
        "source": row.source,
    }
