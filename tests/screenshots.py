"""
``make screenshots``: pictures of the pages in a real browser, to be looked at after a change of what they show.

The README's are of one sample run; those of every page of the sample run with a GPU, light and dark and ``WIDTHS``
wide, go to ``FOLDER/pages``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.children import served_dashboard
from tests.conftest import ROOT
from tests.needs import CHROMIUM, NO_CHROMIUM, chromium
from tests.test_dashboard_browser import Visit

FOLDER = ROOT / "dashboard" / "screenshots"
README = {
    "overview": ("?run=sample-cpu", 800),
    "timeline": ("timeline?run=sample-cpu&inference=8100", 820),
}
"""Name of each picture, its address, and how many pixels of its height are kept."""

RUN = "sample-gpu"
PAGES = ("overview", "stages", "kernels", "limits", "timeline", "compare")
WIDTHS = {768: 1024, 1280: 800, 1920: 1080}
"""Of a screen, and its height; in pixels."""


def main() -> None:
    """Take them."""
    if not CHROMIUM.is_file():
        sys.exit(NO_CHROMIUM)
    with (
        tempfile.TemporaryDirectory() as folder,
        served_dashboard(ROOT / "traces", Path(folder) / "log") as address,
        chromium() as browser,
    ):
        for (path, scheme), pictures in _visits():
            visit = Visit(browser, address, scheme)
            visit.open(path)
            for picture, size in pictures.items():
                visit.page.set_viewport_size(size)
                visit.page.wait_for_timeout(1000)
                visit.settle()
                picture.parent.mkdir(exist_ok=True)
                visit.page.screenshot(path=str(picture))
                if picture.parent != FOLDER:
                    _packed(picture)
            visit.leave()


def _visits() -> Iterator[tuple[tuple[str, str], dict[Path, dict[str, int]]]]:
    """Address and colour scheme of each visit, and its pictures with their screens."""
    for name, (path, height) in README.items():
        yield (path, "light"), {FOLDER / f"{name}.png": {"width": 1280, "height": height}}
    for page in PAGES:
        path = f"{'' if page == 'overview' else page}?run={RUN}"
        for scheme in ("light", "dark"):
            pictures = {
                FOLDER / "pages" / f"{page}-{scheme}-{width}.png": {"width": width, "height": height}
                for width, height in WIDTHS.items()
            }
            yield (path, scheme), pictures


def _packed(picture: Path) -> None:
    """As WebP without loss, two fifths of the bytes."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").save(picture.with_suffix(".webp"), lossless=True, method=6)
    picture.unlink()


if __name__ == "__main__":
    main()
