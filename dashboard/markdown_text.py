"""Untrusted text within Markdown: shown as it is."""

from __future__ import annotations

import re

_MEANT = re.compile(r"([!-/:-@\[-`{-~])")
"""ASCII punctuation: each of these CommonMark takes as it is after a backslash."""


def plain(text: str) -> str:
    """``text`` for ``st.markdown`` and the like: no markup, colour, formula or link of it is taken for one."""
    return _MEANT.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """``text`` as a code span, whatever backticks it holds: CommonMark ends a span at a run of as many only."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    if not longest:
        return f"`{text}`"
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}"


def with_commands(text: str) -> str:
    """A sentence whose commands stand between backticks, as Markdown: these as code, all else as it is."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    return "".join(code(part) if place % 2 and part else plain(part) for place, part in enumerate(parts))
