"""What the planes of TensorFlow's profile say of themselves: names, CUDA's versions, the GPU."""

from __future__ import annotations

import re
from typing import Any

from tracer.figure_text import bandwidth_text, frequency_text
from tracer.given_files import LONGEST_NAME


def plane_stats(plane: Any) -> dict[str, Any]:
    """The stats of a plane itself by name; text where they are text."""
    told = names(plane.stat_metadata)
    return {
        told.get(stat.metadata_id, ""): stat_text(stat, told) or stat.uint64_value or stat.int64_value
        for stat in plane.stats
    }


def cuda_versions(stats: dict[str, Any]) -> str:
    """CUDA's versions, which are written as 12050 for 12.5."""
    told = {}
    for name in ("driver", "runtime"):
        number = str(stats.get(f"cuda_{name}_version", ""))
        if re.fullmatch(r"\d{4,6}", number):
            told[name] = f"{int(number) // 1000}.{int(number) % 1000 // 10}"
    return ", ".join(f"CUDA {name} {version}" for name, version in told.items())


def device_facts(number: int, stats: dict[str, Any]) -> str:
    """What the profile says of a GPU; ``clock_rate`` is the highest, in kHz, the bandwidth is in bytes a second."""
    told = [str(stats.get("gpu_device_name") or "name not told")]
    if isinstance(clock := stats.get("clock_rate"), int) and clock:
        told.append(f"clock up to {frequency_text(clock * 1e3)}")
    if isinstance(rate := stats.get("memory_bandwidth"), int) and rate:
        told.append(f"memory {bandwidth_text(rate)}")
    return f"GPU {number}: {', '.join(told)}"


def names(entries: Any) -> dict[int, str]:
    """Names of the metadata of events or of stats, by key."""
    return {entry.key: text(entry.value.name) for entry in entries}


def stat_text(stat: Any, names: dict[int, str]) -> str:
    """A stat that is a text, or refers to one; empty where it is neither."""
    return names.get(stat.ref_value, "") if stat.HasField("ref_value") else text(stat.str_value)


def text(value: bytes) -> str:
    """Text of the file, cut at ``LONGEST_NAME``; its bytes need not be UTF-8."""
    return value[:LONGEST_NAME].decode("utf-8", "replace")
