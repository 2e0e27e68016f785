"""What the planes of TensorFlow's profile say of themselves: names, CUDA's versions, the GPU."""

from __future__ import annotations

import re
from typing import Any

from tracer.given_files import LONGEST_NAME
from tracer.profiles.gpu_facts import cuda_version_text, gpu_sentence


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
            told[name] = cuda_version_text(int(number))
    return ", ".join(f"CUDA {name} {version}" for name, version in told.items())


def device_facts(number: int, stats: dict[str, Any]) -> str:
    """What the profile says of a GPU; ``clock_rate`` is the highest, in kHz, the bandwidth is in bytes a second."""
    clock = stats.get("clock_rate")
    hertz = clock * 1000 if isinstance(clock, int) else None
    return gpu_sentence(number, stats.get("gpu_device_name"), hertz, stats.get("memory_bandwidth"))


def names(entries: Any) -> dict[int, str]:
    """Names of the metadata of events or of stats, by key."""
    return {entry.key: text(entry.value.name) for entry in entries}


def stat_text(stat: Any, names: dict[int, str]) -> str:
    """A stat that is a text, or refers to one; empty where it is neither."""
    return names.get(stat.ref_value, "") if stat.HasField("ref_value") else text(stat.str_value)


def text(value: bytes) -> str:
    """Text of the file, cut at ``LONGEST_NAME``; its bytes need not be UTF-8."""
    return value[:LONGEST_NAME].decode("utf-8", "replace")
