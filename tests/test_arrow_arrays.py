"""Arrow columns as numpy arrays and back: what pyarrow's own conversions give, without pandas."""

from __future__ import annotations

import subprocess
import sys
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from tracer.arrow_arrays import (
    NO_ROW,
    TABLE,
    arrow,
    arrow_flags,
    arrow_texts,
    dense_groups,
    encode,
    flags,
    numbers,
    present,
    small,
    valid,
)
from tracer.arrow_arrays import integers as integers_of

integers = st.lists(st.none() | st.integers(-(2**62), 2**62), max_size=40)


@settings(deadline=None)
@given(st.lists(integers, max_size=3), st.integers(0, 5))
def test_numbers_survive_chunks_slices_and_nulls(parts: list[list[int | None]], skipped: int) -> None:
    column = pa.chunked_array([pa.array(part, pa.int64()) for part in parts], pa.int64()).slice(skipped)
    values = [value for part in parts for value in part][skipped:]
    assert numbers(column, -7).tolist() == [-7 if value is None else value for value in values]
    assert valid(column).tolist() == [value is not None for value in values]


@settings(deadline=None)
@given(st.lists(st.none() | st.booleans(), max_size=40), st.integers(0, 9))
def test_flags_survive_and_null_is_false(values: list[bool | None], skipped: int) -> None:
    assert flags(pa.array(values, pa.bool_()).slice(skipped)).tolist() == [bool(value) for value in values[skipped:]]
    plain = np.array([bool(value) for value in values], np.bool_)
    assert arrow_flags(plain).to_pylist() == plain.tolist()


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=20))
def test_texts_become_strings(texts: list[str]) -> None:
    assert arrow_texts(texts).equals(pa.array(texts, pa.string()))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.float64])
def test_arrays_become_columns_with_their_nulls(kind: type) -> None:
    values = np.arange(20, dtype=kind)[::2]
    assert arrow(values).to_pylist() == values.tolist()
    assert arrow(values, values > 4).to_pylist() == [None if value > 4 else value for value in values.tolist()]
    assert len(arrow(values[:0], values[:0] > 4)) == 0


def test_tables_are_made_without_pandas() -> None:
    program = """
import sys
from pathlib import Path
import numpy as np, pyarrow as pa
from tracer.arrow_arrays import arrow, arrow_texts
from tracer.kernels.kernel_listing import list_kernels
from tracer.profiles.profile import PROFILE_TABLES, Profile
def column(field):
    if pa.types.is_dictionary(field.type):
        return arrow_texts(["kernel"] * 4).dictionary_encode().cast(field.type)
    return arrow(np.arange(4)).cast(field.type)
rows = {name: pa.table({f.name: column(f) for f in schema}, schema) for name, schema in PROFILE_TABLES.items()}
profile = Profile(Path("x"), "nsys", "3", frozenset({"cuda", "nvtx"}), **rows)
for by in ("kernel", "range", "api"):
    assert list_kernels(profile, by, copies=True, domain="kernel").rows.num_rows
sys.exit("pandas" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


words = st.lists(st.none() | st.sampled_from("abcd"), max_size=8)


@settings(deadline=None)
@given(st.lists(words, max_size=3), st.sampled_from(["plain", "coded", "repeated"]), st.sampled_from([2, 256]))
def test_a_value_has_one_code_however_its_column_is_packed(
    parts: list[list[str | None]], packing: str, few: int
) -> None:
    chunks = [pa.array(part, pa.string()) for part in parts]
    if packing == "coded":
        chunks = [chunk.dictionary_encode() for chunk in chunks]
    elif packing == "repeated":
        # A dictionary that holds each value twice.
        place = {(one, at): 2 * "abcd".index(one) + at for one in "abcd" for at in (0, 1)}
        codes = [[place.get((one or "", at % 2)) for at, one in enumerate(part)] for part in parts]
        chunks = [pa.DictionaryArray.from_arrays(pa.array(one, pa.int32()), [*"aabbccdd"]) for one in codes]
    column = pa.chunked_array(chunks, chunks[0].type if chunks else pa.string())
    with mock.patch("tracer.arrow_arrays.FEW", few):
        found = encode(pa.table({"name": column}), "name")
    values = [value for part in parts for value in part]
    known = found.values.to_pylist()
    assert [None if code == NO_ROW else known[code] for code in found.codes] == values
    assert len(set(known)) == len(known)
    assert found.at(np.arange(len(values))).to_pylist() == values
    assert [found.code_of(one) for one in "abcd"] == [known.index(one) if one in known else -2 for one in "abcd"]


def test_a_column_of_nothing_has_no_number_and_no_value() -> None:
    table = pa.table({"empty": pa.chunked_array([], pa.int64()), "text": pa.chunked_array([], pa.string())})
    nothing = pa.table({"null": pa.nulls(3)})
    assert integers_of(table, "empty").tolist() == []
    assert present(nothing, "null").tolist() == [False] * 3
    assert (encode(table, "text").codes.tolist(), encode(table, "text").values.to_pylist()) == ([], [])
    assert flags(pa.chunked_array([], pa.bool_())).tolist() == []
    assert valid(pa.chunked_array([], pa.bool_())).tolist() == []


@pytest.mark.parametrize(("most", "kind"), [(65_535, np.uint16), (65_536, np.int64)])
def test_keys_are_sorted_as_short_ones_where_none_is_longer(most: int, kind: type) -> None:
    keys = np.array([3, most, 0], np.int64)
    assert small(keys).dtype == kind
    assert small(keys).tolist() == keys.tolist()


@settings(deadline=None)
@given(st.lists(st.sampled_from([-3, 0, 1, 7, TABLE - 1, TABLE, 2**62]), max_size=12))
def test_groups_are_numbered_in_the_order_of_their_keys(keys: list[int]) -> None:
    distinct, places = dense_groups(np.array(keys, np.int64))
    assert distinct.tolist() == sorted(set(keys))
    assert (distinct.dtype, places.dtype) == (np.int64, np.int64)
    assert [distinct[place] for place in places] == keys
