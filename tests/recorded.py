"""Windows as a DUT would record them, for tests of the store and of the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from tracer.device.device_state import SAMPLES
from tracer.device.sample_journal import SampleJournal
from tracer.recording.window import RecordedWindow, SerialSpan
from tracer.report_types.estimates import EstimateFigures
from tracer.runs.run_info import RunInfo, new_run_info

STAGES = ("host_to_device", "session_run", "readback")
STEPS_NS = (1_000, 40_000, 2_000)
SPLIT_SPREAD: EstimateFigures = {
    "kind": "interval",
    "low": 1.07,
    "high": 1.08,
    "unit": "round",
    "count": 30,
    "reason": "",
    "speeds": None,
}


def window(
    number: int, inferences: int = 3, warmups: int = 1, *, first: int = 0, state: str = "complete"
) -> RecordedWindow:
    """Inferences of exactly 43 us, back to back, in a window that begins at ``number`` seconds."""
    start = 1_000_000_000 * (number + 1)
    count = inferences + warmups
    begins = start + 43_000 * (np.arange(count, dtype=np.int64) - warmups)
    edges = begins[:, None] + np.r_[0, np.cumsum(STEPS_NS)][None, :]
    end = start + 43_000 * inferences
    return RecordedWindow(
        window=number,
        kind="accuracy" if inferences == 1 else "performance",
        state=state,
        inferences=inferences,
        warmups=warmups,
        lap_start_us=start // 1000,
        lap_end_us=end // 1000 if state == "complete" else None,
        start_ns=start,
        end_ns=end,
        cpu_ns=1000,
        first_inference=first,
        stages=STAGES,
        edges=edges,
        serial=(SerialSpan("serial_read", start - 90_000, 5_000), SerialSpan("serial_write", start - 80_000, 7_000)),
        input_sha256=f"{number:064x}",
        probabilities=(0.0,) * 11 + (1.0,) if state == "complete" else None,
        recorder_ns=0,
    )


def info(name: str = "run") -> RunInfo:
    """Facts of a run on a fake backend."""
    return new_run_info(
        name,
        model={"name": "kws"},
        backend={"name": "fake", "device": "CPU", "threads": 1},
        stages=list(STAGES),
        recorder_cost={"ns_per_inference": 430},
        splitting_cost={"split_ns": 43_000, "fused_ns": 40_000, "ratio": 1.075, "spread": SPLIT_SPREAD},
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One reading: ``time_ns`` of ``time.perf_counter_ns``, one for a whole sweep; ``value`` in the quantity's unit.

    ``source`` is ``cpu0`` (a cpufreq policy), ``gpu``, ``emc`` (memory), ``thermal:NAME``, ``rail:NAME`` or
    ``throttle:NAME``.
    """

    time_ns: int
    source: str
    quantity: str
    value: int


def samples_of(journal: SampleJournal) -> list[Sample]:
    """Each reading of a journal."""
    columns = zip(journal.times_ns, journal.numbers, journal.values, strict=True)
    return [Sample(time_ns, *journal.sources[number], value) for time_ns, number, value in columns]


def samples_table(samples: Iterable[Sample], run_id: str) -> pa.Table:
    """Samples as a table of ``SAMPLES``, in the order given."""
    rows = [{"run_id": run_id, **asdict(one)} for one in samples]
    return pa.Table.from_pylist(rows, pa.schema([(one.name, plain(one.type)) for one in SAMPLES])).cast(SAMPLES)


def plain(kind: pa.DataType) -> pa.DataType:
    """The type of a dictionary's values; of another column its own."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
