"""The place on the Runs page where a session or a profile is dropped."""

from __future__ import annotations

import hashlib

import streamlit as st

from dashboard.dropped import MOST_MB, dropped_profile, dropped_session, is_session
from dashboard.pages.chrome import lines, problem
from dashboard.pages.profile import export_profile, show_breakdown
from dashboard.pages.sign_in import published
from tracer.errors import KwsTraceError
from tracer.reports.html.export import ProfilePage


def drop_box() -> None:
    """Offer it, on this machine only; what is dropped stays in memory until the page is left."""
    if published():
        return
    with st.expander("Judge a session, or break a profile down, without keeping it", icon=":material/upload_file:"):
        dropped = st.file_uploader(
            "The files of one session (log.txt, results.txt, results.json), or one profile (SQLite, JSON, xplane.pb)",
            accept_multiple_files=True,
            max_upload_size=MOST_MB,
            key="runs_dropped",
        )
    if not dropped:
        return
    files = [(one.name, bytes(one.getbuffer())) for one in dropped]
    try:
        with st.spinner("Reading"):
            if is_session([name for name, _ in files]):
                lines(dropped_session(files))
                return
            if len(files) > 1:
                problem("Several files, of which none is a session's log.", "Drop one profile, or a session's files.")
                return
            page = _profile(files[0])
    except KwsTraceError as error:
        problem("It cannot be read.", str(error))
        return
    export_profile(page)
    show_breakdown(page)


def _profile(file: tuple[str, bytes]) -> ProfilePage:
    """Once for the file, though each choice of a table does the page again."""
    mark = hashlib.sha256(file[1]).hexdigest()
    kept = st.session_state.get("dropped_profile")
    if kept is None or kept[0] != mark:
        kept = st.session_state["dropped_profile"] = (mark, dropped_profile(file))
    page: ProfilePage = kept[1]
    return page
