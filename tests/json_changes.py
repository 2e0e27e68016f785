"""Documents of JSON with one value changed, for tests of what is refused."""

from __future__ import annotations

import copy
from typing import Any


def changed(facts: Any, place: tuple[Any, ...], value: Any) -> Any:
    """With another value at a place; ``...`` takes the place out."""
    if not place:
        return None if value is ... else value
    made = copy.deepcopy(facts)
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return made
