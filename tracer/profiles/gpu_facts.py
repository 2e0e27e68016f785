"""A GPU as a profile describes it, in one sentence whatever the format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tracer.figure_text import bandwidth_text, count_text, frequency_text

_NO_NAME = "name not told"


def gpu_sentence(
    number: int, name: Any, clock_hz: Any, bytes_per_s: Any, multiprocessors: Any = None, more: Sequence[str] = ()
) -> str:
    """``GPU 0: NVIDIA H200, 132 multiprocessors, clock up to 1,980 MHz, memory 4,814 GB/s``, of what is told."""
    told = [str(name or _NO_NAME), *more]
    if _is_figure(multiprocessors):
        told.append(f"{count_text(multiprocessors)} multiprocessors")
    if _is_figure(clock_hz):
        told.append(f"clock up to {frequency_text(clock_hz)}")
    if _is_figure(bytes_per_s):
        told.append(f"memory {bandwidth_text(bytes_per_s)}")
    return f"GPU {number}: {', '.join(told)}"


def gpu_names(notes: Iterable[str]) -> tuple[str, ...]:
    """Of the notes of a profile the names in its sentences of ``gpu_sentence``, each once, sorted."""
    found = (re.match(r"GPU \d+: ([^,]+)", note) for note in notes)
    return tuple(sorted({one[1] for one in found if one and one[1] != _NO_NAME}))


def cuda_version_text(number: int) -> str:
    """CUDA's version, which is written as 12050 for 12.5."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0
