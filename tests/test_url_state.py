"""What an address says, and what it cannot say."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from dashboard.url_state import UrlState, link, read_url

NAMES = st.text(min_size=1, max_size=40).filter(str.isprintable)
NUMBERS = st.integers(0, 10**18 - 1)


@given(
    st.builds(
        UrlState,
        run=st.none() | NAMES,
        runs=st.lists(NAMES, max_size=3, unique=True).map(tuple),
        window=st.none() | NUMBERS,
        inference=st.none() | NUMBERS,
        bounds=st.none() | st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))),
        stage=st.none() | NAMES,
        device=st.none() | NAMES,
        selected=st.none() | st.tuples(NUMBERS, NUMBERS),
        measured=st.none() | st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))),
        find=st.none() | NAMES,
    )
)
def test_a_link_shows_what_it_was_made_of(state: UrlState) -> None:
    address = urlsplit(link("timeline", state))
    assert (address.scheme, address.netloc, address.path) == ("", "", "/timeline")
    pairs = parse_qsl(address.query, keep_blank_values=True)
    assert read_url(dict(pairs), [value for key, value in pairs if key == "with"]) == state


@given(
    st.dictionaries(
        st.sampled_from(["run", "window", "inference", "from", "to", "stage", "device", "slice", "measure", "find"]),
        st.text(),
    )
)
def test_no_address_is_an_error(params: dict[str, str]) -> None:
    state = read_url(params, params.values())
    assert state.window is None or state.window >= 0
    assert state.bounds is None or state.bounds[0] <= state.bounds[1]


def test_numbers_are_digits_and_bounds_are_in_order() -> None:
    assert read_url({"window": "-1", "inference": "1e9"}) == UrlState()
    assert read_url({"window": "٣", "inference": "9" * 40}) == UrlState()
    assert read_url({"from": "5", "to": "4"}).bounds is None
    assert read_url({"measure": "5-4", "slice": "5-4"}) == UrlState(selected=(5, 4))
    assert read_url({"measure": "-4", "slice": "1-2-3"}) == UrlState()
    assert read_url({"from": "5", "to": "5"}).bounds == (5, 5)
