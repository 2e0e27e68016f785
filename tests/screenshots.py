"""``make screenshots``: the README's pictures, of the sample run in a real browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.commands.dashboard import dashboard_command
from tests.conftest import ROOT
from tests.test_dashboard_browser import CHROMIUM, Visit

RUN = "sample-cpu"
FOLDER = ROOT / "dashboard" / "screenshots"
PICTURES = {
    "overview": (f"?run={RUN}", 1500),
    "timeline": (f"timeline?run={RUN}&inference=8100", 820),
}
"""Name of each picture, its address, and how many pixels of its height are kept."""


def main() -> None:
    """Take them."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.is_file():
        sys.exit(f"needs a browser, {CHROMIUM}, which is not there; KWS_TRACE_CHROMIUM names another")
    FOLDER.mkdir(exist_ok=True)
    with _served(ROOT / "traces") as address, sync_playwright() as library:
        browser = library.chromium.launch(executable_path=str(CHROMIUM))
        for name, (path, height) in PICTURES.items():
            visit = Visit(browser, address)
            visit.open(path)
            visit.page.set_viewport_size({"width": 1280, "height": height})
            visit.page.wait_for_timeout(1000)
            visit.settle()
            visit.page.screenshot(path=str(FOLDER / f"{name}.png"))
            visit.leave()
        browser.close()


@contextmanager
def _served(traces: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(dashboard_command(traces, port), cwd=ROOT, env=environment, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


if __name__ == "__main__":
    main()
