"""The Timeline in a browser: keys, wheel, search, measuring, selection, links, both colour schemes; and Kernels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest

from tests.dashboard_runs import HOSTILE, gpu_run
from tests.recorded import Sample, samples_table
from tracer.captures.timeline import Timeline, read_timeline
from tracer.figure_text import count_text, time_text
from tracer.runs.run_store import stored_run

pytestmark = pytest.mark.slow

FRAME = "iframe.stCustomComponentV1"
FINISHED = "canvas[data-detail=there]"


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    traces = tmp_path_factory.mktemp("traces")
    folder = gpu_run(traces, "gpu")
    run = stored_run(folder)
    start = int(run.windows()["start_ns"][-1].as_py())
    readings = [
        Sample(start + step * 1_000_000, source, quantity, value + step)
        for step in range(9)
        for source, quantity, value in (("gpu", "frequency_hz", 114_750_000), ("rail:VDD_IN", "power_mw", 5000))
    ]
    (folder / "samples").mkdir()
    pq.write_table(samples_table(readings, run.info.run_id), folder / "samples" / "part.parquet")
    return traces


@pytest.fixture(scope="module")
def timeline(traces: Path) -> Timeline:
    return read_timeline(stored_run("gpu", traces))


class Watched:
    """A page, what its console said, and where it asked."""

    def __init__(self, browser: Any, address: str, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
        self.page.set_default_timeout(60_000)
        self.address = address
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message: Any) -> None:
        # Below a page's path Streamlit first looks for its server there; the answer is a 404 by design.
        known = message.type == "error" and "_stcore" in message.location.get("url", "")
        if message.type == "error" and not known:
            self.said.append(f"{message.text} {message.location}")

    def timeline(self, query: str = "run=gpu") -> Any:
        """The component, drawn."""
        self.page.goto(f"{self.address}/timeline?{query}")
        frame = self.page.frame_locator(FRAME)
        frame.locator(FINISHED).wait_for()
        return frame

    def leave(self) -> None:
        local = (self.address, self.address.replace("http", "ws"), "data:", "blob:")
        assert self.said == []
        assert all(url.startswith(local) for url in self.asked)
        self.page.close()

    def asks_for(self, **wanted: str) -> dict[str, str]:
        """The address's parameters, once each of ``wanted`` is found in its own."""
        for key, pattern in wanted.items():
            self.page.wait_for_url(re.compile(f"[?&]{key}={pattern}"))
        return {key: values[0] for key, values in parse_qs(urlsplit(self.page.url).query).items()}


def view_of(frame: Any) -> tuple[int, int]:
    canvas = frame.locator("canvas")
    return int(canvas.get_attribute("data-from")), int(canvas.get_attribute("data-to"))


def wide(view: tuple[int, int]) -> int:
    return view[1] - view[0]


def pressed(frame: Any, key: str) -> tuple[int, int]:
    """The view after a key, which the canvas has painted."""
    before = int(frame.locator("canvas").get_attribute("data-painted"))
    frame.locator("canvas").press(key)
    frame.locator("canvas").evaluate(
        """(canvas, before) => new Promise((done) => {
            const look = () => (Number(canvas.dataset.painted) > before ? done() : requestAnimationFrame(look));
            look();
        })""",
        before,
    )
    return view_of(frame)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_pages_are_drawn_without_an_error_or_a_request_that_leaves_the_machine(
    address: str, browser: Any, scheme: str
) -> None:
    watched = Watched(browser, address, scheme)
    frame = watched.timeline()
    grounds = frame.locator("canvas").evaluate(
        "canvas => [getComputedStyle(document.body).color, getComputedStyle(document.getElementById('panel')).color]"
    )
    light = sum(map(int, re.findall(r"\d+", grounds[0])[:3])) > 380
    assert light == (scheme == "dark")
    # The frame has the very font of the page around it, not a font of that name that the machine may lack.
    faces = frame.locator("canvas").evaluate(
        """async () => {
            const family = (element) => getComputedStyle(element).fontFamily;
            const font = family(parent.document.querySelector("[data-testid=stMain]"));
            return [family(document.body) === font, (await document.fonts.load(`12px ${font}`)).length > 0];
        }"""
    )
    assert faces == [True, True]
    assert frame.locator("canvas").bounding_box()["width"] > 600
    assert frame.locator("canvas").get_attribute("aria-label").startswith("Timeline of the run: 7 lanes. ")
    watched.page.goto(f"{address}/kernels?run=gpu")
    watched.page.locator(".kp-rows, .kp-ground").nth(1).wait_for()
    watched.leave()


def test_keys_and_the_wheel_zoom_and_move_and_a_link_shows_the_very_view(
    address: str, browser: Any, timeline: Timeline
) -> None:
    watched = Watched(browser, address)
    frame = watched.timeline()
    first = timeline.nearest_captured(-1)
    assert first is not None
    span = timeline.inference_span(first, first)
    assert span is not None
    before = view_of(frame)
    assert before[0] < span[0] < span[1] < before[1]
    closer = pressed(frame, "w")
    assert wide(closer) == pytest.approx(wide(before) / 1.5, abs=2)
    assert sum(closer) == pytest.approx(sum(before), abs=4)
    later = pressed(frame, "d")
    assert later[0] - closer[0] == pytest.approx(wide(closer) / 4, abs=2)
    assert pressed(frame, "a") == pytest.approx(closer, abs=2)
    assert pressed(frame, "s") == pytest.approx(before, abs=4)
    box = frame.locator("canvas").bounding_box()
    watched.page.mouse.move(box["x"] + box["width"] - 10, box["y"] + 60)
    watched.page.mouse.wheel(0, -200)
    frame.locator(f"canvas:not([data-from='{before[0]}'])").wait_for()
    zoomed = view_of(frame)
    assert wide(zoomed) < wide(before)
    assert before[1] - zoomed[1] < zoomed[0] - before[0]
    asked = watched.asks_for(**{"from": str(zoomed[0]), "to": str(zoomed[1])})
    other = Watched(browser, address)
    assert view_of(other.timeline(urlsplit(watched.page.url).query)) == zoomed
    assert asked["run"] == "gpu"
    other.leave()
    watched.leave()


