"""
The state of a page in its address, so that a link shows a colleague the same view.

Whatever an address says is untrusted: numbers are digits, and a run is a name that
``tracer.runs.run_files.run_folder`` still has to find directly within the traces folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

_NUMBER = re.compile(r"[0-9]{1,18}\Z")
LONGEST_NAME = 255
"""Bytes of a folder's name at most, on the file systems that there are."""


@dataclass(frozen=True, slots=True)
class UrlState:
    """
    What an address asks a page to show; None or empty where it does not say, or says nonsense.

    Args:
        run: name of the run's folder.
        runs: names of further runs, those that Compare holds against ``run``.
        window: number of a window.
        inference: number of an inference.
        bounds: ``from`` and ``to``, in the page's own unit; the first is never the larger.
        stage: name of a stage.
        device: key of a device whose limits are shown.
        selected: a lane of the timeline and a row of it.
        measured: start and end of the timeline's measured range, ns; the first is never the larger.
        find: what the timeline searches.
    """

    run: str | None = None
    runs: tuple[str, ...] = ()
    window: int | None = None
    inference: int | None = None
    bounds: tuple[int, int] | None = None
    stage: str | None = None
    device: str | None = None
    selected: tuple[int, int] | None = None
    measured: tuple[int, int] | None = None
    find: str | None = None

    def view_parameters(self) -> dict[str, str | None]:
        """What a timeline shows, as parameters of its address; None of what it does not."""
        first, last = self.bounds or (None, None)
        return {
            "from": None if first is None else str(first),
            "to": None if last is None else str(last),
            "slice": _joined(self.selected),
            "measure": _joined(self.measured),
            "find": self.find,
        }


def read_url(params: Mapping[str, str], runs: Iterable[str] = ()) -> UrlState:
    """
    The state in the parameters of an address.

    Args:
        params: the last value of each.
        runs: every value of ``with``, the runs to compare with.
    """
    return UrlState(
        run=_name(params.get("run")),
        runs=tuple(dict.fromkeys(name for name in map(_name, runs) if name)),
        window=_number(params.get("window")),
        inference=_number(params.get("inference")),
        bounds=_ordered(_both(params.get("from"), params.get("to"))),
        stage=_name(params.get("stage")),
        device=_name(params.get("device")),
        selected=_pair(params.get("slice")),
        measured=_ordered(_pair(params.get("measure"))),
        find=_name(params.get("find")),
    )


def link(page: str, state: UrlState) -> str:
    """The address of ``page``, as a path on the same server, that shows ``state``; what is None is not in it."""
    asked = {key: getattr(state, key) for key in ("run", "window", "inference", "stage", "device")}
    asked |= {**state.view_parameters(), "with": state.runs or None}
    known = {key: value for key, value in asked.items() if value is not None}
    return f"/{page}?{urlencode(known, doseq=True, quote_via=quote, errors='replace')}".rstrip("?")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.match(text) else None


def _both(first: str | None, second: str | None) -> tuple[int, int] | None:
    one, other = _number(first), _number(second)
    return None if one is None or other is None else (one, other)


def _pair(text: str | None) -> tuple[int, int] | None:
    """Of ``3-250``."""
    first, _, second = (text or "").partition("-")
    return _both(first, second)


def _joined(pair: tuple[int, int] | None) -> str | None:
    return None if pair is None else f"{pair[0]}-{pair[1]}"


def _ordered(pair: tuple[int, int] | None) -> tuple[int, int] | None:
    return pair if pair and pair[0] <= pair[1] else None


def _name(text: str | None) -> str | None:
    if not text or len(text.encode(errors="replace")) > LONGEST_NAME or not text.isprintable():
        return None
    return text
