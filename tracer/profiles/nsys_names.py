"""
The names of an Nsight Systems export: a row holds a string's id, the table ``StringIds`` the string.

Names stay indices into a dictionary throughout: a million rows make no million strings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracer.arrow_arrays import arrow, arrow_texts, dense_groups
from tracer.profiles.nsys_export import Export, damaged_export, fetch_existing, require_columns, whole


class StringIds:
    """
    The strings of an export by id.

    Raises:
        ProfileError: if the table has other columns, an id or a string is null, or an id stands twice.
    """

    def __init__(self, export: Export) -> None:
        if "StringIds" in export.columns:
            require_columns(export, "StringIds", "id", "value")
            rows = fetch_existing(export, "StringIds", ("id", "value"))
            ids = whole(export, "StringIds", rows, "id")
            values = rows.column("value").combine_chunks()
            if values.null_count:
                raise damaged_export(export.path, "StringIds.value is null")
        else:
            ids, values = np.zeros(0, np.int64), arrow_texts([])
        order = np.argsort(ids, kind="stable")
        self._ids: NDArray[np.int64] = ids[order]
        self._values = values.take(arrow(order)) if len(order) else arrow_texts([])
        if len(ids) > 1 and bool((np.diff(self._ids) == 0).any()):
            raise damaged_export(export.path, "StringIds gives one id to two strings")
        self.unknown: list[int] = []
        """Rows whose string is not in the table, of each ``encode``: two threads may append at once."""

    def encode(self, ids: NDArray[np.int64], rename: Callable[[str], str] | None = None) -> pa.DictionaryArray:
        """
        Turn ids, int64, into names; an id without a string gets a name that says so.

        ``rename`` is applied once to each distinct name; names that become equal become one.
        """
        used, codes = dense_groups(ids)
        names = [self._name(identity) for identity in used.tolist()]
        missing = np.array([name is None for name in names], bool)
        if missing.any():
            self.unknown.append(int(missing[codes].sum()))
        texts = [
            f"[string {identity} is not in the export]" if name is None else name
            for identity, name in zip(used.tolist(), names, strict=True)
        ]
        return encode_names([rename(text) for text in texts] if rename else texts, codes)

    def text(self, identity: int | None) -> str | None:
        """The string of one id; None where there is none."""
        return None if identity is None else self._name(identity)

    def _name(self, identity: int) -> str | None:
        place = int(np.searchsorted(self._ids, identity))
        if place < len(self._ids) and self._ids[place] == identity:
            text: str = self._values[place].as_py()
            return text
        return None


def encode_names(
    names: list[str], codes: NDArray[np.int64], null: NDArray[np.bool_] | None = None
) -> pa.DictionaryArray:
    """Name each row by its index in ``names``, which may name one thing twice; null where ``null`` is true."""
    distinct = list(dict.fromkeys(names))
    place = {name: index for index, name in enumerate(distinct)}
    mapping = np.array([place[name] for name in names], np.int32)
    indices = mapping[codes] if len(codes) and len(names) else np.zeros(len(codes), np.int32)
    return pa.DictionaryArray.from_arrays(arrow(indices, null), arrow_texts(distinct))
