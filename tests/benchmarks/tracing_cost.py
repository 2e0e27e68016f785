"""What recording adds to an inference, beside other tracers, over the same stages in the same run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from runner.inference.models import SHIPPED_SAVED_MODEL, SHIPPED_TFLITE, ModelChoice, load_pipeline
from runner.inference.pipeline import Pipeline
from runner.inference.window_runner import Readings, StopFlag, WindowRunner
from tests.benchmarks.pairs import interleaved
from tracer.recording.inference_loop import Stage, compose_loop, untraced_loop
from tracer.recording.nvtx_ranges import open_ranges

BLOCK = {"litert": 10, "tensorflow": 5}
"""Short, so that both of a pair meet the machine in one mood: longer blocks spread the ratios ten times as far."""

PAIRS = {"litert": 1500, "tensorflow": 1500}


CONVERTED = 5_000
"""Inferences of the window whose readings are made into an array, within the laps."""


def measure(pairs: Mapping[str, int] = MappingProxyType(PAIRS), converted: int = CONVERTED) -> dict[str, Any]:
    """
    Per runtime: the control, our recorder with and without NVTX, and the other tracers that are installed; and what
    making an array of a window's readings takes (``conversion``), which the recorder's loop does not hold.
    """
    paths = {"litert": SHIPPED_TFLITE}
    if importlib.util.find_spec("tensorflow"):
        paths["tensorflow"] = SHIPPED_SAVED_MODEL
    return {
        name: _costs(load_pipeline(ModelChoice(path)), name, pairs[name], converted) for name, path in paths.items()
    }


def _costs(pipeline: Pipeline, runtime: str, pairs: int, converted: int) -> dict[str, Any]:
    pipeline.load(bytes(490))
    stages, block = pipeline.stages(), BLOCK[runtime]
    bare = untraced_loop([stage for _, stage in stages])
    raw: list[int] = []

    def recorded(nvtx: bool) -> Callable[[], object]:
        loop = compose_loop(stages, open_ranges("kws-trace-bench") if nvtx else None)

        def call() -> None:
            raw.clear()
            loop(0, block, raw.extend)

        return call

    def base() -> None:
        # What the other side does around its loop: behind TensorFlow two look-ups of an attribute cost a microsecond.
        raw.clear()
        _ = raw.extend
        bare(block)

    subjects: dict[str, Callable[[], object]] = {
        "control": base,
        "recorder": recorded(nvtx=False),
        "recorder_and_nvtx": recorded(nvtx=True),
        **_others(stages, block),
    }
    bare(block)
    costs = {name: interleaved(call, base, pairs) for name, call in subjects.items()}
    return {**costs, "conversion": _conversion(pipeline, converted)}


def _conversion(pipeline: Pipeline, count: int) -> dict[str, Any]:
    runner = WindowRunner(pipeline, None, StopFlag())
    names, loop = runner.prepare()
    readings = Readings(len(names) + 1)
    runner.run(loop, count, readings)
    edges = readings.edges()
    whole_ns = int(edges[-1, -1] - edges[0, 0])
    return {
        "ns_an_inference": round(readings.recorder_ns / count),
        "share_of_an_inference": round(readings.recorder_ns / whole_ns, 5),
        "inferences": count,
    }


def _others(stages: tuple[tuple[str, Stage], ...], block: int) -> dict[str, Callable[[], object]]:
    import nvtx

    def annotate() -> None:
        for _ in range(block):
            with nvtx.annotate("inference"):
                for name, stage in stages:
                    with nvtx.annotate(name):
                        stage()

    others: dict[str, Callable[[], object]] = {"nvtx_annotate": annotate}
    if importlib.util.find_spec("opentelemetry.sdk"):
        others["opentelemetry"] = _opentelemetry(stages, block)
    if importlib.util.find_spec("viztracer"):
        others["viztracer_log_event"] = _viztracer(stages, block)
    return others


def _opentelemetry(stages: tuple[tuple[str, Stage], ...], block: int) -> Callable[[], object]:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("bench")

    def call() -> None:
        exporter.clear()
        for _ in range(block):
            with tracer.start_as_current_span("inference"):
                for name, stage in stages:
                    with tracer.start_as_current_span(name):
                        stage()

    return call


def _viztracer(stages: tuple[tuple[str, Stage], ...], block: int) -> Callable[[], object]:
    from viztracer import VizTracer

    tracer = VizTracer(tracer_entries=block * (len(stages) + 1) * 4, verbose=0)

    def call() -> None:
        tracer.clear()
        tracer.start()
        for _ in range(block):
            with tracer.log_event("inference"):
                for name, stage in stages:
                    with tracer.log_event(name):
                        stage()
        tracer.stop()

    return call
