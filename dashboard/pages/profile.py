"""Profile: the breakdown of any program's profile, as `kws-trace breakdown` has it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.markdown_text import plain
from dashboard.overview_charts import icicle_drawing, icicle_height
from dashboard.pages.chrome import card, drawing, lines, metrics, table
from dashboard.pages.export_button import offer_document
from dashboard.pages.head import page_head
from dashboard.profile_view import (
    facts_text,
    part_frame,
    slowest_frame,
    stage_frame,
    wall_metrics,
    work_frame,
)
from tracer.report_types.breakdown import BreakdownReport
from tracer.reports.advised_gains import gain_note, gain_rows
from tracer.reports.breakdown_text import kernel_lines
from tracer.reports.html.export import ProfilePage
from tracer.reports.html.handed_page import read_page
from tracer.reports.html.style import style_sheet
from tracer.reports.overview_rows import lead_sentence, unit_icicle
from tracer.reports.unit_text import words_of


def show(path: Path) -> None:
    """The page that `kws-trace dashboard PROFILE` left in ``path``."""
    page: ProfilePage = st.cache_resource(read_page)(path)
    head = page_head("Profile")
    head.facts.text(facts_text(page.figures))
    with head.after:
        export_profile(page)
    st.set_page_config(page_title=f"{page.figures['profile']} - Profile")
    show_breakdown(page)


def export_profile(page: ProfilePage) -> None:
    """Offer the document of a profile, the one that `breakdown --html` writes."""
    offer_document(str(page.figures["profile"]), page.html, "The breakdown")


def show_breakdown(page: ProfilePage) -> None:
    """Sentence, times, nested bars and gains at first sight; one table at a time below."""
    figures = page.figures
    with st.container(key="wide_lead"):
        left, right = st.columns([11, 9], gap="medium")
    with left:
        sentence = lead_sentence(figures)
        st.markdown(f"## {plain(sentence) if sentence else 'No GPU timeline: stages alone'}")
        lines([f"{figures['range']['sentence']}."])
    with right:
        with st.container(key="small_metrics"):
            metrics(wall_metrics(figures))
        if figures["slowest"] is not None:
            lines([f"Slowest: {figures['slowest']['sentence']}."])
    parts = unit_icicle(figures)
    drawing(icicle_drawing(parts, words_of(figures).each), "icicle", icicle_height(parts))
    _gains(figures)
    _tables(page)


def _gains(figures: BreakdownReport) -> None:
    words = words_of(figures)
    rows = gain_rows(figures, words)
    if not rows:
        return
    for column, row in zip(st.columns(len(rows)), rows, strict=True):
        card(
            column,
            row["title"],
            f"-{row['gain']}",
            f"{row['interval']}; then {row['rate']}",
            gain_note(figures, words),
        )


def _tables(page: ProfilePage) -> None:
    figures = page.figures
    slowest, gpu = slowest_frame(figures), figures["gpu"]
    shown = {
        "Kinds": partial(table, part_frame(figures), height="content"),
        "Stages": partial(table, stage_frame(figures), height="content") if figures["stages"] else None,
        "Kernels": partial(_works, figures) if figures["kernels"] or figures["copies"] else None,
        "Slowest": partial(table, slowest, height="content") if slowest is not None else None,
        "Timeline": partial(_timeline, page.timeline) if page.timeline else None,
        "How it was measured": partial(lines, [*(kernel_lines(gpu) if gpu else []), *figures["notes"]]),
    }
    there = {name: draw for name, draw in shown.items() if draw}
    names = list(there)
    chosen = st.segmented_control(
        "Table", names, default=names[0], key="table", bind="query-params", label_visibility="collapsed"
    )
    there[chosen if chosen in there else names[0]]()


def _works(figures: BreakdownReport) -> None:
    for works in (figures["kernels"], figures["copies"]):
        if works:
            table(work_frame(figures, works))


def _timeline(drawing: str) -> None:
    """In a frame of its own, whose style sheet touches nothing else and in which nothing acts."""
    st.iframe(f"<style>{style_sheet()}body{{background:none}}</style>{drawing}", height=420)
