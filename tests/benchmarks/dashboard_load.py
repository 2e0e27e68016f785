"""
The dashboard on a run of 1,000,000 spans and 300,000 kernels, in a real browser.

The first page is timed from the request to the drawn timeline, each step of zoom and pan from its key to the painted
frame and to the frame in which no detail lacks, beside an empty Streamlit page, a page of one bar (what any chart
costs) and a page that draws every mark from pandas, in one run on one machine; each in a server of its own, whose
memory is read. ``painted_s`` is the first request to a new server, ``painted_again_s`` a later one.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from runner.commands.dashboard import STREAMLIT_OPTIONS, dashboard_command
from tests.children import free_port, running, wait_until
from tests.dashboard_runs import STAGES
from tests.needs import chromium
from tests.profiles import EXECUTOR, MAIN, PROCESS
from tests.recorded import info
from tracer.captures.stored_capture import write_capture
from tracer.profiles.profile import PROFILE_TABLES, Profile
from tracer.recording.window import RecordedWindow
from tracer.runs.run_info import write_run_info
from tracer.runs.run_store import stored_run
from tracer.runs.run_writer import RunWriter

SPANS, KERNELS, LAUNCHES = 1_000_000, 300_000, 10
STEPS, PANS = 24, 12
CHART = ".stVegaLiteChart canvas, .stVegaLiteChart svg"
DRAWN = "iframe.stCustomComponentV1 >> internal:control=enter-frame >> canvas[data-detail=there]"

WATCHED = """() => {
    const canvas = document.getElementById("canvas");
    window.taken = [];
    let begun = 0, painted = 0, before = 0;
    document.addEventListener("keydown", (event) => {
        begun = event.timeStamp;
        before = Number(canvas.dataset.painted);
        painted = 0;
    }, true);
    new MutationObserver(() => {
        if (!begun || Number(canvas.dataset.painted) <= before) return;
        // The component draws in an animation frame: a task behind it comes when that is painted.
        const [own, there] = [begun, canvas.dataset.detail === "there"];
        setTimeout(() => {
            if (own !== begun) return;
            painted ||= performance.now() - own;
            if (!there) return;
            window.taken.push([painted, performance.now() - own]);
            begun = 0;
        }, 0);
    }).observe(canvas, { attributes: true, attributeFilter: ["data-painted", "data-detail"] });
}"""
"""Notes of each key how many milliseconds pass until the component has painted, and until it asks nothing more."""

EMPTY = "import streamlit as st\nst.markdown('ready')\n"
ONE_CHART = """
import streamlit as st
bar = {"data": {"values": [{"a": 1, "b": 2}]}, "mark": "bar", "encoding": {"x": {"field": "a"}, "y": {"field": "b"}}}
st.vega_lite_chart(bar)
"""
EVERY_MARK = """
import sys
import altair as alt, pandas as pd, streamlit as st
from tracer.runs.run_store import stored_run
frame = stored_run(sys.argv[1]).spans().to_pandas()
frame = frame.sort_values("start_ns").head(int(sys.argv[2]))
frame = frame.assign(start=frame.start_ns - frame.start_ns.min())
frame = frame.assign(end=frame.start + frame.duration_ns)[["stage", "start", "end"]]
alt.data_transformers.disable_max_rows()
st.altair_chart(alt.Chart(frame).mark_bar().encode(x="start:Q", x2="end:Q", y="stage:N", color="stage:N"))
st.markdown("ready")
"""


def measure(spans: int = SPANS, kernels: int = KERNELS, marks: tuple[int, ...] = (10_000, 100_000)) -> dict[str, Any]:
    """``timeline`` (seconds to painted, zoom step, memory), ``empty_page_s`` and ``every_mark`` from pandas."""
    with tempfile.TemporaryDirectory() as folder:
        run = large_run(Path(folder), spans, kernels)
        scripts = {}
        for name, text in (("empty", EMPTY), ("one", ONE_CHART), ("every", EVERY_MARK)):
            scripts[name] = Path(folder) / f"{name}.py"
            scripts[name].write_text(text)
        options = (*STREAMLIT_OPTIONS, "--server.address=127.0.0.1")
        own = [sys.executable, "-m", "streamlit", "run"]
        empty = _page([*own, str(scripts["empty"]), *options], "", "text=ready")
        one = _page([*own, str(scripts["one"]), *options], "", CHART)
        timeline = _timeline(run)
        every = {
            f"{count}_of_the_spans": _page(
                [*own, str(scripts["every"]), *options, "--", str(run), str(count)], "", CHART
            )
            for count in marks
        }
    return {
        "spans": spans,
        "kernels": kernels,
        "empty_page": empty,
        "page_of_one_bar": one,
        "timeline": {**timeline, "beyond_empty_s": round(timeline["painted_s"] - empty["painted_s"], 2)},
        "every_mark_from_pandas": every,
    }


def large_run(traces: Path, spans: int, kernels: int, name: str = "large", seed: int = 1) -> Path:
    """Three stages an inference; the first are captured, with ten kernels each from two executor threads."""
    edges = _edges(spans // len(STAGES) + 1, seed)
    writer = RunWriter.create(traces, name, info(name), print)
    count, end = len(edges), int(edges[-1, -1])
    start = int(edges[0, 0])
    facts = ("performance", "complete", count, 0, start // 1000, end // 1000, start, end, 0, 0, STAGES)
    writer.append(RecordedWindow(0, *facts, edges, (), None, (0.0,) * 12, 0))
    writer.close()
    run = stored_run(traces / name)
    captured = edges[: kernels // LAUNCHES]
    write_capture(run.folder, 0, _capture(captured), run.info.run_id)
    facts_of_it = {
        "source": "nsys",
        "version": "made up",
        "traced": ["cuda", "nvtx"],
        "process": PROCESS,
        "first_inference": 0,
        "inferences": len(captured),
        "gpu_work": kernels,
        "file": "made-up",
        "ingested": "2026-01-01T00:00:00.000+00:00",
        "clock": {"offset_ns": -float(start), "rate_ppm": 0.0, "outside_ns": 0.0, "bracket_ns": 100.0},
    }
    write_run_info(run.folder / "run.json", replace(run.info, captures=[facts_of_it]))
    return run.folder


def _edges(count: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    lengths = (np.array([30_000, 340_000, 30_000]) * rng.lognormal(0, 0.05, (count, 3))).astype(np.int64)
    begins = 10**12 + np.cumsum(np.r_[0, lengths.sum(axis=1)[:-1] + 2_000])
    return begins[:, None] + np.c_[np.zeros(count, np.int64), np.cumsum(lengths, axis=1)]


def _capture(edges: Any) -> Profile:
    edges = edges - edges[0, 0]
    count = len(edges)
    place = np.tile(np.arange(LAUNCHES), count)
    step = (edges[:, 2] - edges[:, 1]) // (LAUNCHES + 1)
    launch = np.repeat(edges[:, 1], LAUNCHES) + place * np.repeat(step, LAUNCHES) + 5_000
    ids = np.arange(len(launch)) + 1
    kernels = pa.array([f"void cutlass::Kernel<cutlass_{number}_gemm>(Params)" for number in range(LAUNCHES)])
    work = {
        "kind": pa.DictionaryArray.from_arrays(np.zeros(len(ids), np.int32), pa.array(["kernel"])),
        "name": pa.DictionaryArray.from_arrays(place.astype(np.int32), kernels),
        "device": np.zeros(len(ids), np.int32),
        "stream": 7 + place % 2,
        "bytes": pa.nulls(len(ids), pa.int64()),
        "start_ns": launch + 9_000,
        "end_ns": launch + 9_000 + np.repeat(step, LAUNCHES) // 2,
        "correlation_id": ids,
    }
    calls = {
        "thread": EXECUTOR + place % 2,
        "name": pa.DictionaryArray.from_arrays(np.zeros(len(ids), np.int32), pa.array(["cudaLaunchKernel"])),
        "start_ns": launch,
        "end_ns": launch + 6_000,
        "correlation_id": ids,
    }
    starts = np.concatenate([edges[:, 0] - 100, *(edges[:, stage] + 50 for stage in range(3))])
    ends = np.concatenate([edges[:, -1] + 100, *(edges[:, stage + 1] - 50 for stage in range(3))])
    rows = len(starts)
    names = pa.array(["inference", *STAGES])
    ranges = {
        "thread": np.full(rows, MAIN),
        "domain": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["kws-trace"])),
        "name": pa.DictionaryArray.from_arrays(np.repeat(np.arange(4, dtype=np.int32), count), names),
        "payload": pa.array(np.tile(np.arange(count), 4), mask=np.arange(rows) >= count),
        "style": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(["push_pop"])),
        "start_ns": starts,
        "end_ns": ends,
    }
    tables = {"gpu_work": work, "api_calls": calls, "nvtx_ranges": ranges}
    made = {}
    for name, columns in tables.items():
        rows, schema = len(columns["start_ns"]), PROFILE_TABLES[name]
        given = {"process": np.full(rows, PROCESS), **columns}
        made[name] = pa.table({one: given.get(one, pa.nulls(rows)) for one in schema.names}).cast(schema)
    none = PROFILE_TABLES["host_ops"].empty_table()
    return Profile(Path("made-up"), "nsys", "made up", frozenset({"cuda", "nvtx"}), host_ops=none, **made)


@contextmanager
def served(command: list[str], more: Mapping[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """A server, its port and its process id; ``more`` of its environment."""
    port = free_port()
    place = command.index("--") if "--" in command else len(command)
    command = [word for word in command[:place] if "server.port" not in word] + command[place:]
    command.insert(
        next(at for at, word in enumerate(command) if word.startswith("--server")), f"--server.port={port}"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), **(more or {})}
    with running(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        wait_until(lambda: _listens(port), "the dashboard listens")
        yield port, server.pid


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _memory_mb(pid: int, line: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(status.split(f"{line}:")[1].split()[0]) / 1024, 1)


def _painted(browser: Any, url: str, wanted: str) -> tuple[Any, float]:
    page = browser.new_page(viewport={"width": 1500, "height": 1300})
    begin = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(wanted, timeout=180_000)
    # The script has ended, and what it sent is drawn: two frames later.
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=180_000)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page, time.perf_counter() - begin


def _page(command: list[str], path: str, wanted: str) -> dict[str, Any]:
    with served(command) as (port, pid), chromium() as browser:
        url = f"http://127.0.0.1:{port}/{path}"
        _, first = _painted(browser, url, wanted)
        again = [_painted(browser, url, wanted)[1] for _ in range(3)]
        return {
            "painted_s": round(first, 2),
            "painted_again_s": round(statistics.median(again), 2),
            "memory_mb": _memory_mb(pid, "VmRSS"),
        }


def _timeline(run: Path) -> dict[str, Any]:
    command = dashboard_command(run.parent, 1)
    with served(command) as (port, pid), chromium() as browser:
        url = f"http://127.0.0.1:{port}/timeline?run={run.name}"
        page, first = _painted(browser, url, DRAWN)
        again = [_painted(browser, url, DRAWN)[1] for _ in range(3)]
        return {
            "painted_s": round(first, 2),
            "painted_again_s": round(statistics.median(again), 2),
            **_steps(page),
            "memory_mb": _memory_mb(pid, "VmRSS"),
            "peak_memory_mb": _memory_mb(pid, "VmHWM"),
        }


def _steps(page: Any) -> dict[str, Any]:
    """From a key to its frame painted, and to all that is in view drawn with its detail; first of the whole run."""
    frame = page.locator("iframe.stCustomComponentV1").element_handle().content_frame()
    frame.evaluate(WATCHED)
    took: dict[str, list[list[float]]] = {"zoom": [], "pan": []}
    for keys in ("0", *(STEPS * "w"), *(PANS * "d"), *(STEPS * "s")):
        before = frame.evaluate("() => window.taken.length")
        frame.press("canvas", keys)
        frame.wait_for_function("before => window.taken.length > before", arg=before, timeout=60_000)
        if keys == "0":
            page.wait_for_timeout(1000)
        kind = {"w": "zoom", "s": "zoom", "d": "pan"}.get(keys)
        if kind:
            took[kind].append(frame.evaluate("() => window.taken.at(-1)"))
    found: dict[str, Any] = {}
    for kind, pairs in took.items():
        for place, what in enumerate(("painted", "detailed")):
            ms = [pair[place] for pair in pairs]
            found[f"{kind}_{what}_ms"] = {"median": round(statistics.median(ms), 1), "longest": round(max(ms), 1)}
    return found
