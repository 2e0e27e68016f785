"""JSON that somebody handed in: what does not mean one thing, or no number, is refused as what is no JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tracer.given_files import LIMIT_BYTES, read_text_file


def read_json(path: Path, limit_bytes: int = LIMIT_BYTES) -> Any:
    """
    What a file holds.

    Raises:
        OSError: as ``given_files.open_file``.
        ValueError: as ``parsed_json``.
    """
    return parsed_json(read_text_file(path, limit_bytes))


def parsed_json(text: str) -> Any:
    """
    What a text says.

    Raises:
        ValueError: if it is no JSON, holds NaN or Infinity for a number, has a key twice in one object, or is nested
            too deeply.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it has {twice[:60]!r} twice")
    return found


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refused)
