"""What a model is given under each usual mistake: every value by hand."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tracer.accuracy.mistakes import quantize_anew, readings
from tracer.quantization import Quantization

Told = tuple[str, Any, Any]
RIGHT = Quantization(0.5, 20)


def given(first: Any, second: Any, row: Any, column: Any, kind: type) -> np.ndarray:
    """An input by its first two values and those that rows and columns swapped would put second."""
    values = np.zeros((1, 490), kind)
    values[0, [0, 1, 10, 49]] = first, second, row, column
    return values


def told(data: np.ndarray, *, takes_counts: bool = False, right: Quantization = RIGHT) -> list[Told]:
    """The mistakes and the first two values of each reading."""
    found = readings(data, takes_counts=takes_counts, quantization=right)
    return [(", ".join(mistake.text for mistake in one.mistakes), *one.values[0, :2].tolist()) for one in found]


def swapped(text: str, first: Any, *seconds: Any) -> Iterator[Told]:
    """A reading as it is, and with rows and columns swapped one way and the other."""
    both = f"{text}, rows and columns swapped" if text else "rows and columns swapped"
    yield from zip((text, both, both), (first,) * 3, seconds, strict=True)


def test_a_float_model_may_be_given_bytes_unsigned_raw_or_of_another_scale_and_zero_point() -> None:
    close = pytest.approx
    found = told(given(-7, 0, 3, 50, np.int8))
    assert found == [
        *swapped("", -13.5, -10.0, -8.5, 15.0),
        *swapped("no dequantization", -7.0, 0.0, 3.0, 50.0),
        *swapped("bytes taken as unsigned", 114.5, -10.0, -8.5, 15.0),
        *swapped("bytes taken as unsigned, no dequantization", 249.0, 0.0, 3.0, 50.0),
        ("scale 0.5, zero point 0 instead of 0.5 and 20", -3.5, 0.0),
        ("scale 0.5, zero point -20 instead of 0.5 and 20", 6.5, 10.0),
        ("scale 0.5, zero point -128 instead of 0.5 and 20", 60.5, 64.0),
        ("scale 1, zero point 20 instead of 0.5 and 20", -27.0, -20.0),
        ("scale 1, zero point -128 instead of 0.5 and 20", 121.0, 128.0),
        ("scale 0.0078125, zero point 0 instead of 0.5 and 20", -7 / 128, 0.0),
        ("scale 0.00390625, zero point 0 instead of 0.5 and 20", -7 / 256, 0.0),
        ("scale 0.00392157, zero point -128 instead of 0.5 and 20", close(121 / 255), close(128 / 255)),
    ]


def test_a_quantization_that_is_the_right_one_or_raw_is_no_mistake_and_none_is_tried_twice() -> None:
    texts = [text for text, _, _ in told(given(1, 2, 3, 4, np.int8), right=Quantization(1.0, -128.0))]
    assert [text for text in texts if "instead" in text] == [
        "scale 1, zero point 128 instead of 1 and -128",
        "scale 0.0078125, zero point 0 instead of 1 and -128",
        "scale 0.00390625, zero point 0 instead of 1 and -128",
        "scale 0.00392157, zero point -128 instead of 1 and -128",
    ]


def test_a_model_of_counts_may_be_given_bytes_cut_moved_or_dequantized() -> None:
    assert told(given(-7, 0, 3, 50, np.int8), takes_counts=True) == [
        *swapped("", -7, 0, 3, 50),
        *swapped("bytes taken as unsigned", 127, 0, 3, 50),
        *swapped("bytes moved by 128", 121, -128, -125, -78),
        *swapped("values dequantized for a model that takes counts", -13, -10, -8, 15),
        *swapped("values dequantized for a model that takes counts", -14, -10, -8, 15),
    ]


def test_a_float_model_may_be_given_floats_in_the_other_byte_order_or_counts() -> None:
    (other,) = struct.unpack("<f", struct.pack(">f", 1.5))
    assert told(given(1.5, -100, 1_000, 0.3, np.float32)) == [
        *swapped("", 1.5, -100.0, 1_000.0, pytest.approx(0.3)),
        *swapped(
            "float32 values in the other byte order",
            other,
            *(struct.unpack("<f", struct.pack(">f", one))[0] for one in (-100, 1_000, 0.3)),
        ),
        *swapped("values quantized for a model that takes floats", 23.0, -128.0, 127.0, 21.0),
    ]
    # What is no number in the other order was not read in it.
    (infinite,) = struct.unpack("<f", struct.pack(">f", float("inf")))
    assert len(told(given(infinite, 1, 2, 3, np.float32))) == 6


def test_keys_are_those_that_programs_know() -> None:
    every = [
        *readings(np.zeros((1, 490), np.int8), takes_counts=False, quantization=RIGHT),
        *readings(np.zeros((1, 490), np.int8), takes_counts=True, quantization=RIGHT),
        *readings(np.zeros((1, 490), np.float32), takes_counts=False, quantization=RIGHT),
    ]
    assert {(mistake.key, mistake.cost) for one in every for mistake in one.mistakes} == {
        (key, 1)
        for key in (
            *("unsigned", "no_dequantization", "dequantized", "offset", "byte_order", "transposed"),
            *("quantization", "quantized"),
        )
    }


def test_counts_made_anew_are_rounded_and_cut_to_a_byte() -> None:
    data = np.array([[-128, -3, 0, 1, 127]], np.int8)
    assert quantize_anew(data, Quantization(2.5, 1), takes_counts=True).tolist() == [[-128, -10, -2, 0, 127]]
    assert quantize_anew(data, Quantization(2.5, 1), takes_counts=False).tolist() == [[-322.5, -10, -2.5, 0, 315]]
