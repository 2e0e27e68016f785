"""
Many windows of a browser on the dashboard while a run is recorded: the record loses nothing, every page is answered.

``KWS_TRACE_BROWSERS`` says how many, as ``make browsers`` does.
"""

from __future__ import annotations

import os
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.children import PATIENCE_S, meanwhile, served_dashboard, wait_until
from tests.needs import chromium
from tests.serial_client import Client, running_dut
from tracer.runs.run_store import stored_run

BROWSERS = int(os.environ.get("KWS_TRACE_BROWSERS", "3"))
PAGES = ("overview", "stages", "timeline", "runs", "limits", "kernels", "compare")
LIMIT_MS = 600_000.0


def opened(browser: Any, address: str, number: int) -> Any:
    page = browser.new_context().new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}/{PAGES[number % len(PAGES)].replace('overview', '')}?run=run")
    return page


@pytest.mark.timeout(1_800)
def test_many_browsers_cost_a_run_that_is_recorded_no_window(tmp_path: Path) -> None:
    pytest.importorskip("streamlit")
    traces, answered, longest_s = tmp_path / "traces", 0, 0.0
    with running_dut(tmp_path) as dut, Client(tmp_path / "dut") as client:
        client.load(bytes(490))
        client.ask(b"infer 300 1%")

        def drive(stop: threading.Event) -> None:
            nonlocal answered, longest_s
            while not stop.is_set():
                began = time.monotonic()
                client.ask(b"infer %d 1%%" % (300 if answered % 10 == 9 else 1))
                longest_s = max(longest_s, time.monotonic() - began)
                answered += 1

        with served_dashboard(traces, tmp_path / "log") as address, chromium() as browser, meanwhile(drive):
            pages = [opened(browser, address, number) for number in range(BROWSERS)]
            for page in pages:
                page.locator("h1").first.wait_for()
                assert not page.locator("[data-testid=stException]").count(), page.url
            before = answered
            # All of them are open now, and refresh while it goes on.
            wait_until(lambda: answered >= before + 50, "windows go on", LIMIT_MS / 1000)
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=PATIENCE_S) as health:
                assert health.status == 200
        dut.terminate()
        assert dut.wait(PATIENCE_S) == 0
    run = stored_run("run", traces)
    assert (run.state, run.dropped) == ("complete", [])
    assert [one["state"] for one in run.windows().to_pylist()] == ["complete"] * (answered + 1)
    print(f"{BROWSERS} windows: {answered} answers, the longest after {longest_s:.2f} s")
