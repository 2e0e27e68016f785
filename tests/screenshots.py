"""
``make screenshots``: pictures of the pages in a real browser, to be looked at after a change of what they show.

The README's are of one sample run; those of every page of the sample run with a GPU, and of the lists of a made-up
fleet with a ladder, light and dark and ``WIDTHS`` wide, go to ``FOLDER/pages``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.children import served_dashboard
from tests.conftest import ROOT
from tests.fleet_runs import fleet_run
from tests.needs import CHROMIUM, NO_CHROMIUM, chromium
from tests.saved_ladders import saved_ladder
from tests.test_dashboard_browser import Visit
from tracer.fleet.baselines import set_baseline
from tracer.runs.run_store import stored_run

FOLDER = ROOT / "dashboard" / "screenshots"
README = {
    "overview": ("?run=sample-cpu", 800),
    "timeline": ("timeline?run=sample-cpu&inference=8100", 820),
}
"""Name of each picture, its address, and how many pixels of its height are kept."""

RUN = "sample-gpu"
PAGES = ("overview", "stages", "kernels", "limits", "timeline", "compare")
LISTS = ("runs", "fleet", "ladder")
WIDTHS = {768: 1024, 1280: 800, 1920: 1080}
"""Of a screen, and its height; in pixels."""


def main() -> None:
    """Take them."""
    if not CHROMIUM.is_file():
        sys.exit(NO_CHROMIUM)
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        fleet = Path(name) / "traces"
        made_up(fleet)
        for traces, visits in ((ROOT / "traces", _visits()), (fleet, _of_lists())):
            with served_dashboard(traces, Path(name) / "log") as address:
                for (path, scheme), pictures in visits:
                    _take(Visit(browser, address, scheme), path, pictures)


def made_up(traces: Path) -> None:
    """Two configurations on three boards, of which one is slow, with a baseline; and a saved ladder."""
    for number in range(18):
        slower = (1 + 0.004 * (number % 4)) * (1.2 if number % 3 == 2 else 1.0) * (1.35 if number % 2 else 1.0)
        board = ("bench", "desk", "rack")[number % 3]
        fleet_run(
            traces, f"run-{number:02}", 7 * number, configuration=number % 2, board=board, slower=slower, seed=number
        )
    held = [stored_run(f"run-{number:02}", traces) for number in (0, 4, 6)]
    set_baseline(traces, "release", {run.info.run_id: run.name for run in held})
    saved_ladder(traces, "climb")


def _take(visit: Visit, path: str, pictures: dict[Path, dict[str, int]]) -> None:
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


def _of_lists() -> Iterator[tuple[tuple[str, str], dict[Path, dict[str, int]]]]:
    for page in LISTS:
        for scheme in ("light", "dark"):
            yield (f"{page}?baseline=release" if page == "fleet" else page, scheme), _pictures(page, scheme)


def _pictures(page: str, scheme: str) -> dict[Path, dict[str, int]]:
    return {
        FOLDER / "pages" / f"{page}-{scheme}-{width}.png": {"width": width, "height": height}
        for width, height in WIDTHS.items()
    }


def _visits() -> Iterator[tuple[tuple[str, str], dict[Path, dict[str, int]]]]:
    """Address and colour scheme of each visit, and its pictures with their screens."""
    for name, (path, height) in README.items():
        yield (path, "light"), {FOLDER / f"{name}.png": {"width": 1280, "height": height}}
    for page in PAGES:
        path = f"{'' if page == 'overview' else page}?run={RUN}"
        for scheme in ("light", "dark"):
            yield (path, scheme), _pictures(page, scheme)


def _packed(picture: Path) -> None:
    """As WebP without loss, two fifths of the bytes."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").save(picture.with_suffix(".webp"), lossless=True, method=6)
    picture.unlink()


if __name__ == "__main__":
    main()
