"""One palette for all pages, seen on a light and on a dark ground."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.vega import worded
from tracer.captures.cuda_calls import CALL_KINDS
from tracer.palette import (
    BY_MEANING,
    EDGE,
    EMPTY_CELL,
    HEAT,
    INK,
    KERNELS,
    LETTERS,
    LINES,
    OTHERS,
    PAPER,
    STATES,
    colours,
    rgb,
    timeline_colours,
)
from tracer.reports.breakdown_rows import PART_TEXTS
from tracer.stages import INFERENCE_STAGES
from tracer.trust.judgement import ORDER

ROOT = Path(__file__).parents[1]
GROUNDS = {"light": ["#ffffff"], "dark": ["#0e1117", "#171614"]}
"""Streamlit's, by its versions."""
MARKS = sorted({*BY_MEANING.values(), *KERNELS, *OTHERS, *LINES})


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    shares = (value / 255 for value in rgb(colour))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("ground", [one for each in GROUNDS.values() for one in each])
@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_told_from_the_ground(mark: str, ground: str) -> None:
    assert contrast(mark, ground) >= 3


@pytest.mark.parametrize("mark", MARKS)
def test_letters_on_a_mark_are_read(mark: str) -> None:
    assert contrast(mark, LETTERS) >= 4.5


@pytest.mark.parametrize("scheme", PAPER)
@pytest.mark.parametrize("words", ["ink", "quiet"])
@pytest.mark.parametrize("ground", ["ground", "panel"])
def test_the_words_of_a_document_are_read(scheme: str, words: str, ground: str) -> None:
    assert contrast(PAPER[scheme][words], PAPER[scheme][ground]) >= 4.5


@pytest.mark.parametrize("scheme", GROUNDS)
def test_the_words_of_a_chart_are_read_on_the_ground_of_its_page(scheme: str) -> None:
    config = worded({}, scheme)["config"]
    words = {config["text"]["color"], *config["axis"].values(), *config["legend"].values()}
    assert min(contrast(word, ground) for word in words for ground in GROUNDS[scheme]) >= 4.5


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_trust_bears_letters(state: str) -> None:
    assert contrast(STATES[state], LETTERS) >= 4.5


def test_a_stage_has_one_colour_on_every_page() -> None:
    stages = ["dequantize", "host_to_device", "session_run", "readback", "inference", "several"]
    assert timeline_colours(stages) == colours(stages)


def test_the_stages_of_an_inference_differ_from_one_another() -> None:
    stages = colours(["dequantize", "host_to_device", "session_run", "readback"])
    assert len(set(stages)) == 4


def test_every_colour_is_six_digits() -> None:
    sheets = [one for sheet in PAPER.values() for one in sheet.values()]
    every = [*MARKS, *HEAT, *STATES.values(), *sheets, EMPTY_CELL, INK, LETTERS, EDGE.removesuffix("60")]
    assert [one for one in every if not re.fullmatch("#[0-9a-f]{6}", one)] == []
    assert contrast(INK, EMPTY_CELL) >= 4.5


def test_what_has_a_colour_is_something_that_the_product_shows() -> None:
    paths = (path for folder in ("tracer", "runner", "dashboard") for path in (ROOT / folder).rglob("*.py"))
    shown = "".join(path.read_text() for path in paths if path.name != "palette.py")
    calls = {f"call: {kind}" for kind in CALL_KINDS}
    assert calls <= BY_MEANING.keys()
    assert [one for one in BY_MEANING if f'"{one}"' not in shown and one not in calls] == []
    assert set(STATES) == set(ORDER)
    assert {frozenset(sheet) for sheet in PAPER.values()} == {frozenset(("ground", "panel", "ink", "quiet", "rule"))}


def test_each_part_of_an_inference_has_a_colour_of_its_meaning() -> None:
    assert [text for text in PART_TEXTS.values() if text not in BY_MEANING] == []
    assert [stage for stage in INFERENCE_STAGES if stage not in BY_MEANING] == []


def test_no_other_module_holds_a_colour() -> None:
    holding = [
        str(path.relative_to(ROOT))
        for folder in ("tracer", "runner", "dashboard")
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix in (".py", ".js", ".css", ".html")
        and re.search(r"#[0-9a-fA-F]{6}\b|(?<!delta_)color=\"[a-z]+\"", path.read_text())
    ]
    assert holding == ["tracer/palette.py"]


def test_parts_without_a_meaning_are_told_apart_from_one_another_and_from_those_with_one() -> None:
    shown = colours(["GPU busy", *(f"configuration {number}" for number in range(11))])
    assert len(set(shown)) == 12
