"""The type of a table that a view makes and a page or a chart takes."""

from __future__ import annotations

from typing import Any

Frame = Any
"""A pandas DataFrame; pandas comes with types that need not be installed."""