def test_a_slash_searches_enter_leads_from_hit_to_hit_and_a_name_is_only_text(address: str, browser: Any) -> None:
    watched = Watched(browser, address)
    frame = watched.timeline()
    frame.locator("canvas").press("/")
    watched.page.keyboard.type("img src=x")
    frame.get_by_text("46 hits").wait_for()
    watched.page.keyboard.press("Enter")
    frame.locator("#panel dd").first.get_by_text(HOSTILE, exact=True).wait_for()
    places = [frame.locator("#hits").inner_text()]
    watched.page.keyboard.press("Enter")
    frame.locator("#hits").get_by_text(re.compile(r"^(?!" + places[0] + r"$)\d+ of 46$")).wait_for()
    assert frame.locator("img").count() == 0
    asked = watched.asks_for(slice=r"\d+-\d+", find="img")
    other = Watched(browser, address)
    again = other.timeline(urlsplit(watched.page.url).query)
    assert again.locator("#panel dd").first.inner_text() == HOSTILE
    assert again.locator("#find").input_value() == asked["find"] == "img src=x"
    other.leave()
    watched.leave()


def test_a_click_selects_a_slice_and_arrow_keys_lead_on_to_its_kernel(
    address: str, browser: Any, timeline: Timeline
) -> None:
    watched = Watched(browser, address)
    frame = watched.timeline()
    first = timeline.nearest_captured(-1)
    assert first is not None
    box = frame.locator("canvas").bounding_box()
    # The first lane, in the middle of the one inference that is in view.
    frame.locator("canvas").click(position={"x": box["width"] * 0.6, "y": 45})
    facts = frame.locator("#panel dl")
    facts.get_by_text(count_text(first), exact=True).wait_for()
    assert "lasts" in facts.inner_text()
    for _ in range(4):
        frame.locator("canvas").press("ArrowDown")
    facts.get_by_text("launched by").wait_for()
    told = facts.inner_text()
    assert "launched in stage\nsession_run" in told
    assert f"after inference {count_text(first)} began" in told
    assert "cudaLaunchKernel (CUDA calls, thread 101)" in told
    frame.locator("canvas").press("Escape")
    frame.get_by_text("Click a slice to see what it is").wait_for()
    watched.leave()


def test_a_drag_with_shift_measures_and_the_sums_are_of_what_lies_in_the_range(address: str, browser: Any) -> None:
    watched = Watched(browser, address)
    frame = watched.timeline()
    view, box = view_of(frame), frame.locator("canvas").bounding_box()
    watched.page.keyboard.down("Shift")
    watched.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    watched.page.mouse.down()
    watched.page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=4)
    watched.page.mouse.up()
    watched.page.keyboard.up("Shift")
    asked = watched.asks_for(measure=r"\d+-\d+")
    start, end = map(int, asked["measure"].split("-"))
    assert view[0] < start < end < view[1]
    frame.locator("#panel h2").get_by_text(time_text(end - start)).wait_for()
    row = frame.locator("#panel tbody tr", has_text="session_run").inner_text().split("\t")
    assert row[1:3] == ["stages", "1"]
    assert view_of(frame) == view
    watched.leave()


def test_a_question_mark_shows_the_keys_and_the_slowest_inference_is_a_click_away(
    address: str, browser: Any, timeline: Timeline
) -> None:
    watched = Watched(browser, address)
    frame = watched.timeline()
    assert not frame.locator("#help").is_visible()
    frame.locator("canvas").press("?")
    frame.get_by_text("Enter leads to the next hit").wait_for()
    number, length = timeline.slowest() or (0, 0)
    line = frame.locator("#slowest")
    assert f"({time_text(length)})" in line.inner_text()
    line.get_by_role("button", name=count_text(number), exact=True).click()
    span = timeline.inference_span(number, number)
    assert span is not None
    watched.page.wait_for_function(
        """([selector, start, end]) => {
            const canvas = document.querySelector(selector).contentDocument.querySelector("canvas");
            return Number(canvas.dataset.from) < start && Number(canvas.dataset.to) > end
                && canvas.dataset.to - canvas.dataset.from < 2 * (end - start);
        }""",
        arg=[FRAME, *span],
    )
    watched.leave()


def test_the_view_as_a_table_tells_what_is_drawn_and_times_read_as_everywhere(address: str, browser: Any) -> None:
    watched = Watched(browser, address)
    frame = watched.timeline()
    frame.locator("summary").click()
    frame.locator("#table tbody td").get_by_text(HOSTILE, exact=True).first.wait_for()
    lengths = [0, 1, 999, 1000, 12_345, 999_994, 999_996, 12_345_678, 999_994_999, 999_996_000, 61_000_000_000]
    said = frame.locator("canvas").evaluate(
        "async (_, lengths) => { const { timeText } = await import('./times.js'); return lengths.map(timeText); }",
        lengths,
    )
    assert said == [time_text(one) for one in lengths]
    watched.leave()
