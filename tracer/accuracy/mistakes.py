"""The usual mistakes between an input's bytes and a result, as functions of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.quantization import Quantization

Inputs = NDArray[Any]

COEFFICIENTS, FRAMES = 10, 49
VALUES = FRAMES * COEFFICIENTS


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing done wrong; ``cost`` is how much freedom it has to fit by chance, 1 for one without a choice."""

    key: str
    text: str
    cost: int = 1


Mistakes = tuple[Mistake, ...]

UNSIGNED = Mistake("unsigned", "bytes taken as unsigned")
RAW = Mistake("no_dequantization", "no dequantization")
DEQUANTIZED = Mistake("dequantized", "values dequantized for a model that takes counts")
OFFSET = Mistake("offset", "bytes moved by 128")
BYTE_ORDER = Mistake("byte_order", "float32 values in the other byte order")
TRANSPOSED = Mistake("transposed", "rows and columns swapped")
SOFTMAX_MISSING = Mistake("softmax_missing", "softmax missing")
SOFTMAX_DOUBLED = Mistake("softmax_doubled", "softmax applied twice")
OTHER_MODEL = Mistake("other_model", "another model")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model is given, (N, 490), and by which mistakes it came from the bytes."""

    mistakes: Mistakes
    values: Inputs


def readings(data: Inputs, *, takes_counts: bool, quantization: Quantization) -> Iterator[Reading]:
    """
    Every way that is tried to make a model's input from the bytes of the inputs; the right one first.

    ``data`` is (N, 490), int8 with that ``quantization``, or float32 where the inputs are that. A model that
    ``takes_counts`` has an int8 input of its own; a float model takes dequantized values.
    """
    makers = _of_floats if data.dtype == np.float32 else _of_counts if takes_counts else _of_bytes
    for reading in makers(data, quantization):
        yield reading
        if any(one.key == "quantization" for one in reading.mistakes):
            continue
        for swapped in _transposed(reading.values):
            yield Reading((*reading.mistakes, TRANSPOSED), swapped)


def wrong_quantization(right: Quantization, used: Quantization, cost: int = 1) -> Mistake:
    """The mistake of having used another scale or zero point; figures of six digits."""
    shown = f"scale {used.scale:.6g}, zero point {used.zero_point:g}"
    return Mistake("quantization", f"{shown} instead of {right.scale:.6g} and {right.zero_point:g}", cost)


def quantize_anew(data: Inputs, mapping: Quantization, *, takes_counts: bool) -> Inputs:
    """``(count - zero_point) * scale`` of int8 bytes; for a model that takes counts rounded and cut to int8."""
    values: Inputs = (data.astype(np.float32) - np.float32(mapping.zero_point)) * np.float32(mapping.scale)
    if not takes_counts:
        return values
    return np.asarray(np.clip(np.rint(values), -128, 127).astype(np.int8))


def _of_bytes(data: Inputs, right: Quantization) -> Iterator[Reading]:
    """A float model over int8 bytes."""
    unsigned = data.view(np.uint8).astype(np.float32)
    signed = data.astype(np.float32)
    scale, zero = np.float32(right.scale), np.float32(right.zero_point)
    yield Reading((), (signed - zero) * scale)
    yield Reading((RAW,), signed)
    yield Reading((UNSIGNED,), (unsigned - zero) * scale)
    yield Reading((UNSIGNED, RAW), unsigned)
    for used in _usual(right):
        yield Reading((wrong_quantization(right, used),), quantize_anew(data, used, takes_counts=False))


def _usual(right: Quantization) -> list[Quantization]:
    """The zero point left out, of the wrong sign, or that of unsigned bytes; the scale left out, or 1/128, 1/256."""
    zero = right.zero_point
    pairs = [(right.scale, 0.0), (right.scale, -zero), (right.scale, -128.0)]
    pairs += [(1.0, zero), (1.0, -128.0), (1 / 128, 0.0), (1 / 256, 0.0), (1 / 255, -128.0)]
    return [Quantization(*pair) for pair in dict.fromkeys(pairs) if pair not in {(right.scale, zero), (1.0, 0.0)}]


def _of_counts(data: Inputs, right: Quantization) -> Iterator[Reading]:
    """A model that takes int8, over int8 bytes."""
    yield Reading((), data)
    yield Reading((UNSIGNED,), np.minimum(data.view(np.uint8), 127).astype(np.int8))
    yield Reading((OFFSET,), (data.view(np.uint8) ^ 0x80).view(np.int8))
    real = quantize_anew(data, right, takes_counts=False)
    for values in (np.trunc(real), np.rint(real)):
        yield Reading((DEQUANTIZED,), np.clip(values, -128, 127).astype(np.int8))


def _of_floats(data: Inputs, right: Quantization) -> Iterator[Reading]:
    """A float model over float32 inputs; ``right`` is what they were made with."""
    yield Reading((), data)
    swapped = data.byteswap()
    if np.isfinite(swapped).all():
        yield Reading((BYTE_ORDER,), swapped)
    counts = Mistake("quantized", "values quantized for a model that takes floats")
    yield Reading((counts,), np.clip(np.rint(data / right.scale + right.zero_point), -128, 127).astype(np.float32))


def _transposed(values: Inputs) -> Iterator[Inputs]:
    """Frames and coefficients swapped, in the one direction and in the other."""
    for shape in ((FRAMES, COEFFICIENTS), (COEFFICIENTS, FRAMES)):
        yield np.ascontiguousarray(values.reshape(-1, *shape).swapaxes(1, 2)).reshape(-1, VALUES)
