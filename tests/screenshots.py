"""``make screenshots``: the README's pictures, of the sample run in a real browser."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.children import served_dashboard
from tests.conftest import ROOT
from tests.needs import CHROMIUM, NO_CHROMIUM, chromium
from tests.test_dashboard_browser import Visit

RUN = "sample-cpu"
FOLDER = ROOT / "dashboard" / "screenshots"
PICTURES = {
    "overview": (f"?run={RUN}", 800),
    "timeline": (f"timeline?run={RUN}&inference=8100", 820),
}
"""Name of each picture, its address, and how many pixels of its height are kept."""


def main() -> None:
    """Take them."""
    if not CHROMIUM.is_file():
        sys.exit(NO_CHROMIUM)
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served_dashboard(ROOT / "traces", Path(folder) / "log") as address,
        chromium() as browser,
    ):
        for name, (path, height) in PICTURES.items():
            visit = Visit(browser, address)
            visit.open(path)
            visit.page.set_viewport_size({"width": 1280, "height": height})
            visit.page.wait_for_timeout(1000)
            visit.settle()
            visit.page.screenshot(path=str(FOLDER / f"{name}.png"))
            visit.leave()


if __name__ == "__main__":
    main()
