"""
Each page of the dashboard on a run of 1,000,000 spans and 300,000 kernels, in a real browser.

From the click in the list of pages to the frame in which every chart and table in view is painted: ``new`` in a
server that was just started, of a run that was never read; ``kept`` in another such server, when its summary lies in
the cache folder; ``warm`` once it was shown in that server, the median of ``WARM`` visits. With each the CPU seconds
of the server and of the browser's renderers, and the kilobytes that the server sent. The floor is a page with a title
alone, in a Streamlit application of two.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.commands.dashboard import STREAMLIT_OPTIONS, dashboard_command
from tests.benchmarks.dashboard_load import KERNELS, SPANS, large_run, served
from tests.benchmarks.processes import renderers_cpu_s, tree_cpu_s
from tests.needs import chromium

BEFORE, WARM = "ladder", 5
"""The page from which each is clicked, which reads no run, and how often it is clicked once it is known."""

PAGES = ("overview", "stages", "kernels", "limits", "timeline", "compare", "runs", "fleet")
EMPTY = """
import streamlit as st
st.set_page_config(layout="wide", initial_sidebar_state="expanded")
def start(): st.title("Start")
def one(): st.title("One")
def two(): st.title("Two")
st.navigation([st.Page(page, title=page.__name__.capitalize()) for page in (start, one, two)]).run()
"""

WATCHER = """
document.addEventListener("click", (event) => { window.clicked = event.timeStamp; }, true);
const known = new WeakSet();
const drawn = (canvas) => {
    if (known.has(canvas)) return true;
    const context = canvas.width && canvas.height && canvas.getContext("2d");
    if (!context) return false;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    if (!new Uint32Array(data.buffer).some((pixel) => pixel)) return false;
    known.add(canvas);
    return true;
};
const chartDrawn = (chart) => {
    const canvas = chart.querySelector("canvas");
    return canvas ? drawn(canvas) : Boolean(chart.querySelector("svg path"));
};
const inView = (element) => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility() && box.width > 0 && box.top < innerHeight && box.bottom > 0;
};
const there = (title) => {
    const all = (name) => [...document.querySelectorAll(`[data-testid=${name}]`)];
    if (document.querySelector("h1")?.textContent.trim() !== title) return false;
    if (document.querySelector("[data-testid=stApp]").dataset.testScriptState !== "notRunning") return false;
    if (all("stSpinner").length || all("stSkeleton").length) return false;
    if (!all("stVegaLiteChart").filter(inView).every(chartDrawn)) return false;
    if (!all("stDataFrame").filter(inView).every((frame) => frame.querySelector("canvas"))) return false;
    return [...document.querySelectorAll("iframe.stCustomComponentV1")].every((frame) =>
        frame.contentDocument?.querySelector("canvas[data-detail=there]"));
};
window.painted = (title, begun) => new Promise((done) => {
    let at = 0;
    // What comes later, however late the script has ended, was not painted before.
    const observer = new MutationObserver(() => { at = 0; });
    observer.observe(document.body, { childList: true, subtree: true });
    const look = () => {
        const fits = there(title);
        setTimeout(() => {
            // A task behind the frame comes when that is painted.
            at = fits ? at || performance.now() : 0;
            if (!at || performance.now() - at < 300) return requestAnimationFrame(look);
            observer.disconnect();
            done(at - begun);
        }, 0);
    };
    requestAnimationFrame(look);
});
"""


def measure(spans: int = SPANS, kernels: int = KERNELS, warm: int = WARM) -> dict[str, Any]:
    """Of each page and of the empty one what ``new``, ``kept`` and ``warm`` visits cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        traces = folder / "traces"
        for seed, run in enumerate(("before", "large")):
            for path in large_run(traces, spans, kernels, run, seed).rglob("*"):
                # A file that changed just now is not kept; the run of a user is older.
                os.utime(path, (1_700_000_000, 1_700_000_000))
        script = folder / "empty.py"
        script.write_text(EMPTY)
        empty = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            str(script),
            *STREAMLIT_OPTIONS,
            "--server.address=127.0.0.1",
        ]
        ours = dashboard_command(traces, 1)
        floor = _page_cost(empty, folder / "none", ("one", "two"), warm)
        pages = {page: _page_cost(ours, folder / f"cache-{page}", (BEFORE, page), warm) for page in PAGES}
    return {"spans": spans, "kernels": kernels, "empty_page": floor, "pages": pages}


def _page_cost(command: list[str], cache: Path, names: tuple[str, str], warm: int) -> dict[str, Any]:
    found = {}
    for kind in ("new", "kept"):
        with _opened(command, cache, names[0]) as browsed:
            found[kind] = browsed.visit(names[1])
            if kind == "kept":
                visits = []
                for _ in range(warm):
                    browsed.visit(names[0])
                    visits.append(browsed.visit(names[1]))
                found["warm"] = {key: round(statistics.median(one[key] for one in visits), 3) for key in visits[0]}
    return found


@contextmanager
def _opened(command: list[str], cache: Path, page: str) -> Iterator[Browsed]:
    """A new server and a browser that shows ``page`` of it."""
    with served(command, {"XDG_CACHE_HOME": str(cache)}) as (port, pid), chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(WATCHER)
        shown = context.new_page()
        shown.set_default_timeout(180_000)
        sizes: list[int] = []
        shown.on("websocket", lambda socket: socket.on("framereceived", lambda data: sizes.append(len(data))))
        shown.goto(f"http://127.0.0.1:{port}/{page}")
        shown.evaluate("title => window.painted(title, 0)", page.capitalize())
        yield Browsed(shown, sizes, lambda: tree_cpu_s(pid))


@dataclass(frozen=True, slots=True)
class Browsed:
    """A page in a browser, the sizes of what came to it by now, and the CPU seconds of its server."""

    page: Any
    sizes: list[int]
    server_cpu_s: Callable[[], float]

    def visit(self, name: str) -> dict[str, float]:
        """Click a page's name in the list: ``painted_s``, ``server_cpu_s``, ``renderer_cpu_s`` and ``sent_kb``."""
        before = (self.server_cpu_s(), renderers_cpu_s(), sum(self.sizes))
        title = name.capitalize()
        self.page.locator("[data-testid=stSidebarNavLink]").filter(has_text=title).click()
        took_ms = self.page.evaluate("title => window.painted(title, window.clicked)", title)
        after = (self.server_cpu_s(), renderers_cpu_s(), sum(self.sizes))
        server, renderer, sent = (late - early for late, early in zip(after, before, strict=True))
        return {
            "painted_s": round(took_ms / 1000, 3),
            "server_cpu_s": round(server, 2),
            "renderer_cpu_s": round(renderer, 2),
            "sent_kb": round(sent / 1000, 1),
        }
