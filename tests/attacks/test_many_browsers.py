"""
Many windows of a browser on the dashboard while a run is recorded: the record loses nothing, every page is answered.

``KWS_TRACE_BROWSERS`` says how many, as ``make browsers`` does; with it there are twenty visitors too, else four.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.visitors import Visitor, failures
from tests.benchmarks.processes import started_cpu_s
from tests.children import PATIENCE_S, meanwhile, served_dashboard, wait_until
from tests.needs import chromium
from tests.serial_client import Client, running_dut
from tracer.runs.run_store import stored_run

ASKED = os.environ.get("KWS_TRACE_BROWSERS")
BROWSERS, VISITORS = int(ASKED or "3"), 20 if ASKED else 4
PAGES = ("overview", "stages", "timeline", "runs", "limits", "kernels", "compare")
LIMIT_MS = 600_000.0
PROGRAMS = {"chromium": b"chromium", "the server": b"dashboard.serve"}
COMPARED = 15
"""Windows of 300 inferences by which a DUT alone is held against one beside browsers."""


def drawn(browser: Any, address: str, number: int) -> Any:
    """A window of its own profile, as another visitor's, on one of the pages, when it stands there."""
    page = browser.new_context().new_page()
    page.set_default_timeout(LIMIT_MS)
    page.goto(f"{address}/{PAGES[number % len(PAGES)].replace('overview', '')}?run=run")
    page.locator("h1").first.wait_for()
    assert not page.locator("[data-testid=stException]").count(), page.url
    return page


def spent_s() -> dict[str, float]:
    """CPU seconds of each program."""
    return {name: started_cpu_s(word) for name, word in PROGRAMS.items()}


class Driven:
    """A DUT that records ``run`` while a host asks for windows, and the dashboard of it at ``address``."""

    def __init__(self, folder: Path) -> None:
        self.traces, self._folder = folder / "traces", folder
        self.answered, self.longest_s, self.address = 0, 0.0, ""
        self.long_s: list[float] = []

    def median_ms(self) -> float:
        """Of the next ``COMPARED`` windows of 300 inferences."""
        before = len(self.long_s)
        wait_until(lambda: len(self.long_s) >= before + COMPARED, "windows go on", LIMIT_MS / 1000)
        return 1000 * statistics.median(self.long_s[before:])

    @contextmanager
    def beside(self) -> Iterator[None]:
        """The block runs beside it; then every window has to be in the record."""
        with running_dut(self._folder) as dut, Client(self._folder / "dut") as client:
            client.load(bytes(490))
            client.ask(b"infer 300 1%")

            def drive(stop: threading.Event) -> None:
                while not stop.is_set():
                    began, count = time.monotonic(), 300 if self.answered % 10 == 9 else 1
                    client.ask(b"infer %d 1%%" % count)
                    self.longest_s = max(self.longest_s, time.monotonic() - began)
                    self.answered += 1
                    if count > 1:
                        self.long_s.append(time.monotonic() - began)

            with served_dashboard(self.traces, self._folder / "log") as self.address, meanwhile(drive):
                yield
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=PATIENCE_S) as health:
                    assert health.status == 200
            dut.terminate()
            assert dut.wait(PATIENCE_S) == 0
        run = stored_run("run", self.traces)
        assert (run.state, run.dropped) == ("complete", [])
        assert [one["state"] for one in run.windows().to_pylist()] == ["complete"] * (self.answered + 1)
        assert "Traceback" not in (self._folder / "log").read_text()


@pytest.mark.timeout(1_800)
def test_many_browsers_cost_a_run_that_is_recorded_no_window(tmp_path: Path) -> None:
    pytest.importorskip("streamlit")
    driven = Driven(tmp_path)
    with driven.beside():
        alone = [driven.median_ms()]
        with chromium() as browser:
            before, began = spent_s(), time.monotonic()
            # One after the other: all at once, each waits for what the others take, and none can be told from a hang.
            pages = [drawn(browser, driven.address, number) for number in range(BROWSERS)]
            took, each = time.monotonic() - began, {name: it - before[name] for name, it in spent_s().items()}
            # All of them are open now, and refresh while it goes on.
            beside = driven.median_ms()
            for page in pages:
                assert not page.locator("[data-testid=stException]").count(), page.url
        alone.append(driven.median_ms())
    said = ", ".join(f"{name} {spent / BROWSERS:.1f}" for name, spent in each.items())
    print(f"{BROWSERS} windows drawn in {took:.0f} s; seconds of CPU for each: {said}; load {os.getloadavg()[0]:.0f}")
    print(f"{driven.answered} answers, the longest after {driven.longest_s:.2f} s; median window of 300 inferences")
    print(f"{alone[0]:.0f} ms before, {beside:.0f} ms beside {BROWSERS} open windows, {alone[1]:.0f} ms after")


@pytest.mark.timeout(1_800)
def test_visitors_that_see_every_page_at_once_cost_a_run_that_is_recorded_no_window(tmp_path: Path) -> None:
    """A visitor holds the session that a browser's page holds, and draws nothing: many need no browser each."""
    pytest.importorskip("streamlit")
    driven = Driven(tmp_path)

    def visit(number: int) -> float:
        began = time.monotonic()
        for place in range(len(PAGES)):
            page = PAGES[(number + place) % len(PAGES)].replace("overview", "")
            assert failures(visitors[number].ask(page, {"run": "run"})) == []
        return time.monotonic() - began

    with driven.beside(), ExitStack() as closing, ThreadPoolExecutor(VISITORS) as many:
        visitors = [closing.enter_context(Visitor(driven.address, LIMIT_MS / 1000)) for _ in range(VISITORS)]
        longest_s = max(many.map(visit, range(VISITORS)))
    print(f"{VISITORS} visitors saw {len(PAGES)} pages each, the last within {longest_s:.1f} s")
    print(f"{driven.answered} answers of the DUT, the longest after {driven.longest_s:.2f} s")
