"""The picture in a browser's tab, drawn: a symbol named to Streamlit would be fetched from an outside server."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from tracer.palette import BLUE, RED, TEAL, rgb

_BARS = ((4, 9, 28, RED), (13, 18, 20, TEAL), (22, 27, 12, BLUE))
"""First and last column, height, colour."""


@cache
def tab_icon() -> Image.Image:
    """Three bars on nothing, 32 by 32."""
    picture = np.zeros((32, 32, 4), np.uint8)
    for first, last, height, colour in _BARS:
        picture[30 - height : 30, first : last + 1] = (*rgb(colour), 255)
    return Image.fromarray(picture)
