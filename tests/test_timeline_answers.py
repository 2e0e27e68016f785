"""What the timeline's component is answered, whatever a browser asks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.timeline_answers import ARROWS, answer
from dashboard.timeline_questions import Kept, Shown, around, kept_of, moved, read_asked
from tests.conftest import ROOT
from tests.dashboard_runs import HOSTILE, KERNELS, gpu_run
from tracer.arrow_arrays import NO_ROW
from tracer.captures.timeline import read_timeline
from tracer.runs.run_store import stored_run

COLUMNS = (("from", "<f8"), ("to", "<f8"), ("busy", "<f4"), *((one, "<i4") for one in ("lane", "name", "row")))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    traces = tmp_path_factory.mktemp("traces")
    gpu_run(traces, "gpu")
    return kept_of("mark", read_timeline(stored_run("gpu", traces)), ())


def question(kept: Kept, **more: Any) -> dict[str, Any]:
    number = kept.timeline.nearest_captured(-1) or 0
    view = list(around(kept.timeline, number, number) or ())
    return {"mark": "mark", "turn": 1, "view": view, "pixels": 1000, "marks": True, **more}


def columns_of(head: dict[str, Any], data: bytes) -> dict[str, Any]:
    """As ``marks.js`` reads them."""
    found, at = {}, 0
    for name, kind in COLUMNS:
        size = np.dtype(kind).itemsize * head["marks"]
        found[name] = np.frombuffer(data[at : at + size], kind)
        at += size
    return found


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    changed=st.dictionaries(
        st.sampled_from(
            ["turn", "view", "pixels", "selected", "measured", "find", "step", "inference", "marks", "whole"]
        ),
        ANYTHING | st.tuples(ANYTHING, ANYTHING).map(list),
    )
)
def test_whatever_a_browser_asks_is_brought_within_the_run_and_answered(kept: Kept, changed: dict[str, Any]) -> None:
    asked = read_asked({**question(kept), **changed}, kept)
    if asked is None:
        return
    shown = moved(kept, asked)
    start, end = shown.bounds
    assert 0 <= start < end <= kept.timeline.end_ns
    found = answer(kept, asked, shown, "turn 1")
    json.dumps({name: value for name, value in found.items() if not isinstance(value, bytes)}, allow_nan=False)


@pytest.mark.parametrize("value", [None, 5, [], {}, {"mark": "of another run", "turn": 1, "view": [0, 1]}])
def test_what_is_no_question_about_this_run_is_answered_as_if_nothing_were_asked(kept: Kept, value: Any) -> None:
    assert read_asked(value, kept) is None


def test_the_first_answer_holds_the_whole_run_and_three_views_around_the_one_shown(kept: Kept) -> None:
    number = (kept.timeline.nearest_captured(-1) or 0) + 5
    view = around(kept.timeline, number, number)
    assert view is not None
    found = answer(kept, None, Shown(view), "address")
    whole = columns_of(found["whole"], found["whole_marks"])
    assert {kept.lanes[lane].label for lane in set(whole["lane"].tolist())} == {lane.label for lane in kept.lanes}
    near = columns_of(found["near"], found["near_marks"])
    wide = view[1] - view[0]
    assert (found["near"]["start"], found["near"]["end"]) == (view[0] - wide, view[1] + wide)
    for place, lane in enumerate(kept.lanes):
        first, last = lane.within(view[0] - wide, view[1] + wide)
        here = near["lane"] == place
        assert near["row"][here].tolist() == list(range(first, last))
        assert near["from"][here].astype(int).tolist() == lane.start_ns[first:last].tolist()
    names = [row[1] for row in found["near"]["names"]]
    assert HOSTILE in names
    assert "implicit_convolve_sgemm" in [row[0] for row in found["near"]["names"]]
    touching = kept.arrows.between(view[0] - wide, view[1] + wide)
    assert len(found["near"]["arrows"]["rows"]) == len(touching) >= 3 * KERNELS


def test_marks_are_sent_only_where_they_lack(kept: Kept) -> None:
    asked = read_asked(question(kept, marks=False), kept)
    assert asked is not None
    found = answer(kept, asked, asked.shown, "")
    assert not {"near", "whole", "near_marks", "whole_marks"} & set(found)


def test_many_launches_are_no_arrows_and_that_is_said(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.timeline_answers.ARROWS", 5)
    found = answer(kept, None, Shown((0, kept.timeline.end_ns)), "")
    assert found["near"]["arrows"]["rows"] == []
    assert "up to 5 launches" in found["near"]["arrows"]["says"]
    assert ARROWS > KERNELS


def test_a_step_of_the_search_selects_the_next_hit_and_shows_it_wide_enough_to_be_read(kept: Kept) -> None:
    asked = read_asked(question(kept, find="convolve", step=1), kept)
    assert asked is not None
    shown = moved(kept, asked)
    assert shown.selected is not None
    lane, row = shown.selected
    begin, end = int(kept.lanes[lane].start_ns[row]), int(kept.lanes[lane].end_ns[row])
    assert shown.bounds[0] < begin < end < shown.bounds[1]
    assert (shown.bounds[1] - shown.bounds[0]) <= 40 * (end - begin)
    found = answer(kept, asked, shown, "turn 1")
    assert found["hits"].endswith(" of 46")
    assert "implicit_convolve_sgemm" in dict(found["facts"])["name"]
    again = read_asked(question(kept, find="convolve", step=-1, selected=[lane, row], view=list(shown.bounds)), kept)
    assert again is not None
    assert moved(kept, again).selected != shown.selected


def test_a_measured_range_is_summed_in_words_by_name(kept: Kept) -> None:
    number = kept.timeline.nearest_captured(-1) or 0
    span = kept.timeline.inference_span(number, number)
    assert span is not None
    sums = answer(kept, None, Shown(span, measured=span), "")["sums"]
    rows = {(name, lane): texts for name, lane, *texts in sums["rows"]}
    assert rows["inference", "inferences"][::2] == ["1", "100.0 %"]
    assert rows[HOSTILE, "GPU 0, stream 7"][0] == "2"
    assert sums["title"].startswith(f"{(span[1] - span[0]) / 1000:.2f} us ")


def test_the_slowest_inference_says_whether_it_was_profiled_and_which_is_the_nearest_that_was(kept: Kept) -> None:
    slowest = answer(kept, None, Shown((0, 1)), "")["slowest"]
    nearest = kept.timeline.nearest_captured(slowest["number"])
    if nearest == slowest["number"]:
        assert slowest["says"] == "it was profiled"
    else:
        assert (slowest["says"], slowest["nearest"]) == ("it was not profiled; the nearest that was:", nearest)
    asked = read_asked(question(kept, inference=slowest["number"]), kept)
    assert asked is not None
    assert moved(kept, asked).bounds == around(kept.timeline, slowest["number"], slowest["number"])
    assert NO_ROW < slowest["number"] < kept.timeline.inferences


@pytest.mark.slow
def test_the_components_files_are_in_the_wheel(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "dashboard").symlink_to(ROOT / "dashboard")
    made = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", made], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "dashboard" / "timeline").iterdir()}
    assert "dashboard/timeline/main.js" in files
    assert files <= set(ZipFile(wheel).namelist())
