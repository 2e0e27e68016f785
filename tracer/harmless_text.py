"""What a terminal or a page would obey in a text, whatever file it came from, and the text without it."""

from __future__ import annotations

import re

_OBEYED = re.compile(
    # C0 but tab and newline, DEL and C1; what turns the direction of text; what ends a line elsewhere; surrogates.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """A text of several lines without anything else that a terminal would obey."""
    return _OBEYED.sub("\ufffd", text)
