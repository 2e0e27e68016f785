"""How int8 inputs stand for real values: of a model, of a run, and of what an accuracy search tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantization:
    """``real = (count - zero_point) * scale``; a fit may find a zero point between two counts."""

    scale: float
    zero_point: float


BENCHMARK_QUANTIZATION = Quantization(0.5847029089927673, 83)
"""Of the reference model's inputs, which a SavedModel does not carry, and so of the benchmark's input files."""
